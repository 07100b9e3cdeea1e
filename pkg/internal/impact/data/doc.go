// Package data holds the rules about stored data: claims and volumes that pods no longer mount,
// or mount in another way, and data that another version of a program cannot read.
package data
