package guards

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// BudgetRules are about budgets that let no pod be evicted, or that select none.
func BudgetRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "evictions-blocked", Risk: change.Stuck,
			Why: "a pod is never evicted if its disruption budget asks for all pods, if one with maxUnavailable or a percentage also selects pods of a Job, CronJob or DaemonSet " +
				"(getExpectedScale in k8s.io/kubernetes/pkg/controller/disruption), or if two budgets select it: " +
				"draining its node, as every upgrade of the cluster does, never ends",
			Fix: "let exactly one budget select the pods, and none of a Job, CronJob or DaemonSet (or let it ask for a number: minAvailable: 1), let it spare one of them (maxUnavailable: 1), " +
				"and run more than one where nobody may notice",
			Find: evictionsBlocked,
		},
		{
			ID: "budget-selects-nothing", Risk: change.Exposure,
			Why:  "a disruption budget only protects the pods that match its selector; all others may be evicted at once",
			Fix:  "let the selector of the budget name labels that the pods have",
			Find: unprotectedPods,
		},
	}
}

// evictionsBlocked tells of disruption budgets that from now on let no pod be evicted, so
// that no node can be drained on which one of theirs runs.
func evictionsBlocked(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for _, n := range u.Budgets() {
		for _, b := range n.Budgets {
			found = append(found, allAsked(u, b)...)
			found = append(found, uncounted(u, b)...)
		}
		found = append(found, overlapping(n)...)
	}
	return found
}

// allAsked tells that a budget asks for all pods that there are, where the upgrade
// makes it so: of the budget if that changes, else of the workloads.
func allAsked(u *upgrade.Upgrade, b *upgrade.Budget) []rule.Found {
	was := asked(u, b.Before, func(w *upgrade.Workload) int { return w.Before.Replicas })
	is := asked(u, b.After, (*upgrade.Workload).Wanted)
	if is == 0 || was > 0 {
		return nil
	}
	workloads := upgrade.Refs(b.After.Workloads)
	blocked := func(on *upgrade.Object) rule.Found {
		return rule.Found{
			On: on, Message: fmt.Sprintf("PodDisruptionBudget %s asks for %d of %s of %s", b.Ref.Name, is, rule.Pods(is), rule.Names(workloads)),
			Paths: budgetPaths(on.Change), Evidence: []change.Evidence{{What: "pods that the budget asks for", Objects: append([]manifest.Ref{b.Ref}, workloads...), Count: is}},
		}
	}
	if o := b.Changed(); o != nil {
		return []rule.Found{blocked(o)}
	}
	var found []rule.Found
	for _, w := range b.After.Workloads {
		if w.Done() && (w.Shrinks() || w.Regroups()) {
			found = append(found, blocked(w.Object))
		}
	}
	return found
}

// uncounted tells that from now on a budget also selects pods of which nobody says how many there
// are to be, so that it lets none be evicted.
func uncounted(u *upgrade.Upgrade, b *upgrade.Budget) []rule.Found {
	is := withoutScale(u, b.After, b.Ref.Namespace, upgrade.After)
	if is == nil || withoutScale(u, b.Before, b.Ref.Namespace, upgrade.Before) != nil {
		return nil
	}
	counted := slices.DeleteFunc(slices.Clone(b.After.Workloads), func(w *upgrade.Workload) bool { return !w.HasScale() })
	on := b.Changed()
	if on == nil && is.Done() && is.Regroups() {
		on = is
	}
	for _, w := range counted {
		if on == nil && w.Done() && w.Regroups() {
			on = w.Object
		}
	}
	if on == nil {
		return nil
	}
	refs := upgrade.Refs(counted)
	return []rule.Found{{
		On: on, Message: fmt.Sprintf("PodDisruptionBudget %s lets no pod of %s be evicted: it also selects those of %s, which has no number of replicas", b.Ref.Name, rule.Names(refs), is.Ref()),
		Paths: budgetPaths(on.Change), Evidence: []change.Evidence{{What: "pods that the budget cannot count", Objects: append([]manifest.Ref{b.Ref, is.Ref()}, refs...)}},
	}}
}

// withoutScale returns an object because of whose pods the disruption controller cannot tell how
// many pods a budget is about, and lets none be evicted (getExpectedScale and failSafe in
// k8s.io/kubernetes/pkg/controller/disruption); nil if there is none, or if a drain has no other
// pods to evict. A minAvailable that is a number needs no scale.
func withoutScale(u *upgrade.Upgrade, c *upgrade.Cover, namespace string, m upgrade.Moment) *upgrade.Object {
	if c == nil || c.Terms.Spec.MaxUnavailable == nil && (c.Terms.Spec.MinAvailable == nil || c.Terms.Spec.MinAvailable.Type == intstr.Int) || !slices.ContainsFunc(c.Workloads, (*upgrade.Workload).HasScale) {
		return nil
	}
	for i := range u.Objects {
		o := &u.Objects[i]
		side := o.Standing(m)
		if side == nil || o.Ref().Namespace != namespace || o.Idle() || !leavesPods(side) {
			continue
		}
		picks := u.Picks(c.Selector, side)
		if o.Change == nil {
			side.Forget()
		}
		if picks {
			return o
		}
	}
	return nil
}

// leavesPods reports whether an object has no number of replicas and pods all the same. Those of a
// Job stay when it is done, unless it is deleted then.
func leavesPods(o *manifest.Object) bool {
	switch {
	case o.Ref.Group == "batch" && o.Ref.Kind == "CronJob", o.Ref.Group == "apps" && o.Ref.Kind == "DaemonSet":
		return true
	case o.Ref.Group == "batch" && o.Ref.Kind == "Job":
		return upgrade.Spec(o)["ttlSecondsAfterFinished"] == nil && (!diff.IsHook(o) || !slices.Contains(o.HookDeletePolicies(), "hook-succeeded"))
	default:
		return false
	}
}

// budgetPaths are the fields because of which a budget lets no pod go: its own, or those
// of a workload that say how many pods there are, and what labels they have.
func budgetPaths(c *change.Change) []fieldpath.Path {
	if c.Outcome.PodSpec != nil {
		return rule.Edits(c, "replicas", "labels")
	}
	return rule.Edits(c, "spec")
}

// asked returns how many pods a budget asks for, if those are all that there are; 0 if
// one may go, or if that is not known.
func asked(u *upgrade.Upgrade, c *upgrade.Cover, pods func(*upgrade.Workload) int) int {
	if c == nil {
		return 0
	}
	sum, scaled := 0, false
	for _, w := range c.Workloads {
		if !w.HasScale() {
			return 0 // a drain passes by the pods of a DaemonSet, and those of others cannot be counted
		}
		sum += pods(w)
		scaled = scaled || u.Scaled[w.Ref().Identity()]
	}
	if sum == 0 || rollout.AsksFor(c.Terms, sum) < sum || !rollout.AsksForAll(c.Terms) && (scaled || shared(u, c)) {
		return 0
	}
	return sum
}

// shared reports whether a budget also selects pods that are not of the release, as far
// as it is known which pods there are.
func shared(u *upgrade.Upgrade, c *upgrade.Cover) bool {
	running := u.Running[c.Workloads[0].Ref().Namespace]
	if running == nil {
		return false
	}
	own, there := 0, 0
	for _, w := range c.Workloads {
		most := 0
		for _, p := range []*upgrade.PodTemplate{w.Before, w.After} {
			if p != nil {
				most = max(most, p.Replicas)
			}
		}
		if w.Change != nil && w.Change.Outcome.Pods != nil {
			most = max(most, w.Change.Outcome.Pods.Before, w.Change.Outcome.Pods.Desired)
		}
		own += most
	}
	for _, p := range running.Pods {
		if p.DeletionTimestamp == nil && p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed && c.Selector.Matches(labels.Set(p.Labels)) {
			there++
		}
	}
	return there > own
}

// overlapping tells that more than one budget selects the same pods from now on: the API
// server then evicts none of them, whatever the budgets ask for (EvictionREST in
// k8s.io/kubernetes/pkg/registry/core/pod/storage).
func overlapping(n *upgrade.Namespace) []rule.Found {
	before, after := map[*upgrade.Workload]int{}, map[*upgrade.Workload][]*upgrade.Budget{}
	for _, b := range n.Budgets {
		if b.Before != nil && !b.Comes {
			for _, w := range b.Before.Workloads {
				before[w]++
			}
		}
		if b.After != nil {
			for _, w := range b.After.Workloads {
				after[w] = append(after[w], b)
			}
		}
	}
	var list []overlap
	for _, w := range n.Workloads {
		budgets := after[w]
		if len(budgets) < 2 || before[w] > 1 || w.Ends || w.Ref().Kind == "DaemonSet" {
			continue
		}
		on, refs := w.Object, make([]manifest.Ref, 0, len(budgets))
		for _, b := range budgets {
			refs = append(refs, b.Ref)
			if o := b.Changed(); o != nil {
				on = o
			}
		}
		if on.Change == nil {
			continue
		}
		slices.SortFunc(refs, manifest.Ref.Compare)
		k := slices.IndexFunc(list, func(o overlap) bool { return o.on == on && slices.Equal(o.budgets, refs) })
		if k < 0 {
			k, list = len(list), append(list, overlap{on: on, budgets: refs})
		}
		list[k].workloads = append(list[k].workloads, w.Ref())
	}
	found := make([]rule.Found, 0, len(list))
	for _, o := range list {
		found = append(found, o.found())
	}
	return found
}

// overlap is two budgets or more over the pods of some workloads.
type overlap struct {
	on                 *upgrade.Object
	budgets, workloads []manifest.Ref
}

func (o *overlap) found() rule.Found {
	names := make([]string, 0, len(o.budgets))
	for _, ref := range o.budgets {
		names = append(names, ref.Name)
	}
	return rule.Found{
		On: o.on, Message: fmt.Sprintf("PodDisruptionBudgets %s select the same pods, those of %s", strings.Join(names, " and "), rule.Names(o.workloads)),
		Paths: budgetPaths(o.on.Change), Evidence: []change.Evidence{{What: "budgets over the same pods", Objects: slices.Concat(o.budgets, o.workloads), Count: len(o.budgets)}},
	}
}

// unprotectedPods tells that a budget selects no pods from now on: of the budget if that
// changes, else of the workloads whose pods it has lost.
func unprotectedPods(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for _, n := range u.Budgets() {
		for _, b := range n.Budgets {
			if b.After == nil || len(b.After.Workloads) > 0 {
				continue
			}
			var left []*upgrade.Workload
			if b.Before != nil {
				left = slices.DeleteFunc(upgrade.Lasting(b.Before.Workloads), func(w *upgrade.Workload) bool { return w.After == nil })
			}
			switch o := b.Changed(); {
			case o != nil && (len(left) > 0 || o.Change.Op == change.Create && selectsNoPods(u, n, b)):
				found = append(found, unprotected(o, b, upgrade.Refs(left)))
			case o == nil:
				for _, w := range left {
					if w.Done() && w.Regroups() {
						found = append(found, unprotected(w.Object, b, []manifest.Ref{w.Ref()}))
					}
				}
			}
		}
	}
	return found
}

func unprotected(on *upgrade.Object, b *upgrade.Budget, workloads []manifest.Ref) rule.Found {
	message := fmt.Sprintf("PodDisruptionBudget %s selects no pod", b.Ref.Name)
	if len(workloads) > 0 {
		message += fmt.Sprintf(" any more, and those of %s are without one", rule.Names(workloads))
	}
	return rule.Found{On: on, Message: message, Paths: rule.Edits(on.Change, "selector", "labels"), Evidence: []change.Evidence{
		{What: "budget without pods", Objects: append([]manifest.Ref{b.Ref}, workloads...)},
	}}
}

// selectsNoPods reports whether a new budget finds no pods, as far as that can be known: the
// cluster was asked, and nothing is in the release of which an operator may make some.
func selectsNoPods(u *upgrade.Upgrade, n *upgrade.Namespace, b *upgrade.Budget) bool {
	if u.Running[b.Ref.Namespace] == nil || !slices.ContainsFunc(n.Workloads, func(w *upgrade.Workload) bool { return w.After != nil && !w.Ends }) {
		return false
	}
	for i := range u.Objects {
		if o := u.Objects[i].New; o != nil && !u.Builtin(o.Ref.Group, o.Ref.Kind) {
			return false
		}
	}
	return !slices.ContainsFunc(u.Cluster, func(o *manifest.Object) bool {
		return o.Ref.Namespace == b.Ref.Namespace && u.Picks(b.After.Selector, o)
	})
}
