package textreport

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// The titles of notices.
const (
	OneWay    = "Cannot be rolled back"
	Unchecked = "Unchecked"
)

// Notices lists notices below a title. Objects with the same reason share a line.
func (p *Page) Notices(title string, notices []change.Notice) {
	if len(notices) == 0 {
		return
	}
	var reasons []string
	objects := map[string][]manifest.Ref{}
	for i := range notices {
		reason := ReasonOf(&notices[i])
		if _, known := objects[reason]; !known {
			reasons = append(reasons, reason)
		}
		objects[reason] = append(objects[reason], notices[i].Ref)
	}
	indent := "  "
	if len(reasons) == 1 {
		indent = ""
	}
	list := Page{Styles: p.Styles, All: p.All}
	for _, reason := range reasons {
		about := p.Refs(objects[reason])
		if about != "" {
			about += ": "
		}
		list.line(indent, about, reporting.Printable(reason))
	}
	p.under(title, list.Out.String())
}

// UncheckedLines says what was not judged, one line for each reason.
func UncheckedLines(set *change.Set, all bool) []string {
	p := Page{Styles: reporting.StylesFor(false), All: all}
	var list []string
	for line := range strings.Lines(p.Text(func(q *Page) { q.Notices(Unchecked, set.Unchecked) })) {
		if reason, found := strings.CutPrefix(line, "  "); found {
			list = append(list, strings.TrimSuffix(reason, "\n"))
		}
	}
	return list
}

// ReasonOf is the reason of a notice, and the worst class that it may hide.
func ReasonOf(n *change.Notice) string {
	if n.Hides == "" {
		return n.Reason
	}
	return n.Reason + " (at worst " + string(n.Hides) + ")"
}

// shipped says in one line what is in the crds directory of the chart and is not applied by
// the upgrade.
func (p *Page) shipped(notices []change.Notice) {
	var parts []string
	definitions := 0
	for _, how := range []string{"new", "changed", "missing in the cluster", "different in the cluster"} {
		n := 0
		for i := range notices {
			if notices[i].Shipped == how {
				n++
			}
		}
		if n > 0 {
			definitions += n
			parts = append(parts, fmt.Sprintf("%d %s", n, how))
		}
	}
	if definitions == 0 {
		return
	}
	what := "definitions"
	if definitions == 1 {
		what = "definition"
	}
	p.line(fmt.Sprintf("crds/, which no upgrade touches: %s %s; to apply: helm show crds CHART | kubectl apply --server-side --force-conflicts -f -", strings.Join(parts, ", "), what))
}

// Unshipped returns the notices that are not about a crds directory.
func Unshipped(notices []change.Notice) []change.Notice {
	return slices.DeleteFunc(slices.Clone(notices), func(n change.Notice) bool { return n.Shipped != "" })
}
