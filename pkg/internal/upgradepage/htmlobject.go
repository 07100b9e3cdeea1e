package upgradepage

import (
	"slices"
	"strconv"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/htmlreport"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/textreport"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// object is everything about a group of objects.
func (h *htmlMaker) object(g reporting.Group, told map[manifest.Ref][]htmlreport.Note) htmlreport.Object {
	c := g[0]
	o := htmlreport.Object{
		Classes: reporting.Each(c.Risks(), func(r *change.Risk) string { return string(*r) }), Op: string(c.Op), Name: h.Objects(g) + reporting.Times(len(g)),
		Told: h.told(c), Open: slices.ContainsFunc(c.Findings, func(f change.Finding) bool { return h.opt.FailOn.Fails(&f) && !f.Rolling }),
	}
	for _, c := range g {
		o.Kinds = once(o.Kinds, reporting.Printable(c.Ref.Kind))
		o.Namespaces = once(o.Namespaces, reporting.Printable(c.Ref.Namespace))
		o.Notices = append(o.Notices, told[c.Ref]...)
		if old := h.Going[c]; old != nil {
			o.Kinds, o.Namespaces = once(o.Kinds, reporting.Printable(old.Ref.Kind)), once(o.Namespaces, reporting.Printable(old.Ref.Namespace))
			o.Notices = append(o.Notices, told[old.Ref]...)
		}
	}
	if c.Hidden() {
		o.State = "hidden"
	}
	if c.Outcome.Unreached && c.Op != change.Leave {
		o.State = notReached
	}
	for i := range c.Findings {
		o.Findings = append(o.Findings, h.finding(g, &c.Findings[i]))
	}
	for i := range c.Accepted {
		a := &c.Accepted[i]
		f := h.finding(g, &a.Finding)
		f.Accept, f.Marks = "", append(f.Marks, textreport.Accepted(a))
		o.Findings = append(o.Findings, f)
	}
	for _, e := range c.Outcome.Refused {
		if text := reporting.Printable(e.String()); !slices.ContainsFunc(o.Findings, func(f htmlreport.Finding) bool { return f.Message == text }) {
			o.Findings = append(o.Findings, htmlreport.Finding{Class: string(change.Rejected), Message: text})
		}
	}
	o.Edits, o.Rest, o.More = h.editsOf(g)
	if o.Why = h.why(c, &o); strings.Contains(o.Why, notReached) {
		o.State = ""
	}
	if object := reporting.Standing(c); object != nil {
		o.Source = reporting.Printable(object.Source)
	}
	return o
}

// once adds a text to a list that does not contain it.
func once(list []string, text string) []string {
	if text == "" || slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

// why says briefly why an object is in the table: the findings, the cause, or how many
// fields differ.
func (h *htmlMaker) why(c *change.Change, o *htmlreport.Object) string {
	var parts []string
	for i := range o.Findings {
		if reporting.Routine(c) {
			parts = append(parts, reporting.Rollout(c))
		} else {
			parts = append(parts, o.Findings[i].Message)
		}
	}
	if pods := c.Outcome.Pods; pods != nil && pods.Cause != "" && c.Op == change.Update {
		parts = append(parts, reporting.Printable(pods.Cause))
	}
	if len(parts) == 0 {
		parts = o.Told
	}
	if n := len(o.Edits) + len(o.Rest); len(parts) == 0 && n > 0 {
		parts = append(parts, reporting.Plural(n, "edit"))
		if n == 1 {
			parts = []string{o.Edits[0].Path}
		}
	}
	return strings.Join(slices.Compact(parts), "; ")
}

// told are sentences about what happens to an object.
func (h *htmlMaker) told(c *change.Change) []string {
	var list []string
	if meaning := strings.TrimPrefix(h.Meaning(c), ": "); meaning != "" {
		list = append(list, meaning)
	}
	if pods := c.Outcome.Pods; pods != nil && pods.Cause != "" && c.Op == change.Update {
		list = append(list, "cause: "+reporting.Printable(pods.Cause))
	}
	for _, line := range reporting.PodLines(c) {
		list = append(list, "pods: "+reporting.Printable(line))
	}
	for _, warning := range c.Outcome.Ignored {
		list = append(list, "ignored by the API server: "+reporting.Printable(warning))
	}
	causes, _ := textreport.CausesOf(c)
	for _, cause := range causes {
		list = append(list, "because: "+reporting.Printable(cause))
	}
	if h.All {
		for i := range c.Off {
			f := &c.Off[i]
			list = append(list, reporting.Printable("switched off: "+string(f.Risk)+": "+f.Message)+textreport.RuleID(f))
		}
	}
	return list
}

// finding is one finding about a group of objects.
func (h *htmlMaker) finding(g reporting.Group, f *change.Finding) htmlreport.Finding {
	c := g[0]
	out := htmlreport.Finding{Class: string(f.Risk), Rule: reporting.Printable(f.Rule), Message: reporting.Printable(f.Message)}
	if r := h.rules[f.Rule]; r != nil && r.Why != f.Message {
		out.Why = reporting.Printable(r.Why)
	}
	hint := textreport.HintOf(f)
	if len(g) > 1 { // it names the first of several
		hint = strings.ReplaceAll(reporting.Nameless(hint, c.Ref.Name), "\x00", "NAME")
	} else {
		out.Accept = h.Accept(c, f)
	}
	out.Hint = reporting.Printable(hint)
	if f.Was != "" {
		out.Marks = append(out.Marks, "the policy says "+string(f.Risk)+"; the rule says "+string(f.Was))
	}
	for _, path := range f.Paths {
		if !slices.ContainsFunc(c.Edits, func(e change.Edit) bool { return e.Path.Overlaps(path) }) {
			out.Marks = append(out.Marks, "because of "+reporting.Printable(path.String()))
		}
	}
	for i := range f.Evidence {
		out.Evidence = append(out.Evidence, h.evidence(&f.Evidence[i]))
	}
	return out
}

// evidence writes on one line what makes a finding true.
func (h *htmlMaker) evidence(e *change.Evidence) string {
	text := e.What
	var parts []string
	if len(e.Objects) > 0 {
		parts = append(parts, h.Refs(e.Objects))
	}
	if len(e.Names) > 0 {
		parts = append(parts, strings.Join(e.Names, ", "))
	}
	switch {
	case e.Count < 0:
		parts = append(parts, "not known how many")
	case e.Count > 0:
		parts = append(parts, strconv.Itoa(e.Count))
	}
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, "; ")
	}
	return reporting.Printable(text)
}

// maxRest is how many other edits may stand beside those that cause a finding before they
// are folded.
const maxRest = 3

// editsOf returns the shown edits of a group: those that cause a finding, or all if there
// are none, then the rest, and how many more there are.
func (h *htmlMaker) editsOf(g reporting.Group) (edits, rest []htmlreport.Edit, more string) {
	list := h.Merged(g)
	if left := len(list) - textreport.MaxEdits; left > 0 && !h.All {
		list, more = list[:textreport.MaxEdits], reporting.Plural(left, "more edit")
	}
	for i := range list {
		if c := g[0]; textreport.Blamed(c, list[i].Path) || textreport.IsRefused(c, list[i].Path) {
			edits = append(edits, h.editOf(&list[i]))
		} else {
			rest = append(rest, h.editOf(&list[i]))
		}
	}
	if len(edits) == 0 || len(rest) <= maxRest {
		return slices.Concat(edits, rest), nil, more
	}
	return edits, rest, more
}

func (h *htmlMaker) editOf(e *textreport.MergedEdit) htmlreport.Edit {
	sign, _ := h.Sign(e.Edit)
	out := htmlreport.Edit{Sign: strings.TrimSpace(sign), Path: e.Where(), Mark: h.Mark(e.Edit)}
	short, ok := h.Short(e.Edit)
	switch {
	case ok && e.Spread != nil:
		other, _ := h.Short(e.Spread)
		out.Short = short + "  …  " + other
	case ok:
		out.Short = short
	default:
		lines := h.Long(e.Edit)
		for i, line := range lines {
			if i == textreport.MaxLines && !h.All {
				out.Lines = append(out.Lines, htmlreport.Line{Sign: "@", Text: " " + reporting.Plural(len(lines)-i, "more line")})
				break
			}
			line = strings.TrimPrefix(line, strings.Repeat(" ", 6))
			out.Lines = append(out.Lines, htmlreport.Line{Sign: line[:1], Text: line[1:]})
		}
		if e.Spread != nil {
			out.Mark = strings.TrimSpace(out.Mark + " (the numbers in it are others in each of the objects)")
		}
	}
	return out
}
