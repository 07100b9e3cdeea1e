// Package report prints a judged change.Set. One format is one function in one
// file and one row in Formats. No format judges or counts: what it prints comes
// from the Set's own methods, so that formats cannot disagree.
package report

import (
	"io"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// Options tells a format what the user wants to see.
type Options struct {
	// Color allows ANSI colours.
	Color bool
	// ShowHidden also prints what noise hides.
	ShowHidden bool
	// FailOn are the classes that make the verdict risky.
	FailOn []change.Risk
	// ExitCode is the code with which the process will end.
	ExitCode int
}

// Format is one way to print a Set.
type Format struct {
	Name  string
	About string
	Write func(w io.Writer, set *change.Set, opt Options) error
}
