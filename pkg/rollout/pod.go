package rollout

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// pod: of what may change in a running Pod, only another image makes the kubelet
// restart something, and only that container (computePodActions in
// pkg/kubelet/kuberuntime). Until it runs again the pod is not ready.
func pod(old, updated *corev1.Pod) (*change.Pods, []change.Doubt) {
	pods := scaled(1, 1, "")
	images := map[string]string{}
	for _, c := range running(&old.Spec) {
		images[c.Name] = c.Image
	}
	for _, c := range running(&updated.Spec) {
		if images[c.Name] == c.Image {
			continue
		}
		if pods.Replaced {
			pods.How = "containers are restarted in place"
			continue
		}
		pods.Replaced, pods.AllDown = true, true
		pods.Affected, pods.Fewest = 1, 0
		pods.How = fmt.Sprintf("container %q is restarted in place", c.Name)
	}
	return pods, nil
}

// running returns the containers that run as long as the pod does: its
// containers and its sidecars. Init containers are over by then, and changing
// them restarts nothing.
func running(spec *corev1.PodSpec) []corev1.Container {
	var containers []corev1.Container
	for i := range spec.InitContainers {
		if p := spec.InitContainers[i].RestartPolicy; p != nil && *p == corev1.ContainerRestartPolicyAlways {
			containers = append(containers, spec.InitContainers[i])
		}
	}
	return append(containers, spec.Containers...)
}
