package drain

import (
	"cmp"
	"slices"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/kube-scheduler/framework"

	"github.com/safe-diff/helm-safe-diff/pkg/internal/scheduling"
)

// label is a label with its value.
type label struct{ key, value string }

// index finds the groups of a namespace that a selector may select, and those whose
// anti-affinity may select a group, without asking each: in a large cluster most selectors
// ask for one value of a label that few pods have.
type index struct {
	all     []*Group
	place   map[*Group]int // in all
	labeled map[label][]*Group
	// repelling are the groups by a label that a term of their anti-affinity asks for;
	// wide those with a term that asks for no single one.
	repelling map[label][]*Group
	wide      []*Group
	// ported are those with ports of their node.
	ported []*Group
}

// add takes in a group.
func (x *index) add(g *Group) {
	if x.place == nil {
		x.place, x.labeled, x.repelling = map[*Group]int{}, map[label][]*Group{}, map[label][]*Group{}
	}
	x.place[g] = len(x.all)
	x.all = append(x.all, g)
	for key, value := range g.Pod.Labels {
		x.labeled[label{key, value}] = append(x.labeled[label{key, value}], g)
	}
	if scheduling.HasPorts(g.Pod) {
		x.ported = append(x.ported, g)
	}
	terms := framework.GetPodAntiAffinityTerms(g.Pod.Spec.Affinity)
	for i := range terms {
		if asked, one := onlyFor(terms[i].LabelSelector); one {
			x.repelling[asked] = append(x.repelling[asked], g)
		} else {
			x.wide = append(x.wide, g)
		}
	}
}

// selectable lists the groups that a selector may select, in their order.
func (x *index) selectable(selector *metav1.LabelSelector) []*Group {
	if asked, one := onlyFor(selector); one {
		return x.labeled[asked]
	}
	return x.all
}

// near lists the groups that may exclude a group from where they run, or are excluded by it,
// in their order.
func (x *index) near(g *Group) []*Group {
	found := slices.Clone(x.wide)
	for key, value := range g.Pod.Labels {
		found = append(found, x.repelling[label{key, value}]...)
	}
	if scheduling.HasPorts(g.Pod) {
		found = append(found, x.ported...)
	}
	terms := framework.GetPodAntiAffinityTerms(g.Pod.Spec.Affinity)
	for i := range terms {
		found = append(found, x.selectable(terms[i].LabelSelector)...)
	}
	slices.SortFunc(found, func(a, b *Group) int { return cmp.Compare(x.place[a], x.place[b]) })
	return slices.Compact(found)
}

// onlyFor returns a label that whatever the selector selects has; one is false if it asks for
// no single one.
func onlyFor(selector *metav1.LabelSelector) (asked label, one bool) {
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return label{}, false
	}
	requirements, _ := s.Requirements()
	for i := range requirements {
		if value, exact := s.RequiresExactMatch(requirements[i].Key()); exact {
			return label{requirements[i].Key(), value}, true
		}
	}
	return label{}, false
}

// cover finds out which pods each budget selects.
func (d *drain) cover() {
	d.covered, d.over = map[*policyv1.PodDisruptionBudget][]*Group{}, map[*Group][]*policyv1.PodDisruptionBudget{}
	for namespace, budgets := range d.Budgets {
		space := d.spaces[namespace]
		if space == nil {
			continue
		}
		for _, b := range budgets {
			selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
			if err != nil {
				continue
			}
			for _, g := range space.selectable(b.Spec.Selector) {
				if selector.Matches(labels.Set(g.Pod.Labels)) {
					d.covered[b], d.over[g] = append(d.covered[b], g), append(d.over[g], b)
				}
			}
		}
	}
}
