// Package report prints a judged change.Set. One format is one function in one
// file and one row in Formats. No format judges or counts: what it prints comes
// from the Set's own methods, so that formats cannot disagree.
package report

import (
	"fmt"
	"io"
	"strings"
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
	Rules []Rule

	// failOn is the FailOn of a change, if it is not the same for all.
	failOn map[*change.Change]change.FailOn
	// verdict is the verdict of several sets that were made one; "" for one set.
	verdict change.Verdict
	// failures are what could not be judged, in a report about several things.
	failures []failed
	// values is set for a report about values, which judges no upgrade.
	values *valuesHead
}

// fails reports whether a finding fails the run.
func (o *Options) fails(c *change.Change, f *change.Finding) bool {
	if failOn, own := o.failOn[c]; own {
		return failOn.Fails(f)
	}
	return o.FailOn.Fails(f)
}

// verdictOf judges a set by its FailOn.
func (o *Options) verdictOf(set *change.Set) change.Verdict {
	if o.verdict != "" {
		return o.verdict
	}
	return set.Verdict(o.FailOn)
}

// Rule is what a report may say about a rule besides its findings.
type Rule struct {
	ID, Why, Fix string
	// Own says that the rule is the team's own, so that no page describes it.
	Own bool
	// Page is the page in docs that describes it; "" for rules.md.
	Page string
}

// Format is one way to print a Set.
type Format struct {
	Name  string
	About string
	Write func(w io.Writer, set *change.Set, opt Options) error
	// Charts prints what a pull request does to its charts.
	Charts func(w io.Writer, charts *change.Charts, opt Options) error
}

// FormatOf is one way to print something else than a Set, such as what happens when nodes are
// drained.
type FormatOf[T any] struct {
	Name  string
	Write func(w io.Writer, about *T, opt Options) error
}

// Formats returns all formats, the default first.
func Formats() []Format {
	return []Format{
		{Name: "text", About: "for people: the verdict first, then why", Write: writeText, Charts: chartsText},
		{Name: "json", About: "for programs: everything, as docs/report-schema.json describes it", Write: writeJSON, Charts: chartsJSON},
		{Name: "yaml", About: "the same document as YAML", Write: writeYAML, Charts: chartsYAML},
		{Name: "markdown", About: "for a comment on a pull request", Write: writeMarkdown, Charts: chartsMarkdown},
		{Name: "html", About: "for whoever approves: one page for a browser, without network", Write: writeHTML, Charts: chartsHTML},
		{Name: "sarif", About: "for code scanning: SARIF 2.1.0, findings at the template that makes the object, with --why also at the key", Write: writeSARIF, Charts: together(writeSARIF)},
		{Name: "junit", About: "for CI: one test case an object", Write: writeJUnit, Charts: together(writeJUnit)},
		{Name: "github", About: "annotations of GitHub Actions, at the template that makes the object, with --why at the key", Write: writeGitHub, Charts: together(writeGitHub)},
		{Name: "gitlab", About: "Code Quality report of GitLab, at the template that makes the object, with --why at the key", Write: writeGitLab, Charts: together(writeGitLab)},
		{Name: "helm-diff", About: "as helm-diff prints it, without what is hidden", Write: writeHelmDiff, Charts: together(writeHelmDiff)},
		{Name: "template", About: "your own: a Go template over the JSON document", Write: writeTemplate, Charts: chartsTemplate},
	}
}

// Write prints a Set in the format of that name, for callers without a command line.
// Without FailOn, the default for a run before an upgrade applies. Without ExitCode, the
// code that follows from FailOn applies.
func Write(w io.Writer, format string, set *change.Set, opt Options) error {
	found, err := Find(format)
	if err != nil {
		return err
	}
	if opt.FailOn == nil {
		opt.FailOn = change.DefaultFailOn()
	}
	if opt.ExitCode == 0 {
		opt.ExitCode = set.ExitCode(opt.FailOn, false)
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
