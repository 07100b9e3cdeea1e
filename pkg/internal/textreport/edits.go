package textreport

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/yaml"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/linediff"
)

// The limits of what the text report shows of one object, unless everything is requested.
const (
	MaxEdits    = 30  // edits
	MaxLines    = 40  // lines of one value
	maxInline   = 60  // bytes of a map or list that is written on one line
	maxWidth    = 100 // characters of one line of a value
	maxWatchers = 3   // of the readers of a label
	around      = 2   // equal lines around the lines that differ
)

// edits prints the edits of a group, those that cause a finding first.
func (p *Page) edits(g reporting.Group) {
	most, lines := p.roomFor(g[0])
	list := p.Merged(g)
	if most == 0 && !p.All {
		p.shorter = p.shorter || len(list) > 0
		return // the title counts them
	}
	if n := p.refusedEdits(g[0], list); n > 0 && n < len(list) && !p.All && p.room != (Room{}) {
		most = min(most, n)
	}
	shown := list
	if len(list) > most && !p.All {
		shown = list[:most]
	}
	left := 0
	for i := range list[len(shown):] {
		left += list[len(shown)+i].items
	}
	for n := range shown {
		more := ""
		if n == len(shown)-1 && left > 0 {
			more = p.Faint("  … " + reporting.Plural(left, "more edit"))
			p.shorter = true
		}
		p.edit(&shown[n], lines, more)
	}
}

// refusedEdits counts the edits that the API server rejects, which come first.
func (p *Page) refusedEdits(c *change.Change, list []MergedEdit) int {
	n := 0
	for n < len(list) && IsRefused(c, list[n].Path) {
		n++
	}
	return n
}

// untold says in a title how many edits of the objects are not shown for want of room.
func (p *Page) untold(g reporting.Group) string {
	if most, _ := p.roomFor(g[0]); most > 0 || p.All {
		return ""
	}
	return p.Faint(p.countedEdits(g))
}

// countedEdits says how many edits the objects of a group have that are shown elsewhere.
func (p *Page) countedEdits(g reporting.Group) string {
	fewest, most := math.MaxInt, 0
	for _, c := range g {
		n := len(p.order(c))
		fewest, most = min(fewest, n), max(most, n)
	}
	switch {
	case most == 0:
		return ""
	case fewest < most:
		return fmt.Sprintf(", %d to %s each", fewest, reporting.Plural(most, "edit"))
	case len(g) > 1:
		return ", " + reporting.Plural(most, "edit") + " each"
	default:
		return ", " + reporting.Plural(most, "edit")
	}
}

// roomFor returns how many edits of an object, and how many lines of a value, are shown.
func (p *Page) roomFor(c *change.Change) (edits, lines int) {
	switch {
	case p.room == Room{}:
		return MaxEdits, MaxLines
	case reporting.Routine(c):
		return p.room.restarts, p.room.lines
	case len(c.Findings) > 0:
		return p.room.edits, p.room.lines
	default:
		return p.room.plain, p.room.plainLines
	}
}

// order returns which edits are shown: first rejected ones, then those that cause a
// finding. If only a few fit, edits of what pods run come before edits of their labels and
// annotations.
func (p *Page) order(c *change.Change) []int {
	var refused, first, marks, rest []int
	for i := range c.Edits {
		switch e := &c.Edits[i]; {
		case !reporting.Shows(c, e, p.All):
		case IsRefused(c, e.Path):
			refused = append(refused, i)
		case p.room.gather && slices.ContainsFunc(e.Path, func(e fieldpath.Element) bool { return e.Field == "metadata" }):
			marks = append(marks, i)
		case Blamed(c, e.Path):
			first = append(first, i)
		default:
			rest = append(rest, i)
		}
	}
	return slices.Concat(refused, first, rest, marks)
}

// IsRefused reports whether the API server rejects a field or a part of it.
func IsRefused(c *change.Change, path fieldpath.Path) bool {
	return slices.ContainsFunc(c.Outcome.Refused, func(e change.FieldError) bool {
		field := strings.Split(e.Field, ".")
		return e.Field != "" && len(field) <= len(path) && path.Under(field...)
	})
}

// spread returns the i-th shown edit of the last object of a group, if that edit differs
// between the objects; else nil.
func spread(g reporting.Group, i int, all bool) *change.Edit {
	nth := 0
	for j := range g[0].Edits[:i] {
		if reporting.Shows(g[0], &g[0].Edits[j], all) {
			nth++
		}
	}
	first, last := &g[0].Edits[i], (*change.Edit)(nil)
	differs := false
	for _, c := range g[1:] {
		last = shownEdit(c, nth, all)
		differs = differs || last.Old.Text() != first.Old.Text() || last.New.Text() != first.New.Text()
	}
	if differs {
		return last
	}
	return nil
}

func shownEdit(c *change.Change, nth int, all bool) *change.Edit {
	for i := range c.Edits {
		if !reporting.Shows(c, &c.Edits[i], all) {
			continue
		}
		if nth == 0 {
			return &c.Edits[i]
		}
		nth--
	}
	return nil
}

// Sign marks what an edit does to a field.
func (p *Page) Sign(e *change.Edit) (string, reporting.Style) {
	switch {
	case !e.Old.Present():
		return "+ ", p.Good
	case !e.New.Present():
		return "- ", p.Bad
	default:
		return "~ ", p.Warn
	}
}

// edit prints one edit, and after it how many more there are.
func (p *Page) edit(e *MergedEdit, lines int, more string) {
	sign, paint := p.Sign(e.Edit)
	mark := ""
	if said := p.Mark(e.Edit); said != "" {
		mark = p.Faint("  " + said)
	}
	lead := "  " + paint(sign) + e.Where() + ":"
	short, ok := p.Short(e.Edit)
	if !ok {
		p.lines(e.Edit, lead, mark+more, lines)
		if e.Spread != nil {
			p.line("      (the numbers in it are others in each of the objects)")
		}
		return
	}
	if e.Spread != nil {
		other, _ := p.Short(e.Spread)
		short += p.Faint("  …  ") + other
	}
	p.line(lead, " ", short, mark, more)
}

// Mark is what the report says about an edit besides its values.
func (p *Page) Mark(e *change.Edit) string {
	var marks []string
	if len(e.Watchers) > 0 {
		marks = append(marks, "("+reporting.Printable(p.watchers(e.Watchers))+")")
	}
	if e.Rotates {
		marks = append(marks, "(rotates)")
	}
	if e.Noise != "" {
		marks = append(marks, "(hidden: "+e.Noise+")")
	}
	return strings.Join(marks, "  ")
}

// watchers names the readers of a label.
func (p *Page) watchers(clauses []string) string {
	if more := len(clauses) - maxWatchers; more > 0 && !p.All {
		return strings.Join(clauses[:maxWatchers], "; ") + fmt.Sprintf("; and %d more", more)
	}
	return strings.Join(clauses, "; ")
}

// Short writes old and new on one line, if both fit.
func (p *Page) Short(e *change.Edit) (string, bool) {
	before, after := inline(e.Old), inline(e.New)
	if e.Old.Present() && before == "" || e.New.Present() && after == "" {
		return "", false
	}
	if !p.All {
		before, after = shorten(before, after)
	}
	switch {
	case !e.Old.Present():
		return after, true
	case !e.New.Present():
		return before, true
	case e.Reordered:
		return "order " + before + " → " + after, true
	default:
		return before + " → " + after, true
	}
}

// inline returns a value on one line, or "" if it takes several. Text that could be read as
// another type is quoted.
func inline(v change.Value) string {
	switch raw := v.Shown().(type) {
	case string:
		if strings.Contains(strings.TrimSuffix(raw, "\n"), "\n") {
			return ""
		}
		if v.Secret() || plainText(raw) {
			return reporting.Printable(raw)
		}
		return reporting.Quoted(raw)
	case map[string]any, []any:
		text := reporting.Quoted(raw)
		if len(text) > maxInline {
			return ""
		}
		return reporting.Printable(text)
	default:
		return v.Text()
	}
}

// plainText reports whether a text cannot be mistaken for a number, a boolean, null, or
// another text.
func plainText(s string) bool {
	if s == "" || strings.TrimSpace(s) != s || strings.Contains(s, "\t") || strings.ContainsAny(s[:1], `"'[{`) {
		return false
	}
	var value any
	if json.Unmarshal([]byte(s), &value) == nil {
		return false
	}
	return s != "~" && !strings.Contains(s, " → ")
}

// digests are texts that tell people only that they differ.
var digests = regexp.MustCompile(`^[0-9a-f]{32,128}$`)

// shorten cuts two values to fit on a line, and keeps the position of their first
// difference visible.
func shorten(before, after string) (shortBefore, shortAfter string) {
	if digests.MatchString(before) && digests.MatchString(after) && before[:8] != after[:8] {
		return before[:8] + "…", after[:8] + "…"
	}
	if utf8.RuneCountInString(before) <= maxWidth && utf8.RuneCountInString(after) <= maxWidth {
		return before, after
	}
	a, b := []rune(before), []rune(after)
	same := 0
	for same < len(a) && same < len(b) && a[same] == b[same] {
		same++
	}
	if blob.MatchString(before) && blob.MatchString(after) {
		return glimpse(a, same), glimpse(b, same)
	}
	from := max(0, same-maxWidth/4)
	return window(a, from), window(b, from)
}

// blob is encoded data, which tells people only that it differs.
var blob = regexp.MustCompile(`^[0-9A-Za-z+/_=-]*$`)

// glimpse is the part of encoded data that distinguishes it from another one, and its
// length.
func glimpse(text []rune, same int) string {
	const some = 8
	if len(text) <= 2*some {
		return string(text)
	}
	from := min(same, len(text)-some)
	lead := ""
	if from > 0 {
		lead = "…"
	}
	return fmt.Sprintf("%s%s… (%d characters)", lead, string(text[from:from+some]), len(text))
}

func window(text []rune, from int) string {
	from = min(from, len(text))
	lead := ""
	if from > 0 {
		lead = "…"
	}
	if len(text)-from <= maxWidth {
		return lead + string(text[from:])
	}
	return fmt.Sprintf("%s%s… (%d more characters)", lead, string(text[from:from+maxWidth]), len(text)-from-maxWidth)
}

// lines prints an edit that takes several lines, or how many lines it has.
func (p *Page) lines(e *change.Edit, lead, mark string, most int) {
	out := p.Long(e)
	if most == 0 && !p.All {
		p.line(lead, " ", reporting.Plural(len(out), "line"), mark)
		p.shorter = true
		return
	}
	p.line(lead, mark)
	for i, line := range out {
		if i == most && !p.All {
			p.line("      … ", reporting.Plural(len(out)-i, "more line"))
			p.shorter = true
			break
		}
		p.line(line)
	}
}

// Long returns the lines in which two values differ, and a few around them.
func (p *Page) Long(e *change.Edit) []string {
	before, after := linediff.Lines(lines(e.Old)), linediff.Lines(lines(e.New))
	ends := ended(before) != ended(after)
	var out []string
	add := func(paint reporting.Style, sign string, list, others []string) {
		for i, line := range list {
			text := paint(sign + p.cutBeside(line, others, i))
			if ends && !strings.HasSuffix(line, "\n") {
				text += p.Faint("  (no newline at the end)")
			}
			out = append(out, "      "+text)
		}
	}
	plain := func(s string) string { return s }
	hunks := linediff.Diff(before, after)
	for len(hunks) > 0 {
		n := 1
		for n < len(hunks) && hunks[n].OldFrom-hunks[n-1].OldTo <= 2*around {
			n++
		}
		start, end := max(0, hunks[0].OldFrom-around), min(len(before), hunks[n-1].OldTo+around)
		if len(before) > 0 && len(after) > 0 {
			out = append(out, "      "+p.Faint(fmt.Sprintf("@@ line %d @@", start+1)))
		}
		for i, h := range hunks[:n] {
			add(plain, " ", before[start:h.OldFrom], nil)
			add(p.Bad, "-", before[h.OldFrom:h.OldTo], after[h.NewFrom:h.NewTo])
			add(p.Good, "+", after[h.NewFrom:h.NewTo], before[h.OldFrom:h.OldTo])
			start = h.OldTo
			if i == n-1 {
				add(plain, " ", before[start:end], nil)
			}
		}
		hunks = hunks[n:]
	}
	return out
}

// cutBeside prepares one line of a value for the page, and keeps visible what distinguishes
// it from its counterpart on the other side.
func (p *Page) cutBeside(line string, others []string, i int) string {
	if p.All || i >= len(others) {
		return p.cut(line)
	}
	text, _ := shorten(reporting.Printable(strings.TrimSuffix(line, "\n")), reporting.Printable(strings.TrimSuffix(others[i], "\n")))
	return text
}

// cut prepares one line of a value for the page.
func (p *Page) cut(line string) string {
	text := reporting.Printable(strings.TrimSuffix(line, "\n"))
	if p.All {
		return text
	}
	return window([]rune(text), 0)
}

// ended reports whether a text ends with a newline, or is empty.
func ended(lines []string) bool {
	return len(lines) == 0 || strings.HasSuffix(lines[len(lines)-1], "\n")
}

// lines returns a value as text of several lines: text as it is, anything else as YAML.
func lines(v change.Value) string {
	switch raw := v.Shown().(type) {
	case nil:
		return ""
	case string:
		return raw
	default:
		text, err := yaml.Marshal(raw)
		if err != nil {
			return v.Text() + "\n"
		}
		return string(text)
	}
}
