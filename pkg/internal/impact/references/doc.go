// Package references holds the rules about names in objects: of what is not there, or of what
// changes without being seen.
package references
