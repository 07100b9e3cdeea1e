// Package report prints a judged change.Set. One format is one function in one
// file and one row in Formats. No format judges or counts: what it prints comes
// from the Set's own methods, so that formats cannot disagree.
package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// Options tells a format what the user wants to see.
type Options struct {
	// Color allows ANSI colours.
	Color bool
	// ShowHidden also prints what noise hides, and all of what is long.
	ShowHidden bool
	// ShowSecrets lets formats that print whole objects print Secrets as they
	// are. For edits the Set itself decides (change.Set.Revealed).
	ShowSecrets bool
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

// Formats returns all formats, the default first.
func Formats() []Format {
	return []Format{
		{Name: "text", About: "for people: the verdict first, then why", Write: writeText},
		{Name: "json", About: "for programs: everything, as docs/report-schema.json describes it", Write: writeJSON},
		{Name: "helm-diff", About: "as helm-diff prints it, without what is hidden", Write: writeHelmDiff},
	}
}

// Find returns the format of that name. The error lists the valid names.
func Find(name string) (Format, error) {
	var names []string
	for _, format := range Formats() {
		if format.Name == name {
			return format, nil
		}
		names = append(names, format.Name)
	}
	return Format{}, fmt.Errorf("unknown output format %q; valid are %s", name, strings.Join(names, ", "))
}
