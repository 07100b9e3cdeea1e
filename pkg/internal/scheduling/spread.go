package scheduling

import (
	"fmt"
	"slices"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
)

const uneven = "node(s) didn't match pod topology spread constraints"

// Holder is where pods of a workload may be.
type Holder struct {
	Pod   *corev1.Pod
	Nodes []*corev1.Node
}

// Spread is a constraint by which no place ever takes more than some pods, since the place with the
// fewest has none: there are fewer places than it asks for, or in one of them there can be none.
type Spread struct {
	Exclusion
	selector labels.Selector
}

// Counts reports whether the constraint counts a pod.
func (s *Spread) Counts(pod *corev1.Pod) bool { return s.selector.Matches(labels.Set(pod.Labels)) }

// Spreads returns the constraints of that kind which a pod has (Filter and minMatchNum in
// k8s.io/kubernetes/pkg/scheduler/framework/plugins/podtopologyspread). own are labels that no pods
// of others carry together, holders the pods that may be somewhere.
func Spreads(pod *corev1.Pod, nodes []*corev1.Node, own map[string]string, holders ...Holder) []Spread {
	search := For(pod)
	nodes = slices.DeleteFunc(slices.Clone(nodes), func(node *corev1.Node) bool {
		return slices.ContainsFunc(search.spread, func(key string) bool { return !has(node, key) })
	})
	var list []Spread
	for i := range pod.Spec.TopologySpreadConstraints {
		c := &pod.Spec.TopologySpreadConstraints[i]
		selector, err := spreadSelector(c, pod)
		s := Spread{Exclusion{Key: c.TopologyKey, Reason: uneven, Most: int(c.MaxSkew)}, selector}
		if err != nil || c.WhenUnsatisfiable != corev1.DoNotSchedule || !s.Counts(pod) {
			continue
		}
		var all []string // places that count
		for _, node := range nodes {
			if place := node.Labels[c.TopologyKey]; !slices.Contains(all, place) && search.counts(c, node) {
				all = append(all, place)
			}
		}
		if c.MinDomains != nil && len(all) < int(*c.MinDomains) {
			s.Because = fmt.Sprintf("minDomains %d, and there are %d", *c.MinDomains, len(all))
			list = append(list, s)
			continue
		}
		all = slices.DeleteFunc(all, func(place string) bool { return s.mayHold(place, holders) })
		if len(all) > 0 && alone(c, own) {
			slices.Sort(all)
			s.Because = all[0] + " counts, and can hold none of them"
			list = append(list, s)
		}
	}
	return list
}

// mayHold reports whether a pod that counts may be in a place.
func (s *Spread) mayHold(place string, holders []Holder) bool {
	return slices.ContainsFunc(holders, func(h Holder) bool {
		return s.Counts(h.Pod) && slices.ContainsFunc(h.Nodes, func(n *corev1.Node) bool { return n.Labels[s.Key] == place })
	})
}

// spreadSelector returns which pods a constraint counts (filterTopologySpreadConstraints).
func spreadSelector(c *corev1.TopologySpreadConstraint, pod *corev1.Pod) (labels.Selector, error) {
	selector, err := metav1.LabelSelectorAsSelector(c.LabelSelector)
	if err != nil {
		return nil, err
	}
	for _, key := range c.MatchLabelKeys {
		if value, is := pod.Labels[key]; is {
			more, _ := labels.SelectorFromSet(labels.Set{key: value}).Requirements()
			selector = selector.Add(more...)
		}
	}
	return selector, nil
}

// counts reports whether the place of a node counts (matchNodeInclusionPolicies).
func (s *Search) counts(c *corev1.TopologySpreadConstraint, node *corev1.Node) bool {
	if c.NodeAffinityPolicy == nil || *c.NodeAffinityPolicy == corev1.NodeInclusionPolicyHonor {
		if match, _ := s.affinity.Match(node); !match {
			return false
		}
	}
	if c.NodeTaintsPolicy != nil && *c.NodeTaintsPolicy == corev1.NodeInclusionPolicyHonor {
		_, tainted := schedulinghelpers.FindMatchingUntoleratedTaint(logr.Discard(), node.Spec.Taints, s.pod.Spec.Tolerations, func(t *corev1.Taint) bool {
			return t.Effect == corev1.TaintEffectNoSchedule || t.Effect == corev1.TaintEffectNoExecute
		}, s.operators)
		return !tainted
	}
	return true
}

// alone reports whether a constraint counts pods of one workload only: it asks for all labels by
// which the workload knows its own, or for what its controller labels them with.
func alone(c *corev1.TopologySpreadConstraint, own map[string]string) bool {
	if slices.Contains(c.MatchLabelKeys, appsv1.DefaultDeploymentUniqueLabelKey) {
		return true
	}
	for key, value := range own {
		if asked, is := c.LabelSelector.MatchLabels[key]; !is || asked != value {
			return false
		}
	}
	return len(own) > 0
}
