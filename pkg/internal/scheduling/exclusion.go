package scheduling

import (
	"cmp"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/kube-scheduler/framework"
	schedutil "k8s.io/kubernetes/pkg/scheduler/util"
)

// Exclusion is why a pod may not run near another one.
type Exclusion struct {
	// Key is the label of nodes that says what is near; "" for the node itself.
	Key string
	// Reason is the scheduler's.
	Reason string
	// Unsure says that it hangs on labels of the namespace that are not known.
	Unsure bool
	// Most is how many pods may be near each other all the same; 0 for one.
	Most int
	// Because is more about it, one clause.
	Because string
}

// Field names the field of the pod that says so.
func (e *Exclusion) Field() string {
	switch {
	case e.Reason == uneven:
		return "topologySpreadConstraints"
	case e.Key == "":
		return "hostPort"
	default:
		return "podAntiAffinity"
	}
}

// The reasons of the plugins NodePorts and InterPodAffinity.
const (
	portTaken = "node(s) didn't have free ports for the requested pod ports"
	repelling = "node(s) didn't match pod anti-affinity rules"
	repelled  = "node(s) didn't satisfy existing pods anti-affinity rules"
)

// Namespace is what is known of the namespace of pods.
type Namespace struct {
	Name   string
	Labels map[string]string
	// Known says that it has no other labels.
	Known bool
}

// Exclusions tells why a pod may not run near one that is there already, one reason for each
// key, in the order in which the scheduler asks its plugins. Both are in one namespace.
func Exclusions(incoming, existing *corev1.Pod, in Namespace) []Exclusion {
	var list []Exclusion
	if portsConflict(incoming, existing) {
		list = append(list, Exclusion{Reason: portTaken})
	}
	list = append(list, in.repelled(incoming, existing, repelling)...)
	list = append(list, in.repelled(existing, incoming, repelled)...)
	slices.SortStableFunc(list, func(a, b Exclusion) int { return cmp.Compare(certainty(a), certainty(b)) })
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(e Exclusion) bool {
		again := seen[e.Key]
		seen[e.Key] = true
		return again
	})
}

// PortExclusions tells whether a pod may not be on the node of another one, whatever the namespaces
// of both, because of a port of the node.
func PortExclusions(incoming, existing *corev1.Pod) []Exclusion {
	if portsConflict(incoming, existing) {
		return []Exclusion{{Reason: portTaken}}
	}
	return nil
}

// Excludes reports whether a pod has what may exclude others: required anti-affinity, or ports of
// its node.
func Excludes(pod *corev1.Pod) bool {
	return len(framework.GetPodAntiAffinityTerms(pod.Spec.Affinity)) > 0 || HasPorts(pod)
}

// HasPorts reports whether a pod asks for ports of its node.
func HasPorts(pod *corev1.Pod) bool { return len(schedutil.GetHostPorts(pod)) > 0 }

func certainty(e Exclusion) int {
	if e.Unsure {
		return 1
	}
	return 0
}

// portsConflict reports whether a pod asks for a port of the node that the other one has.
func portsConflict(incoming, existing *corev1.Pod) bool {
	taken := framework.HostPortInfo{}
	for _, p := range schedutil.GetHostPorts(existing) {
		taken.Add(p.HostIP, string(p.Protocol), p.HostPort)
	}
	return slices.ContainsFunc(schedutil.GetHostPorts(incoming), func(p corev1.ContainerPort) bool {
		return taken.CheckConflict(p.HostIP, string(p.Protocol), p.HostPort)
	})
}

// repelled lists where the required anti-affinity of a pod forbids another one.
func (n Namespace) repelled(by, other *corev1.Pod, reason string) []Exclusion {
	terms, err := framework.GetAffinityTerms(by, narrowed(by))
	if err != nil {
		return nil // which the API server rejects
	}
	all := labels.Set(maps.Clone(n.Labels))
	if all == nil {
		all = labels.Set{}
	}
	all[corev1.LabelMetadataName] = n.Name // as the API server labels each
	var list []Exclusion
	for i := range terms {
		t := &terms[i]
		sure := t.Namespaces.Has(n.Name) || n.Known || decided(t.NamespaceSelector)
		if t.Matches(other, all) || !sure && t.Selector.Matches(labels.Set(other.Labels)) {
			list = append(list, Exclusion{Key: t.TopologyKey, Reason: reason, Unsure: !sure})
		}
	}
	return list
}

// decided reports whether a selector of namespaces asks only for the label that each has.
func decided(selector labels.Selector) bool {
	requirements, selectable := selector.Requirements()
	return !selectable || !slices.ContainsFunc(requirements, func(r labels.Requirement) bool { return r.Key() != corev1.LabelMetadataName })
}

// narrowed returns the required anti-affinity of a pod as the API server stores it: what
// matchLabelKeys and mismatchLabelKeys ask for becomes a part of the selector
// (mutatePodAffinity in k8s.io/kubernetes/pkg/registry/core/pod).
func narrowed(pod *corev1.Pod) []corev1.PodAffinityTerm {
	terms := slices.Clone(framework.GetPodAntiAffinityTerms(pod.Spec.Affinity))
	for i := range terms {
		t := terms[i].DeepCopy()
		if t.LabelSelector == nil {
			continue
		}
		require := func(keys []string, operator metav1.LabelSelectorOperator) {
			for _, key := range keys {
				if value, has := pod.Labels[key]; has {
					t.LabelSelector.MatchExpressions = append(t.LabelSelector.MatchExpressions,
						metav1.LabelSelectorRequirement{Key: key, Operator: operator, Values: []string{value}})
				}
			}
		}
		require(t.MatchLabelKeys, metav1.LabelSelectorOpIn)
		require(t.MismatchLabelKeys, metav1.LabelSelectorOpNotIn)
		terms[i] = *t
	}
	return terms
}

// Near returns the place of a node that a key of an exclusion means; ok is false if the node
// is in none, and then nothing is near.
func Near(node *corev1.Node, key string) (place string, ok bool) {
	if key == "" {
		return node.Name, true
	}
	place, ok = node.Labels[key]
	return place, ok
}

// Fitting is which nodes can hold a pod if nothing else runs there.
type Fitting struct {
	Nodes []*corev1.Node
	// Reasons are why others cannot, and for how many nodes each holds.
	Reasons map[string]int
	// Open is why others may all the same, one clause; "" if they cannot, unless somebody
	// changes the nodes.
	Open string
}

// Fitting sorts nodes by whether they can hold the pod.
func (s *Search) Fitting(nodes []*corev1.Node) Fitting {
	f := Fitting{Reasons: map[string]int{}}
	passing := ""
	for _, node := range nodes {
		reasons, because := s.Rejects(node)
		if len(reasons) == 0 {
			f.Nodes = append(f.Nodes, node)
			continue
		}
		passing = cmp.Or(passing, because)
		for _, reason := range reasons {
			f.Reasons[reason]++
		}
	}
	f.Open = cmp.Or(s.Open(nodes), passing)
	return f
}

// Settled returns a copy of a pod that may also be on nodes which would not take it now: one
// that has found its node stays there when the node is cordoned or its state changes.
func Settled(pod *corev1.Pod, nodes []*corev1.Node) *corev1.Pod {
	settled := pod.DeepCopy()
	stay := func(key string) {
		settled.Spec.Tolerations = append(settled.Spec.Tolerations, corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists})
	}
	stay(corev1.TaintNodeUnschedulable)
	for _, node := range nodes {
		for i := range node.Spec.Taints {
			if key := node.Spec.Taints[i].Key; ofState(key) {
				stay(key)
			}
		}
	}
	return settled
}
