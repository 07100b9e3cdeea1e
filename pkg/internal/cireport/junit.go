package cireport

import (
	"cmp"
	"encoding/xml"
	"io"
	"strconv"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/textreport"
	"github.com/safe-diff/helm-safe-diff/pkg/safetext"
)

// junitSuites is the part of the format that Jenkins, GitLab and others read
// (jenkins-junit.xsd).
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr,omitempty"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr,omitempty"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string           `xml:"name,attr"`
	Tests    int              `xml:"tests,attr"`
	Failures int              `xml:"failures,attr"`
	Errors   int              `xml:"errors,attr,omitempty"`
	Skipped  int              `xml:"skipped,attr"`
	About    *junitProperties `xml:"properties"`
	Cases    []junitCase      `xml:"testcase"`
	Out      string           `xml:"system-out,omitempty"`
}

type junitProperties struct {
	List []junitProperty `xml:"property"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Skipped *junitSkipped `xml:"skipped"`
	Failure *junitFailure `xml:"failure"`
	Error   *junitFailure `xml:"error"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitSkipped struct {
	Message string `xml:"message,attr"`
}

type junitFailure struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit prints one test case for each object that differs. The test case fails with
// the findings of the classes that fail the run. The worst of these classes is the type of
// the failure. Other findings, and accepted ones, are the output of a test case that
// passes. An object that is hidden as noise passes. What the policy did is the output of
// the suite. What was not judged is a separate suite in which all cases are skipped. Charts
// that could not be judged are a suite of errors.
func WriteJUnit(w io.Writer, set *change.Set, opt Options) error {
	changes := junitSuite{Name: "changes", Tests: len(set.Changes), Cases: reporting.Each(set.Changes, func(c *change.Change) junitCase {
		return junitCaseOf(c, &opt)
	})}
	for i := range changes.Cases {
		if changes.Cases[i].Failure != nil {
			changes.Failures++
		}
	}
	changes.About = &junitProperties{[]junitProperty{{"verdict", string(opt.verdictOf(set))}, {"exitCode", strconv.Itoa(opt.ExitCode)}}}
	sum := set.Summary()
	changes.Out = strings.Join(textreport.PolicyLines(set, &sum, opt.ShowHidden), "\n")
	skipped := len(set.Unchecked)
	unchecked := junitSuite{Name: "unchecked", Tests: skipped, Skipped: skipped, Cases: reporting.Each(set.Unchecked, func(n *change.Notice) junitCase {
		class := cmp.Or(reporting.Printable(n.Ref.Kind), "Release")
		name := cmp.Or(reporting.Printable(reporting.Named{Namespace: n.Ref.Namespace, Name: n.Ref.Name}.String()), "the whole")
		return junitCase{Class: class, Name: name, Skipped: &junitSkipped{reporting.Printable(textreport.ReasonOf(n))}}
	})}
	page, err := xml.MarshalIndent(junitSuites{
		Name: reporting.Printable(set.Release.Name), Tests: changes.Tests + unchecked.Tests + len(opt.failures), Failures: changes.Failures, Errors: len(opt.failures),
		Suites: append([]junitSuite{changes, unchecked}, junitErrors(opt.failures)...),
	}, "", "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, xml.Header+safetext.WithoutCommands(string(page))+"\n")
	return err
}

func junitCaseOf(c *change.Change, opt *Options) junitCase {
	result := junitCase{Class: reporting.Printable(c.Ref.Kind), Name: reporting.GroupNames(reporting.Group{c}, true)}
	var fails, others []string
	for i := range c.Findings {
		f := &c.Findings[i]
		text := junitText(c, f, opt)
		if hint := textreport.HintOf(f); hint != "" {
			text += "\n  hint: " + reporting.Printable(hint)
		}
		if !opt.fails(c, f) {
			others = append(others, text)
			continue
		}
		fails = append(fails, text)
		if result.Failure == nil || f.Risk.Compare(change.Risk(result.Failure.Type)) < 0 {
			result.Failure = &junitFailure{Type: string(f.Risk), Message: reporting.Printable(string(c.Op) + ": " + f.Message)}
		}
	}
	for i := range c.Accepted {
		a := &c.Accepted[i]
		others = append(others, junitText(c, &a.Finding, opt)+"\n  "+textreport.Accepted(a))
	}
	if result.Failure != nil {
		result.Failure.Text = strings.Join(fails, "\n")
	}
	result.Out = strings.Join(others, "\n")
	return result
}

// junitText says what was found, and what causes it.
func junitText(c *change.Change, f *change.Finding, opt *Options) string {
	due := causeOf(c, f, &opt.Options)
	return reporting.Printable(string(f.Risk)+": "+f.Message) + strings.ReplaceAll(due.lines(), "\n", "\n  ")
}
