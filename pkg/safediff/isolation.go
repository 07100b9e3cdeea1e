package safediff

import (
	"maps"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// isolation is one direction in which a NetworkPolicy restricts the pods that it
// selects. Pods that no policy selects for a direction are open in it.
type isolation struct {
	namespace string
	direction networkingv1.PolicyType
	selector  labels.Selector
}

// isolations tells the NetworkPolicies that go, or select others, which workloads no
// policy of the release restricts any more, and workloads whose pods get other labels that
// none restricts these.
func (j *judge) isolations(pairs []diff.Pair, judged []judgement) {
	j.escapes(pairs, judged)
	if !slices.ContainsFunc(judged, func(of judgement) bool { return of.change != nil && isPolicy(of.change.Ref) && done(of.change) }) {
		return
	}
	var after []isolation
	for i, p := range pairs {
		if isPolicy(p.Ref()) {
			after = append(after, isolates(standing(p, judged[i].change))...)
		}
	}
	for i, p := range pairs {
		c := judged[i].change
		if c == nil || !isPolicy(c.Ref) || !done(c) || c.Op != change.Delete && c.Op != change.Update {
			continue
		}
		lost := slices.DeleteFunc(isolates(p.Old), func(before isolation) bool { return slices.ContainsFunc(after, before.same) })
		if len(lost) == 0 {
			continue
		}
		if c.Outcome.Bared = j.bared(pairs, judged, lost, after); len(c.Outcome.Bared) > 0 {
			classify(c)
		}
	}
}

// escapes tells workloads whose pods get labels by which no policy selects them any more.
func (j *judge) escapes(pairs []diff.Pair, judged []judgement) {
	var before, after []isolation
	read := false
	for i, p := range pairs {
		c := judged[i].change
		if c == nil || c.Op != change.Update || !done(c) || !relabels(judged[i].sides) {
			continue
		}
		if !read {
			before, after, read = policies(pairs, judged)
		}
		w := j.crew(i, p, &judged[i])
		if w != nil && w.before != nil && w.after != nil && escaped(w, before, after) {
			c.Outcome.Bared = []string{c.Ref.Kind + "/" + c.Ref.Name}
			classify(c)
		}
	}
}

// relabels reports whether the pods of a workload have other labels on the two sides.
func relabels(s *sides) bool {
	return s != nil && s.old != nil && s.updated != nil && !maps.Equal(s.old.labels, s.updated.labels)
}

// policies returns how the NetworkPolicies restrict pods before and after the upgrade.
func policies(pairs []diff.Pair, judged []judgement) (before, after []isolation, read bool) {
	for i, p := range pairs {
		if isPolicy(p.Ref()) {
			before = append(before, isolates(p.Old)...)
			after = append(after, isolates(standing(p, judged[i].change))...)
		}
	}
	return before, after, true
}

// escaped reports whether pods were restricted in a direction in which they no longer are,
// since they have other labels.
func escaped(w *crew, before, after []isolation) bool {
	restricts := func(by isolation, s *podSide) bool {
		return by.namespace == w.ref.Namespace && by.selector.Matches(labels.Set(s.labels))
	}
	return slices.ContainsFunc(before, func(by isolation) bool {
		return restricts(by, w.before) && !restricts(by, w.after) &&
			!slices.ContainsFunc(after, func(other isolation) bool { return other.direction == by.direction && restricts(other, w.after) })
	})
}

func isPolicy(ref manifest.Ref) bool {
	return ref.Kind == "NetworkPolicy" && ref.Group == networkingv1.GroupName
}

// standing returns what there is of a pair when the upgrade is over, nil if nothing.
func standing(p diff.Pair, c *change.Change) *manifest.Object {
	if c != nil && (!done(c) || c.Op == change.Keep) {
		return p.Old
	}
	return p.New
}

// isolates returns the directions in which a policy restricts pods: Ingress unless it
// lists others, Egress also if it has rules for it (networking/v1, NetworkPolicySpec).
func isolates(o *manifest.Object) []isolation {
	if o == nil {
		return nil
	}
	value, err := o.Value()
	if err != nil {
		return nil
	}
	var p networkingv1.NetworkPolicy
	if runtime.DefaultUnstructuredConverter.FromUnstructured(value, &p) != nil {
		return nil
	}
	selector, err := metav1.LabelSelectorAsSelector(&p.Spec.PodSelector)
	if err != nil {
		return nil
	}
	directions := p.Spec.PolicyTypes
	if len(directions) == 0 {
		directions = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
		if len(p.Spec.Egress) > 0 {
			directions = append(directions, networkingv1.PolicyTypeEgress)
		}
	}
	list := make([]isolation, len(directions))
	for i, direction := range directions {
		list[i] = isolation{o.Ref.Namespace, direction, selector}
	}
	return list
}

// same reports whether two policies restrict the same pods in the same direction.
func (i isolation) same(other isolation) bool {
	return i.namespace == other.namespace && i.direction == other.direction && i.selector.String() == other.selector.String()
}

// bared names the workloads which are there after the upgrade, to which a lost
// restriction applied, and to which none applies in that direction any more. A policy
// for all pods of its namespace restricted those of others, too.
func (j *judge) bared(pairs []diff.Pair, judged []judgement, lost, after []isolation) []string {
	var names []string
	for i, p := range pairs {
		o := standing(p, judged[i].change)
		if o == nil || diff.IsHook(o) {
			continue
		}
		restricts := func(by isolation) bool { return o.Ref.Namespace == by.namespace && j.picks(by.selector, o) }
		if slices.ContainsFunc(lost, func(by isolation) bool {
			return restricts(by) && !slices.ContainsFunc(after, func(other isolation) bool { return other.direction == by.direction && restricts(other) })
		}) {
			names = append(names, o.Ref.Kind+"/"+o.Ref.Name)
		}
	}
	slices.Sort(names)
	if slices.ContainsFunc(lost, func(by isolation) bool { return by.selector.Empty() }) {
		names = append(names, "the other pods of the namespace")
	}
	return names
}

// picks reports whether a selector fits the pods of a workload.
func (j *judge) picks(selector labels.Selector, o *manifest.Object) bool {
	if _, owner := j.rollout.PodLabels(o.Ref.Group, o.Ref.Kind, nil); !owner {
		return false // not to be decoded
	}
	value, err := o.Value()
	if err != nil {
		return false
	}
	of, _ := j.rollout.PodLabels(o.Ref.Group, o.Ref.Kind, value)
	return selector.Matches(labels.Set(of))
}
