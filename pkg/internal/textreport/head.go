package textreport

import (
	"fmt"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Head prints the verdict, the upgrade that it is about, and what will be done.
func (p *Page) Head(set *change.Set, sum *change.Summary, failOn change.FailOn) {
	verdict := set.Verdict(failOn)
	p.line(p.verdict(verdict), "  ", p.Counted(verdict, set, sum, failOn))
	about, does := aboutRelease(&set.Release), Plan(sum)
	switch {
	case about == "":
		p.line(does)
	case set.Release.Name == "": // two manifests: there is little to say about them
		p.line(does, "; ", about)
	default:
		p.line(about, ": ", does)
	}
	p.values(set.Release.Values)
	p.why(set)
	p.shipped(set.Unchecked)
	p.hooks(set.Hooks)
	p.fails(set, sum)
}

// fails says how an operation fails.
func (p *Page) fails(set *change.Set, sum *change.Summary) {
	switch {
	case sum.Fails:
		p.line(p.Bad("the " + p.Operation + " " + failure(sum)))
		p.partWay(set, sum)
	case set.Fails() && sum.Risks[change.Rejected] == 0 && sum.AcceptedRisks[change.Rejected] == 0:
		p.line(p.Bad("the " + p.Operation + " fails when --timeout is over: Helm waits for what does not happen in time"))
	}
}

// verdict writes a verdict as the first word of a report.
func (p *Page) verdict(v change.Verdict) string {
	paint := map[change.Verdict]reporting.Style{change.NotJudged: p.Bad, change.Fails: p.Bad, change.Risky: p.Bad, change.Undecided: p.Warn, change.Rolls: p.Warn}[v]
	if paint == nil {
		paint = p.Good
	}
	return p.Strong(paint(strings.ToUpper(string(v))))
}

// Counted is the text of the first line after the verdict.
func (p *Page) Counted(verdict change.Verdict, set *change.Set, sum *change.Summary, failOn change.FailOn) string {
	found := p.found(sum, func(change.Risk) bool { return true })
	also := func(text, more string) string {
		if more != "" {
			return text + "; " + more
		}
		return text
	}
	unchecked := ""
	if n := len(Unshipped(set.Unchecked)); n > 0 {
		unchecked = fmt.Sprintf("%d unchecked", n)
	}
	switch verdict {
	case change.Fails, change.Risky:
		return found
	case change.Undecided:
		return also(undecided(set.Undecided(failOn)), found)
	case change.Rolls:
		return also(also(reporting.Plural(sum.Rolling, "workload")+", none missing", p.found(sum, func(r change.Risk) bool { return r != change.Restart })), unchecked)
	case change.Changes:
		return also(also(reporting.Plural(changing(sum), "object"), found), unchecked)
	default:
		return also(also("no object changes", found), unchecked)
	}
}

// found counts objects at risk, worst class first, and says what was set aside.
func (p *Page) found(sum *change.Summary, of func(change.Risk) bool) string {
	var parts []string
	for _, risk := range change.Risks() {
		if n := sum.Risks[risk]; n > 0 && of(risk) {
			parts = append(parts, p.Risk(risk)(fmt.Sprintf("%d %s", n, risk)))
		}
		if n := sum.AcceptedRisks[risk]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s (accepted)", n, risk))
		}
		if n := sum.OffRisks[risk]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s (switched off)", n, risk))
		}
	}
	return strings.Join(parts, ", ")
}

// undecided counts the objects that were not judged, and says what harm they may hide.
func undecided(notices []change.Notice) string {
	objects, worst := map[manifest.Ref]bool{}, notices[0].Hides
	for i := range notices {
		objects[notices[i].Ref] = true
		if notices[i].Hides.Compare(worst) < 0 {
			worst = notices[i].Hides
		}
	}
	if objects[manifest.Ref{}] {
		return "not all could be judged, at worst " + string(worst)
	}
	return reporting.Plural(len(objects), "object") + " unchecked, at worst " + string(worst)
}

// changing counts the objects that Helm changes.
func changing(sum *change.Summary) int {
	n := 0
	for _, count := range sum.Ops {
		n += count
	}
	return n
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
		with := ""
		if r.Helm > 0 {
			with = fmt.Sprintf(" and Helm %d", r.Helm)
		}
		add("judged for Kubernetes %s%s%s", r.KubeVersion, with, how)
	}
	return reporting.Printable(strings.Join(parts, ", "))
}

// operationOf names the operation, if the rest of the line does not show it.
func operationOf(r *change.Release) string {
	if r.Operation == change.Rollback || r.Operation == change.Uninstall {
		return string(r.Operation) + " of "
	}
	return ""
}

// placeOf names the release, or both if there are two.
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

// Plan counts what Helm will do.
func Plan(sum *change.Summary) string {
	var parts []string
	for _, op := range []change.Op{change.Create, change.Update, change.Recreate, change.Delete, change.Keep} {
		if n := sum.Ops[op]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", n, op))
		}
	}
	if sum.Unchanged > 0 || len(parts) == 0 {
		parts = append(parts, fmt.Sprintf("%d unchanged", sum.Unchanged))
	}
	text := strings.Join(parts, ", ")
	switch sum.Renamed {
	case 0:
		return text
	case 1:
		return text + "; 1 object is renamed"
	default:
		return fmt.Sprintf("%s; %d objects are renamed", text, sum.Renamed)
	}
}
