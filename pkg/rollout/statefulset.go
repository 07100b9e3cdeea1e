package rollout

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

func statefulSetReplicas(s *appsv1.StatefulSet) int { return replicas(s.Spec.Replicas) }

// statefulSet follows the StatefulSet controller (pkg/controller/statefulset):
// the template is stored in a ControllerRevision and compared by its bytes; pods
// from the partition upwards move to a new revision, the last one first, each
// only when the one before it is ready again. podManagementPolicy Parallel does
// not change that.
func statefulSet(old, updated *appsv1.StatefulSet) (*change.Pods, []string) {
	before, desired := statefulSetReplicas(old), statefulSetReplicas(updated)
	if sameBytes(&old.Spec.Template, &updated.Spec.Template) {
		return keptStatefulSet(old, updated, before, desired)
	}
	if onDelete(updated) {
		return scaled(before, desired, "updateStrategy OnDelete: pods keep the old template until somebody deletes them"), nil
	}
	from := partition(updated)
	affected := max(0, min(before, desired)-from)
	if affected == 0 {
		return scaled(before, desired, heldBack(from, desired)), nil
	}
	missing := min(affected, maxUnavailable(updated, desired))
	pods := &change.Pods{
		Replaced: true, Before: before, Desired: desired, Affected: affected,
		Fewest: max(0, min(before, desired-missing)), How: inTurn(missing, from, desired),
	}
	pods.AllDown = pods.Fewest == 0
	return pods, nil
}

// keptStatefulSet answers for a StatefulSet whose template stays. Pods may still
// move: to other ordinals, or to a revision that was held back.
func keptStatefulSet(old, updated *appsv1.StatefulSet, before, desired int) (*change.Pods, []string) {
	pods := scaled(before, desired, "")
	if shift := abs(start(updated) - start(old)); shift > 0 {
		pods.Affected = min(shift, before)
		pods.Replaced = pods.Affected > 0 && desired > 0
		pods.How = fmt.Sprintf("ordinals begin at %d", start(updated))
	}
	released := onDelete(old) && !onDelete(updated) || !onDelete(updated) && partition(updated) < partition(old)
	if released && before > 0 {
		return pods, []string{"an earlier change of the pod template may have been held back by OnDelete or a partition; what this lets go is rolled out now"}
	}
	return pods, nil
}

func onDelete(s *appsv1.StatefulSet) bool {
	return s.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType
}

func partition(s *appsv1.StatefulSet) int {
	if r := s.Spec.UpdateStrategy.RollingUpdate; r != nil && r.Partition != nil {
		return int(*r.Partition)
	}
	return 0
}

func start(s *appsv1.StatefulSet) int {
	if s.Spec.Ordinals == nil {
		return 0
	}
	return int(s.Spec.Ordinals.Start)
}

// maxUnavailable is 1 unless the feature is on; the API server drops the field
// where it is off.
func maxUnavailable(s *appsv1.StatefulSet, desired int) int {
	r := s.Spec.UpdateStrategy.RollingUpdate
	if r == nil || r.MaxUnavailable == nil {
		return 1
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(r.MaxUnavailable, desired, false)
	if err != nil {
		return 1
	}
	return max(1, n)
}

func heldBack(from, desired int) string {
	return fmt.Sprintf("partition %d of %d: all pods keep the old template", from, desired)
}

func inTurn(missing, from, desired int) string {
	how := "one after the other"
	if missing > 1 {
		how = fmt.Sprintf("%d at a time", missing)
	}
	if desired == 1 {
		how = "the only replica"
	}
	if from > 0 {
		how += fmt.Sprintf(", partition %d", from)
	}
	return how
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
