package cireport

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/textreport"
)

// Failed is something that could not be judged: a chart of a pull request with one of its
// value sets, or a release.
type Failed struct {
	// what names it. file is where a reader of the repository looks.
	what, file string
	change.Failure
}

// sentence is everything in one line.
func (f *Failed) sentence() string {
	return reporting.Printable(f.what + " cannot be judged: " + f.Reason)
}

// text is the sentence, and below it what to do.
func (f *Failed) text() string {
	if f.Hint == "" {
		return f.sentence()
	}
	return f.sentence() + "\nhint: " + reporting.Printable(f.Hint)
}

// failures lists the charts that could not be judged.
func failures(charts *change.Charts) []Failed {
	var list []Failed
	for i := range charts.Charts {
		c := &charts.Charts[i]
		file := c.Path + "/Chart.yaml"
		if c.Failure != nil {
			list = append(list, Failed{"chart " + c.Path, file, *c.Failure})
		}
		for j := range c.Cases {
			if one := &c.Cases[j]; one.Failure != nil {
				list = append(list, Failed{"chart " + c.Path + one.With(), file, *one.Failure})
			}
		}
	}
	return list
}

// fingerprint is equal for the same chart with the same values and version of Kubernetes.
func (f *Failed) fingerprint() string {
	sum := sha256.Sum256([]byte("not-judged\x00" + f.what))
	return hex.EncodeToString(sum[:16])
}

// junitErrors is the suite of what could not be judged; nil if everything was judged.
func junitErrors(list []Failed) []junitSuite {
	if len(list) == 0 {
		return nil
	}
	return []junitSuite{{Name: "errors", Tests: len(list), Errors: len(list), Cases: reporting.Each(list, func(f *Failed) junitCase {
		return junitCase{Class: "Chart", Name: reporting.Printable(f.what), Error: &junitFailure{Type: "error", Message: reporting.Printable(f.Reason), Text: f.text()}}
	})}}
}

// gitlabErrors are the issues about what could not be judged.
func gitlabErrors(list []Failed) []gitlabIssue {
	return reporting.Each(list, func(f *Failed) gitlabIssue {
		issue := gitlabIssue{Description: f.sentence(), CheckName: "not-judged", Fingerprint: f.fingerprint(), Severity: "blocker"}
		issue.Location.Path, issue.Location.Lines.Begin = f.file, 1
		return issue
	})
}

// sarifErrors are the notifications about what could not be judged.
func sarifErrors(list []Failed) []sarifNotification {
	return reporting.Each(list, func(f *Failed) sarifNotification { return sarifNotification{"error", sarifText{f.text()}} })
}

// githubError is the annotation of what could not be judged.
func (f *Failed) githubError() string {
	return fmt.Sprintf("::error file=%s,line=1,title=%s::%s\n", property(f.file), "not judged", data(f.text()))
}

// WriteFailure writes that a release could not be judged, in a format that prints one
// report after the other. In other formats, it writes nothing.
func WriteFailure(w io.Writer, format, file, release string, failure change.Failure) error {
	f := Failed{"release " + release, file, failure}
	var text string
	switch format {
	case "markdown":
		text = "### " + reporting.NotJudged + "  " + textreport.InMarkdown(f.sentence()) + "\n"
		if f.Hint != "" {
			text += "\nhint: " + textreport.InMarkdown(reporting.Printable(f.Hint)) + "\n"
		}
	case "github":
		text = f.githubError()
	}
	_, err := io.WriteString(w, text)
	return err
}
