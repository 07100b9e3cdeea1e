package rollout

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// MakesPods reports whether a kind is one of Kubernetes itself whose objects make pods.
func MakesPods(group, kind string) bool {
	_, makes := Facts{}.PodTemplate(group, kind)
	return makes
}

// PodsOf returns the template of the pods that a workload of Kubernetes itself makes; nil
// for other objects.
func PodsOf(o runtime.Object) *corev1.PodTemplateSpec {
	switch o := o.(type) {
	case *appsv1.Deployment:
		return &o.Spec.Template
	case *appsv1.StatefulSet:
		return &o.Spec.Template
	case *appsv1.DaemonSet:
		return &o.Spec.Template
	case *appsv1.ReplicaSet:
		return &o.Spec.Template
	case *corev1.ReplicationController:
		return o.Spec.Template
	case *batchv1.Job:
		return &o.Spec.Template
	case *batchv1.CronJob:
		return &o.Spec.JobTemplate.Spec.Template
	case *corev1.Pod:
		return &corev1.PodTemplateSpec{ObjectMeta: o.ObjectMeta, Spec: o.Spec}
	default:
		return nil
	}
}

// Refuse writes into pods that the API server lets no new one in, and why. What the
// strategy takes away before it waits for new ones is gone all the same.
func Refuse(pods *change.Pods, why string) {
	pods.Replaced, pods.Affected, pods.How, pods.Refused = false, 0, "", why
}
