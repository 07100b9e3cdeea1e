package upgrade

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

// Namespace is the workloads of one namespace, and the disruption budgets over their pods:
// those of the release, and those that are known to be in the cluster besides.
type Namespace struct {
	Workloads []*Workload
	Budgets   []*Budget
}

// Budget is a disruption budget before and after the upgrade; nil where there is none.
type Budget struct {
	Ref manifest.Ref
	// Object is nil for one that is not of the release.
	Object        *Object
	Before, After *Cover
	// Comes says that it is not there before the upgrade, or under another name.
	Comes bool
}

// Cover is what a budget asks for, and the workloads whose pods it selects.
type Cover struct {
	Terms     *policyv1.PodDisruptionBudget
	Selector  labels.Selector
	Workloads []*Workload
}

// Changed returns the budget as an object that comes or changes; nil for one that stays as
// it is.
func (b *Budget) Changed() *Object {
	if b.Object != nil && b.Object.Done() && tightens(b.Object.Change) {
		return b.Object
	}
	return nil
}

func isBudget(ref manifest.Ref) bool {
	return ref.Kind == "PodDisruptionBudget" && ref.Group == policyv1.GroupName
}

// tightens reports whether a disruption budget comes or changes.
func tightens(c *change.Change) bool {
	return isBudget(c.Ref) && (c.Op == change.Create || c.Op == change.Update && c.Outcome.Changed)
}

// Budgets returns the namespaces that have disruption budgets and in which something
// changes about them or about the pods. Elsewhere nothing is decoded.
func (u *Upgrade) Budgets() []*Namespace { //nolint:cyclop // a walk with early exits
	if u.asked.budgets {
		return u.budgets
	}
	var list []*Namespace
	have := map[string]bool{}
	for i := range u.Objects {
		if ref := u.Objects[i].Ref(); isBudget(ref) {
			have[ref.Namespace] = true
		}
	}
	var others []*manifest.Object
	for _, o := range u.Cluster {
		if own := u.Object(o.Ref.Identity()); isBudget(o.Ref) && own == nil {
			others, have[o.Ref.Namespace] = append(others, o), true
		}
	}
	of := map[string]*Namespace{}
	for i := range u.Objects {
		o := &u.Objects[i]
		namespace := o.Ref().Namespace
		if !o.Done() || !have[namespace] || of[namespace] != nil || !tightens(o.Change) && (!isBudget(o.Ref()) || !o.Goes()) && !o.Shrinks() && !o.Regroups() {
			continue
		}
		of[namespace] = &Namespace{}
		list = append(list, of[namespace])
	}
	for i := range u.Objects {
		if n := of[u.Objects[i].Ref().Namespace]; n != nil {
			u.enter(n, &u.Objects[i])
		}
	}
	for _, o := range others {
		if n := of[o.Ref.Namespace]; n != nil {
			n.Budgets = append(n.Budgets, &Budget{Ref: o.Ref, Before: newCover(o), After: newCover(o)})
		}
	}
	for _, n := range list {
		n.cover(Before, func(b *Budget) *Cover { return b.Before })
		n.cover(After, func(b *Budget) *Cover { return b.After })
	}
	u.budgets, u.asked.budgets = list, true
	return list
}

// enter takes in an object that is a budget, or a workload that is no hook.
func (u *Upgrade) enter(n *Namespace, o *Object) {
	switch {
	case isBudget(o.Ref()):
		b := &Budget{Ref: o.Ref(), Object: o, Before: newCover(o.Old), After: newCover(o.Standing(After)), Comes: o.Old == nil}
		if c := o.Change; c != nil && c.Op == change.Create {
			b.Before, b.Comes = newCover(c.Before()), true
		}
		n.Budgets = append(n.Budgets, b)
	case o.Old != nil && diff.IsHook(o.Old), o.New != nil && diff.IsHook(o.New):
	default:
		if w := u.PodsOf(o); w != nil && o.Ref().Kind != "CronJob" { // most of the time it has no pods
			n.Workloads = append(n.Workloads, w)
		}
	}
}

// newCover reads a budget; nil if there is none, or none that could be read.
func newCover(o *manifest.Object) *Cover {
	if o == nil {
		return nil
	}
	defer o.Forget()
	value, err := o.Value()
	c := &Cover{Terms: &policyv1.PodDisruptionBudget{}}
	if err != nil || runtime.DefaultUnstructuredConverter.FromUnstructured(value, c.Terms) != nil {
		return nil
	}
	if c.Selector, err = metav1.LabelSelectorAsSelector(c.Terms.Spec.Selector); err != nil {
		return nil
	}
	return c
}

// cover finds out which workloads each budget selects at a moment.
func (n *Namespace) cover(m Moment, of func(*Budget) *Cover) {
	by := byLabel(n.Workloads, m)
	for _, b := range n.Budgets {
		cover := of(b)
		if cover == nil {
			continue
		}
		for _, w := range among(cover.Selector, by, n.Workloads) {
			if p := w.At(m); p != nil && cover.Selector.Matches(labels.Set(p.Labels)) {
				cover.Workloads = append(cover.Workloads, w)
			}
		}
	}
}

// among returns the workloads that have one of the labels that a selector asks for,
// the one that the fewest have; all, if it asks for none.
func among(selector labels.Selector, by map[label][]*Workload, all []*Workload) []*Workload {
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
