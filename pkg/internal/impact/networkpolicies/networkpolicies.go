package networkpolicies

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// NetworkPolicyRules are about pods that no policy restricts any more, and rules without effect.
func NetworkPolicyRules() []rule.Rule {
	return []rule.Rule{{
		ID: "network-policy-removed", Risk: change.Exposure,
		Why:     "if no NetworkPolicy selects a pod, all traffic to and from it is allowed",
		Fix:     "keep a policy that selects them",
		Instead: "apply a policy that selects them first",
		Find:    unrestrictedPods,
	}, {
		ID: "network-policy-not-enforced", Risk: change.Unapplied, Kinds: []string{"NetworkPolicy"},
		Why: "the API server fills in policyTypes when the policy is created, and only then (SetDefaults_NetworkPolicy in k8s.io/kubernetes/pkg/apis/networking/v1): " +
			"rules for a direction that is not among them have no effect",
		Fix:  "write policyTypes with each direction for which the policy has rules",
		Find: unenforcedRules,
	}}
}

// unenforcedRules tells the NetworkPolicies that get rules for a direction which they do not
// restrict, and would if they were created now.
func unenforcedRules(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !isPolicy(o.Ref()) || !o.Does(change.Update) || !o.Edited("spec") {
			continue
		}
		says, holds := readPolicy(o.New), readPolicy(o.Result())
		if says == nil || holds == nil {
			continue
		}
		for _, d := range directions() {
			if !says.restrictsIn(d) || holds.restrictsIn(d) {
				continue
			}
			was := readPolicy(o.Old)
			if was != nil && was.restrictsIn(d) {
				continue // so it was before
			}
			found = append(found, rule.Found{
				On: o, Message: fmt.Sprintf("its %s rules have no effect: policyTypes of the policy in the cluster does not have %s", strings.ToLower(string(d)), d), Paths: rule.SpecEdits(o.Change),
				Evidence: []change.Evidence{{What: "not in policyTypes", Objects: []manifest.Ref{o.Ref()}, Names: []string{string(d)}}},
			})
		}
	}
	return found
}

// restriction is one direction in which a NetworkPolicy restricts the pods that it
// selects. Pods that no policy selects for a direction are open in it.
type restriction struct {
	namespace string
	direction networkingv1.PolicyType
	selector  labels.Selector
}

// unrestrictedPods tells the NetworkPolicies that go, or select others, which workloads no
// policy of the release restricts any more, and workloads whose pods get different labels that
// none restricts these.
func unrestrictedPods(u *upgrade.Upgrade) []rule.Found {
	found := relabelledPods(u)
	if !u.Any(func(o *upgrade.Object) bool { return o.Done() && isPolicy(o.Ref()) }) {
		return found
	}
	_, after := restrictions(u)
	for i := range u.Objects {
		o := &u.Objects[i]
		if !isPolicy(o.Ref()) || !o.Does(change.Delete, change.Update) {
			continue
		}
		lost := slices.DeleteFunc(restricts(cmp.Or(o.StoredBefore, o.Old)), func(before restriction) bool { return slices.ContainsFunc(after, before.same) })
		if len(lost) == 0 {
			continue
		}
		names, refs := unrestricted(u, lost, after)
		if len(names) == 0 {
			continue
		}
		found = append(found, rule.Found{
			On: o, Message: "no policy of the release restricts " + rule.Shortened(names) + " any more", Paths: rule.SpecEdits(o.Change),
			Evidence: []change.Evidence{{What: "no longer restricted", Objects: refs, Names: names}},
		})
	}
	return found
}

// relabelledPods tells workloads whose pods get labels by which no policy selects them any
// more.
func relabelledPods(u *upgrade.Upgrade) []rule.Found {
	var before, after []restriction
	var found []rule.Found
	read := false
	for i := range u.Objects {
		o := &u.Objects[i]
		if !o.Does(change.Update) || !o.Relabels() {
			continue
		}
		if !read {
			before, after = restrictions(u)
			read = true
		}
		if w := u.PodsOf(o); w != nil && w.Before != nil && w.After != nil && escapes(w, before, after) {
			found = append(found, rule.Found{
				On: o, Message: "with these labels no policy of the release restricts its pods any more", Paths: rule.Edits(o.Change, "labels"),
				Evidence: []change.Evidence{{What: "no longer restricted", Objects: []manifest.Ref{o.Ref()}}},
			})
		}
	}
	return found
}

// restrictions returns how the NetworkPolicies restrict pods before and after the upgrade.
func restrictions(u *upgrade.Upgrade) (before, after []restriction) {
	for i := range u.Objects {
		if o := &u.Objects[i]; isPolicy(o.Ref()) {
			before = append(before, restricts(cmp.Or(o.StoredBefore, o.Old))...)
			after = append(after, restricts(o.Standing(upgrade.After))...)
		}
	}
	return before, after
}

// escapes reports whether pods were restricted in a direction in which they no longer are,
// since they have different labels.
func escapes(w *upgrade.Workload, before, after []restriction) bool {
	fits := func(by restriction, p *upgrade.PodTemplate) bool {
		return by.namespace == w.Ref().Namespace && by.selector.Matches(labels.Set(p.Labels))
	}
	return slices.ContainsFunc(before, func(by restriction) bool {
		return fits(by, w.Before) && !fits(by, w.After) &&
			!slices.ContainsFunc(after, func(other restriction) bool { return other.direction == by.direction && fits(other, w.After) })
	})
}

func isPolicy(ref manifest.Ref) bool {
	return ref.Kind == "NetworkPolicy" && ref.Group == networkingv1.GroupName
}

// directions are those in which a policy may restrict pods.
func directions() []networkingv1.PolicyType {
	return []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}
}

// restricts returns the directions in which a policy restricts pods.
func restricts(o *manifest.Object) []restriction {
	p := readPolicy(o)
	if p == nil {
		return nil
	}
	var list []restriction
	for _, d := range directions() {
		if p.restrictsIn(d) {
			list = append(list, restriction{o.Ref.Namespace, d, p.selector})
		}
	}
	return list
}

// same reports whether two policies restrict the same pods in the same direction.
func (r restriction) same(other restriction) bool {
	return r.namespace == other.namespace && r.direction == other.direction && r.selector.String() == other.selector.String()
}

// unrestricted names the workloads which are there after the upgrade, to which a lost
// restriction applied, and to which none applies in that direction any more. A policy
// for all pods of its namespace restricted those of others, too.
func unrestricted(u *upgrade.Upgrade, lost, after []restriction) (names []string, refs []manifest.Ref) {
	for _, o := range u.StandingAt(upgrade.After) {
		if diff.IsHook(o) {
			continue
		}
		fits := func(by restriction) bool { return o.Ref.Namespace == by.namespace && u.Picks(by.selector, o) }
		if slices.ContainsFunc(lost, func(by restriction) bool {
			return fits(by) && !slices.ContainsFunc(after, func(other restriction) bool { return other.direction == by.direction && fits(other) })
		}) {
			names, refs = append(names, o.Ref.Kind+"/"+o.Ref.Name), append(refs, o.Ref)
		}
	}
	slices.Sort(names)
	if slices.ContainsFunc(lost, func(by restriction) bool { return by.selector.Empty() }) {
		names = append(names, "the other pods of the namespace")
	}
	return names, refs
}
