package cli

import (
	"os"
	"runtime/debug"
)

// What one run may take: a garbage collector that works seldom is a third of the
// speed, and memory that is not taken away from others costs nobody anything.
const (
	gcPercent    = 400
	memoryBase   = 96 << 20 // bytes, the program itself included
	memoryFactor = 3        // times the size of all that is read
)

// spendMemory lets the garbage collector wait until about 96 MiB and three times
// the input are in use, unless the environment says how it is to work.
func spendMemory(input int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryBase + memoryFactor*int64(input))
	}
}
