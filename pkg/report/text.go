package report

import (
	"cmp"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/safetext"
)

// writeText prints the set for people: the verdict, the objects at risk with cause and
// remedy, then all other changes, then what was not judged and how much is hidden.
func writeText(w io.Writer, set *change.Set, opt Options) error {
	p := page{styles: stylesFor(opt.Color), all: opt.ShowHidden, width: opt.Width, failOn: opt.FailOn, operation: string(cmp.Or(set.Release.Operation, change.Upgrade))}
	sum := set.Summary()
	sections := p.sections(set)
	list := rooms(len(sum.Risks) == 0)
	if set.Why != nil { // whoever asks for causes has time to read
		list = []room{{edits: maxEdits, lines: maxLines, restarts: maxEdits, plain: maxEdits, plainLines: maxLines}}
	}
	for _, p.room = range list {
		p.reset()
		p.head(set, &sum, opt.FailOn)
		p.body(set, &sum, sections)
		p.exit(&sum.Hidden, &opt, verdictOn{set, opt.FailOn})
		if p.enough() {
			break
		}
	}
	_, err := io.WriteString(w, p.wrapped())
	return err
}

// exit prints why the exit code is what it is, and how much is hidden.
func (p *page) exit(hidden *change.Ledger, opt *Options, of ...verdictOn) {
	var parts []string
	if !opt.Part {
		parts = append(parts, exitLine(opt, of...))
	}
	if text := p.hiding(hidden); text != "" {
		parts = append(parts, p.faint(text))
	}
	if len(parts) > 0 {
		p.line()
		p.line(strings.Join(parts, "; "))
	}
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
	p.notices(unchecked, unshipped(set.Unchecked))
	p.policy(set, sum)
}

// page is the report while it is written.
type page struct {
	styles
	out strings.Builder
	// all says that nothing is hidden or cut.
	all bool
	// width is the number of columns; 0 for no limit.
	width int
	// operation is the subject of the report, such as "upgrade".
	operation string
	// failOn is what fails the run; nil if the report does not say how to accept findings.
	failOn change.FailOn
	// room is how much of each object is shown. The zero room shows everything that is not
	// hidden.
	room room
	// hinted are the hints that are already on the page; nil if each object is read by itself.
	hinted map[string]bool
	// going has the deleted half of each object under two names.
	going map[*change.Change]*change.Change
	// shorter says that something was left out because there was no room.
	shorter bool
	// single says that the last section is one line, after its title.
	single bool
}

// reset begins the page anew.
func (p *page) reset() {
	p.out.Reset()
	p.shorter, p.single = false, false
}

// line prints a line. Its parts are printable, and line makes the whole printable.
func (p *page) line(parts ...string) {
	p.out.WriteString(safetext.WithoutCommands(strings.Join(parts, "")))
	p.out.WriteByte('\n')
}

// maxValues is how many of the user's values are named, unless everything is requested.
const maxValues = 10

// values lists which of the user's values differ.
func (p *page) values(edits []change.Edit) {
	for i := range edits {
		if i == maxValues && !p.all {
			p.line("  … ", plural(len(edits)-i, "more value"))
			return
		}
		e := &edits[i]
		short, ok := p.short(e)
		if !ok {
			short = "another text"
		}
		if e.Old.Text() == change.Mask || e.New.Text() == change.Mask {
			short = "changed"
		}
		p.line("  value ", printable(e.Path.String()), ": ", signOf(e), short)
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

// drifted writes what the release says for a field and what the cluster has.
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

// who names the manager of a field that has drifted, and when it wrote the field.
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
func (p *page) refs(refs []manifest.Ref) string { return refsIn(refs, p.all) }

// refsIn names objects of several kinds. all says that none is left out.
func refsIn(refs []manifest.Ref, all bool) string {
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
		kinds = append(kinds, printable(refs[0].Kind)+" "+names(list, all)+times(n))
		refs = refs[n:]
	}
	return strings.Join(kinds, ", ")
}

// ledger says in a paragraph how much is hidden, and why.
func (p *page) ledger(hidden *change.Ledger) {
	if text := p.hiding(hidden); text != "" {
		p.line()
		p.line(p.faint(text))
	}
}

// hiding says how much is hidden, and by which filters; "" if nothing is.
func (p *page) hiding(hidden *change.Ledger) string {
	if hidden.Edits == 0 && hidden.Objects == 0 {
		if p.shorter && !p.all {
			return "shortened; --show-hidden shows all"
		}
		return ""
	}
	filters := slices.Collect(maps.Keys(hidden.ByFilter))
	slices.SortFunc(filters, func(a, b string) int {
		return cmp.Or(hidden.ByFilter[b]-hidden.ByFilter[a], strings.Compare(a, b))
	})
	var what []string
	if hidden.Edits > 0 {
		what = append(what, plural(hidden.Edits, "edit"))
	}
	if hidden.Objects > 0 {
		what = append(what, plural(hidden.Objects, "whole object"))
	}
	how := "; --show-hidden shows all"
	switch {
	case p.all:
		how = " without --show-hidden"
	case p.shorter:
		how = "; shortened" + how
	}
	return "hidden: " + strings.Join(what, ", ") + " (" + strings.Join(filters, ", ") + ")" + how
}
