package measure

import (
	"context"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// How long nothing must happen until nothing more will: for a namespace without
// pods, for one whose workloads say that they are done, and for one in which
// something hangs.
const (
	restWithoutPods = 700 * time.Millisecond
	restWhenDone    = 1800 * time.Millisecond
	restAnyway      = 8 * time.Second
	settleLimit     = 90 * time.Second
)

// settle waits until nothing happens in the namespaces of a case any more. running says
// that there should be pods.
func (w *watcher) settle(ctx context.Context, namespaces []string, r *recorder, running bool) error {
	deadline := time.Now().Add(settleLimit)
	for {
		quiet, pods, going, starting := r.quiet()
		workloads := w.workloads(namespaces)
		done := true
		for _, arrived := range workloads {
			done = done && arrived
		}
		switch {
		case !running && !pods && len(workloads) == 0 && quiet >= restWithoutPods,
			(pods || len(workloads) > 0) && done && !going && quiet >= restWhenDone,
			quiet >= restAnyway && !going && !starting, time.Now().After(deadline):
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// workloads returns what has to arrive somewhere, and whether it has arrived where it
// wants to be.
func (w *watcher) workloads(namespaces []string) map[workload]bool {
	all := map[workload]bool{}
	for _, namespace := range namespaces {
		count := func(kind, name string, arrived bool) { all[workload{namespace, kind, name}] = arrived }
		w.apps(namespace, count)
		w.others(namespace, count)
	}
	return all
}

func (w *watcher) apps(namespace string, count func(kind, name string, arrived bool)) {
	apps := w.factory.Apps().V1()
	deployments, _ := apps.Deployments().Lister().Deployments(namespace).List(labels.Everything())
	for _, d := range deployments {
		s := d.Status
		count("Deployment", d.Name, s.ObservedGeneration >= d.Generation && (d.Spec.Paused ||
			s.Replicas == *d.Spec.Replicas && s.UpdatedReplicas == s.Replicas && s.AvailableReplicas == s.Replicas))
	}
	sets, _ := apps.StatefulSets().Lister().StatefulSets(namespace).List(labels.Everything())
	for _, set := range sets {
		count("StatefulSet", set.Name, statefulSetDone(set))
	}
	daemons, _ := apps.DaemonSets().Lister().DaemonSets(namespace).List(labels.Everything())
	for _, d := range daemons {
		s := d.Status
		count("DaemonSet", d.Name, s.ObservedGeneration >= d.Generation && s.NumberReady == s.DesiredNumberScheduled &&
			(d.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType || s.UpdatedNumberScheduled == s.DesiredNumberScheduled))
	}
	replicaSets, _ := apps.ReplicaSets().Lister().ReplicaSets(namespace).List(labels.Everything())
	for _, rs := range replicaSets {
		s := rs.Status
		count("ReplicaSet", rs.Name, s.ObservedGeneration >= rs.Generation && s.Replicas == *rs.Spec.Replicas && s.ReadyReplicas == *rs.Spec.Replicas)
	}
}

func (w *watcher) others(namespace string, count func(kind, name string, arrived bool)) {
	core := w.factory.Core().V1()
	controllers, _ := core.ReplicationControllers().Lister().ReplicationControllers(namespace).List(labels.Everything())
	for _, rc := range controllers {
		count("ReplicationController", rc.Name, rc.Status.ObservedGeneration >= rc.Generation && rc.Status.ReadyReplicas == *rc.Spec.Replicas)
	}
	jobs, _ := w.factory.Batch().V1().Jobs().Lister().Jobs(namespace).List(labels.Everything())
	for _, job := range jobs {
		count("Job", job.Name, jobDone(job))
	}
	claims, _ := core.PersistentVolumeClaims().Lister().PersistentVolumeClaims(namespace).List(labels.Everything())
	for _, claim := range claims {
		count("PersistentVolumeClaim", claim.Name, claim.Status.Phase == corev1.ClaimBound)
	}
	autoscalers, _ := w.factory.Autoscaling().V2().HorizontalPodAutoscalers().Lister().HorizontalPodAutoscalers(namespace).List(labels.Everything())
	for _, a := range autoscalers {
		target, err := w.factory.Apps().V1().Deployments().Lister().Deployments(namespace).Get(a.Spec.ScaleTargetRef.Name)
		count("HorizontalPodAutoscaler", a.Name, err != nil || *target.Spec.Replicas == 0 ||
			a.Spec.MinReplicas == nil || *target.Spec.Replicas >= *a.Spec.MinReplicas)
	}
}

// jobDone reports whether a Job is over, or runs what is to run for ever.
func jobDone(job *batchv1.Job) bool {
	if job.Spec.Suspend != nil && *job.Spec.Suspend || job.Status.Ready != nil && *job.Status.Ready > 0 {
		return true
	}
	return slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool {
		return (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue
	})
}

func statefulSetDone(set *appsv1.StatefulSet) bool {
	s := set.Status
	if s.ObservedGeneration < set.Generation || s.ReadyReplicas != *set.Spec.Replicas || s.Replicas != *set.Spec.Replicas {
		return false
	}
	if set.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
		return true
	}
	held := int32(0)
	if rolling := set.Spec.UpdateStrategy.RollingUpdate; rolling != nil && rolling.Partition != nil {
		held = min(*rolling.Partition, s.Replicas)
	}
	return s.CurrentRevision == s.UpdateRevision || s.UpdatedReplicas >= s.Replicas-held
}
