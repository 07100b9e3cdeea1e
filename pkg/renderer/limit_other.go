//go:build !linux

package renderer

const limitsMemory = false

// limitMemory does nothing: no limit that other systems have is of the memory that Go
// uses.
func limitMemory(uint64) error { return nil }
