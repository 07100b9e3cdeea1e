package policy

import (
	"fmt"
	"maps"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// state is what a policy does with a finding.
type state struct {
	// is describes it under the policy in force, would under a proposed policy.
	is, would string
	fails     bool
}

// findingKey identifies a finding, whatever a policy does with it. The number distinguishes
// findings of one rule about one object.
type findingKey struct {
	object, rule, message string
	number                int
}

// Effects lists what would be different under a proposed policy. set and failOn come from
// the policy in force, proposed and wouldFailOn from the same upgrade under the proposed
// policy.
func Effects(set, proposed *change.Set, failOn, wouldFailOn change.FailOn) []change.Effect {
	now, order := states(set, failOn)
	then, others := states(proposed, wouldFailOn)
	for _, key := range others {
		if _, both := now[key]; !both {
			order = append(order, key)
		}
	}
	absent := state{is: "is not found", would: "would not be found"}
	var effects []change.Effect
	for _, key := range order {
		before, known := now[key]
		if !known {
			before = absent
		}
		after, known := then[key]
		if !known {
			after = absent
		}
		if before != after {
			effects = append(effects, change.Effect{
				What: key.rule + " of " + key.object + " " + before.is + "; it " + after.would, Fails: before.fails, Would: after.fails,
			})
		}
	}
	return append(effects, hidden(set, proposed)...)
}

// states returns what happens to each finding of a set, and the findings in their order.
func states(set *change.Set, failOn change.FailOn) (map[findingKey]state, []findingKey) {
	all := map[findingKey]state{}
	var order []findingKey
	add := func(c *change.Change, f *change.Finding, s state) {
		key := findingKey{object: c.Ref.String(), rule: f.Rule, message: f.Message}
		for _, taken := all[key]; taken; _, taken = all[key] {
			key.number++
		}
		all[key] = s
		order = append(order, key)
	}
	for i := range set.Changes {
		c := &set.Changes[i]
		for j := range c.Findings {
			f := &c.Findings[j]
			s := state{is: fmt.Sprintf("does not fail the run (%s)", f.Risk), would: fmt.Sprintf("would not fail it (%s)", f.Risk)}
			if failOn.Fails(f) {
				s = state{is: fmt.Sprintf("fails the run (%s)", f.Risk), would: fmt.Sprintf("would fail it (%s)", f.Risk), fails: true}
			}
			add(c, f, s)
		}
		for j := range c.Off {
			add(c, &c.Off[j], state{is: "is switched off", would: "would be switched off"})
		}
		for j := range c.Accepted {
			a := &c.Accepted[j]
			how := fmt.Sprintf("accepted, by %s until %s: %s", a.By, a.Until, a.Reason)
			add(c, &a.Finding, state{is: "is " + how, would: "would be " + how})
		}
	}
	return all, order
}

// hidden lists the filters that would hide more, or less.
func hidden(set, proposed *change.Set) []change.Effect {
	now, then := set.Summary().Hidden.ByFilter, proposed.Summary().Hidden.ByFilter
	filters := slices.Collect(maps.Keys(now))
	for filter := range then {
		if _, both := now[filter]; !both {
			filters = append(filters, filter)
		}
	}
	slices.Sort(filters)
	var effects []change.Effect
	for _, filter := range filters {
		if now[filter] != then[filter] {
			what := fmt.Sprintf("the filter %s hides %d edits or objects; it would hide %d", filter, now[filter], then[filter])
			effects = append(effects, change.Effect{What: what})
		}
	}
	return effects
}
