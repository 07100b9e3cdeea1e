package policy

import (
	"fmt"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Run is a policy at work on one Set. It notes which of its entries had something to
// do.
type Run struct {
	policy *Policy
	used   map[string]bool // by place in the file and name
}

// Start begins with a new Set. A nil Policy changes nothing.
func (p *Policy) Start() *Run {
	if p == nil {
		p = &Policy{}
	}
	return &Run{policy: p, used: map[string]bool{}}
}

// Judge applies the switches of rules to the findings of a change.
func (r *Run) Judge(c *change.Change) {
	kept := make([]change.Finding, 0, len(c.Findings))
	for _, f := range c.Findings {
		s := r.ruleSwitch(f.Rule)
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

// ruleSwitch returns the last switch for a rule, nil if there is none.
func (r *Run) ruleSwitch(rule string) *RuleSwitch {
	for i := len(r.policy.Rules) - 1; i >= 0; i-- {
		if s := &r.policy.Rules[i]; s.Rule == rule {
			r.used[s.At+s.Rule] = true
			return s
		}
	}
	return nil
}

// Filters reports which of the filters of the program are in force.
func (r *Run) Filters(ids []string) []string {
	off := map[string]bool{}
	for _, s := range r.policy.Filters {
		off[s.Filter] = s.Off
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return off[id] })
}

// Acts reports whether the policy knows that a label of an object does something.
func (r *Run) Acts(ref manifest.Ref, path fieldpath.Path) bool {
	return slices.ContainsFunc(r.policy.Labels, func(l Label) bool { return l.acts(ref, path) })
}

// Hide returns the policy's own filters.
func (r *Run) Hide() []Hide { return r.policy.Hide }

// Edit reports whether the filter hides an edit, and notes that it had to do. A change
// that the API server refuses is shown in full.
func (r *Run) Edit(h *Hide, c *change.Change, e *change.Edit) bool {
	fits := len(c.Outcome.Refused) == 0 && h.edit(c, e)
	r.used[h.At+h.ID] = r.used[h.At+h.ID] || fits
	return fits
}

// Object returns the filter that hides an object without edits, "" if none does.
func (r *Run) Object(c *change.Change) string {
	if len(c.Edits) > 0 || len(c.Findings) > 0 || len(c.Outcome.Refused) > 0 {
		return ""
	}
	for i := range r.policy.Hide {
		if h := &r.policy.Hide[i]; h.object(c) {
			r.used[h.At+h.ID] = true
			return h.ID
		}
	}
	return ""
}

// Remarks lists the entries of the policy that had nothing to do.
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
	return list
}
