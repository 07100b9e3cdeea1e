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
	sections := p.sections(set)
	for _, p.room = range rooms() {
		p.out.Reset()
		p.head(set, &sum, opt.FailOn)
		p.body(set, &sum, sections)
		p.ledger(&sum.Hidden)
		if p.enough() {
			break
		}
	}
	p.shortened()
	_, err := io.WriteString(w, p.out.String())
	return err
}

// sections sorts the changes of a set by how much they matter.
func (p *page) sections(set *change.Set) []section {
	var risky, plain, hidden []*change.Change
	for _, c := range joined(set) {
		switch {
		case len(c.Findings) > 0:
			risky = append(risky, c)
		case !c.Hidden() || c.Renamed != nil:
			plain = append(plain, c)
		case p.all:
			hidden = append(hidden, c)
		}
	}
	list := []section{
		{groups: groups(risky, p.all)},
		{title: "Without risk", groups: groups(plain, p.all), brief: p.gatherTitles(plain)},
		{title: "Hidden", groups: groups(hidden, p.all)},
	}
	if len(risky) == 0 {
		list[1].title = ""
	}
	return list
}

// body prints what the set holds, below the head.
func (p *page) body(set *change.Set, sum *change.Summary, sections []section) {
	p.hinted = map[string]bool{}
	for i := range sections {
		p.section(&sections[i])
	}
	p.notices(oneWay, set.OneWay)
	p.rotating(set.Rotating)
	p.drift(set.Drift)
	p.notices(unchecked, set.Unchecked)
	p.policy(set, sum)
}

// enough reports whether the page is short enough.
func (p *page) enough() bool { return p.all || strings.Count(p.out.String(), "\n") <= twoScreens }

// shortened says that the page shows less than there is.
func (p *page) shortened() {
	if p.room.cuts && !p.all {
		p.line(p.faint("shortened; --show-hidden shows all"))
	}
}

// page is the report as far as it is written.
type page struct {
	styles
	out strings.Builder
	// all says that nothing is hidden and nothing is cut.
	all bool
	// operation is what the report is about, such as "upgrade".
	operation string
	// room is how much of each object is shown; the zero room is that of a page which
	// is not too long.
	room room
	// hinted are the hints that stand on the page already; nil if each object is read
	// by itself.
	hinted map[string]bool
}

// twoScreens is how many lines a report should not exceed.
const twoScreens = 100

// room is how much of an object is shown.
type room struct {
	cuts                   bool
	edits, lines           int // of an object that somebody should look at
	plainEdits, plainLines int // of another one
}

// rooms returns how much of each object is shown, less each time, until the report
// is short enough.
func rooms() []room {
	return []room{
		{false, maxEdits, maxLines, maxEdits, maxLines},
		{true, 10, 6, 6, 4},
		{true, 6, 2, 2, 2},
		{true, 3, 0, 0, 0},
		{true, 1, 0, 0, 0},
	}
}

func (p *page) line(parts ...string) {
	for _, part := range parts {
		p.out.WriteString(part)
	}
	p.out.WriteByte('\n')
}

// section is a part of the report.
type section struct {
	title  string
	groups []group
	// brief are the changes in fewer groups, for a page on which their edits have no room.
	brief []group
}

// section prints changes, one block for each group. Blocks of one line stand
// close together.
func (p *page) section(s *section) {
	if len(s.groups) == 0 {
		return
	}
	p.line()
	if s.title != "" {
		p.line(p.strong(s.title))
	}
	list := s.groups
	if p.room.cuts && p.room.plainEdits == 0 && s.brief != nil {
		list = s.brief
	}
	apart := false
	for i, g := range list {
		block := page{styles: p.styles, all: p.all, operation: p.operation, room: p.room, hinted: p.hinted}
		block.group(g)
		long := strings.Count(block.out.String(), "\n") > 1
		if i > 0 && (long || apart) || long && s.title != "" {
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
