package rollout

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/kubernetes/pkg/controller/deployment/util"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

func deploymentReplicas(d *appsv1.Deployment) int { return replicas(d.Spec.Replicas) }

// deployment follows the Deployment controller (pkg/controller/deployment): it
// makes a new ReplicaSet if no existing one has the same template, compared by
// meaning, and moves the pods over by the strategy in force now.
func deployment(old, updated *appsv1.Deployment) (*change.Pods, []string) {
	before, desired := deploymentReplicas(old), deploymentReplicas(updated)
	same := util.EqualIgnoreHash(&old.Spec.Template, &updated.Spec.Template)
	switch {
	case updated.Spec.Paused && !same:
		return scaled(before, desired, "paused: the new template waits"), nil
	case same && old.Spec.Paused && !updated.Spec.Paused:
		return scaled(before, desired, ""), []string{
			"the Deployment was paused: if an earlier change of its pod template waits, it is rolled out now",
		}
	case same:
		return scaled(before, desired, ""), nil
	}
	return replacedDeployment(updated, before, desired), nil
}

// replacedDeployment answers for a Deployment whose pods move to a new
// ReplicaSet.
func replacedDeployment(d *appsv1.Deployment, before, desired int) *change.Pods {
	pods := &change.Pods{Replaced: before > 0 && desired > 0, Before: before, Desired: desired, Affected: min(before, desired)}
	if d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
		pods.Affected, pods.How = before, "strategy Recreate"
	} else {
		// The fenceposts are the controller's own, rounding included.
		unavailable := int(util.MaxUnavailable(*d))
		pods.Fewest = min(before, desired-unavailable)
		pods.How = rolling(unavailable, int(util.MaxSurge(*d)), desired)
	}
	pods.AllDown = before > 0 && pods.Fewest <= 0
	return pods
}

func rolling(unavailable, surge, desired int) string {
	switch {
	case unavailable == 0:
		return fmt.Sprintf("rolling update, %d at a time, none missing", surge)
	case unavailable >= desired:
		return fmt.Sprintf("rolling update, all %d may be missing", desired)
	default:
		return fmt.Sprintf("rolling update, %d of %d may be missing", unavailable, desired)
	}
}
