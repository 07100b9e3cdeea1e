package rollout

import (
	"fmt"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubernetes/pkg/controller"
	"k8s.io/kubernetes/pkg/controller/history"

	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// longestHash stands for the hash that controllers put behind a name: a number of 32 bits,
// which has up to ten digits.
const longestHash = "bcdfghklmn"

// LastPod returns the pod that a workload of Kubernetes itself makes, as its controller sends
// it to the API server; of a StatefulSet the one with the highest number, which has the
// longest name. It is nil for other objects, and for a Pod.
func LastPod(o runtime.Object) *corev1.Pod {
	template := PodsOf(o)
	if _, bare := o.(*corev1.Pod); bare || template == nil {
		return nil
	}
	pod, err := controller.GetPodFromTemplate(template, o, nil)
	if err != nil {
		return nil
	}
	if s, is := o.(*appsv1.StatefulSet); is {
		identify(pod, s)
	}
	return pod
}

// identify gives a pod of a StatefulSet its name, its labels and its claims
// (newVersionedStatefulSetPod in k8s.io/kubernetes/pkg/controller/statefulset).
func identify(pod *corev1.Pod, s *appsv1.StatefulSet) {
	number := max(0, replicas(s.Spec.Replicas)-1)
	if s.Spec.Ordinals != nil {
		number += int(s.Spec.Ordinals.Start)
	}
	pod.Name, pod.GenerateName = fmt.Sprintf("%s-%d", s.Name, number), ""
	pod.Labels[appsv1.StatefulSetPodNameLabel], pod.Labels[appsv1.PodIndexLabel] = pod.Name, strconv.Itoa(number)
	pod.Labels[appsv1.StatefulSetRevisionLabel] = history.ControllerRevisionName(s.Name, longestHash)
	pod.Spec.Hostname, pod.Spec.Subdomain = pod.Name, s.Spec.ServiceName
	volumes := make([]corev1.Volume, 0, len(s.Spec.VolumeClaimTemplates)+len(pod.Spec.Volumes))
	claimed := map[string]bool{}
	for i := range s.Spec.VolumeClaimTemplates {
		name := s.Spec.VolumeClaimTemplates[i].Name
		claimed[name] = true
		volumes = append(volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name + "-" + pod.Name},
		}})
	}
	for i := range pod.Spec.Volumes {
		if !claimed[pod.Spec.Volumes[i].Name] {
			volumes = append(volumes, pod.Spec.Volumes[i])
		}
	}
	pod.Spec.Volumes = volumes
}

// noChild finds a Deployment whose name leaves no room for the hash in that of a ReplicaSet
// (getNewReplicaSet in k8s.io/kubernetes/pkg/controller/deployment).
func noChild(o runtime.Object) []Obstacle {
	d, is := o.(*appsv1.Deployment)
	if !is {
		return nil
	}
	errs := apivalidation.NameIsDNSSubdomain(d.Name+"-"+longestHash, false)
	if len(errs) == 0 {
		return nil
	}
	return []Obstacle{{
		Kind: PodsRejected, Whole: true, Paths: []fieldpath.Path{fieldpath.Fields("metadata", "name")},
		Message: "its ReplicaSets are rejected: their name, that of the Deployment and a hash, " + strings.Join(errs, ", "),
	}}
}
