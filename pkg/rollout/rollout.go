// Package rollout tells what Kubernetes' controllers do to running pods when a
// stored workload turns into another one.
//
// Where the controllers export their decisions, those run here; the rest is
// re-expressed, each with the place in k8s.io/kubernetes it comes from. Nothing
// is read but the arguments and the process-wide feature gates of Kubernetes.
package rollout

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// Facts are what the decision needs and the two objects do not say. The zero
// value knows nothing.
type Facts struct {
	// Nodes is on how many nodes a DaemonSet runs before the upgrade; nil if
	// that is not known.
	Nodes *int
	// Cluster are the nodes of the cluster, from which the number follows if Nodes
	// is nil; empty if they are not known.
	Cluster []*corev1.Node
	// Bound are the volumes to which claims of the namespace are bound, by the name of the
	// claim, as far as they are known.
	Bound map[string]*corev1.PersistentVolume
	// Neighbours are pods of other workloads that stay where they are, of those that may keep others
	// away, or be kept away.
	Neighbours []Neighbour
	// Running is what runs in the cluster; nil if that is not known, and then the
	// pods are taken to be those that the old object asks for.
	Running *Running
	// Live says that the old object is what the cluster has, status and all.
	Live bool
	// Fresh says that the old object is what was installed, and never was another
	// one: no earlier change is held back.
	Fresh bool
	// Workloads are the kinds of custom resources that run pods. Of several for
	// one kind the first counts.
	Workloads []Workload
}

// unknown stands for a number of pods that cannot be told.
const unknown = -1

// Predict tells what happens to the pods of a workload when the stored object
// turns from old into updated. Both are defaulted objects of k8s.io/api, or custom
// resources as plain values, of the same kind and version; a nil old means that the workload is created, a nil
// updated that it is deleted. Neither is modified. The result is nil for what
// owns no pods; the caller fills in Causes. The second result
// lists what could not be told, one clause each.
func Predict(old, updated runtime.Object, facts Facts) (*change.Pods, []change.Doubt) {
	switch {
	case old == nil && updated == nil:
		return nil, nil
	case old == nil:
		return created(updated, facts), nil
	case updated == nil:
		pods, unclear := deleted(old, facts)
		return facts.inSight(old, pods), unclear
	}
	switch n := updated.(type) {
	case *appsv1.Deployment:
		return update(old, n, func(o, n *appsv1.Deployment) (*change.Pods, []change.Doubt) { return deployment(o, n, facts) })
	case *appsv1.StatefulSet:
		return update(old, n, func(o, n *appsv1.StatefulSet) (*change.Pods, []change.Doubt) { return statefulSet(o, n, facts) })
	case *appsv1.DaemonSet:
		return update(old, n, func(o, n *appsv1.DaemonSet) (*change.Pods, []change.Doubt) { return daemonSet(o, n, facts) })
	case *appsv1.ReplicaSet:
		return update(old, n, func(o, n *appsv1.ReplicaSet) (*change.Pods, []change.Doubt) {
			return facts.inSight(o, replicaSet(o, n)), nil
		})
	case *corev1.ReplicationController:
		return update(old, n, func(o, n *corev1.ReplicationController) (*change.Pods, []change.Doubt) {
			return facts.inSight(o, replicationController(o, n)), nil
		})
	case *batchv1.Job:
		return update(old, n, job)
	case *batchv1.CronJob:
		return update(old, n, cronJob)
	case *corev1.Pod:
		return update(old, n, pod)
	case *unstructured.Unstructured:
		return update(old, n, func(o, n *unstructured.Unstructured) (*change.Pods, []change.Doubt) { return custom(o, n, facts) })
	default:
		return nil, nil
	}
}

// update asks predict, unless old is of another type.
func update[T any](old runtime.Object, updated *T, predict func(old, updated *T) (*change.Pods, []change.Doubt)) (*change.Pods, []change.Doubt) {
	o, same := any(old).(*T)
	if !same {
		return nil, nil
	}
	return predict(o, updated)
}

// created answers for a workload that is new: no pod was there to lose.
func created(o runtime.Object, facts Facts) *change.Pods {
	desired, owner := wanted(o, facts)
	if !owner {
		return nil
	}
	pods := &change.Pods{Desired: desired}
	if d, is := o.(*appsv1.Deployment); is && d.Spec.Paused {
		pods.How = "paused: no pods until it is unpaused"
	}
	return pods
}

// deleted answers for a workload that goes: the garbage collector takes its pods
// with it.
func deleted(o runtime.Object, facts Facts) (*change.Pods, []change.Doubt) {
	before, owner := wanted(o, facts)
	if !owner {
		return nil, nil
	}
	pods := &change.Pods{Before: before, AllDown: before != 0}
	var unclear []change.Doubt
	switch o := o.(type) {
	case *batchv1.Job:
		if done(o) {
			return &change.Pods{}, nil
		}
		// By the time a release drops a Job, it is done as a rule; to call
		// every one of them an outage would be a false alarm.
		pods.AllDown = false
		switch {
		case facts.Live && o.Status.Active > 0:
			unclear = []change.Doubt{{Reason: "the Job is not done, and the pods that it runs are stopped: whether it will be done by then is not known", Hides: change.Restart, Never: true}}
		case !facts.Live && before > 0:
			unclear = []change.Doubt{{Reason: "whether the Job is done: if not, the pods that it runs are stopped", Hides: change.Restart, Never: true}}
		}
	case *batchv1.CronJob:
		pods.AllDown = false
		switch {
		case len(o.Status.Active) > 0:
			unclear = []change.Doubt{{Reason: "the CronJob is running just now, and what runs is stopped: whether it will be done by then is not known", Hides: change.Restart, Never: true}}
		case !facts.Live:
			unclear = []change.Doubt{{Reason: "whether the CronJob is running just now: if so, what runs is stopped", Hides: change.Restart, Never: true}}
		}
	case *unstructured.Unstructured:
		pods.AllDown = pods.AllDown && !facts.workload(o).Jobs
	}
	return pods, unclear
}

// wanted returns how many pods a workload asks for, and whether o is a workload
// at all.
func wanted(o runtime.Object, facts Facts) (n int, owner bool) {
	switch o := o.(type) {
	case *appsv1.Deployment:
		return replicas(o.Spec.Replicas), true
	case *appsv1.StatefulSet:
		return replicas(o.Spec.Replicas), true
	case *appsv1.DaemonSet:
		return facts.nodesOf(o), true
	case *appsv1.ReplicaSet:
		return replicas(o.Spec.Replicas), true
	case *corev1.ReplicationController:
		return replicas(o.Spec.Replicas), true
	case *batchv1.Job:
		return jobPods(o), true
	case *batchv1.CronJob:
		return unknown, true
	case *corev1.Pod:
		return 1, true
	case *unstructured.Unstructured:
		if w := facts.workload(o); w != nil {
			return w.pods(o), true
		}
		return 0, false
	default:
		return 0, false
	}
}

// replicas reads a number of replicas; the default is 1.
func replicas(n *int32) int {
	if n == nil {
		return 1
	}
	return int(*n)
}

// held says of pods that are there that they keep the old template.
func held(pods *change.Pods) *change.Pods {
	pods.Held = pods.Before > 0
	return pods
}

// scaled answers for a workload whose pods are not replaced. It may still be
// scaled, to nothing at the worst.
func scaled(before, desired int, how string) *change.Pods {
	return &change.Pods{
		Before: before, Desired: desired, Fewest: min(before, desired),
		AllDown: before != 0 && desired == 0, How: how,
	}
}
