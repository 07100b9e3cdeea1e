// Package workloads holds the rules about pods of workloads and hooks: whether some are there all
// the time, how many there are, whether they start, and whether they come to an end.
package workloads
