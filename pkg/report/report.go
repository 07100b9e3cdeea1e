// Package report prints a judged change.Set. One format is one function in one
// file and one row in Formats. No format judges or counts: what it prints comes
// from the Set's own methods, so that formats cannot disagree.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/template"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
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
	// MaxBytes is how long a Markdown report may be; 0 stands for DefaultMaxBytes.
	MaxBytes int
	// Template is what the format "template" executes.
	Template *template.Template
	// Context is how many lines helm-diff's form prints around a changed one; less
	// than 0 stands for all, nil for three.
	Context *int
	// Locate finds the file that an object is made by: its path as seen from the
	// working directory, and its text. The path is "" for an object without such
	// a file. nil finds none.
	Locate func(o *manifest.Object) (path, text string)
	// Rules describe the rules that findings name, for formats that print that.
	Rules []Rule

	// failOn are the classes that count for a change, where that is not the same for all.
	failOn map[*change.Change][]change.Risk
}

// fails reports whether a finding is of a class that makes the verdict risky.
func (o *Options) fails(c *change.Change, f *change.Finding) bool {
	if classes, own := o.failOn[c]; own {
		return slices.Contains(classes, f.Risk)
	}
	return slices.Contains(o.FailOn, f.Risk)
}

// Rule is what a report may say of a rule besides what it found.
type Rule struct{ ID, Why, Fix string }

// Format is one way to print a Set.
type Format struct {
	Name  string
	About string
	Write func(w io.Writer, set *change.Set, opt Options) error
	// Charts prints what a pull request does to its charts.
	Charts func(w io.Writer, charts *change.Charts, opt Options) error
}

// Formats returns all formats, the default first.
func Formats() []Format {
	return []Format{
		{Name: "text", About: "for people: the verdict first, then why", Write: writeText, Charts: chartsText},
		{Name: "json", About: "for programs: everything, as docs/report-schema.json describes it", Write: writeJSON, Charts: chartsJSON},
		{Name: "yaml", About: "the same document as YAML", Write: writeYAML, Charts: chartsYAML},
		{Name: "markdown", About: "for a comment on a pull request", Write: writeMarkdown, Charts: chartsMarkdown},
		{Name: "sarif", About: "for code scanning: SARIF 2.1.0, findings at the template that makes the object", Write: writeSARIF, Charts: together(writeSARIF)},
		{Name: "junit", About: "for CI: one test case an object", Write: writeJUnit, Charts: together(writeJUnit)},
		{Name: "github", About: "annotations of GitHub Actions, at the template that makes the object", Write: writeGitHub, Charts: together(writeGitHub)},
		{Name: "gitlab", About: "Code Quality report of GitLab, at the template that makes the object", Write: writeGitLab, Charts: together(writeGitLab)},
		{Name: "helm-diff", About: "as helm-diff prints it, without what is hidden", Write: writeHelmDiff, Charts: together(writeHelmDiff)},
		{Name: "template", About: "your own: a Go template over the JSON document", Write: writeTemplate, Charts: chartsTemplate},
	}
}

// Write prints a Set in the format of that name, for callers who have no command line.
// Without FailOn, the default classes make the verdict risky, and without ExitCode it is
// the one that this verdict has.
func Write(w io.Writer, format string, set *change.Set, opt Options) error {
	found, err := Find(format)
	if err != nil {
		return err
	}
	if opt.FailOn == nil {
		opt.FailOn = change.DefaultFailOn()
	}
	if opt.ExitCode == 0 {
		opt.ExitCode = set.Verdict(opt.FailOn).ExitCode(false)
	}
	return found.Write(w, set, opt)
}

// Find returns the format of that name. The error lists the valid names.
func Find(name string) (Format, error) { return FindIn(Formats(), name) }

// FindIn returns the format of that name from a list. The error lists the valid names.
func FindIn(formats []Format, name string) (Format, error) {
	var names []string
	for _, format := range formats {
		if format.Name == name {
			return format, nil
		}
		names = append(names, format.Name)
	}
	return Format{}, fmt.Errorf("unknown output format %q; valid are %s", name, strings.Join(names, ", "))
}
