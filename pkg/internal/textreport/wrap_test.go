package textreport

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
)

// TestWrap checks what wrapping does to lines: no line with blanks is wider than the page,
// continuation lines are indented, and no word is lost.
func TestWrap(t *testing.T) {
	p := Page{Styles: reporting.StylesFor(true), width: 40}
	p.line("short")
	p.line(p.Strong("downtime"), ": update Deployment prod/web: image 1.4.2 → 1.5.0 and env A")
	p.line("  no pod is ready while they are replaced (strategy Recreate)")
	p.line("      +a line of a value that is longer than forty columns")
	p.line("  ~ .spec.template.spec.containers[name=\"a-long-name\"].image: a → b")
	p.line("  hint: do what a chart says: it says ::error file=x::y and no more")
	got := escapes.ReplaceAllString(p.wrapped(), "")
	want := `short
downtime: update Deployment prod/web:
    image 1.4.2 → 1.5.0 and env A
  no pod is ready while they are
      replaced (strategy Recreate)
      +a line of a value that is longer than forty columns
  ~ .spec.template.spec.containers[name="a-long-name"].image:
      a → b
  hint: do what a chart says: it says
      \x3a:error file=x::y and no more
`
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if words := strings.Fields(got); len(words) != len(strings.Fields(escapes.ReplaceAllString(p.Out.String(), ""))) {
		t.Errorf("wrapping makes %d words", len(words))
	}
	p.width = 0
	if p.wrapped() != p.Out.String() {
		t.Error("a page of no width is wrapped")
	}
}
