package safediff

import (
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// ward is the workloads of one namespace, and the disruption budgets over their pods:
// those of the release, and those that are known to be in the cluster besides.
type ward struct {
	*judge
	pairs   []diff.Pair
	judged  []judgement
	crews   []*crew
	budgets []*budget
}

// budget is a disruption budget before and after the upgrade; nil where there is none.
type budget struct {
	ref           manifest.Ref
	at            int // its pair; -1 if it is not of the release
	before, after *cover
	// comes says that it is not there before the upgrade, or under another name.
	comes bool
}

// cover is what a budget asks for, and the workloads whose pods it selects.
type cover struct {
	terms    *policyv1.PodDisruptionBudget
	selector labels.Selector
	crews    []*crew
}

func isBudget(ref manifest.Ref) bool {
	return ref.Kind == "PodDisruptionBudget" && ref.Group == policyv1.GroupName
}

// wards returns the namespaces that have budgets and in which something changes about
// them or about the pods. Elsewhere nothing is decoded.
func (j *judge) wards(pairs []diff.Pair, judged []judgement) []*ward {
	own, have := map[manifest.Identity]bool{}, map[string]bool{}
	var others []*manifest.Object
	for _, p := range pairs {
		if ref := p.Ref(); isBudget(ref) {
			own[ref.Identity()], have[ref.Namespace] = true, true
		}
	}
	for _, o := range j.cluster {
		if isBudget(o.Ref) && !own[o.Ref.Identity()] {
			others, have[o.Ref.Namespace] = append(others, o), true
		}
	}
	var list []*ward
	of := map[string]*ward{}
	for i := range judged {
		c := judged[i].change
		if c == nil || !have[c.Ref.Namespace] || of[c.Ref.Namespace] != nil || !done(c) || !tightens(c) && !shrinks(c) && !regroups(c) {
			continue
		}
		w := &ward{judge: j, pairs: pairs, judged: judged}
		of[c.Ref.Namespace], list = w, append(list, w)
	}
	for i, p := range pairs {
		if w := of[p.Ref().Namespace]; w != nil {
			w.enter(i, p)
		}
	}
	for _, o := range others {
		if w := of[o.Ref.Namespace]; w != nil {
			w.budgets = append(w.budgets, &budget{ref: o.Ref, at: -1, before: newCover(o), after: newCover(o)})
		}
	}
	return list
}

// enter takes in a pair that is a budget, or a workload that is no hook.
func (w *ward) enter(i int, p diff.Pair) {
	c := w.judged[i].change
	switch {
	case isBudget(p.Ref()):
		b := &budget{ref: p.Ref(), at: i, before: newCover(p.Old), after: newCover(standing(p, c)), comes: p.Old == nil}
		if c != nil && c.Op == change.Create {
			b.before, b.comes = newCover(c.Before()), true
		}
		w.budgets = append(w.budgets, b)
	case p.Old != nil && diff.IsHook(p.Old), p.New != nil && diff.IsHook(p.New):
	default:
		if of := w.crew(i, p, &w.judged[i]); of != nil {
			w.crews = append(w.crews, of)
		}
	}
}

// newCover reads a budget; nil if there is none, or none that could be read.
func newCover(o *manifest.Object) *cover {
	if o == nil {
		return nil
	}
	defer o.Forget()
	value, err := o.Value()
	c := &cover{terms: &policyv1.PodDisruptionBudget{}}
	if err != nil || runtime.DefaultUnstructuredConverter.FromUnstructured(value, c.terms) != nil {
		return nil
	}
	if c.selector, err = metav1.LabelSelectorAsSelector(c.terms.Spec.Selector); err != nil {
		return nil
	}
	return c
}

type label struct{ name, value string }

// cover finds out which workloads each budget selects, on one of the sides.
func (w *ward) cover(side func(*crew) *podSide, of func(*budget) *cover) {
	by := map[label][]*crew{}
	for _, c := range w.crews {
		if s := side(c); s != nil {
			for name, value := range s.labels {
				by[label{name, value}] = append(by[label{name, value}], c)
			}
		}
	}
	for _, b := range w.budgets {
		cover := of(b)
		if cover == nil {
			continue
		}
		for _, c := range among(cover.selector, by, w.crews) {
			if s := side(c); s != nil && cover.selector.Matches(labels.Set(s.labels)) {
				cover.crews = append(cover.crews, c)
			}
		}
	}
}

// among returns the workloads that have one of the labels that a selector asks for,
// the one that the fewest have; all, if it asks for none.
func among(selector labels.Selector, by map[label][]*crew, all []*crew) []*crew {
	requirements, _ := selector.Requirements()
	for _, r := range requirements {
		if values := r.Values(); r.Operator() == selection.Equals && len(values) == 1 {
			if some := by[label{r.Key(), values.List()[0]}]; len(some) < len(all) {
				all = some
			}
		}
	}
	return all
}
