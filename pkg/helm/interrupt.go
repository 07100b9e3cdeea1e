package helm

import (
	"context"
	"errors"
	"runtime/debug"
)

// errInterrupted is returned when the context ends before the work does.
var errInterrupted = errors.New("interrupted")

// PanicError is a panic on the way: a defect, of Helm or of this program.
type PanicError struct {
	// Value is what was panicked with. It may quote input.
	Value any
	// Stack tells where.
	Stack []byte
}

// Error says no more than that it happened.
func (*PanicError) Error() string { return "stopped at a defect" }

// interruptible runs f and returns its result, or an error as soon as ctx is
// done. Most of what Helm does cannot be told to stop; as nothing is ever
// written, it may be left behind. A panic in f is a PanicError.
func interruptible[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			if p := recover(); p != nil {
				o.err = &PanicError{p, debug.Stack()}
			}
			done <- o
		}()
		o.value, o.err = f()
	}()
	select {
	case <-ctx.Done():
	case o := <-done:
		if ctx.Err() == nil {
			return o.value, o.err
		}
	}
	var zero T
	return zero, errInterrupted
}
