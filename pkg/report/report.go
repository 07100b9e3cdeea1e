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

// Options tells a format what the user wants to see.
type Options struct {
	// Color allows ANSI colours.
	Color bool
	// Width is how many columns the text report has, after which lines go on below; 0 for as
	// many as each line takes.
	Width int
	// ShowHidden also prints what noise hides, and all of what is long.
	ShowHidden bool
	// ShowSecrets lets formats that print whole objects print Secrets as they
	// are. For edits the Set itself decides (change.Set.Revealed).
	ShowSecrets bool
	// FailOn is what fails the run.
	FailOn change.FailOn
	// ExitCode is the code with which the process will end; Planned says that it was
	// that of the run that made the plan, and Part that the report is one of several and
	// does not say.
	ExitCode      int
	Planned, Part bool
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
	// Seen names a values file as seen from the working directory; nil leaves the name as it is.
	Seen func(name string) string
	// Version is that of the program, for formats that name what made them; "" for none.
	Version string
	// Rules describe the rules that findings name, for formats that print that.
	Rules []Rule

	// failOn is what counts for a change, where that is not the same for all.
	failOn map[*change.Change]change.FailOn
	// verdict is that of several sets of which one is made; "" for one set.
	verdict change.Verdict
	// failures are what could not be judged, where several things are.
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

// verdictOf judges a set by what counts.
func (o *Options) verdictOf(set *change.Set) change.Verdict {
	if o.verdict != "" {
		return o.verdict
	}
	return set.Verdict(o.FailOn)
}

// Rule is what a report may say of a rule besides what it found.
type Rule struct {
	ID, Why, Fix string
	// Own says that the rule is the team's own, which nothing is written about elsewhere.
	Own bool
	// Page is where in docs something is written about it; "" for rules.md.
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

// Write prints a Set in the format of that name, for callers who have no command line.
// Without FailOn, what fails a run before an upgrade counts, and without ExitCode it is
// the one that follows from that.
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
