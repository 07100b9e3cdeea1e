package rollout

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Sized returns a copy of a workload that asks for a number of pods. Of what does not say
// how many it asks for it returns the object itself.
func Sized(o runtime.Object, pods int) runtime.Object {
	n := int32(pods) //nolint:gosec // a number that the API server has checked
	switch o := o.(type) {
	case *appsv1.Deployment:
		o = o.DeepCopy()
		o.Spec.Replicas = &n
		return o
	case *appsv1.StatefulSet:
		o = o.DeepCopy()
		o.Spec.Replicas = &n
		return o
	case *appsv1.ReplicaSet:
		o = o.DeepCopy()
		o.Spec.Replicas = &n
		return o
	case *corev1.ReplicationController:
		o = o.DeepCopy()
		o.Spec.Replicas = &n
		return o
	default:
		return o
	}
}
