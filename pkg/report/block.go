package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// group prints one block of the text report: what is done to which objects, what
// comes of it, why, and what to do instead.
func (p *page) group(g group) {
	c := g[0]
	risks := c.Risks()
	title := make([]string, len(risks))
	for i, risk := range risks {
		title[i] = p.strong(p.risk(risk)(string(risk)))
	}
	lead := strings.Join(title, ", ")
	if lead != "" {
		lead += ": "
	}
	p.line(lead, string(c.Op), " ", p.strong(p.objects(g)), times(len(g)), p.meaning(c), p.untold(g))
	if mixed(g) {
		p.line("  their pods are replaced")
	} else {
		p.findings(c, len(risks) > 1)
	}
	if cause := p.cause(c); cause != "" {
		p.line("  cause: ", printable(cause))
	}
	for _, line := range podLines(c) {
		if !mixed(g) {
			p.line("  pods: ", printable(line))
		}
	}
	for _, warning := range c.Outcome.Ignored {
		p.line("  ", p.warn("ignored by the API server: "), printable(warning))
	}
	p.edits(g)
	var hints []string
	for i := range c.Findings {
		if hint := c.Findings[i].Hint; hint != "" && !slices.Contains(hints, hint) && !p.hinted[hint] {
			hints = append(hints, hint)
			p.line("  hint: ", printable(hint))
		}
	}
	if p.hinted != nil {
		for _, hint := range hints {
			p.hinted[hint] = true
		}
	}
}

// cause says why pods are replaced, unless the one edit that is shown says it as well.
func (p *page) cause(c *change.Change) string {
	if c.Outcome.Pods == nil {
		return ""
	}
	shown, plain := 0, true
	for i := range c.Edits {
		if e := &c.Edits[i]; e.Noise == "" || p.all {
			shown++
			plain = plain && !slices.ContainsFunc(e.Path, func(e fieldpath.Element) bool { return e.Field == "metadata" })
		}
	}
	if shown == 1 && plain {
		return ""
	}
	return c.Outcome.Pods.Cause
}

// objects names the objects of a group, which may be of several kinds.
func (p *page) objects(g group) string {
	if !mixed(g) {
		return printable(kindBefore(g[0])) + " " + groupNames(g, p.all)
	}
	refs := make([]manifest.Ref, len(g))
	for i, c := range g {
		refs[i] = c.Ref
	}
	return p.refs(refs)
}

func groupNames(g group, all bool) string {
	objects := make([]named, len(g))
	for i, c := range g {
		name := c.Ref.Name
		if o := standing(c); name == "" && o != nil {
			name = o.GenerateName + "*"
		}
		objects[i] = named{c.Ref.Namespace, name}
		if c.Renamed != nil {
			objects[i] = named{c.Renamed.Old.Namespace, renamedName(c)}
		}
	}
	return names(objects, all)
}

// meaning says what the name of an Op does not, and what it means for a hook.
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
	if c.Outcome.Unreached {
		parts = append(parts, "not made, since the "+p.operation+" fails before it")
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, "; ")
}

// maxRefusals is how many reasons for a refusal are printed.
const maxRefusals = 10

// findings prints what was found. The reasons of the API server stand there word
// for word, and only once where a rule repeats one of them.
func (p *page) findings(c *change.Change, classes bool) {
	refused := make([]string, len(c.Outcome.Refused))
	for i, e := range c.Outcome.Refused {
		refused[i] = e.String()
	}
	for i := range c.Findings {
		f := &c.Findings[i]
		if slices.Contains(refused, f.Message) {
			continue
		}
		lead := ""
		if classes {
			lead = string(f.Risk) + ": "
		}
		p.line("  ", lead, printable(f.Message))
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
		p.line("  ", p.bad("refused: "), printable(reason))
	}
}

// causes names the fields to blame where the edits below do not show them.
func (p *page) causes(c *change.Change, f *change.Finding) {
	for _, path := range f.Paths {
		if !slices.ContainsFunc(c.Edits, func(e change.Edit) bool { return e.Path.Overlaps(path) }) {
			p.line("    because of ", path.String())
		}
	}
}

// podLines tells what happens to pods, as far as no finding says so already.
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
		lines = append(lines, fmt.Sprintf("at least %d stay ready", pods.Fewest))
	case !pods.Replaced && pods.How != "":
		lines = append(lines, "not replaced: "+pods.How)
	}
	if pods.Replaced && len(c.Findings) == 0 {
		lines = append(lines, "replaced"+parenthesized(pods.How))
	}
	return lines
}

func parenthesized(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
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
