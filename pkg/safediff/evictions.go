package safediff

import (
	"slices"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

func isBudget(ref manifest.Ref) bool {
	return ref.Kind == "PodDisruptionBudget" && ref.Group == policyv1.GroupName
}

// evictions tells of disruption budgets that from now on let no pod be evicted, so that
// no node can be drained on which one of theirs runs.
func (j *judge) evictions(pairs []diff.Pair, judged []judgement) {
	if !slices.ContainsFunc(judged, func(of judgement) bool {
		return of.change != nil && done(of.change) && (tightens(of.change) || shrinks(of.change))
	}) {
		return
	}
	for i, p := range pairs {
		if c := judged[i].change; p.New == nil || !isBudget(p.Ref()) || c != nil && !done(c) {
			continue
		}
		j.bar(i, pairs, judged)
	}
}

// bar writes down that a budget lets no pod be evicted, where the upgrade makes it so:
// in the budget if that changes, else in the workloads that have fewer pods.
func (j *judge) bar(i int, pairs []diff.Pair, judged []judgement) {
	p, c := pairs[i], judged[i].change
	before := p.Old
	if c != nil && c.Before() != nil {
		before = c.Before()
	}
	asked, workloads := j.bars(p.New, pairs, func(p diff.Pair) *manifest.Object { return p.New })
	if was, _ := j.bars(before, pairs, func(p diff.Pair) *manifest.Object { return p.Old }); asked == 0 || was > 0 {
		return
	}
	barred := change.Barred{Budget: p.New.Ref, Asked: asked}
	for _, w := range workloads {
		barred.Workloads = append(barred.Workloads, pairs[w].Ref())
	}
	if c != nil && tightens(c) {
		workloads = []int{i}
	}
	for _, at := range workloads {
		if c := judged[at].change; c != nil && done(c) && (tightens(c) || shrinks(c)) {
			c.Outcome.Barred = append(c.Outcome.Barred, barred)
			classify(c)
		}
	}
}

// tightens reports whether a disruption budget comes or changes.
func tightens(c *change.Change) bool {
	return isBudget(c.Ref) && (c.Op == change.Create || c.Op == change.Update && c.Outcome.Changed)
}

// shrinks reports whether a workload is left with fewer pods.
func shrinks(c *change.Change) bool {
	p := c.Outcome.Pods
	return p != nil && c.Op == change.Update && p.Desired > 0 && p.Desired < p.Before
}

// bars returns how many pods a budget asks for, if those are all that there are, and
// whose they are; 0 if one may go, or if that is not known.
func (j *judge) bars(budget *manifest.Object, pairs []diff.Pair, side func(diff.Pair) *manifest.Object) (asked int, workloads []int) {
	if budget == nil {
		return 0, nil
	}
	value, err := budget.Value()
	b := &policyv1.PodDisruptionBudget{}
	if err != nil || runtime.DefaultUnstructuredConverter.FromUnstructured(value, b) != nil {
		return 0, nil
	}
	selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
	if err != nil {
		return 0, nil
	}
	pods, scaled := 0, false
	for i, p := range pairs {
		o := side(p)
		if o == nil || o.Ref.Namespace != budget.Ref.Namespace || diff.IsHook(o) || !j.fits(selector, o) {
			continue
		}
		if !slices.Contains([]string{"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"}, o.Ref.Kind) {
			return 0, nil // a drain passes by the pods of a DaemonSet, and those of others cannot be counted
		}
		workloads = append(workloads, i)
		pods += replicasOf(o)
		scaled = scaled || j.scaled[o.Ref.Identity()]
	}
	const many = 1000 // what is asked for of any number of pods is asked for of these, too
	if pods == 0 || rollout.AsksFor(b, pods) < pods || scaled && rollout.AsksFor(b, many) < many {
		return 0, nil
	}
	return pods, workloads
}

// fits reports whether a selector picks the pods of a workload.
func (j *judge) fits(selector labels.Selector, o *manifest.Object) bool {
	if _, owner := j.rollout.PodTemplate(o.Ref.Group, o.Ref.Kind); !owner {
		return false
	}
	return j.picks(selector, o)
}
