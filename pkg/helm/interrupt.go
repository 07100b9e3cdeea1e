package helm

import (
	"context"
	"errors"
)

// errInterrupted is returned when the context ends before the work does.
var errInterrupted = errors.New("interrupted")

// interruptible runs f and returns its result, or an error as soon as ctx is
// done. Most of what Helm does cannot be told to stop; as nothing is ever
// written, it may be left behind. A panic in f becomes one of the caller.
func interruptible[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type outcome struct {
		value    T
		err      error
		panicked any
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			o.panicked = recover()
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
