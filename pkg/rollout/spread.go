package rollout

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/internal/scheduling"
)

// spread adds the constraints by which pods are spread so that a place takes one of them only, or a
// few.
func (e *exclusions) spread() {
	if _, is := e.updated.(*appsv1.DaemonSet); is || len(e.fresh.Spec.TopologySpreadConstraints) == 0 {
		return
	}
	holder := func(pod *corev1.Pod) scheduling.Holder {
		return scheduling.Holder{Pod: pod, Nodes: e.facts.search(scheduling.Settled(pod, e.facts.Cluster)).Fitting(e.facts.Cluster).Nodes}
	}
	holders := []scheduling.Holder{holder(e.fresh)}
	if e.stale != nil {
		holders = append(holders, holder(e.stale))
		for _, s := range scheduling.Spreads(e.stale, e.facts.Cluster, ownLabels(e.old), holders[1]) {
			e.before = append(e.before, s.Exclusion)
		}
	}
	for _, s := range scheduling.Spreads(e.fresh, e.facts.Cluster, ownLabels(e.updated), holders...) {
		e.own = append(e.own, s.Exclusion)
		if e.stale != nil && s.Most == 1 && s.Counts(e.stale) {
			e.beside = append(e.beside, s.Exclusion)
		}
	}
}

// ownLabels are the labels by which a workload knows its pods; nil if that is more than labels.
func ownLabels(o runtime.Object) map[string]string {
	var selector *metav1.LabelSelector
	switch o := o.(type) {
	case *appsv1.Deployment:
		selector = o.Spec.Selector
	case *appsv1.StatefulSet:
		selector = o.Spec.Selector
	case *appsv1.ReplicaSet:
		selector = o.Spec.Selector
	}
	if selector == nil || len(selector.MatchExpressions) > 0 {
		return nil
	}
	return selector.MatchLabels
}

// bracketed says what field an exclusion comes from.
func bracketed(by scheduling.Exclusion) string {
	text := " (" + by.Field()
	if by.Key != "" {
		text += ", topologyKey " + by.Key
	}
	if by.Because != "" {
		text += ": " + by.Because
	}
	return text + ")"
}
