package rollout

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apiresource "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	resourcehelper "k8s.io/component-helpers/resource"
	"k8s.io/kubernetes/pkg/controller/deployment/util"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// LimitToQuota writes into pods that the rollout of a Deployment hangs, if a quota of its
// namespace has no room for the first new pod and the strategy takes no old one away
// before that one is ready. Other controllers delete first.
func LimitToQuota(updated runtime.Object, pods *change.Pods, quotas []*corev1.ResourceQuota) {
	d, is := updated.(*appsv1.Deployment)
	if !is || !pods.Replaced || d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType || util.MaxUnavailable(*d) > 0 {
		return
	}
	need := usage(&d.Spec.Template)
	for _, q := range quotas {
		if full := fullFor(q, need); full != "" {
			pods.Replaced, pods.Affected, pods.Fewest, pods.AllDown = false, 0, min(pods.Before, pods.Desired), false
			pods.Stuck = fmt.Sprintf("ResourceQuota %s has no room for one more pod (%s)", q.Name, full)
			return
		}
	}
}

// usage is what a quota counts for one pod (PodUsageFunc in
// k8s.io/kubernetes/pkg/quota/v1/evaluator/core).
func usage(template *corev1.PodTemplateSpec) corev1.ResourceList {
	pod := &corev1.Pod{Spec: template.Spec}
	one := *apiresource.NewQuantity(1, apiresource.DecimalSI)
	all := corev1.ResourceList{corev1.ResourcePods: one, "count/pods": one}
	for name, quantity := range resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{}) {
		all[name], all["requests."+name] = quantity, quantity
	}
	for name, quantity := range resourcehelper.PodLimits(pod, resourcehelper.PodResourcesOptions{}) {
		all["limits."+name] = quantity
	}
	return all
}

// fullFor names the first resource of which a quota has less left than is needed; ""
// if there is none. A quota for some pods only is left aside.
func fullFor(q *corev1.ResourceQuota, need corev1.ResourceList) string {
	if len(q.Spec.Scopes) > 0 || q.Spec.ScopeSelector != nil {
		return ""
	}
	var full []string
	for name, hard := range q.Status.Hard {
		wanted, counts := need[name]
		used, known := q.Status.Used[name]
		if !counts || !known {
			continue
		}
		if after := used.DeepCopy(); !wanted.IsZero() {
			after.Add(wanted)
			if after.Cmp(hard) > 0 {
				full = append(full, fmt.Sprintf("%s of %s %s in use", used.String(), hard.String(), name))
			}
		}
	}
	slices.Sort(full)
	return strings.Join(full, ", ")
}

// Budget writes into pods which disruption budget a rollout does not heed: they bind
// evictions, and controllers evict nothing.
func Budget(template map[string]string, pods *change.Pods, budgets []*policyv1.PodDisruptionBudget) {
	if !pods.Replaced || pods.Fewest < 0 || pods.Desired < 0 {
		return
	}
	for _, b := range budgets {
		selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		if err != nil || !selector.Matches(labels.Set(template)) {
			continue
		}
		if asked := AsksFor(b, pods.Desired); pods.Fewest < asked {
			pods.How = strings.TrimPrefix(pods.How+"; ", "; ") + fmt.Sprintf("PodDisruptionBudget %s asks for %d ready pods, which a rollout does not heed", b.Name, asked)
			return
		}
	}
}

// AsksFor is how many of so many pods a budget wants to be ready (getExpectedPodCount in
// k8s.io/kubernetes/pkg/controller/disruption).
func AsksFor(b *policyv1.PodDisruptionBudget, desired int) int {
	scaled := func(v *intstr.IntOrString) int {
		n, err := intstr.GetScaledValueFromIntOrPercent(v, desired, true)
		if err != nil {
			return 0
		}
		return n
	}
	switch {
	case b.Spec.MinAvailable != nil:
		return scaled(b.Spec.MinAvailable)
	case b.Spec.MaxUnavailable != nil:
		return max(0, desired-scaled(b.Spec.MaxUnavailable))
	default:
		return 0
	}
}
