package safediff

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// evictions tells of disruption budgets that from now on let no pod be evicted, so that
// no node can be drained on which one of theirs runs, and of those that protect none.
func (j *judge) evictions(pairs []diff.Pair, judged []judgement) {
	for _, w := range j.wards(pairs, judged) {
		w.cover(func(c *crew) *podSide { return c.before }, func(b *budget) *cover { return b.before })
		w.cover(func(c *crew) *podSide { return c.after }, func(b *budget) *cover { return b.after })
		for _, b := range w.budgets {
			w.bar(b)
			w.bare(b)
		}
		w.crowd()
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

// regroups reports whether a workload comes, or labels of its pods change.
func regroups(c *change.Change) bool {
	if c.Outcome.PodSpec == nil || c.Op != change.Update {
		return c.Outcome.PodSpec != nil && (c.Op == change.Create || c.Op == change.Recreate)
	}
	template := c.Outcome.PodSpec[:len(c.Outcome.PodSpec)-1]
	return edited(c, template.Join(fieldpath.Fields("metadata", "labels")))
}

// bar writes down that a budget asks for all pods that there are, where the upgrade
// makes it so: in the budget if that changes, else in the workloads.
func (w *ward) bar(b *budget) {
	was := w.bars(b.before, func(c *crew) int { return c.before.pods })
	asked := w.bars(b.after, w.pods)
	if asked == 0 || was > 0 {
		return
	}
	barred := change.Barred{Budgets: []manifest.Ref{b.ref}, Asked: asked, Workloads: refsOf(b.after.crews)}
	if c := w.changed(b); c != nil {
		tell(c, barred)
		return
	}
	for _, of := range b.after.crews {
		if c := w.judged[of.at].change; c != nil && done(c) && (shrinks(c) || regroups(c)) {
			tell(c, barred)
		}
	}
}

func tell(c *change.Change, barred change.Barred) {
	c.Outcome.Barred = append(c.Outcome.Barred, barred)
	classify(c)
}

func refsOf(crews []*crew) []manifest.Ref {
	refs := make([]manifest.Ref, 0, len(crews))
	for _, c := range crews {
		refs = append(refs, c.ref)
	}
	return refs
}

// changed returns the change of a budget that comes or changes; nil for one that stays
// as it is.
func (w *ward) changed(b *budget) *change.Change {
	if b.at < 0 {
		return nil
	}
	if c := w.judged[b.at].change; c != nil && done(c) && tightens(c) {
		return c
	}
	return nil
}

// bars returns how many pods a budget asks for, if those are all that there are; 0 if
// one may go, or if that is not known.
func (w *ward) bars(c *cover, pods func(*crew) int) int {
	if c == nil {
		return 0
	}
	sum, scaled := 0, false
	for _, of := range c.crews {
		if !slices.Contains([]string{"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"}, of.ref.Kind) {
			return 0 // a drain passes by the pods of a DaemonSet, and those of others cannot be counted
		}
		sum += pods(of)
		scaled = scaled || w.scaled[of.ref.Identity()]
	}
	const many = 1000 // what is asked for of any number of pods is asked for of these, too
	if sum == 0 || rollout.AsksFor(c.terms, sum) < sum || rollout.AsksFor(c.terms, many) < many && (scaled || w.shared(c)) {
		return 0
	}
	return sum
}

// pods returns how many pods a workload has when the upgrade is over.
func (w *ward) pods(of *crew) int {
	c := w.judged[of.at].change
	if c != nil && done(c) && c.Op != change.Keep && c.Outcome.Pods != nil && c.Outcome.Pods.Desired >= 0 {
		return c.Outcome.Pods.Desired
	}
	return of.after.pods
}

// shared reports whether a budget also selects pods that are not of the release, as far
// as it is known which pods there are.
func (w *ward) shared(c *cover) bool {
	running := w.running[c.crews[0].ref.Namespace]
	if running == nil {
		return false
	}
	own, there := 0, 0
	for _, of := range c.crews {
		most := 0
		for _, s := range []*podSide{of.before, of.after} {
			if s != nil {
				most = max(most, s.pods)
			}
		}
		if m := w.judged[of.at].change; m != nil && m.Outcome.Pods != nil {
			most = max(most, m.Outcome.Pods.Before, m.Outcome.Pods.Desired)
		}
		own += most
	}
	for _, p := range running.Pods {
		if p.DeletionTimestamp == nil && p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed && c.selector.Matches(labels.Set(p.Labels)) {
			there++
		}
	}
	return there > own
}

// crowd writes down that more than one budget selects the same pods from now on: the API
// server then evicts none of them, whatever the budgets ask for (EvictionREST in
// k8s.io/kubernetes/pkg/registry/core/pod/storage).
func (w *ward) crowd() {
	before, after := map[*crew]int{}, map[*crew][]*budget{}
	for _, b := range w.budgets {
		if b.before != nil && !b.comes {
			for _, of := range b.before.crews {
				before[of]++
			}
		}
		if b.after != nil {
			for _, of := range b.after.crews {
				after[of] = append(after[of], b)
			}
		}
	}
	for _, of := range w.crews {
		budgets := after[of]
		if len(budgets) < 2 || before[of] > 1 || of.passing || of.ref.Kind == "DaemonSet" {
			continue
		}
		at := w.judged[of.at].change
		barred := change.Barred{}
		for _, b := range budgets {
			barred.Budgets = append(barred.Budgets, b.ref)
			if c := w.changed(b); c != nil {
				at = c
			}
		}
		if at != nil {
			join(at, barred, of.ref)
		}
	}
}

// join writes down that budgets meet over the pods of a workload, besides others over
// which they meet.
func join(c *change.Change, barred change.Barred, workload manifest.Ref) {
	slices.SortFunc(barred.Budgets, manifest.Ref.Compare)
	i := slices.IndexFunc(c.Outcome.Barred, func(b change.Barred) bool { return slices.Equal(b.Budgets, barred.Budgets) && b.Asked == 0 })
	if i < 0 {
		i = len(c.Outcome.Barred)
		c.Outcome.Barred = append(c.Outcome.Barred, barred)
	}
	c.Outcome.Barred[i].Workloads = append(c.Outcome.Barred[i].Workloads, workload)
	classify(c)
}
