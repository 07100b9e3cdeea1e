package textreport

import (
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// HintOf returns what to do about a finding; "" if nobody needs to do anything.
func HintOf(f *change.Finding) string {
	if slices.Contains(reporting.RoutineRules, f.Rule) {
		return ""
	}
	return f.Hint
}

// restart prints the workloads of a group: how many pods stay ready, and why the others are
// replaced.
func (p *Page) restart(g reporting.Group) {
	c := g[0]
	rule := ""
	if c.Findings[0].Rule != reporting.RoutineRules[0] {
		rule = RuleID(&c.Findings[0])
	}
	lead := reporting.Rollout(c)
	p.line(p.Strong(p.Risk(change.Restart)(lead)), ": ", p.Strong(p.Objects(g)), reporting.Times(len(g)), ": ", replacedBy(g), p.Faint(rule))
	p.edits(g)
	p.because(g)
}

// RuleID is the ID of the rule of a finding, in brackets.
func RuleID(f *change.Finding) string { return " [" + reporting.Printable(f.Rule) + "]" }

// replacedBy is why the pods of a group are replaced. Where many objects that differ in numbers are one
// group, it says that these differ too, so that nobody reads the first one's image as that of all.
func replacedBy(g reporting.Group) string {
	first := reporting.Anonymous(g[0].Outcome.Pods.Cause, g[0])
	text := reporting.Printable(g[0].Outcome.Pods.Cause)
	if slices.ContainsFunc(g, func(c *change.Change) bool { return reporting.Anonymous(c.Outcome.Pods.Cause, c) != first }) {
		text += " (other numbers in the others)"
	}
	return text
}

// brief prints a group in one line: what is done to which objects, and the findings.
func (p *Page) brief(g reporting.Group) {
	c := g[0]
	lead := p.lead(c)
	if c.Outcome.Pods != nil && c.Outcome.Pods.Cause != "" && len(c.Findings) == 1 && c.Findings[0].Risk == change.Restart {
		p.line(lead, string(c.Op), " ", p.Strong(p.Objects(g)), reporting.Times(len(g)), ": ", replacedBy(g))
		return
	}
	var found []string
	for i := range c.Findings {
		found = append(found, reporting.Printable(c.Findings[i].Message)+p.Faint(RuleID(&c.Findings[i])))
	}
	text := ""
	if c.Op == change.Keep {
		text = p.Meaning(c)
	}
	if len(found) > 0 {
		text += ": " + strings.Join(found, "; ")
	}
	p.line(lead, string(c.Op), " ", p.Strong(p.Objects(g)), reporting.Times(len(g)), text, p.Faint(p.countedEdits(g)))
}

// lead names the classes of the findings of a change.
func (p *Page) lead(c *change.Change) string {
	risks := c.Risks()
	if len(risks) == 0 {
		return ""
	}
	title := make([]string, len(risks))
	for i, risk := range risks {
		title[i] = p.Strong(p.Risk(risk)(string(risk)))
	}
	return strings.Join(title, ", ") + ": "
}

// maxPlain is how many characters of edits follow the name of an object on its line.
const maxPlain = 100

// plain prints a group without a finding in one line: as many edits as fit, and how many
// more there are.
func (p *Page) plain(g reporting.Group) {
	c := g[0]
	var said []string
	if pods := c.Outcome.Pods; pods != nil && pods.Cause != "" && c.Op == change.Update {
		said = append(said, reporting.Printable(pods.Cause))
	}
	for _, line := range reporting.PodLines(c) {
		said = append(said, reporting.Printable(line))
	}
	for _, warning := range c.Outcome.Ignored {
		said = append(said, p.Warn("ignored by the API server: ")+reporting.Printable(warning))
	}
	edits := p.Merged(g)
	left, length := 0, 0
	for i := range edits {
		text := p.inBrief(&edits[i])
		if i > 0 && length+len(text) > maxPlain {
			left = len(edits) - i
			break
		}
		length += len(text)
		said = append(said, text)
	}
	if left > 0 {
		said = append(said, reporting.Plural(left, "more edit"))
		p.shorter = true
	}
	if len(said) == 0 && slices.ContainsFunc(c.Edits, func(e change.Edit) bool { return e.Noise == "" && reporting.Describes(c, &e) }) {
		said = []string{"descriptions only"}
	}
	text := p.Meaning(c)
	if len(said) > 0 {
		text += ": " + strings.Join(said, "; ")
	}
	p.line(string(c.Op), " ", p.Strong(p.Objects(g)), reporting.Times(len(g)), text)
}

// inBrief writes one edit, without its values if these are long.
func (p *Page) inBrief(e *MergedEdit) string {
	sign, _ := p.Sign(e.Edit)
	text := sign + e.Where()
	short, ok := p.Short(e.Edit)
	if e.Old.Secret() || e.New.Secret() || e.Spread != nil {
		ok = false
	}
	if ok && len(short) <= maxInline {
		text += ": " + short
	} else {
		p.shorter = p.shorter || !e.Old.Secret() && !e.New.Secret()
	}
	if len(e.Watchers) > 0 {
		text += p.Faint(" (" + reporting.Printable(p.watchers(e.Watchers)) + ")")
	}
	return text
}

// refsOf names the objects of changes.
func refsOf(g reporting.Group) []manifest.Ref {
	refs := make([]manifest.Ref, len(g))
	for i, c := range g {
		refs[i] = c.Ref
	}
	return refs
}
