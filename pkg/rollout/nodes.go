package rollout

import (
	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/controller/daemon"
)

// nodesOf returns on how many nodes a DaemonSet runs; unknown if that cannot be
// told.
func (f Facts) nodesOf(d *appsv1.DaemonSet) int {
	switch {
	case f.Nodes != nil:
		return *f.Nodes
	case len(f.Cluster) == 0:
		return unknown
	}
	n := 0
	for _, node := range f.Cluster {
		if runs, _ := daemon.NodeShouldRunDaemonPod(logr.Discard(), node, d); runs {
			n++
		}
	}
	return n
}

// left returns from how many nodes the pods of a DaemonSet go because its new
// template does not fit them. known is false if the nodes are not at hand.
func (f Facts) left(old, updated *appsv1.DaemonSet) (n int, known bool) {
	if f.Nodes != nil || len(f.Cluster) == 0 {
		return 0, false
	}
	for _, node := range f.Cluster {
		n += gone(node, old, updated)
	}
	return n, true
}

// gone returns 1 if a node ran a pod and may not go on with it.
func gone(node *corev1.Node, old, updated *appsv1.DaemonSet) int {
	ran, _ := daemon.NodeShouldRunDaemonPod(logr.Discard(), node, old)
	if _, stays := daemon.NodeShouldRunDaemonPod(logr.Discard(), node, updated); ran && !stays {
		return 1
	}
	return 0
}
