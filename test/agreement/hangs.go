package agreement

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// hangRule is a rule that says that a rollout does not come to an end.
type hangRule struct {
	id string
	// reasons are of the events that tell why, one of which there must be.
	reasons []string
	// kubelet says that it may take a kubelet to show it, which the laboratory has none of: that
	// nothing hangs there says nothing.
	kubelet bool
	// quiet says that no event tells.
	quiet bool
}

func hangRules() []hangRule {
	return []hangRule{
		{id: "quota-hangs-rollout", reasons: []string{"FailedCreate"}},
		{id: "pods-refused", reasons: []string{"FailedCreate", "ReplicaSetCreateError"}},
		{id: "volume-held", reasons: []string{"FailedScheduling"}, kubelet: true},
		{id: "volume-claimed", reasons: []string{"FailedScheduling"}, kubelet: true},
		{id: "pod-needs-missing", reasons: []string{"FailedCreate", "FailedScheduling"}, kubelet: true},
		{id: "claim-class-missing", reasons: []string{"FailedScheduling"}, kubelet: true},
		{id: "pod-unschedulable", reasons: []string{"FailedScheduling"}},
		{id: "pod-gated", quiet: true}, // of a pod that is not to be scheduled yet the scheduler says nothing
		{id: "claim-for-one-pod", reasons: []string{"FailedScheduling"}, kubelet: true},
		{id: "pods-exclude-each-other", reasons: []string{"FailedScheduling"}},
		{id: "pods-excluded-by-others", reasons: []string{"FailedScheduling"}},
		{id: "pods-rejected", reasons: []string{"FailedCreate"}},
		{id: "quota-too-small", reasons: []string{"FailedCreate"}},
		{id: "hook-pods-refused", reasons: []string{"FailedCreate"}},
		{id: "image-name-invalid", reasons: []string{"FailedCreate"}, kubelet: true},
		{id: "sidecar-delays-start", kubelet: true, quiet: true},
		{id: "job-waits-for-sidecar", kubelet: true, quiet: true},
		{id: "resource-of-no-container", kubelet: true, quiet: true},
		{id: "sub-path-undefined", kubelet: true, quiet: true},
		{id: "volume-mode-differs", kubelet: true, quiet: true},
		{id: "memory-limit-too-small", kubelet: true, quiet: true},
		{id: "probe-asks-node", kubelet: true, quiet: true},
		{id: "readiness-gate-unset", kubelet: true, quiet: true},
		{id: "hook-needs-later", reasons: []string{"FailedCreate", "FailedScheduling"}, kubelet: true},
		{id: "hook-never-ends", kubelet: true, quiet: true}, // a Job that makes no pods has no events of them
	}
}

// hangs holds what is said of a rollout's end against whether it came. One that hung
// before the upgrade already is not asked about.
func (s *Score) hangs(at string, r *Resource, c *change.Change) {
	if r.Pods == nil && r.Hangs == nil || r.Hangs != nil && r.Hangs.Before {
		return
	}
	rules := hanging(c)
	if r.Hangs == nil {
		said := slices.ContainsFunc(rules, func(rule hangRule) bool { return !rule.kubelet })
		if said || len(rules) == 0 {
			s.yes(Hangs, at, false, said, "")
		}
		return
	}
	// A rule that names another reason than the events do has not said why.
	said := slices.ContainsFunc(rules, func(rule hangRule) bool {
		return rule.quiet && len(r.Hangs.Why) == 0 || slices.ContainsFunc(rule.reasons, func(reason string) bool {
			return slices.ContainsFunc(r.Hangs.Why, func(why string) bool { return strings.HasPrefix(why, reason+": ") })
		})
	})
	detail := fmt.Sprintf("%d old pods stay, %d of %d new ones are ready; ", r.Hangs.Old, r.Hangs.Ready, r.Hangs.New)
	s.yes(Hangs, at, true, said, detail+strings.Join(r.Hangs.Why, "; "))
}

// mayHang reports whether the rollout of a workload hangs of which a notice says that it
// may: then it is not known how many pods it replaces.
func mayHang(set *change.Set, r *Resource, c *change.Change) bool {
	return c != nil && r.Hangs != nil && len(hanging(c)) == 0 && slices.ContainsFunc(set.Unchecked, func(n change.Notice) bool {
		return n.Ref == c.Ref && n.Hides == change.Stuck
	})
}

// hanging returns the rules that say of an object that its rollout hangs.
func hanging(c *change.Change) []hangRule {
	if c == nil || c.Outcome.Unreached {
		return nil
	}
	return slices.DeleteFunc(hangRules(), func(rule hangRule) bool {
		return !slices.ContainsFunc(c.Findings, func(f change.Finding) bool { return f.Rule == rule.id })
	})
}

// awaited reports whether Helm waits in vain for a hook, or, if it waits for pods, for those of
// a workload, so that the upgrade fails.
func awaited(set *change.Set, c *change.Change) bool {
	return (set.Release.For(c.Ref) || c.Hook != nil && c.Hook.Runs) && !c.Outcome.Unreached && slices.ContainsFunc(c.Findings, func(f change.Finding) bool { return f.Hangs })
}
