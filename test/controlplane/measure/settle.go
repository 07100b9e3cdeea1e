package measure

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
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

// settle waits until nothing happens in a namespace any more. running says that
// there should be pods.
func (w *watcher) settle(ctx context.Context, namespace string, r *recorder, running bool) error {
	deadline := time.Now().Add(settleLimit)
	for {
		quiet, pods, going := r.quiet()
		workloads, done := w.done(namespace)
		switch {
		case !running && !pods && workloads == 0 && quiet >= restWithoutPods,
			(pods || workloads > 0) && done && !going && quiet >= restWhenDone,
			quiet >= restAnyway, time.Now().After(deadline):
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// done reports how many workloads there are, and whether all of them have
// arrived where they want to be.
func (w *watcher) done(namespace string) (workloads int, done bool) {
	done = true
	count := func(arrived bool) {
		workloads++
		done = done && arrived
	}
	apps, core := w.factory.Apps().V1(), w.factory.Core().V1()
	deployments, _ := apps.Deployments().Lister().Deployments(namespace).List(labels.Everything())
	for _, d := range deployments {
		s := d.Status
		count(s.ObservedGeneration >= d.Generation && (d.Spec.Paused ||
			s.Replicas == *d.Spec.Replicas && s.UpdatedReplicas == s.Replicas && s.AvailableReplicas == s.Replicas))
	}
	sets, _ := apps.StatefulSets().Lister().StatefulSets(namespace).List(labels.Everything())
	for _, set := range sets {
		count(statefulSetDone(set))
	}
	daemons, _ := apps.DaemonSets().Lister().DaemonSets(namespace).List(labels.Everything())
	for _, d := range daemons {
		s := d.Status
		count(s.ObservedGeneration >= d.Generation && s.NumberReady == s.DesiredNumberScheduled &&
			(d.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType || s.UpdatedNumberScheduled == s.DesiredNumberScheduled))
	}
	replicaSets, _ := apps.ReplicaSets().Lister().ReplicaSets(namespace).List(labels.Everything())
	for _, rs := range replicaSets {
		count(rs.Status.ObservedGeneration >= rs.Generation && rs.Status.Replicas == *rs.Spec.Replicas && rs.Status.ReadyReplicas == *rs.Spec.Replicas)
	}
	controllers, _ := core.ReplicationControllers().Lister().ReplicationControllers(namespace).List(labels.Everything())
	for _, rc := range controllers {
		count(rc.Status.ObservedGeneration >= rc.Generation && rc.Status.ReadyReplicas == *rc.Spec.Replicas)
	}
	claims, _ := core.PersistentVolumeClaims().Lister().PersistentVolumeClaims(namespace).List(labels.Everything())
	for _, claim := range claims {
		count(claim.Status.Phase == corev1.ClaimBound)
	}
	autoscalers, _ := w.factory.Autoscaling().V2().HorizontalPodAutoscalers().Lister().HorizontalPodAutoscalers(namespace).List(labels.Everything())
	for _, a := range autoscalers {
		target, err := apps.Deployments().Lister().Deployments(namespace).Get(a.Spec.ScaleTargetRef.Name)
		count(err != nil || *target.Spec.Replicas == 0 || a.Spec.MinReplicas == nil || *target.Spec.Replicas >= *a.Spec.MinReplicas)
	}
	return workloads, done
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
