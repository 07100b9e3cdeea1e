// Package textreport prints a judged change.Set for people, as text and as Markdown.
package textreport

import (
	"cmp"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/safetext"
)

// Write prints the set for people: the verdict, the objects at risk with cause and
// remedy, then all other changes, then what was not judged and how much is hidden.
func Write(w io.Writer, set *change.Set, opt reporting.Options) error {
	p := Page{Styles: reporting.StylesFor(opt.Color), All: opt.ShowHidden, width: opt.Width, FailOn: opt.FailOn, Operation: string(cmp.Or(set.Release.Operation, change.Upgrade))}
	sum := set.Summary()
	sections := p.sections(set)
	list := rooms(len(sum.Risks) == 0)
	if set.Why != nil { // whoever asks for causes has time to read
		list = []Room{{edits: MaxEdits, lines: MaxLines, restarts: MaxEdits, plain: MaxEdits, plainLines: MaxLines}}
	}
	for _, p.room = range list {
		p.reset()
		p.Head(set, &sum, opt.FailOn)
		p.body(set, &sum, sections)
		p.exit(&sum.Hidden, &opt, reporting.VerdictOn{Set: set, FailOn: opt.FailOn})
		if p.enough() {
			break
		}
	}
	_, err := io.WriteString(w, p.wrapped())
	return err
}

// exit prints why the exit code is what it is, and how much is hidden.
func (p *Page) exit(hidden *change.Ledger, opt *reporting.Options, of ...reporting.VerdictOn) {
	var parts []string
	if !opt.Part {
		parts = append(parts, reporting.ExitLine(opt, of...))
	}
	if text := p.hiding(hidden); text != "" {
		parts = append(parts, p.Faint(text))
	}
	if len(parts) > 0 {
		p.line()
		p.line(strings.Join(parts, "; "))
	}
}

// body prints what the set holds, below the head.
func (p *Page) body(set *change.Set, sum *change.Summary, sections []section) {
	p.hinted = map[string]bool{}
	for i := range sections {
		p.section(&sections[i])
	}
	p.Notices(OneWay, set.OneWay)
	p.Rotating(set.Rotating)
	p.Drift(set.Drift)
	p.Notices(Unchecked, Unshipped(set.Unchecked))
	p.Policy(set, sum)
}

// Page is the report while it is written.
type Page struct {
	reporting.Styles
	Out strings.Builder
	// All says that nothing is hidden or cut.
	All bool
	// width is the number of columns; 0 for no limit.
	width int
	// Operation is the subject of the report, such as "upgrade".
	Operation string
	// FailOn is what fails the run; nil if the report does not say how to accept findings.
	FailOn change.FailOn
	// room is how much of each object is shown. The zero room shows everything that is not
	// hidden.
	room Room
	// hinted are the hints that are already on the page; nil if each object is read by itself.
	hinted map[string]bool
	// Going has the deleted half of each object under two names.
	Going map[*change.Change]*change.Change
	// shorter says that something was left out because there was no room.
	shorter bool
	// single says that the last section is one line, after its title.
	single bool
}

// reset begins the page anew.
func (p *Page) reset() {
	p.Out.Reset()
	p.shorter, p.single = false, false
}

// line prints a line. Its parts are printable, and line makes the whole printable.
func (p *Page) line(parts ...string) {
	p.Out.WriteString(safetext.WithoutCommands(strings.Join(parts, "")))
	p.Out.WriteByte('\n')
}

// maxValues is how many of the user's values are named, unless everything is requested.
const maxValues = 10

// values lists which of the user's values differ.
func (p *Page) values(edits []change.Edit) {
	for i := range edits {
		if i == maxValues && !p.All {
			p.line("  … ", reporting.Plural(len(edits)-i, "more value"))
			return
		}
		e := &edits[i]
		short, ok := p.Short(e)
		if !ok {
			short = "another text"
		}
		if e.Old.Text() == change.Mask || e.New.Text() == change.Mask {
			short = "changed"
		}
		p.line("  value ", reporting.Printable(e.Path.String()), ": ", signOf(e), short)
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

// Drift lists what was changed in the cluster behind Helm's back.
func (p *Page) Drift(list []change.Drift) {
	if len(list) == 0 {
		return
	}
	p.line()
	p.line(p.Strong("Changed behind Helm's back"))
	var object manifest.Ref
	for i := range list {
		d := &list[i]
		if len(d.Path) == 0 {
			p.line("  ", reporting.Printable(d.Ref.String()), map[change.Fate]string{
				change.PutBack: " is gone; the upgrade makes it again", change.Survives: " is gone already; the upgrade has nothing to delete",
			}[d.Fate])
			continue
		}
		if d.Ref != object {
			p.line("  ", reporting.Printable(d.Ref.String()))
			object = d.Ref
		}
		p.line("    ", reporting.Printable(d.Path.String()), ": ", p.Drifted(d), Who(d), ": ", FateOf(d.Fate))
	}
}

// Drifted writes what the release says for a field and what the cluster has.
func (p *Page) Drifted(d *change.Drift) string {
	if text, ok := p.Short(&change.Edit{Old: d.Said, New: d.Is}); ok {
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

// Who names the manager of a field that has drifted, and when it wrote the field.
func Who(d *change.Drift) string {
	switch {
	case d.By == "":
		return ""
	case d.Since == "":
		return " (by " + reporting.Printable(d.By) + ")"
	default:
		return " (by " + reporting.Printable(d.By) + ", " + d.Since + ")"
	}
}

// FateOf says what the upgrade does to a field that differs in the cluster.
func FateOf(fate change.Fate) string {
	switch fate {
	case change.PutBack:
		return "the upgrade overwrites it"
	case change.Conflict:
		return "the upgrade is refused because of it"
	default:
		return "it stays"
	}
}

// Refs names objects of several kinds.
func (p *Page) Refs(refs []manifest.Ref) string { return RefsIn(refs, p.All) }

// RefsIn names objects of several kinds. all says that none is left out.
func RefsIn(refs []manifest.Ref, all bool) string {
	if len(refs) == 1 && refs[0] == (manifest.Ref{}) {
		return ""
	}
	refs = slices.Clone(refs)
	slices.SortStableFunc(refs, func(a, b manifest.Ref) int { return cmp.Compare(a.Kind, b.Kind) })
	var kinds []string
	for len(refs) > 0 {
		n := 0
		var list []reporting.Named
		for n < len(refs) && refs[n].Kind == refs[0].Kind {
			list = append(list, reporting.Named{Namespace: refs[n].Namespace, Name: refs[n].Name})
			n++
		}
		kinds = append(kinds, reporting.Printable(refs[0].Kind)+" "+reporting.Names(list, all)+reporting.Times(n))
		refs = refs[n:]
	}
	return strings.Join(kinds, ", ")
}

// Ledger says in a paragraph how much is hidden, and why.
func (p *Page) Ledger(hidden *change.Ledger) {
	if text := p.hiding(hidden); text != "" {
		p.line()
		p.line(p.Faint(text))
	}
}

// hiding says how much is hidden, and by which filters; "" if nothing is.
func (p *Page) hiding(hidden *change.Ledger) string {
	if hidden.Edits == 0 && hidden.Objects == 0 {
		if p.shorter && !p.All {
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
		what = append(what, reporting.Plural(hidden.Edits, "edit"))
	}
	if hidden.Objects > 0 {
		what = append(what, reporting.Plural(hidden.Objects, "whole object"))
	}
	how := "; --show-hidden shows all"
	switch {
	case p.All:
		how = " without --show-hidden"
	case p.shorter:
		how = "; shortened" + how
	}
	return "hidden: " + strings.Join(what, ", ") + " (" + strings.Join(filters, ", ") + ")" + how
}
