package admission

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	quota "k8s.io/apiserver/pkg/quota/v1"
	"k8s.io/kubernetes/pkg/quota/v1/evaluator/core"
	"k8s.io/utils/clock"
)

// Quotas returns the ResourceQuotas of a namespace, with what they count.
func (g *Guards) Quotas(namespace string) []*corev1.ResourceQuota {
	if g == nil {
		return nil
	}
	return g.quotas[namespace]
}

// AllQuotas returns the ResourceQuotas of all namespaces, in order.
func (g *Guards) AllQuotas() []*corev1.ResourceQuota {
	if g == nil {
		return nil
	}
	var list []*corev1.ResourceQuota
	for _, namespace := range slices.Sorted(maps.Keys(g.quotas)) {
		list = append(list, g.quotas[namespace]...)
	}
	return list
}

// Used tells the quotas what is used of them, as far as those before the upgrade know.
func (g *Guards) Used(before *Guards) {
	if g == nil || before == nil {
		return
	}
	for namespace, list := range g.quotas {
		for i, q := range list {
			for _, was := range before.quotas[namespace] {
				if was.Name == q.Name && len(q.Status.Used) == 0 && len(was.Status.Used) > 0 {
					list[i] = q.DeepCopy()
					list[i].Status = corev1.ResourceQuotaStatus{Hard: q.Spec.Hard, Used: was.Status.Used}
				}
			}
		}
	}
}

// PodUsage returns what one pod counts for in a quota, with what admission fills in; nil if the
// quota does not count it.
func (g *Guards) PodUsage(m PodMaker, q *corev1.ResourceQuota) corev1.ResourceList {
	pod := m.pod()
	if g == nil || pod == nil || g.defaults(m, pod) != "" {
		return nil
	}
	evaluator := core.NewPodEvaluator(nil, clock.RealClock{})
	q = counting(q)
	if matches, err := evaluator.Matches(q, pod); err != nil || !matches {
		return nil
	}
	usage, err := evaluator.Usage(pod)
	if err != nil {
		return nil
	}
	return quota.Mask(usage, evaluator.MatchingResources(quota.ResourceNames(q.Status.Hard)))
}

// counting returns a quota that its controller has taken up.
func counting(q *corev1.ResourceQuota) *corev1.ResourceQuota {
	if len(q.Status.Hard) > 0 {
		return q
	}
	q = q.DeepCopy()
	q.Status.Hard = q.Spec.Hard
	return q
}

// Exceeded names what does not fit into a quota beside what is used, with the amounts; "" if
// all fits.
func Exceeded(q *corev1.ResourceQuota, used, more corev1.ResourceList) string {
	hard := counting(q).Status.Hard
	names := quota.Intersection(quota.ResourceNames(hard), quota.ResourceNames(more))
	total := quota.Mask(quota.Add(used, more), names)
	fits, exceeded := quota.LessThanOrEqual(total, quota.Mask(hard, names))
	if fits {
		return ""
	}
	return amounts(total, exceeded) + ", of " + amounts(hard, exceeded)
}

// Full names what a quota has no room for beside what is known to be used, and what that is; "" if it
// has room.
func Full(q *corev1.ResourceQuota, more corev1.ResourceList) string {
	var full []string
	for name, hard := range q.Status.Hard {
		wanted, used := more[name], q.Status.Used[name]
		after := used.DeepCopy()
		after.Add(wanted)
		if _, known := q.Status.Used[name]; known && !wanted.IsZero() && after.Cmp(hard) > 0 {
			full = append(full, fmt.Sprintf("%s of %s %s in use", used.String(), hard.String(), name))
		}
	}
	slices.Sort(full)
	return strings.Join(full, ", ")
}

// Times returns an amount as often as that.
func Times(list corev1.ResourceList, n int) corev1.ResourceList {
	sum := corev1.ResourceList{}
	for name, amount := range list {
		amount.Mul(int64(n))
		sum[name] = amount
	}
	return sum
}

// Plus returns the sum of two amounts.
func Plus(a, b corev1.ResourceList) corev1.ResourceList { return quota.Add(a, b) }

// Growth returns how much more than before something is, of what is more.
func Growth(was, is corev1.ResourceList) corev1.ResourceList {
	more := corev1.ResourceList{}
	for name, amount := range is {
		if before := was[name]; amount.Cmp(before) > 0 {
			amount.Sub(before)
			more[name] = amount
		}
	}
	return more
}

// Grows reports whether something is more than it was.
func Grows(was, is corev1.ResourceList) bool {
	fits, _ := quota.LessThanOrEqual(is, was)
	return !fits || len(was) == 0 && len(is) > 0
}
