package renderer

import "golang.org/x/sys/unix"

const limitsMemory = true

// limitMemory limits what the process can write to: RLIMIT_DATA counts private writable
// mappings (since Linux 4.7), but not the address space that Go reserves, which is far
// larger than what it uses, and which RLIMIT_AS would count.
func limitMemory(bytes uint64) error {
	return unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: bytes, Max: bytes})
}
