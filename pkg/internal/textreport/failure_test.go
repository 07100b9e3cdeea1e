package textreport

import (
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// The report says what a failed upgrade leaves behind, if it leaves anything.
func TestHalfWay(t *testing.T) {
	of := func(kind string, op change.Op, outcome change.Outcome) change.Change {
		c := change.Change{Ref: manifest.Ref{Kind: kind, Name: "a"}, Op: op, Outcome: outcome, Edits: make([]change.Edit, 1)}
		if op != change.Create {
			c.Old = &manifest.Object{}
		}
		return c
	}
	refused := change.Outcome{Refused: make([]change.FieldError, 1)}
	upfront := change.Outcome{Refused: make([]change.FieldError, 1), Upfront: true}
	unreached := change.Outcome{Unreached: true}
	const failed = "  the release is then in status failed: the next upgrade starts from revision 7 and ignores what this one applied; `helm rollback` undoes it\n"
	for _, c := range []struct {
		name      string
		operation change.Operation
		changes   []change.Change
		want      string
	}{
		{"part-way", "", []change.Change{of("Service", change.Update, change.Outcome{}), of("Job", change.Update, refused), of("Role", change.Delete, unreached)}, failed},
		{"only a new object is not made", "", []change.Change{of("Service", change.Update, change.Outcome{}), of("Job", change.Create, refused), of("Role", change.Create, unreached)}, failed},
		{"all others are made", "", []change.Change{of("Service", change.Update, change.Outcome{}), of("Job", change.Update, refused)}, failed},
		{"nothing is made", "", []change.Change{of("Job", change.Update, refused), of("Role", change.Delete, unreached)}, ""},
		{"upfront", "", []change.Change{of("Job", change.Update, upfront), of("Role", change.Delete, unreached)}, ""},
		{"a rollback", change.Rollback, []change.Change{of("Service", change.Update, change.Outcome{}), of("Job", change.Update, refused)}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := change.Set{Release: change.Release{Operation: c.operation, Revision: 7}, Changes: c.changes}
			sum := set.Summary()
			p := Page{Styles: reporting.StylesFor(false)}
			if got := p.Text(func(q *Page) { q.partWay(&set, &sum) }); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	set := change.Set{
		Changes: []change.Change{of("Service", change.Update, change.Outcome{}), of("Job", change.Update, refused)},
		OneWay:  []change.Notice{{Ref: manifest.Ref{Kind: "Job", Name: "a"}, Reason: "conflict"}},
	}
	sum, p := set.Summary(), Page{Styles: reporting.StylesFor(false)}
	const want = "`helm rollback` undoes it, except what is listed under \"Cannot be rolled back\"\n"
	if got := p.Text(func(q *Page) { q.partWay(&set, &sum) }); !strings.HasSuffix(got, want) {
		t.Errorf("with what cannot be rolled back: got %q, want %q at its end", got, want)
	}
}
