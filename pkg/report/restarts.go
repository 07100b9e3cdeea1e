package report

import (
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// hintOf returns what to do about a finding; "" if nobody needs to do anything.
func hintOf(f *change.Finding) string {
	if slices.Contains(routineRules, f.Rule) {
		return ""
	}
	return f.Hint
}

// restart prints the workloads of a group: how many pods stay ready, and why the others are
// replaced.
func (p *page) restart(g group) {
	c := g[0]
	rule := ""
	if c.Findings[0].Rule != routineRules[0] {
		rule = ruleID(&c.Findings[0])
	}
	lead := rollout(c)
	p.line(p.strong(p.risk(change.Restart)(lead)), ": ", p.strong(p.objects(g)), times(len(g)), ": ", replacedBy(g), p.faint(rule))
	p.edits(g)
	p.because(g)
}

// replacedBy is why the pods of a group are replaced. Where many objects that differ in numbers are one
// group, it says that these differ too, so that nobody reads the first one's image as that of all.
func replacedBy(g group) string {
	first := anonymous(g[0].Outcome.Pods.Cause, g[0])
	text := printable(g[0].Outcome.Pods.Cause)
	if slices.ContainsFunc(g, func(c *change.Change) bool { return anonymous(c.Outcome.Pods.Cause, c) != first }) {
		text += " (other numbers in the others)"
	}
	return text
}

func stay(n int) string {
	if n == 1 {
		return "stays ready"
	}
	return "stay ready"
}

// ruleID is the ID of the rule of a finding, in brackets.
func ruleID(f *change.Finding) string { return " [" + printable(f.Rule) + "]" }

// brief prints a group in one line: what is done to which objects, and the findings.
func (p *page) brief(g group) {
	c := g[0]
	lead := p.lead(c)
	if c.Outcome.Pods != nil && c.Outcome.Pods.Cause != "" && len(c.Findings) == 1 && c.Findings[0].Risk == change.Restart {
		p.line(lead, string(c.Op), " ", p.strong(p.objects(g)), times(len(g)), ": ", replacedBy(g))
		return
	}
	var found []string
	for i := range c.Findings {
		found = append(found, printable(c.Findings[i].Message)+p.faint(ruleID(&c.Findings[i])))
	}
	text := ""
	if c.Op == change.Keep {
		text = p.meaning(c)
	}
	if len(found) > 0 {
		text += ": " + strings.Join(found, "; ")
	}
	p.line(lead, string(c.Op), " ", p.strong(p.objects(g)), times(len(g)), text, p.faint(p.countedEdits(g)))
}

// lead names the classes of the findings of a change.
func (p *page) lead(c *change.Change) string {
	risks := c.Risks()
	if len(risks) == 0 {
		return ""
	}
	title := make([]string, len(risks))
	for i, risk := range risks {
		title[i] = p.strong(p.risk(risk)(string(risk)))
	}
	return strings.Join(title, ", ") + ": "
}

// maxPlain is how many characters of edits follow the name of an object on its line.
const maxPlain = 100

// plain prints a group without a finding in one line: as many edits as fit, and how many
// more there are.
func (p *page) plain(g group) {
	c := g[0]
	var said []string
	if pods := c.Outcome.Pods; pods != nil && pods.Cause != "" && c.Op == change.Update {
		said = append(said, printable(pods.Cause))
	}
	for _, line := range podLines(c) {
		said = append(said, printable(line))
	}
	for _, warning := range c.Outcome.Ignored {
		said = append(said, p.warn("ignored by the API server: ")+printable(warning))
	}
	edits := p.merged(g)
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
		said = append(said, plural(left, "more edit"))
		p.shorter = true
	}
	if len(said) == 0 && slices.ContainsFunc(c.Edits, func(e change.Edit) bool { return e.Noise == "" && describes(c, &e) }) {
		said = []string{"descriptions only"}
	}
	text := p.meaning(c)
	if len(said) > 0 {
		text += ": " + strings.Join(said, "; ")
	}
	p.line(string(c.Op), " ", p.strong(p.objects(g)), times(len(g)), text)
}

// inBrief writes one edit, without its values if these are long.
func (p *page) inBrief(e *mergedEdit) string {
	sign, _ := p.sign(e.Edit)
	text := sign + e.path()
	short, ok := p.short(e.Edit)
	if e.Old.Secret() || e.New.Secret() || e.spread != nil {
		ok = false
	}
	if ok && len(short) <= maxInline {
		text += ": " + short
	} else {
		p.shorter = p.shorter || !e.Old.Secret() && !e.New.Secret()
	}
	if len(e.Watchers) > 0 {
		text += p.faint(" (" + printable(p.watchers(e.Watchers)) + ")")
	}
	return text
}

// refsOf names the objects of changes.
func refsOf(g group) []manifest.Ref {
	refs := make([]manifest.Ref, len(g))
	for i, c := range g {
		refs[i] = c.Ref
	}
	return refs
}
