package rollout

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/kubernetes/pkg/controller/daemon/util"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// daemonSet follows the DaemonSet controller (pkg/controller/daemon). A pod is up
// to date if its template generation or its revision is the current one
// (util.IsPodUpdated). The API server raises the generation only when the
// template changes in meaning, so that decides, although revisions are bytes.
func daemonSet(old, updated *appsv1.DaemonSet, facts Facts) (*change.Pods, []change.Doubt) {
	nodes := facts.nodesOf(old)
	own := facts.Running.owned(old.UID)
	if own != nil {
		nodes = len(own.Pods)
	}
	pods := scaled(nodes, nodes, "")
	var unclear []change.Doubt
	same := apiequality.Semantic.DeepEqual(old.Spec.Template, updated.Spec.Template)
	switch {
	case own != nil:
		unclear = runningDaemonSet(pods, own, updated)
	case same && daemonOnDelete(old) && !daemonOnDelete(updated) && !facts.Fresh:
		unclear = []change.Doubt{{Reason: "whether an earlier change of the pod template was held back by OnDelete: if so, it is rolled out now", Hides: change.Restart}}
	case same, nodes == 0:
	case daemonOnDelete(updated):
		pods.Held, pods.How = true, heldByOnDelete
	default:
		unclear = rollDaemonSet(pods, updated)
	}
	if left, known := facts.left(old, updated); known {
		pods.Desired = facts.nodesOf(updated)
		if pods.Replaced {
			pods.Affected = min(pods.Affected, pods.Desired)
			pods.Replaced = pods.Affected > 0
		}
		pods.Fewest = max(0, min(pods.Fewest, pods.Desired)-left)
		pods.AllDown = pods.Before > 0 && pods.Fewest == 0
	} else if !same && nodes != 0 && mayLeaveNodes(&old.Spec.Template.Spec, &updated.Spec.Template.Spec) {
		pods.Desired = unknown
		if !pods.AllDown {
			pods.Fewest = unknown
		}
		unclear = append(unclear, change.Doubt{
			Reason: "which nodes still match once nodeSelector, affinity or tolerations change: from the others its pods go at once", Hides: change.Outage,
		})
	}
	return pods, unclear
}

// runningDaemonSet adds to pods what becomes of pods that are known. Those that carry
// a revision with the new template stay, whatever the old object says.
func runningDaemonSet(pods *change.Pods, own *Running, updated *appsv1.DaemonSet) (unclear []change.Doubt) {
	wanted := defaulted(&updated.Spec.Template)
	fresh := own.revisionsOf(func(template *corev1.PodTemplateSpec) bool {
		return apiequality.Semantic.DeepEqual(defaulted(template), wanted)
	})
	stale := own.without(fresh)
	switch {
	case len(stale.Pods) == 0:
		return nil
	case daemonOnDelete(updated):
		pods.Held, pods.How = true, heldByOnDelete
		return nil
	}
	unclear = rollDaemonSet(pods, updated)
	pods.Affected = len(stale.Pods)
	pods.AllDown = pods.AllDown && own.ready() > 0
	return unclear
}

func daemonOnDelete(d *appsv1.DaemonSet) bool {
	return d.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType
}

// rollDaemonSet adds to pods what a new template does to them (rollingUpdate in
// update.go); pods.Before is the number of nodes, not 0.
func rollDaemonSet(pods *change.Pods, updated *appsv1.DaemonSet) (unclear []change.Doubt) {
	nodes := pods.Before
	pods.Replaced, pods.Affected = true, nodes
	// Rounded up, a surge is there on one node if it is there at all.
	if surge, err := util.SurgeCount(updated, 1); err == nil && surge > 0 {
		pods.How = "rolling update, new pods first"
		return nil
	}
	if nodes == unknown {
		return rollUnknownNodes(pods, updated)
	}
	down := min(nodes, daemonUnavailable(updated, nodes))
	pods.Fewest = nodes - down
	pods.AllDown = pods.Fewest == 0
	pods.How = rolling(down, nodes)
	return nil
}

// rollUnknownNodes tells what it can of a rolling update on an unknown number of
// nodes, taken to be more than one.
func rollUnknownNodes(pods *change.Pods, updated *appsv1.DaemonSet) (unclear []change.Doubt) {
	pods.How = "rolling update"
	if r := updated.Spec.UpdateStrategy.RollingUpdate; r != nil && r.MaxUnavailable != nil {
		pods.How = "maxUnavailable " + r.MaxUnavailable.String()
	}
	switch most := downAtOnce(updated); {
	case most == unknown:
		pods.AllDown, pods.Fewest = true, 0
	case most > 1:
		unclear = []change.Doubt{{Reason: fmt.Sprintf("whether it runs on more than %d nodes: if not, all its pods are down at once", most), Hides: change.Downtime}}
	}
	return unclear
}

// downAtOnce returns the largest number of nodes on which a rolling update takes
// all pods down at once; unknown if it does so on any number.
func downAtOnce(d *appsv1.DaemonSet) int {
	r := d.Spec.UpdateStrategy.RollingUpdate
	if r == nil || r.MaxUnavailable == nil || r.MaxUnavailable.Type == intstr.Int {
		return daemonUnavailable(d, 1)
	}
	// A percentage is rounded up: whatever is below 100% leaves a pod on 100
	// nodes, but not on a few.
	const many = 100
	most := 0
	for nodes := range many {
		if daemonUnavailable(d, nodes+1) > nodes {
			most = nodes + 1
		}
	}
	if most == many {
		return unknown
	}
	return most
}

// daemonUnavailable is how many pods may be down on so many nodes; the
// controller takes 1 where nothing else would let it move
// (updatedDesiredNodeCounts in update.go).
func daemonUnavailable(d *appsv1.DaemonSet, nodes int) int {
	n, err := util.UnavailableCount(d, nodes)
	if err != nil {
		return 1
	}
	return max(1, n)
}

// mayLeaveNodes reports whether a changed pod spec may no longer match nodes
// that it matched. Their pods are deleted whatever the update strategy says
// (podsShouldBeOnNode in daemon_controller.go).
func mayLeaveNodes(old, updated *corev1.PodSpec) bool {
	lostToleration := slices.ContainsFunc(old.Tolerations, func(t corev1.Toleration) bool {
		return !slices.ContainsFunc(updated.Tolerations, func(u corev1.Toleration) bool {
			return apiequality.Semantic.DeepEqual(t, u)
		})
	})
	return lostToleration || old.NodeName != updated.NodeName ||
		!apiequality.Semantic.DeepEqual(old.NodeSelector, updated.NodeSelector) ||
		!apiequality.Semantic.DeepEqual(requiredNodes(old), requiredNodes(updated))
}

func requiredNodes(spec *corev1.PodSpec) *corev1.NodeSelector {
	if spec.Affinity == nil || spec.Affinity.NodeAffinity == nil {
		return nil
	}
	return spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
}
