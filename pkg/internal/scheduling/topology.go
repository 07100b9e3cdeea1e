package scheduling

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagehelpers "k8s.io/component-helpers/storage/volume"
)

// The reasons of the plugins VolumeBinding, PodTopologySpread and InterPodAffinity that hold
// whatever else runs on a node.
const (
	elsewhere  = "node(s) didn't match PersistentVolume's node affinity"
	spreadless = "node(s) didn't match pod topology spread constraints (missing required label)"
	placeless  = "node(s) didn't match pod affinity rules"
)

// Subjects are what reasons are about.
type Subjects struct {
	// Taints of nodes, the labels by which a pod selects them, and what it requests.
	Taints, Selects, Requests bool
	// Volumes that are bound to other nodes, and labels of nodes by which pods are spread, or
	// brought near others.
	Volumes, Spreads, Near bool
}

// About tells what the reasons are about.
func (a *Answer) About() Subjects {
	var about Subjects
	for reason := range a.Reasons {
		switch reason {
		case tainted, unschedulable:
			about.Taints = true
		case unmatched:
			about.Selects = true
		case elsewhere:
			about.Volumes = true
		case spreadless:
			about.Spreads = true
		case placeless:
			about.Near = true
		default:
			about.Requests = true
		}
	}
	return about
}

// Holds tells why a node cannot hold the pod, apart from its taints and from how the pod selects
// nodes, in the scheduler's words, and why that may not be the last word.
func (s *Search) Holds(node *corev1.Node) (reasons []string, open string) {
	if reasons, open = s.Room(node); len(reasons) > 0 {
		return reasons, open
	}
	lacks := func(key string) bool { return !has(node, key) }
	switch {
	case len(s.Elsewhere(node)) > 0:
		return []string{elsewhere}, ""
	case slices.ContainsFunc(s.spread, lacks):
		return []string{spreadless}, ""
	case slices.ContainsFunc(s.near, lacks):
		return []string{placeless}, ""
	default:
		return nil, ""
	}
}

func has(node *corev1.Node, key string) bool {
	_, has := node.Labels[key]
	return has
}

// Elsewhere names the volumes of the pod that a node cannot reach (checkBoundClaims in
// k8s.io/kubernetes/pkg/scheduler/framework/plugins/volumebinding).
func (s *Search) Elsewhere(node *corev1.Node) []string {
	var names []string
	for _, volume := range s.volumes {
		if storagehelpers.CheckNodeAffinity(volume, node.Labels) != nil {
			names = append(names, volume.Name)
		}
	}
	return names
}

// spreadKeys are the labels that a node must have to hold a pod, since the pod must be spread by
// them (Filter in k8s.io/kubernetes/pkg/scheduler/framework/plugins/podtopologyspread).
func spreadKeys(spec *corev1.PodSpec) []string {
	var keys []string
	for i := range spec.TopologySpreadConstraints {
		if c := &spec.TopologySpreadConstraints[i]; c.WhenUnsatisfiable == corev1.DoNotSchedule {
			keys = append(keys, c.TopologyKey)
		}
	}
	return keys
}

// nearKeys are the labels that a node must have to hold a pod, since the pod must be near others by
// them, even if it is the first (satisfyPodAffinity in
// k8s.io/kubernetes/pkg/scheduler/framework/plugins/interpodaffinity).
func nearKeys(spec *corev1.PodSpec) []string {
	if spec.Affinity == nil || spec.Affinity.PodAffinity == nil {
		return nil
	}
	var keys []string
	for _, term := range spec.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
		keys = append(keys, term.TopologyKey)
	}
	return keys
}
