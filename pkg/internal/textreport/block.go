package textreport

import (
	"regexp"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
)

// group prints one block of the text report: what is done to which objects, the effect, the
// reason, and what to do instead.
func (p *Page) group(g reporting.Group) {
	c := g[0]
	cause := ""
	if c.Outcome.Pods != nil && c.Outcome.Pods.Cause != "" && c.Op == change.Update {
		cause = ": " + replacedBy(g)
	}
	p.line(p.lead(c), string(c.Op), " ", p.Strong(p.Objects(g)), reporting.Times(len(g)), p.Meaning(c), cause, p.untold(g))
	p.findings(c, len(c.Risks()) > 1)
	for _, line := range reporting.PodLines(c) {
		p.line("  pods: ", reporting.Printable(line))
	}
	for _, warning := range c.Outcome.Ignored {
		p.line("  ", p.Warn("ignored by the API server: "), reporting.Printable(warning))
	}
	p.edits(g)
	p.because(g)
	p.hints(g)
	p.accepts(g)
}

// hints says what to do instead, each hint once on a page.
func (p *Page) hints(g reporting.Group) {
	c := g[0]
	var hints []string
	for i := range c.Findings {
		f := &c.Findings[i]
		hint := HintOf(f)
		if hint == "" || slices.Contains(hints, hint) || p.hinted[hint] {
			continue
		}
		hints = append(hints, hint)
		if p.roomy() {
			if len(g) > 1 { // it names the first of several
				hint = strings.ReplaceAll(reporting.Nameless(hint, c.Ref.Name), "\x00", "NAME")
			}
			p.line("  hint: ", reporting.Printable(hint))
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
func (p *Page) accepts(g reporting.Group) {
	if !p.roomy() || p.FailOn == nil || len(g) > 1 {
		return
	}
	c := g[0]
	for i := range c.Findings {
		if command := p.Accept(c, &c.Findings[i]); command != "" {
			p.line(p.Faint("  accept: " + command))
		}
	}
}

// Accept returns the command that accepts a finding; "" if it needs none.
func (p *Page) Accept(c *change.Change, f *change.Finding) string {
	about := c.Ref
	if old := p.Going[c]; old != nil && slices.ContainsFunc(old.Findings, func(g change.Finding) bool { return g.Rule == f.Rule && g.Message == f.Message }) {
		about = old.Ref
	}
	object := about.Kind + "/" + reporting.Named{Namespace: about.Namespace, Name: about.Name}.String()
	if f.Risk == change.Rejected || !p.FailOn.Fails(f) || !word.MatchString(object) || !word.MatchString(f.Rule) {
		return ""
	}
	return "helm safe-diff accept REPORT.json --rule " + f.Rule + " --object " + object + " --reason WHY"
}

// word matches text that a shell reads as one word.
var word = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9./:_-]*$`)

// Objects names the objects of a group, which may be of several kinds.
func (p *Page) Objects(g reporting.Group) string {
	all := p.All || len(g[0].Findings) > 0
	if !reporting.Mixed(g) {
		return reporting.Printable(reporting.KindBefore(g[0])) + " " + reporting.GroupNames(g, all)
	}
	return RefsIn(refsOf(g), all)
}

// Meaning adds what the name of an Op does not say, and what it means for a hook.
func (p *Page) Meaning(c *change.Change) string {
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
		runs := "does not run in this " + p.Operation
		if c.Hook.Runs {
			runs = "runs in this " + p.Operation
		}
		parts = append(parts, reporting.Printable("hook "+strings.Join(c.Hook.Events, ", "))+", "+runs)
	}
	if c.Outcome.Orphans {
		parts = append(parts, "its pods stay and belong to nobody")
	}
	if c.Outcome.Unreached && (p.All || p.room == Room{}) { // elsewhere the title of a section says so
		parts = append(parts, "not reached: the "+p.Operation+" fails first")
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
func (p *Page) findings(c *change.Change, classes bool) {
	refused := make([]string, len(c.Outcome.Refused))
	for i, e := range c.Outcome.Refused {
		refused[i] = e.String()
	}
	ids := map[int]string{}
	for i := range c.Findings {
		f := &c.Findings[i]
		if at := slices.Index(refused, f.Message); at >= 0 {
			ids[at] = RuleID(f)
			continue
		}
		lead := ""
		if classes {
			lead = string(f.Risk) + ": "
		}
		p.line("  ", lead, reporting.Printable(f.Message), p.Faint(RuleID(f)))
		if f.Was != "" {
			p.line("  the policy says ", string(f.Risk), "; the rule says ", string(f.Was))
		}
		p.causes(c, f)
	}
	for i := range c.Accepted {
		p.line("  ", Accepted(&c.Accepted[i]))
	}
	for i, reason := range refused {
		if i == maxRefusals && !p.All {
			p.line("  … ", reporting.Plural(len(refused)-i, "more reason"))
			break
		}
		p.line("  ", p.Bad("rejected: "), reporting.Printable(reason), p.Faint(ids[i]))
	}
}

// causes names the fields that cause a finding, if the edits below do not show them.
func (p *Page) causes(c *change.Change, f *change.Finding) {
	for _, path := range f.Paths {
		if !slices.ContainsFunc(c.Edits, func(e change.Edit) bool { return e.Path.Overlaps(path) }) {
			p.line("    because of ", reporting.Printable(path.String()))
		}
	}
}

// Blamed reports whether a finding points at the field.
func Blamed(c *change.Change, path fieldpath.Path) bool {
	for i := range c.Findings {
		if slices.ContainsFunc(c.Findings[i].Paths, path.Overlaps) {
			return true
		}
	}
	return false
}
