// Package rollout tells what Kubernetes' controllers do to running pods when a
// stored workload turns into another one.
//
// Where the controllers export their decisions, those run here; the rest is
// re-expressed, each with the place in k8s.io/kubernetes it comes from. It reads
// nothing but its arguments.
package rollout

import (
	"bytes"
	"encoding/json"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// Facts are what the decision needs and the two objects do not say.
type Facts struct {
	// Nodes is how many nodes a DaemonSet runs on; 0 if that is not known.
	Nodes int
}

// unknown stands for a number of pods that nobody can tell.
const unknown = -1

// Predict tells what happens to the pods of a workload when the stored object
// turns from old into updated. Both are defaulted objects of k8s.io/api in the
// same version; a nil old means that the workload is created, a nil updated that
// it is deleted. The result is nil for what owns no pods. The second result
// lists what could not be told, one clause each.
func Predict(old, updated runtime.Object, facts Facts) (*change.Pods, []string) {
	switch kind := either(old, updated).(type) {
	case *appsv1.Deployment:
		return both(old, updated, kind, deploymentReplicas, deployment)
	case *appsv1.StatefulSet:
		return both(old, updated, kind, statefulSetReplicas, statefulSet)
	case *appsv1.DaemonSet:
		count := func(*appsv1.DaemonSet) int { return facts.nodes() }
		return both(old, updated, kind, count, func(o, n *appsv1.DaemonSet) (*change.Pods, []string) {
			return daemonSet(o, n, facts)
		})
	case *appsv1.ReplicaSet:
		return both(old, updated, kind, func(r *appsv1.ReplicaSet) int { return replicas(r.Spec.Replicas) }, replicaSet)
	case *corev1.ReplicationController:
		return both(old, updated, kind, func(r *corev1.ReplicationController) int { return replicas(r.Spec.Replicas) }, replicationController)
	case *batchv1.Job:
		return both(old, updated, kind, jobPods, job)
	case *batchv1.CronJob:
		return both(old, updated, kind, func(*batchv1.CronJob) int { return 0 }, cronJob)
	case *corev1.Pod:
		return both(old, updated, kind, func(*corev1.Pod) int { return 1 }, pod)
	default:
		return nil, nil
	}
}

func (f Facts) nodes() int {
	if f.Nodes > 0 {
		return f.Nodes
	}
	return unknown
}

func either(old, updated runtime.Object) runtime.Object {
	if updated != nil {
		return updated
	}
	return old
}

// both narrows two objects to their type and answers for creation and deletion,
// which are the same for all workloads. count tells how many pods one wants.
func both[T any](old, updated runtime.Object, _ *T, count func(*T) int,
	update func(old, updated *T) (*change.Pods, []string),
) (*change.Pods, []string) {
	o, _ := any(old).(*T)
	n, _ := any(updated).(*T)
	switch {
	case o == nil && n == nil:
		return nil, nil
	case o == nil:
		return &change.Pods{Desired: count(n), Fewest: 0}, nil
	case n == nil:
		before := count(o)
		return &change.Pods{Before: before, Affected: before, AllDown: before != 0}, nil
	default:
		return update(o, n)
	}
}

// replicas reads a defaulted number of replicas.
func replicas(n *int32) int {
	if n == nil {
		return 1
	}
	return int(*n)
}

// scaled answers for a workload whose pods are not replaced: it may still be
// scaled, to nothing at the worst.
func scaled(before, desired int, how string) *change.Pods {
	return &change.Pods{
		Before: before, Desired: desired, Fewest: min(before, desired),
		AllDown: before != 0 && desired == 0, How: how,
	}
}

// sameBytes reports whether two pod templates are stored with the same bytes, as
// controllers that keep ControllerRevisions compare them: a quantity in another
// spelling is another template.
func sameBytes(old, updated *corev1.PodTemplateSpec) bool {
	o, oldErr := json.Marshal(old)
	n, newErr := json.Marshal(updated)
	return oldErr == nil && newErr == nil && bytes.Equal(o, n)
}
