package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// writeText prints the set for people: the verdict, the objects at risk with
// cause and remedy, then all other changes, then what was not judged and how
// much is hidden.
func writeText(w io.Writer, set *change.Set, opt Options) error {
	p := page{styles: stylesFor(opt.Color), all: opt.ShowHidden, operation: string(cmp.Or(set.Release.Operation, change.Upgrade))}
	sum := set.Summary()
	p.head(set, &sum, opt.FailOn)
	var risky, plain, hidden []*change.Change
	for _, c := range joined(set) {
		switch {
		case len(c.Findings) > 0:
			risky = append(risky, c)
		case !c.Hidden() || c.Renamed != nil:
			plain = append(plain, c)
		case opt.ShowHidden:
			hidden = append(hidden, c)
		}
	}
	p.section("", risky)
	if len(risky) > 0 {
		p.section("Without risk", plain)
	} else {
		p.section("", plain)
	}
	p.section("Hidden", hidden)
	p.rotating(set.Rotating)
	p.drift(set.Drift)
	p.unchecked(set.Unchecked)
	p.policy(set, &sum)
	p.ledger(&sum.Hidden)
	_, err := io.WriteString(w, p.out.String())
	return err
}

// page is the report as far as it is written.
type page struct {
	styles
	out strings.Builder
	// all says that nothing is hidden and nothing is cut.
	all bool
	// operation is what the report is about, such as "upgrade".
	operation string
}

func (p *page) line(parts ...string) {
	for _, part := range parts {
		p.out.WriteString(part)
	}
	p.out.WriteByte('\n')
}

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
	if sum.Fails {
		p.line(p.bad("the " + p.operation + " " + failure(sum)))
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

// failure says of an operation that fails what it leaves behind.
func failure(sum *change.Summary) string {
	switch {
	case sum.Upfront:
		return "fails before anything is changed"
	case sum.Made == 0 && sum.Unreached == 0:
		return "fails"
	case sum.Unreached == 0:
		return "fails, and all other changes are made"
	case sum.Made == 0:
		return "fails, and no other change is made"
	default:
		return fmt.Sprintf("fails half-way: %s made, %d not", plural(sum.Made, "other change"), sum.Unreached)
	}
}

// section prints changes, one block for each group. Blocks of one line stand
// close together.
func (p *page) section(title string, changes []*change.Change) {
	if len(changes) == 0 {
		return
	}
	p.line()
	if title != "" {
		p.line(p.strong(title))
	}
	apart := false
	for i, g := range groups(changes, p.all) {
		block := page{styles: p.styles, all: p.all, operation: p.operation}
		block.group(g)
		long := strings.Count(block.out.String(), "\n") > 1
		if i > 0 && (long || apart) || long && title != "" {
			p.line()
		}
		apart = long
		p.out.WriteString(block.out.String())
	}
}

// maxValues is how many values of the user's are named, unless all is asked for.
const maxValues = 10

// values tells which of the user's values differ.
func (p *page) values(edits []change.Edit) {
	for i := range edits {
		if i == maxValues && !p.all {
			p.line("  … ", plural(len(edits)-i, "more value"))
			return
		}
		short, ok := p.short(&edits[i])
		if !ok {
			short = "another text"
		}
		if edits[i].Old.Text() == change.Mask || edits[i].New.Text() == change.Mask {
			short = "changed"
		}
		p.line("  value ", printable(edits[i].Path.String()), ": ", signOf(&edits[i]), short)
	}
}

// signOf marks a value that is only on one side.
func signOf(e *change.Edit) string {
	switch {
	case !e.Old.Present():
		return "+ "
	case !e.New.Present():
		return "- "
	default:
		return ""
	}
}

// drift lists what was changed in the cluster behind Helm's back.
func (p *page) drift(list []change.Drift) {
	if len(list) == 0 {
		return
	}
	p.line()
	p.line(p.strong("Changed behind Helm's back"))
	var object manifest.Ref
	for i := range list {
		d := &list[i]
		if len(d.Path) == 0 {
			p.line("  ", printable(d.Ref.String()), map[change.Fate]string{
				change.PutBack: " is gone; the upgrade makes it again", change.Survives: " is gone already; the upgrade has nothing to delete",
			}[d.Fate])
			continue
		}
		if d.Ref != object {
			p.line("  ", printable(d.Ref.String()))
			object = d.Ref
		}
		p.line("    ", printable(d.Path.String()), ": ", p.drifted(d), who(d), ": ", fateOf(d.Fate))
	}
}

// drifted writes what the release says of a field and what the cluster has.
func (p *page) drifted(d *change.Drift) string {
	if text, ok := p.short(&change.Edit{Old: d.Said, New: d.Is}); ok {
		switch {
		case !d.Said.Present():
			return "added: " + text
		case !d.Is.Present():
			return "taken out: " + text
		default:
			return text
		}
	}
	return "another text"
}

// who names the manager of a field that has drifted, and when it wrote.
func who(d *change.Drift) string {
	switch {
	case d.By == "":
		return ""
	case d.Since == "":
		return " (by " + printable(d.By) + ")"
	default:
		return " (by " + printable(d.By) + ", " + d.Since + ")"
	}
}

func fateOf(fate change.Fate) string {
	switch fate {
	case change.PutBack:
		return "the upgrade overwrites it"
	case change.Conflict:
		return "the upgrade is refused because of it"
	default:
		return "it stays"
	}
}

// unchecked lists what could not be judged; objects with the same reason share
// a line.
func (p *page) unchecked(notices []change.Notice) {
	if len(notices) == 0 {
		return
	}
	p.line()
	p.line(p.strong("Unchecked"))
	var reasons []string
	objects := map[string][]manifest.Ref{}
	for _, n := range notices {
		if _, known := objects[n.Reason]; !known {
			reasons = append(reasons, n.Reason)
		}
		objects[n.Reason] = append(objects[n.Reason], n.Ref)
	}
	for _, reason := range reasons {
		about := p.refs(objects[reason])
		if about != "" {
			about += ": "
		}
		p.line("  ", about, printable(reason))
	}
}

// refs names objects of several kinds.
func (p *page) refs(refs []manifest.Ref) string {
	if len(refs) == 1 && refs[0] == (manifest.Ref{}) {
		return ""
	}
	refs = slices.Clone(refs)
	slices.SortStableFunc(refs, func(a, b manifest.Ref) int { return cmp.Compare(a.Kind, b.Kind) })
	var kinds []string
	for len(refs) > 0 {
		n := 0
		var list []named
		for n < len(refs) && refs[n].Kind == refs[0].Kind {
			list = append(list, named{refs[n].Namespace, refs[n].Name})
			n++
		}
		kinds = append(kinds, printable(refs[0].Kind)+" "+names(list, p.all)+times(n))
		refs = refs[n:]
	}
	return strings.Join(kinds, ", ")
}

func times(n int) string {
	if n == 1 {
		return ""
	}
	return " ×" + strconv.Itoa(n)
}

// ledger says how much is hidden, and why.
func (p *page) ledger(hidden *change.Ledger) {
	if hidden.Edits == 0 && hidden.Objects == 0 {
		return
	}
	var filters []string
	for filter, n := range hidden.ByFilter {
		filters = append(filters, fmt.Sprintf("%d %s", n, filter))
	}
	slices.SortFunc(filters, func(a, b string) int {
		countA, nameA, _ := strings.Cut(a, " ")
		countB, nameB, _ := strings.Cut(b, " ")
		return cmp.Or(-natural(countA, countB), strings.Compare(nameA, nameB))
	})
	var what []string
	if hidden.Edits > 0 {
		what = append(what, plural(hidden.Edits, "edit"))
	}
	if hidden.Objects > 0 {
		what = append(what, plural(hidden.Objects, "whole object"))
	}
	how := "; --show-hidden shows them"
	if p.all {
		how = " without --show-hidden"
	}
	p.line()
	p.line(p.faint("hidden: " + strings.Join(what, ", ") + " (" + strings.Join(filters, ", ") + ")" + how))
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
