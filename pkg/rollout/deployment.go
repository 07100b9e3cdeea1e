package rollout

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/kubernetes/pkg/controller/deployment/util"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// deployment follows the Deployment controller (pkg/controller/deployment): it
// makes a new ReplicaSet if none has the same template, compared by meaning, and
// moves the pods over by the strategy of the new spec. A paused Deployment is
// scaled, and no more.
func deployment(old, updated *appsv1.Deployment, facts Facts) (*change.Pods, []change.Doubt) {
	before, desired := replicas(old.Spec.Replicas), replicas(updated.Spec.Replicas)
	if own := facts.Running.owned(old.UID); own != nil {
		return runningDeployment(updated, own, desired), underWay(!old.Spec.Paused && old.Status.UpdatedReplicas < old.Status.Replicas)
	}
	if old.Spec.Paused && facts.Fresh {
		before = 0 // paused since it was installed, it never got a pod
	}
	same := util.EqualIgnoreHash(&old.Spec.Template, &updated.Spec.Template)
	switch {
	case updated.Spec.Paused && !same:
		return held(scaled(before, desired, "paused: the new template waits")), nil
	case before == 0 || desired == 0 || same && facts.Fresh:
		return scaled(before, desired, ""), nil
	case !same:
		return rolledDeployment(updated, before, desired), nil
	case old.Spec.Paused && !updated.Spec.Paused:
		return scaled(before, desired, "unpaused"), []change.Doubt{{Reason: "whether an earlier change of the pod template waits since the Deployment was paused: if so, it is rolled out now", Hides: change.Restart}}
	default:
		return scaled(before, desired, ""), nil
	}
}

// runningDeployment answers for a Deployment whose pods are known. Those that were
// made from the new template already stay, whatever the old object says.
func runningDeployment(updated *appsv1.Deployment, own *Running, desired int) *change.Pods {
	before, fresh := len(own.Pods), own.ofTemplate(&updated.Spec.Template)
	stale := before - fresh
	var pods *change.Pods
	switch {
	case stale > 0 && updated.Spec.Paused:
		return held(scaled(before, desired, "paused: the new template waits"))
	case stale == 0 || desired == 0:
		pods = scaled(before, desired, "")
	default:
		pods = rolledDeployment(updated, before, desired)
		pods.Affected = min(stale, max(0, desired-fresh))
		pods.Replaced = pods.Affected > 0
		if updated.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
			pods.AllDown, pods.Fewest = fresh == 0, min(fresh, desired)
		}
	}
	pods.AllDown = pods.AllDown && own.ready() > 0
	return pods
}

// rolledDeployment answers for a Deployment with pods that all move to a new
// ReplicaSet: rolloutRecreate in recreate.go, rolloutRolling in rolling.go.
func rolledDeployment(d *appsv1.Deployment, before, desired int) *change.Pods {
	pods := &change.Pods{Replaced: true, Before: before, Desired: desired, Affected: min(before, desired)}
	if d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
		pods.AllDown, pods.How = true, "strategy Recreate"
		return pods
	}
	down := int(util.MaxUnavailable(*d))
	pods.Fewest = max(0, min(before, desired-down))
	pods.AllDown = pods.Fewest == 0
	pods.How = rolling(down, desired)
	if down == 0 {
		pods.How = fmt.Sprintf("rolling update, %d at a time, none missing", util.MaxSurge(*d))
	}
	return pods
}

// rolling says how many of the pods a rolling update takes down at a time.
func rolling(down, of int) string {
	return fmt.Sprintf("rolling update, at most %d of %d down", down, of)
}
