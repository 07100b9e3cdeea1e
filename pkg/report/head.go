package report

import (
	"fmt"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// head prints the verdict, which upgrade it is about, and what will be done.
func (p *page) head(set *change.Set, sum *change.Summary, failOn []change.Risk) {
	var risks []string
	for _, risk := range change.Risks() {
		if n := sum.Risks[risk]; n > 0 {
			risks = append(risks, p.risk(risk)(fmt.Sprintf("%d %s", n, risk)))
		}
	}
	found := strings.Join(risks, ", ")
	switch verdict := set.Verdict(failOn); {
	case verdict == change.Risky:
		p.line(p.strong(p.bad("RISKY")), "  ", found)
	case len(risks) > 0:
		p.line(p.strong(p.warn("CHANGED")), "  ", found, ", which --fail-on leaves out")
	case verdict == change.Changed || aside(sum) != "":
		p.line(p.strong(p.good("SAFE")), "  no risk found", aside(sum), unjudged(set))
	default:
		p.line(p.strong(p.good("SAFE")), "  nothing will happen", unjudged(set))
	}
	if about := aboutRelease(&set.Release); about != "" {
		p.line(about)
	}
	p.values(set.Release.Values)
	p.line(plan(sum))
	p.hooks(set.Hooks)
	if sum.Fails {
		p.line(p.bad("the " + p.operation + " " + failure(sum)))
		p.halfWay(set, sum)
	}
}

// unjudged qualifies a good verdict.
func unjudged(set *change.Set) string {
	if n := len(set.Unchecked); n > 0 {
		return fmt.Sprintf(" in what could be judged; %d unchecked", n)
	}
	return ""
}

func aboutRelease(r *change.Release) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if r.Name != "" {
		add("%s%s", operationOf(r), placeOf(r))
	}
	switch {
	case r.NewRevision > 0:
		add("revision %d → %d", r.Revision, r.NewRevision)
	case r.Revision > 0:
		add("installed revision %d", r.Revision)
	}
	switch {
	case r.OldChart != "" && r.OldChart != r.NewChart:
		add("chart %s → %s", r.OldChart, r.NewChart)
	case r.NewChart != "":
		add("chart %s", r.NewChart)
	}
	if r.KubeVersion != "" {
		how := ", three-way merge"
		switch {
		case r.Operation == change.Uninstall:
			how = ""
		case r.Replace:
			how = ", replacement"
		case r.ServerSide:
			how = ", server-side apply"
		}
		add("judged for Kubernetes %s%s", r.KubeVersion, how)
	}
	return printable(strings.Join(parts, ", "))
}

// operationOf names an operation that cannot be told from the rest of the line.
func operationOf(r *change.Release) string {
	if r.Operation == change.Rollback || r.Operation == change.Uninstall {
		return string(r.Operation) + " of "
	}
	return ""
}

// placeOf names the release, or both where there are two.
func placeOf(r *change.Release) string {
	name := func(p change.Place) string {
		text := "release " + p.Name
		if p.Namespace != "" {
			text += " in namespace " + p.Namespace
		}
		if p.Context != "" {
			text += " of context " + p.Context
		}
		return text
	}
	place := name(change.Place{Name: r.Name, Namespace: r.Namespace, Context: r.Context})
	if r.Cluster != "" && r.Cluster != r.Context {
		place += " (cluster " + r.Cluster + ")"
	}
	if r.From != (change.Place{}) {
		place = name(r.From) + " → " + place
	}
	return place
}

// plan counts what Helm will do.
func plan(sum *change.Summary) string {
	var parts []string
	for _, op := range []change.Op{change.Create, change.Update, change.Recreate, change.Delete, change.Keep} {
		if n := sum.Ops[op]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", n, op))
		}
	}
	text := strings.Join(append(parts, fmt.Sprintf("%d unchanged", sum.Unchanged)), ", ")
	switch sum.Renamed {
	case 0:
		return text
	case 1:
		return text + "; 1 object is renamed"
	default:
		return fmt.Sprintf("%s; %d objects are renamed", text, sum.Renamed)
	}
}
