package rollout

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	daemonutil "k8s.io/kubernetes/pkg/controller/daemon/util"
	"k8s.io/kubernetes/pkg/controller/deployment/util"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// LimitToQuota writes into pods that the rollout of a Deployment or a DaemonSet hangs, if a quota
// of its namespace has no room for the first new pod and the strategy takes no old one away
// before that one is ready. Other controllers delete first. full says which quota it is, and
// what is in use; "" if there is none.
func LimitToQuota(updated runtime.Object, pods *change.Pods, full func() string) {
	if !pods.Replaced || !makesFirst(updated) {
		return
	}
	if why := full(); why != "" {
		pods.Replaced, pods.Affected, pods.Fewest, pods.AllDown = false, 0, min(pods.Before, pods.Desired), false
		pods.Stuck = why
	}
}

// makesFirst reports whether a rollout waits for a new pod before it deletes one.
func makesFirst(o runtime.Object) bool {
	switch o := o.(type) {
	case *appsv1.Deployment:
		return o.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType && util.MaxUnavailable(*o) == 0
	case *appsv1.DaemonSet:
		return daemonutil.AllowsSurge(o)
	default:
		return false
	}
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

// AsksForAll reports whether a budget asks for all pods, however many there are.
func AsksForAll(b *policyv1.PodDisruptionBudget) bool {
	const many = 1 << 20
	return AsksFor(b, many) >= many
}
