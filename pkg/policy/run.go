package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/cel-go/common/types/ref"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Run is a policy applied to one Set. It records which of its entries had an effect.
type Run struct {
	policy  *Policy
	release map[string]any  // as conditions see it
	unclear []change.Notice // what could not be evaluated
	told    map[change.Notice]bool
	lapsed  []change.Remark // of acceptances
	used    map[string]bool // by place in the file and name
	// defaults returns an object as the API server would store it; nil where that is not known.
	defaults func(*manifest.Object) map[string]any
	// asked is the change of which conditions were asked last, objects are both of its objects as
	// conditions see them, as far as they were asked for.
	asked   *change.Change
	objects map[*manifest.Object]ref.Val
}

// WithDefaults lets conditions see objects with the defaults of the API server, which
// defaults returns; nil for one of which they are not known.
func (r *Run) WithDefaults(defaults func(*manifest.Object) map[string]any) *Run {
	r.defaults = defaults
	return r
}

// Start begins with a new Set. A nil Policy changes nothing.
func (p *Policy) Start(release *change.Release) *Run {
	if p == nil {
		p = &Policy{}
	}
	return &Run{policy: p, used: map[string]bool{}, told: map[change.Notice]bool{}, release: map[string]any{
		"name": p.place.Release, "namespace": p.place.Namespace, "chart": release.NewChart, "oldChart": release.OldChart,
		"operation": string(release.Operation), "context": p.place.Context, "environment": p.place.Environment,
	}}
}

// holds evaluates a condition for a change, and for one edit if the condition is about
// edits. A condition that cannot be evaluated is false, and is recorded as unchecked.
func (r *Run) holds(when *Condition, id string, vars map[string]any, c *change.Change, e *change.Edit) bool {
	if when == nil {
		return true
	}
	if when.edits {
		if e == nil {
			return slices.ContainsFunc(c.Edits, func(e change.Edit) bool { return r.holds(when, id, vars, c, &e) })
		}
		vars = maps.Clone(vars)
		vars[varEdit] = editVar(e)
	}
	is, err := when.holds(vars)
	if err != nil {
		notice := change.Notice{Ref: c.Ref, Reason: fmt.Sprintf("%s of the policy (%s) could not be asked: %s", id, when.At, short(advised(err.Error())))}
		notice.Hides, notice.Rule = r.hides(when)
		if !r.told[notice] {
			r.unclear = append(r.unclear, notice)
			r.told[notice] = true
		}
	}
	return is
}

// hides returns the class and the rule of a finding that may be missing because a condition
// cannot be evaluated; "" for any other condition.
func (r *Run) hides(when *Condition) (change.Risk, string) {
	for i := range r.policy.OwnRules {
		if o := &r.policy.OwnRules[i]; o.When == when {
			return o.Class, o.ID
		}
	}
	for i := range r.policy.Rules {
		if s := &r.policy.Rules[i]; s.When == when {
			return s.Class, s.Rule
		}
	}
	return "", ""
}

// advised adds to what CEL says of a field that is not there how to read such a one.
func advised(reason string) string {
	if key, is := strings.CutPrefix(reason, "no such key: "); is {
		return reason + "; read it as .?" + key + ".orValue(…)"
	}
	return reason
}

// maxReason limits how much of a CEL error is reported: it quotes values, which may be long.
const maxReason = 200

func short(reason string) string {
	if runes := []rune(reason); len(runes) > maxReason {
		return string(runes[:maxReason]) + "…"
	}
	return reason
}

// Unchecked lists the conditions that could not be evaluated, and for which object.
func (r *Run) Unchecked() []change.Notice { return r.unclear }

// find adds the findings of the team's own rules.
func (r *Run) find(c *change.Change, vars map[string]any) {
	for i := range r.policy.OwnRules {
		o := &r.policy.OwnRules[i]
		var paths []fieldpath.Path
		fires := !o.When.edits && r.holds(o.When, "rule "+o.ID, vars, c, nil)
		for j := range c.Edits {
			if o.When.edits && r.holds(o.When, "rule "+o.ID, vars, c, &c.Edits[j]) {
				fires, paths = true, append(paths, c.Edits[j].Path)
			}
		}
		if fires {
			c.Findings = append(c.Findings, change.Finding{Rule: o.ID, Risk: o.Class, Paths: paths, Message: o.Message, Hint: o.Hint})
		}
	}
}

// Judge adds the findings of the team's own rules to a change, and applies the switches.
func (r *Run) Judge(c *change.Change) {
	if len(r.policy.OwnRules)+len(r.policy.Rules) == 0 {
		return
	}
	vars := r.vars(c)
	r.find(c, vars)
	kept := make([]change.Finding, 0, len(c.Findings))
	for _, f := range c.Findings {
		s := r.ruleSwitch(f.Rule, c, vars)
		switch {
		case s == nil:
		case s.Off:
			c.Off = append(c.Off, f)
			continue
		case s.Class != "" && s.Class != f.Risk:
			f.Was, f.Risk = f.Risk, s.Class
		}
		kept = append(kept, f)
	}
	slices.SortStableFunc(kept, func(a, b change.Finding) int { return a.Risk.Compare(b.Risk) })
	c.Findings = kept
}

// ruleSwitch returns the last switch for a rule that applies to this change, nil if there
// is none.
func (r *Run) ruleSwitch(rule string, c *change.Change, vars map[string]any) *RuleSwitch {
	for i := len(r.policy.Rules) - 1; i >= 0; i-- {
		if s := &r.policy.Rules[i]; s.Rule == rule && r.holds(s.When, "the switch of rule "+rule, vars, c, nil) {
			r.used[s.At+s.Rule] = true
			return s
		}
	}
	return nil
}

// FilterSwitch returns the last switch for a filter of the program, nil if there is
// none.
func (r *Run) FilterSwitch(id string) *FilterSwitch {
	for i := len(r.policy.Filters) - 1; i >= 0; i-- {
		if s := &r.policy.Filters[i]; s.Filter == id {
			return s
		}
	}
	return nil
}

// Shows records that a switched-off filter would have hidden something.
func (r *Run) Shows(s *FilterSwitch) { r.used[s.At+s.Filter] = true }

// Acts reports whether the policy lists the label that an edit changes as one that somebody
// reads.
func (r *Run) Acts(ref manifest.Ref, path fieldpath.Path) bool {
	acts := false
	for i := range r.policy.Labels {
		if l := &r.policy.Labels[i]; l.acts(ref, path) {
			acts = true
			r.used[l.At+l.Label.Text] = true
		}
	}
	return acts
}

// Meets records a custom resource for which the policy says that it runs pods.
func (r *Run) Meets(ref manifest.Ref) {
	for _, w := range r.policy.Workloads {
		if w.Group == ref.Group && w.Kind == ref.Kind {
			r.used[w.At+w.name()] = true
		}
	}
}

// Hide returns the policy's own filters.
func (r *Run) Hide() []Hide { return r.policy.Hide }

// Edit reports whether the filter hides an edit, and records that the filter had an effect.
// A change that the API server rejects is shown in full.
func (r *Run) Edit(h *Hide, c *change.Change, e *change.Edit) bool {
	fits := len(c.Outcome.Refused) == 0 && h.edit(c, e) && (h.When == nil || r.holds(h.When, "filter "+h.ID, r.vars(c), c, e))
	r.used[h.At+h.ID] = r.used[h.At+h.ID] || fits
	return fits
}

// Object returns the filter that hides an object without edits, "" if none does.
func (r *Run) Object(c *change.Change) string {
	if len(c.Edits) > 0 || len(c.Findings) > 0 || len(c.Outcome.Refused) > 0 {
		return ""
	}
	for i := range r.policy.Hide {
		if h := &r.policy.Hide[i]; h.object(c) && (h.When == nil || r.holds(h.When, "filter "+h.ID, r.vars(c), c, nil)) {
			r.used[h.At+h.ID] = true
			return h.ID
		}
	}
	return ""
}

// Remarks lists the entries of the policy that had no effect, and the acceptances that no
// longer hold.
func (r *Run) Remarks() []change.Remark {
	var list []change.Remark
	idle := func(at, id, what string) {
		if !r.used[at+id] {
			list = append(list, change.Remark{At: at, What: fmt.Sprintf(what, id), Idle: true})
		}
	}
	for _, s := range r.policy.Rules {
		idle(s.At, s.Rule, "the switch of rule %s had nothing to do")
	}
	for _, h := range r.policy.Hide {
		idle(h.At, h.ID, "the filter %s hid nothing")
	}
	for _, s := range r.policy.Filters {
		if s.Off {
			idle(s.At, s.Filter, "the filter %s, which is off, would have hidden nothing")
		}
	}
	for _, l := range r.policy.Labels {
		idle(l.At, l.Label.Text, "the label %s changed nowhere")
	}
	for _, w := range r.policy.Workloads {
		idle(w.At, w.name(), "no workload %s changed")
	}
	for _, m := range r.policy.waiting {
		idle(m.At, m.String(), "the override for %s does not hold, since --environment names none")
	}
	return append(list, r.unfit()...)
}
