// Package reporting has what all formats of a report share: the options, the words for what
// happens to objects, and which changes are one group.
package reporting

import (
	"text/template"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Options says what the user wants to see.
type Options struct {
	// Color allows ANSI colours.
	Color bool
	// Width is the number of columns of the text report, at which lines are wrapped; 0 for no
	// wrapping.
	Width int
	// ShowHidden also prints what noise hides, and long text in full.
	ShowHidden bool
	// ShowSecrets lets formats that print whole objects print Secrets as they are. For edits,
	// the Set itself decides (change.Set.Revealed).
	ShowSecrets bool
	// FailOn is what fails the run.
	FailOn change.FailOn
	// ExitCode is the code with which the process will exit. Planned says that this was the
	// code of the run that made the plan. Part says that the report is one of several and does
	// not print the code.
	ExitCode      int
	Planned, Part bool
	// MaxBytes is the maximum length of a Markdown report; 0 is DefaultMaxBytes.
	MaxBytes int
	// Template is what the format "template" executes.
	Template *template.Template
	// Context is how many lines helm-diff's format prints around a changed line; less than 0
	// is all, nil is three.
	Context *int
	// Locate finds the file that makes an object: its path relative to the working directory,
	// and its text. The path is "" for an object without such a file. nil finds none.
	Locate func(o *manifest.Object) (path, text string)
	// Seen returns the name of a values file relative to the working directory; nil leaves the
	// name as it is.
	Seen func(name string) string
	// Version is the version of the program, for formats that print it; "" for none.
	Version string
	// Rules describe the rules that findings name, for formats that print that.
	Rules []change.RuleText
}
