package obstacles

import (
	"cmp"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// neighbour are pods that stay where they are, and the workload whose pods they are.
type neighbour struct {
	of manifest.Identity
	rollout.Neighbour
}

// neighboursOf returns the neighbours of a workload.
func (a *Obstacles) neighboursOf(ref manifest.Ref) []rollout.Neighbour {
	var list []rollout.Neighbour
	for i := range a.neighbours {
		if n := &a.neighbours[i]; n.of != ref.Identity() {
			list = append(list, n.Neighbour)
		}
	}
	return list
}

// staying returns pods that the upgrade leaves where they are: in a
// namespace whose pods were read those pods, and in another one those of DaemonSets, which have one
// on each of their nodes. It is empty if the nodes are not known.
func (a *Obstacles) staying() []neighbour {
	if len(a.Rollout.Cluster) == 0 {
		return nil
	}
	installed, list := map[manifest.Identity]*manifest.Object{}, []neighbour(nil)
	stays := map[manifest.Identity]bool{} // whether the upgrade leaves an object of the release as it is
	for _, o := range a.Old {
		installed[o.Ref.Identity()], stays[o.Ref.Identity()] = o, false
	}
	for _, o := range a.Updated {
		old := installed[o.Ref.Identity()]
		stays[o.Ref.Identity()] = old != nil && old.SameText(o) && !diff.IsHook(o)
	}
	for _, o := range a.After() {
		id := o.Ref.Identity()
		if left, inside := stays[id]; o.Ref.GroupKind() != "DaemonSet.apps" || inside && !left || a.Running[o.Ref.Namespace] != nil {
			continue
		}
		if n := daemons(o, a.Rollout.Cluster); n != nil {
			list = append(list, neighbour{id, *n})
		}
	}
	for namespace, running := range a.Running {
		alike := map[string]int{} // pods of one template, by workload and labels
		for _, pod := range running.Pods {
			for _, n := range a.placed(namespace, running, pod, stays) {
				key := n.Of + " " + labels.Set(pod.Labels).String()
				if i, again := alike[key]; again {
					list[i].Nodes = append(list[i].Nodes, n.Nodes...)
					continue
				}
				alike[key] = len(list)
				list = append(list, n)
			}
		}
	}
	slices.SortFunc(list, func(a, b neighbour) int {
		return cmp.Or(cmp.Compare(a.of.Namespace, b.of.Namespace), cmp.Compare(a.Of, b.Of), cmp.Compare(a.Pod.Name, b.Pod.Name))
	})
	return list
}

// daemons returns the pods of a DaemonSet; nil if it has none.
func daemons(o *manifest.Object, nodes []*corev1.Node) *rollout.Neighbour {
	value, err := o.Value()
	d := &appsv1.DaemonSet{}
	if err != nil || runtime.DefaultUnstructuredConverter.FromUnstructured(value, d) != nil {
		return nil
	}
	d.Namespace = o.Ref.Namespace
	return rollout.DaemonNeighbour(d, nodes)
}

// placed returns a pod that is on a node, if the upgrade leaves it there, and only somebody else
// takes it away. Pods that run to their end are left out.
func (a *Obstacles) placed(namespace string, running *rollout.Running, pod *corev1.Pod, stays map[manifest.Identity]bool) []neighbour {
	owner := metav1.GetControllerOf(pod)
	if owner == nil || pod.Spec.NodeName == "" || pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return nil
	}
	for _, set := range running.Sets {
		if above := metav1.GetControllerOf(set); set.UID == owner.UID && above != nil {
			owner = above
		}
	}
	id := manifest.Identity{Group: "apps", Kind: owner.Kind, Namespace: namespace, Name: owner.Name}
	left, inside := stays[id]
	if !slices.Contains([]string{"DaemonSet", "Deployment", "StatefulSet"}, owner.Kind) || inside && !left {
		return nil
	}
	n := rollout.Neighbour{Of: owner.Kind + " " + owner.Name, Pod: pod, Seen: true}
	switch {
	case owner.Kind == "DaemonSet":
	case !inside:
		n.Leaves = n.Of + " is not of the release, and its pods may go"
	case a.Scaled[id]:
		n.Leaves = "an autoscaler may take pods of " + n.Of + " away"
	}
	i := slices.IndexFunc(a.Rollout.Cluster, func(node *corev1.Node) bool { return node.Name == pod.Spec.NodeName })
	if i < 0 {
		return nil
	}
	n.Nodes = []*corev1.Node{a.Rollout.Cluster[i]}
	return []neighbour{{id, n}}
}
