package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// The titles of notices.
const (
	oneWay    = "Cannot be rolled back"
	unchecked = "Unchecked"
)

// notices lists notices below a title. Objects with the same reason share a line.
func (p *page) notices(title string, notices []change.Notice) {
	if len(notices) == 0 {
		return
	}
	var reasons []string
	objects := map[string][]manifest.Ref{}
	for i := range notices {
		reason := reasonOf(&notices[i])
		if _, known := objects[reason]; !known {
			reasons = append(reasons, reason)
		}
		objects[reason] = append(objects[reason], notices[i].Ref)
	}
	indent := "  "
	if len(reasons) == 1 {
		indent = ""
	}
	list := page{styles: p.styles, all: p.all}
	for _, reason := range reasons {
		about := p.refs(objects[reason])
		if about != "" {
			about += ": "
		}
		list.line(indent, about, printable(reason))
	}
	p.under(title, list.out.String())
}

// uncheckedLines says what was not judged, one line for each reason.
func uncheckedLines(set *change.Set, all bool) []string {
	p := page{styles: stylesFor(false), all: all}
	var list []string
	for line := range strings.Lines(p.text(func(q *page) { q.notices(unchecked, set.Unchecked) })) {
		if reason, found := strings.CutPrefix(line, "  "); found {
			list = append(list, strings.TrimSuffix(reason, "\n"))
		}
	}
	return list
}

// reasonOf is the reason of a notice, and the worst class that it may hide.
func reasonOf(n *change.Notice) string {
	if n.Hides == "" {
		return n.Reason
	}
	return n.Reason + " (at worst " + string(n.Hides) + ")"
}

// shipped says in one line what is in the crds directory of the chart and is not applied by
// the upgrade.
func (p *page) shipped(notices []change.Notice) {
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

// unshipped returns the notices that are not about a crds directory.
func unshipped(notices []change.Notice) []change.Notice {
	return slices.DeleteFunc(slices.Clone(notices), func(n change.Notice) bool { return n.Shipped != "" })
}
