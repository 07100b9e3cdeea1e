package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
)

// unsafe has what steers a terminal, and what reverses the order of what is read.
const unsafe = "a\x1b[2J\u202eb\u2028c"

// TestUnsafeTextInOtherReports holds that reports on something else than a Set escape what is not
// safe to print, in each format.
func TestUnsafeTextInOtherReports(t *testing.T) {
	d := change.Drain{
		Nodes: 1, Findings: []change.DrainFinding{{Risk: change.Stuck, Workload: manifest.Ref{Kind: "Deployment", Name: unsafe}, Pods: 1, Nodes: []string{unsafe}, Why: unsafe}},
		Asks: []change.DrainAsk{{Flag: "--force", Workloads: []manifest.Ref{{Kind: "Pod", Name: unsafe}}}}, Unknown: []change.Notice{{Reason: unsafe}},
	}
	for _, format := range report.DrainFormats() {
		safe(t, "drain", format, &d)
	}
	keys := change.ValueKeys{Keys: 1, Dead: []change.DeadKey{{Key: unsafe, At: change.KeyPlace{Name: unsafe, Line: 1}, Keys: 1, Nearest: unsafe}}}
	for _, format := range report.ValueFormats() {
		safe(t, "values", format, &report.GivenValues{Title: unsafe, Name: unsafe, Keys: &keys})
	}
}

func safe[T any](t *testing.T, what string, format report.FormatOf[T], about *T) {
	t.Helper()
	var page bytes.Buffer
	if err := format.Write(&page, about, report.Options{}); err != nil {
		t.Fatal(err)
	}
	if page.Len() == 0 || strings.ContainsAny(page.String(), "\x1b\u202e\u2028") {
		t.Errorf("%s as %s prints what is not safe, or nothing: %q", what, format.Name, page.String())
	}
}
