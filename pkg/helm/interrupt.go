package helm

import (
	"context"
	"errors"
	"runtime/debug"
)

// errInterrupted is returned when the context ends before the work does.
var errInterrupted = errors.New("interrupted")

// Panic is what a panic in another goroutine becomes in the goroutine that waits
// for it.
type Panic struct {
	Value any
	Stack []byte // where it happened
}

// interruptible runs f and returns its result, or an error as soon as ctx is
// done. Most of what Helm does cannot be told to stop; as nothing is ever
// written, it may be left behind. A panic in f becomes a Panic of the caller.
func interruptible[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type outcome struct {
		value    T
		err      error
		panicked *Panic
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			if p := recover(); p != nil {
				o.panicked = &Panic{p, debug.Stack()}
			}
			done <- o
		}()
		o.value, o.err = f()
	}()
	select {
	case <-ctx.Done():
		var zero T
		return zero, errInterrupted
	case o := <-done:
		if o.panicked != nil {
			panic(o.panicked)
		}
		return o.value, o.err
	}
}
