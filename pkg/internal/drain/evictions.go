package drain

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// blocks reports whether no pod of a group is ever evicted, and tells of that, and of what may be so (EvictionREST in
// k8s.io/kubernetes/pkg/registry/core/pod/storage).
func (d *drain) blocks(g *Group) (never bool) {
	budgets := d.over[g]
	if len(budgets) == 0 {
		return false
	}
	var why, open string
	if len(budgets) > 1 {
		names := make([]string, 0, len(budgets))
		for _, b := range budgets {
			names = append(names, b.Name)
		}
		slices.Sort(names)
		why = fmt.Sprintf("PodDisruptionBudgets %s select the same pods", strings.Join(names, " and "))
	} else {
		why, open = d.lets(budgets[0])
	}
	if why == "" {
		return false
	}
	pods, nodes := held(g, budgets)
	switch {
	case pods == 0:
		return false
	case open != "":
		d.unknown = append(d.unknown, change.Notice{Ref: g.Of, Reason: why + "; " + open, Hides: change.Stuck})
		return false
	}
	d.found = append(d.found, change.DrainFinding{Risk: change.Stuck, Workload: g.Of, Pods: pods, Nodes: nodes, Why: why})
	return true
}

// lets tells why a budget lets no pod be evicted while all are ready, one clause, and why it may all
// the same; why is "" if it lets one.
func (d *drain) lets(b *policyv1.PodDisruptionBudget) (why, open string) {
	if rollout.AsksForAll(b) {
		return fmt.Sprintf("PodDisruptionBudget %s asks for all pods", b.Name), ""
	}
	covered := d.covered[b]
	if i := slices.IndexFunc(covered, func(g *Group) bool { return g.Daemons() || g.ends() }); i >= 0 && scales(b) {
		why = fmt.Sprintf("PodDisruptionBudget %s also selects pods of %s, which has no number of replicas", b.Name, covered[i].Of)
		if covered[i].ends() {
			open = "they may be deleted when they are done"
		}
		return why, open
	}
	if slices.ContainsFunc(b.Status.Conditions, func(c metav1.Condition) bool { return c.Reason == policyv1.SyncFailedReason }) {
		return fmt.Sprintf("PodDisruptionBudget %s lets no pod be evicted, since its controller cannot count the pods", b.Name), "it may count them later"
	}
	expected, open := d.expected(b)
	if asked := rollout.AsksFor(b, expected); expected > 0 && asked >= expected {
		return fmt.Sprintf("PodDisruptionBudget %s asks for %d of %d pods", b.Name, asked, expected), open
	}
	return "", ""
}

// scales reports whether a budget hangs on how many pods there are to be, and not on how many there
// are (getExpectedPodCount in k8s.io/kubernetes/pkg/controller/disruption).
func scales(b *policyv1.PodDisruptionBudget) bool {
	return b.Spec.MaxUnavailable != nil || b.Spec.MinAvailable != nil && b.Spec.MinAvailable.Type == intstr.String
}

// expected is how many pods a budget counts with, and why they may be others, one clause. What its
// controller has counted holds where nothing of that is of the release.
func (d *drain) expected(b *policyv1.PodDisruptionBudget) (pods int, open string) {
	own, others, unscaled := 0, 0, false
	for _, g := range d.covered[b] {
		switch {
		case g.Scaled:
			open = "an autoscaler may run more pods of " + g.Of.String()
		case !g.Release && g.hasScale():
			unscaled = unscaled || d.Unscaled
		case !g.hasScale() && g.Of.Kind != "Pod":
			open = "who makes more pods of " + g.Of.String() + " is not known"
		}
		switch {
		case g.Of.Kind == "Pod" && scales(b):
			// the disruption controller passes by pods without a controller
		case g.Release:
			own += g.Count
		default:
			others += g.Count
		}
	}
	if open == "" && unscaled {
		open = "an autoscaler may run more pods"
	}
	return reconciled(b, own, others, open)
}

// reconciled returns how many pods a budget counts with, by how many of them are the release's own
// and how many are not, and by what its controller has counted.
func reconciled(b *policyv1.PodDisruptionBudget, own, others int, open string) (int, string) {
	counted := int(b.Status.ExpectedPods)
	switch {
	case others == 0:
		return own, open
	case own == 0 && b.Status.ObservedGeneration > 0 && b.Status.ObservedGeneration >= b.Generation:
		return counted, open
	case open == "" && counted > 0 && counted != own+others:
		open = fmt.Sprintf("its controller has counted %d", counted)
	}
	return own + others, open
}

// held counts the pods of a group that a budget may keep on their node, and lists their nodes. One
// that has not started yet is evicted whatever budgets say (canIgnorePDB), and one that is not ready
// if its budget says so.
func held(g *Group, budgets []*policyv1.PodDisruptionBudget) (pods int, nodes []string) {
	if g.Running == nil {
		return g.Count, nil
	}
	always := len(budgets) == 1 && budgets[0].Spec.UnhealthyPodEvictionPolicy != nil && *budgets[0].Spec.UnhealthyPodEvictionPolicy == policyv1.AlwaysAllow
	for _, p := range g.Running {
		if p.Status.Phase == corev1.PodPending || always && !ready(p) {
			continue
		}
		pods, nodes = pods+1, append(nodes, p.Spec.NodeName)
	}
	return pods, nodes
}

// ready reports whether a pod is not known to be unready.
func ready(p *corev1.Pod) bool {
	return !slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status != corev1.ConditionTrue
	})
}
