package scheduling

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// passes says why a taint that the pod does not tolerate may keep it away for a while
// only, or not at all; "" if it stays until somebody takes it away.
func (s *Search) passes(taint *corev1.Taint) string {
	_, asked := s.requests[corev1.ResourceName(taint.Key)]
	switch {
	case asked: // ExtendedResourceToleration, which is off by default
		return "admission may give its pods the toleration of " + taint.Key
	case taint.Key == corev1.TaintNodeUnschedulable:
		return ""
	case ofState(taint.Key):
		return fmt.Sprintf("taint %s goes when the state of the node changes", taint.Key)
	default:
		return ""
	}
}

// ofState reports whether a taint comes and goes with the state of a node.
func ofState(key string) bool {
	return strings.HasPrefix(key, "node.kubernetes.io/") || strings.HasPrefix(key, "node.cloudprovider.kubernetes.io/")
}

// unasked says what else decides where the pod goes; "" if nothing does.
func unasked(pod *corev1.Pod) string {
	switch spec := &pod.Spec; {
	case spec.SchedulerName != "" && spec.SchedulerName != corev1.DefaultSchedulerName:
		return fmt.Sprintf("scheduler %s decides, which was not asked", spec.SchedulerName)
	case spec.RuntimeClassName != nil:
		return fmt.Sprintf("RuntimeClass %s may add tolerations", *spec.RuntimeClassName)
	default:
		return ""
	}
}

// marks are labels and annotations of nodes that somebody makes and deletes as pods ask
// for them: autoscalers, and the node pools of clouds.
func marks() []string {
	return []string{
		"cluster-autoscaler.kubernetes.io/", // Cluster Autoscaler
		"karpenter.sh/", "karpenter.k8s.aws/", "karpenter.azure.com/",
		"cloud.google.com/gke-nodepool",
		"eks.amazonaws.com/nodegroup", "eks.amazonaws.com/compute-type", "alpha.eksctl.io/nodegroup-name",
		"kubernetes.azure.com/agentpool", "kubernetes.azure.com/cluster", "agentpool",
		"doks.digitalocean.com/node-pool", "lke.linode.com/pool-id", "k8s.scaleway.com/pool-name",
		"node.cluster.x-k8s.io/", "cluster.x-k8s.io/", // Cluster API
	}
}

// grows says by which mark of the nodes, the first in the order of marks, somebody may add
// others; "" if there is none.
func grows(nodes []*corev1.Node) string {
	list := marks()
	at := make(map[string]int, len(list))
	for i, mark := range list {
		at[mark] = i
	}
	first, virtual := len(list), false
	for _, node := range nodes {
		virtual = virtual || node.Labels["type"] == "virtual-kubelet"
		for _, keys := range []map[string]string{node.Labels, node.Annotations} {
			for key := range keys {
				if i, marked := at[key]; marked {
					first = min(first, i)
				} else if i, marked = at[key[:strings.IndexByte(key, '/')+1]]; marked {
					first = min(first, i)
				}
			}
		}
	}
	switch {
	case first < len(list):
		return fmt.Sprintf("nodes carry %s, so an autoscaler may add one that can", strings.TrimSuffix(list[first], "/"))
	case virtual:
		return "a virtual kubelet may take them"
	default:
		return ""
	}
}
