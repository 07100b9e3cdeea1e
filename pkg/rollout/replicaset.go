package rollout

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

const keepsTemplate = "running pods keep the old template"

// replicaSet: a ReplicaSet only counts its pods (pkg/controller/replicaset); its
// template is for pods that are still to come.
func replicaSet(old, updated *appsv1.ReplicaSet) *change.Pods {
	pods := scaled(replicas(old.Spec.Replicas), replicas(updated.Spec.Replicas), "")
	if pods.Before > 0 && !apiequality.Semantic.DeepEqual(old.Spec.Template, updated.Spec.Template) {
		pods.Held, pods.How = true, keepsTemplate
	}
	return pods
}

// replicationController: as a ReplicaSet, but its selector may change. Pods that
// no longer match are let go of (ClaimPods in pkg/controller) and run on.
func replicationController(old, updated *corev1.ReplicationController) *change.Pods {
	pods := scaled(replicas(old.Spec.Replicas), replicas(updated.Spec.Replicas), "")
	switch {
	case pods.Before == 0:
	case old.Spec.Template != nil && !labels.SelectorFromSet(updated.Spec.Selector).Matches(labels.Set(old.Spec.Template.Labels)):
		pods.Fewest, pods.AllDown = pods.Before, false
		pods.How = "the selector no longer matches the running pods: they stay, orphaned, beside new ones"
	case !apiequality.Semantic.DeepEqual(old.Spec.Template, updated.Spec.Template):
		pods.Held, pods.How = true, keepsTemplate
	}
	return pods
}
