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
func deployment(old, updated *appsv1.Deployment, facts Facts) (*change.Pods, []string) {
	before, desired := replicas(old.Spec.Replicas), replicas(updated.Spec.Replicas)
	if old.Spec.Paused && facts.Fresh {
		before = 0 // paused since it was installed, it never got a pod
	}
	same := util.EqualIgnoreHash(&old.Spec.Template, &updated.Spec.Template)
	switch {
	case updated.Spec.Paused && !same:
		return scaled(before, desired, "paused: the new template waits"), nil
	case before == 0 || desired == 0 || same && facts.Fresh:
		return scaled(before, desired, ""), nil
	case !same:
		return rolledDeployment(updated, before, desired), nil
	case old.Spec.Paused && !updated.Spec.Paused:
		return scaled(before, desired, "unpaused"), []string{
			"whether an earlier change of the pod template waits since the Deployment was paused: if so, it is rolled out now",
		}
	default:
		return scaled(before, desired, ""), nil
	}
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
