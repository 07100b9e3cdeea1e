package rollout

import (
	appsv1 "k8s.io/api/apps/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// daemonSet follows the DaemonSet controller (pkg/controller/daemon). A pod is up
// to date if either its template generation or its revision's hash is the
// current one (util.IsPodUpdated); the generation moves only when the template
// changes in meaning, so that decides.
func daemonSet(old, updated *appsv1.DaemonSet, facts Facts) (*change.Pods, []string) {
	nodes := facts.nodes()
	pods := &change.Pods{Before: nodes, Desired: nodes, Fewest: nodes}
	strategy := updated.Spec.UpdateStrategy
	if apiequality.Semantic.DeepEqual(old.Spec.Template, updated.Spec.Template) {
		if old.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType && strategy.Type != appsv1.OnDeleteDaemonSetStrategyType {
			return pods, []string{"an earlier change of the pod template may have been held back by OnDelete; it is rolled out now"}
		}
		return pods, nil
	}
	if strategy.Type == appsv1.OnDeleteDaemonSetStrategyType {
		pods.How = "updateStrategy OnDelete: pods keep the old template until somebody deletes them"
		return pods, nil
	}
	pods.Replaced, pods.Affected = true, nodes
	pods.How, pods.Fewest, pods.AllDown = daemonRollout(strategy.RollingUpdate, nodes)
	return pods, nil
}

// daemonRollout tells how many pods are missing at the worst. Of an unknown
// number of nodes only "all of them" can be told.
func daemonRollout(r *appsv1.RollingUpdateDaemonSet, nodes int) (how string, fewest int, allDown bool) {
	if r == nil {
		return "", unknown, false
	}
	if surge := r.MaxSurge; surge != nil && (surge.IntVal > 0 || surge.Type == intstr.String && surge.StrVal != "0%") {
		return "rolling update, new pods first", nodes, false
	}
	if r.MaxUnavailable == nil {
		return "rolling update", unknown, false
	}
	if nodes == unknown {
		whole := r.MaxUnavailable.Type == intstr.String && r.MaxUnavailable.StrVal == "100%"
		fewest = unknown
		if whole {
			fewest = 0
		}
		return "rolling update, maxUnavailable " + r.MaxUnavailable.String(), fewest, whole
	}
	missing, err := intstr.GetScaledValueFromIntOrPercent(r.MaxUnavailable, nodes, true)
	if err != nil {
		missing = 1
	}
	fewest = max(0, nodes-missing)
	return "rolling update, maxUnavailable " + r.MaxUnavailable.String(), fewest, fewest == 0
}
