package report

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// group prints one block of the text report: what is done to which objects, the effect, the
// reason, and what to do instead.
func (p *page) group(g group) {
	c := g[0]
	cause := ""
	if c.Outcome.Pods != nil && c.Outcome.Pods.Cause != "" && c.Op == change.Update {
		cause = ": " + replacedBy(g)
	}
	p.line(p.lead(c), string(c.Op), " ", p.strong(p.objects(g)), times(len(g)), p.meaning(c), cause, p.untold(g))
	p.findings(c, len(c.Risks()) > 1)
	for _, line := range podLines(c) {
		p.line("  pods: ", printable(line))
	}
	for _, warning := range c.Outcome.Ignored {
		p.line("  ", p.warn("ignored by the API server: "), printable(warning))
	}
	p.edits(g)
	p.because(g)
	p.hints(g)
	p.accepts(g)
}

// hints says what to do instead, each hint once on a page.
func (p *page) hints(g group) {
	c := g[0]
	var hints []string
	for i := range c.Findings {
		f := &c.Findings[i]
		hint := hintOf(f)
		if hint == "" || slices.Contains(hints, hint) || p.hinted[hint] {
			continue
		}
		hints = append(hints, hint)
		if p.roomy() {
			if len(g) > 1 { // it names the first of several
				hint = strings.ReplaceAll(nameless(hint, c.Ref.Name), "\x00", "NAME")
			}
			p.line("  hint: ", printable(hint))
		} else {
			p.shorter = true
		}
	}
	if p.hinted != nil {
		for _, hint := range hints {
			p.hinted[hint] = true
		}
	}
}

// accepts prints the commands that accept findings: one for each rule with a finding that
// fails the run. What is rejected fails even if it is accepted.
func (p *page) accepts(g group) {
	if !p.roomy() || p.failOn == nil || len(g) > 1 {
		return
	}
	c := g[0]
	for i := range c.Findings {
		if command := p.accept(c, &c.Findings[i]); command != "" {
			p.line(p.faint("  accept: " + command))
		}
	}
}

// accept returns the command that accepts a finding; "" if it needs none.
func (p *page) accept(c *change.Change, f *change.Finding) string {
	about := c.Ref
	if old := p.going[c]; old != nil && slices.ContainsFunc(old.Findings, func(g change.Finding) bool { return g.Rule == f.Rule && g.Message == f.Message }) {
		about = old.Ref
	}
	object := about.Kind + "/" + named{about.Namespace, about.Name}.String()
	if f.Risk == change.Rejected || !p.failOn.Fails(f) || !word.MatchString(object) || !word.MatchString(f.Rule) {
		return ""
	}
	return "helm safe-diff accept REPORT.json --rule " + f.Rule + " --object " + object + " --reason WHY"
}

// word matches text that a shell reads as one word.
var word = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9./:_-]*$`)

// objects names the objects of a group, which may be of several kinds.
func (p *page) objects(g group) string {
	all := p.all || len(g[0].Findings) > 0
	if !mixed(g) {
		return printable(kindBefore(g[0])) + " " + groupNames(g, all)
	}
	return refsIn(refsOf(g), all)
}

// meaning adds what the name of an Op does not say, and what it means for a hook.
func (p *page) meaning(c *change.Change) string {
	var parts []string
	switch c.Op {
	case change.Keep:
		parts = append(parts, "leaves the release and stays in the cluster")
	case change.Recreate:
		parts = append(parts, "deleted, then made anew as a hook")
	default:
	}
	if c.Renamed != nil && c.Renamed.Stays && !c.Outcome.Unreached {
		parts = append(parts, "the old one stays in the cluster")
	}
	if c.Hook != nil {
		runs := "does not run in this " + p.operation
		if c.Hook.Runs {
			runs = "runs in this " + p.operation
		}
		parts = append(parts, printable("hook "+strings.Join(c.Hook.Events, ", "))+", "+runs)
	}
	if c.Outcome.Orphans {
		parts = append(parts, "its pods stay and belong to nobody")
	}
	if c.Outcome.Unreached && (p.all || p.room == room{}) { // elsewhere the title of a section says so
		parts = append(parts, "not reached: the "+p.operation+" fails first")
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, "; ")
}

// maxRefusals is the maximum number of printed reasons for a rejection.
const maxRefusals = 10

// findings prints the findings. It prints the API server's reasons word for word, and only
// once if a rule repeats one of them.
func (p *page) findings(c *change.Change, classes bool) {
	refused := make([]string, len(c.Outcome.Refused))
	for i, e := range c.Outcome.Refused {
		refused[i] = e.String()
	}
	ids := map[int]string{}
	for i := range c.Findings {
		f := &c.Findings[i]
		if at := slices.Index(refused, f.Message); at >= 0 {
			ids[at] = ruleID(f)
			continue
		}
		lead := ""
		if classes {
			lead = string(f.Risk) + ": "
		}
		p.line("  ", lead, printable(f.Message), p.faint(ruleID(f)))
		if f.Was != "" {
			p.line("  the policy says ", string(f.Risk), "; the rule says ", string(f.Was))
		}
		p.causes(c, f)
	}
	for i := range c.Accepted {
		p.line("  ", accepted(&c.Accepted[i]))
	}
	for i, reason := range refused {
		if i == maxRefusals && !p.all {
			p.line("  … ", plural(len(refused)-i, "more reason"))
			break
		}
		p.line("  ", p.bad("rejected: "), printable(reason), p.faint(ids[i]))
	}
}

// causes names the fields that cause a finding, if the edits below do not show them.
func (p *page) causes(c *change.Change, f *change.Finding) {
	for _, path := range f.Paths {
		if !slices.ContainsFunc(c.Edits, func(e change.Edit) bool { return e.Path.Overlaps(path) }) {
			p.line("    because of ", printable(path.String()))
		}
	}
}

// podLines says what happens to pods, except what a finding already says.
func podLines(c *change.Change) []string {
	pods := c.Outcome.Pods
	if pods == nil || c.Op != change.Update {
		return nil
	}
	var lines []string
	if pods.Before != pods.Desired && pods.Before >= 0 && pods.Desired >= 0 {
		lines = append(lines, fmt.Sprintf("scaled from %d to %d", pods.Before, pods.Desired))
	}
	switch {
	case pods.Replaced && !pods.AllDown && pods.Fewest > 0:
		lines = append(lines, fmt.Sprintf("at least %d %s", pods.Fewest, stay(pods.Fewest)))
	case !pods.Replaced && pods.How != "" && !slices.ContainsFunc(c.Findings, func(f change.Finding) bool { return f.Message == pods.How }):
		lines = append(lines, "not replaced: "+pods.How)
	}
	if pods.Replaced && len(c.Findings) == 0 {
		lines = append(lines, "replaced"+parenthesized(pods.How))
	}
	return lines
}

// blamed reports whether a finding points at the field.
func blamed(c *change.Change, path fieldpath.Path) bool {
	for i := range c.Findings {
		if slices.ContainsFunc(c.Findings[i].Paths, path.Overlaps) {
			return true
		}
	}
	return false
}
