// Package firstgc holds garbage collection back while the program starts. Go collects at
// 4 MiB for the first time, and again whenever memory has doubled; what is in use by then
// are the types of Kubernetes, which all stay.
//
// It is a package of its own, and imports next to nothing, so that it comes before those that
// register types.
package firstgc

import (
	"os"
	"runtime"
	"runtime/debug"
)

// untilThen is how much may be in use before the first collection.
const untilThen = 64 << 20

// The variable is there for the call alone: it comes before those of packages that import more.
var _ = hold()

// hold turns collection off until memory comes to its limit, and from then on leaves it to
// Go. It reports whether it did; not if the user has said when to collect.
func hold() bool {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return false
	}
	percent, limit := debug.SetGCPercent(-1), debug.SetMemoryLimit(untilThen)
	first := new([16]byte) // nobody holds it: the first collection takes it
	runtime.SetFinalizer(first, func(*[16]byte) {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
	})
	return true
}
