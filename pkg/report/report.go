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
	"github.com/safe-diff/helm-safe-diff/pkg/internal/cireport"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/document"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/helmdiff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/textreport"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgradepage"
)

// Options says what the user wants to see. The zero value is a report without colours, with
// secrets masked, in which noise is hidden.
type Options = reporting.Options

// The lengths of reports that have a limit, in bytes.
const (
	// DefaultMaxBytes is the maximum length of a Markdown report if Options has none, and
	// LeastMaxBytes the least that Options may ask for.
	DefaultMaxBytes = textreport.DefaultMaxBytes
	LeastMaxBytes   = textreport.LeastMaxBytes
	// MaxHTMLBytes is the maximum length of an HTML report, unless everything is requested.
	MaxHTMLBytes = upgradepage.MaxHTMLBytes
)

// Rule is what a report may say about a rule besides its findings.
type Rule = change.RuleText

// Judged is one of several releases that are judged together.
type Judged = change.Judged

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
		{Name: "text", About: "for people: the verdict first, then why", Write: textreport.Write, Charts: textreport.WriteCharts},
		{Name: "json", About: "for programs: everything, as docs/report-schema.json describes it", Write: document.WriteJSON, Charts: document.WriteChartsJSON},
		{Name: "yaml", About: "the same document as YAML", Write: document.WriteYAML, Charts: document.WriteChartsYAML},
		{Name: "markdown", About: "for a comment on a pull request", Write: textreport.WriteMarkdown, Charts: textreport.WriteChartsMarkdown},
		{Name: "html", About: "for whoever approves: one page for a browser, without network", Write: upgradepage.Write, Charts: upgradepage.WriteCharts},
		{Name: "sarif", About: "for code scanning: SARIF 2.1.0, findings at the template that makes the object, with --why also at the key", Write: forCI(cireport.WriteSARIF), Charts: cireport.Together(cireport.WriteSARIF)},
		{Name: "junit", About: "for CI: one test case an object", Write: forCI(cireport.WriteJUnit), Charts: cireport.Together(cireport.WriteJUnit)},
		{Name: "github", About: "annotations of GitHub Actions, at the template that makes the object, with --why at the key", Write: forCI(cireport.WriteGitHub), Charts: cireport.Together(cireport.WriteGitHub)},
		{Name: "gitlab", About: "Code Quality report of GitLab, at the template that makes the object, with --why at the key", Write: forCI(cireport.WriteGitLab), Charts: cireport.Together(cireport.WriteGitLab)},
		{Name: "helm-diff", About: "as helm-diff prints it, without what is hidden", Write: helmdiff.Write, Charts: cireport.Together(func(w io.Writer, set *change.Set, opt cireport.Options) error {
			return helmdiff.Write(w, set, opt.Options)
		})},
		{Name: "template", About: "your own: a Go template over the JSON document", Write: document.WriteTemplate, Charts: document.WriteChartsTemplate},
	}
}

// forCI makes a format for one set of a format for CI.
func forCI(write func(io.Writer, *change.Set, cireport.Options) error) func(io.Writer, *change.Set, Options) error {
	return func(w io.Writer, set *change.Set, opt Options) error {
		return write(w, set, cireport.Options{Options: opt})
	}
}

// WriteReleases prints what changes in each release and in each file, as Stevedore does, and
// the verdict of all.
func WriteReleases(w io.Writer, list []Judged, opt Options) error {
	return textreport.WriteReleases(w, list, opt)
}

// WriteReleasesHTML prints one page about several releases.
func WriteReleasesHTML(w io.Writer, list []Judged, opt Options) error {
	return upgradepage.WriteReleases(w, list, opt)
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

// FormatsAsHelmDiff returns the formats under helm-diff's names for them (--output in its
// cmd/options.go), then those of our formats that have other names. The default is not
// helm-diff's, because readers should see the verdict.
func FormatsAsHelmDiff() []Format {
	ours := Formats()
	list := []Format{
		ours[0],
		{Name: "diff", About: "the changed objects, as helm-diff prints them", Write: helmdiff.Write},
		{Name: "simple", About: "a line for each changed object, as helm-diff prints it", Write: helmdiff.WriteSimple},
		{Name: "json", About: "helm-diff's list of changed objects", Write: helmdiff.WriteList},
		{Name: "template", About: "a Go template over that list: HELM_DIFF_TPL", Write: helmdiff.WriteListTemplate},
		{Name: "structured", About: "every field that changes, as docs/report-schema.json describes it", Write: document.WriteJSON},
		{Name: "dyff", About: "field by field, as text", Write: textreport.Write},
	}
	for _, format := range ours[1:] {
		if format.Name != "json" && format.Name != "template" {
			list = append(list, format)
		}
	}
	return list
}

// EncodeJSON writes a value as the JSON report is written.
func EncodeJSON(w io.Writer, value any) error { return document.EncodeJSON(w, value) }

// WriteFailure writes that a release could not be judged, in a format that prints one
// report after the other. In other formats, it writes nothing.
func WriteFailure(w io.Writer, format, file, release string, failure change.Failure) error {
	return cireport.WriteFailure(w, format, file, release, failure)
}

// ParseTemplate reads a template for the format "template".
func ParseTemplate(name, text string) (*template.Template, error) {
	return document.ParseTemplate(name, text)
}

// ParseTemplateAsHelmDiff reads a template for the format "template" of FormatsAsHelmDiff.
func ParseTemplateAsHelmDiff(name, text string) (*template.Template, error) {
	return helmdiff.ParseTemplate(name, text)
}
