package rollout

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/kubernetes/pkg/features"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

const heldByOnDelete = "updateStrategy OnDelete: pods keep the old template until somebody deletes them"

// statefulSet follows updateStatefulSet in pkg/controller/statefulset: first the
// missing ordinals are made and those out of range go, then the pods of an older
// revision are replaced from the last one down to the partition.
func statefulSet(old, updated *appsv1.StatefulSet, facts Facts) (*change.Pods, []change.Doubt) {
	was, is := ordinalsOf(old), ordinalsOf(updated)
	kept := was.and(is)
	pods := shifted(was, is, updated)
	if own := facts.Running.owned(old.UID); own != nil {
		moving := old.Status.UpdateRevision != old.Status.CurrentRevision && partition(old) == 0 && !onDelete(old)
		return runningStatefulSet(pods, own, updated, kept), underWay(moving)
	}
	var unclear []change.Doubt
	switch {
	case sameRevision(old, updated):
		if !facts.Fresh && released(old, updated, kept) {
			unclear = []change.Doubt{{Reason: "whether an earlier change of the pod template was held back by OnDelete or a partition: what is let go is rolled out now", Hides: change.Restart}}
		}
	case kept.size() == 0: // there is no pod to update
	case onDelete(updated):
		pods.Held, pods.How = true, heldByOnDelete
	default:
		rollStatefulSet(pods, updated, kept, ordinals.size)
	}
	pods.AllDown = pods.Before > 0 && pods.Fewest == 0
	return pods, unclear
}

// runningStatefulSet adds to pods what becomes of pods that are known. Those that
// carry a revision with the new template stay, whatever the old object says.
func runningStatefulSet(pods *change.Pods, own *Running, updated *appsv1.StatefulSet, kept ordinals) *change.Pods {
	fresh := own.revisionsOf(func(template *corev1.PodTemplateSpec) bool {
		return sameRevision(&appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Template: *template}}, updated)
	})
	stale := own.without(fresh)
	pods.Before = len(own.Pods)
	switch {
	case len(stale.Pods) == 0:
	case onDelete(updated):
		pods.Held, pods.How = true, heldByOnDelete
	default:
		rollStatefulSet(pods, updated, kept, stale.within(updated.Name))
	}
	pods.AllDown = own.ready() > 0 && pods.Fewest == 0
	return pods
}

// shifted answers for the scaling alone, a move of ordinals.start included. New
// ordinals are ready before old ones go, but not under podManagementPolicy
// Parallel.
func shifted(was, is ordinals, updated *appsv1.StatefulSet) *change.Pods {
	kept := was.and(is)
	pods := scaled(was.size(), is.size(), "")
	if moved := min(was.size(), is.size()) - kept.size(); moved > 0 {
		pods.Replaced, pods.Affected = true, moved
		pods.How = fmt.Sprintf("ordinals start at %d", is.from)
		if updated.Spec.PodManagementPolicy == appsv1.ParallelPodManagement {
			pods.Fewest = kept.size()
		}
	}
	return pods
}

// rollStatefulSet adds to pods what a new revision does to the pods whose
// ordinal stays; count tells how many of some ordinals have a pod of an older one.
// podManagementPolicy Parallel does not speed that up.
func rollStatefulSet(pods *change.Pods, updated *appsv1.StatefulSet, kept ordinals, count func(ordinals) int) {
	held := partition(updated)
	is := ordinalsOf(updated)
	moved := count(kept.and(ordinals{is.from + held, is.to}))
	if moved == 0 {
		pods.Held, pods.How = true, fmt.Sprintf("partition %d of %d: all pods keep the old template", held, is.size())
		return
	}
	down := min(moved, maxUnavailable(updated))
	pods.Replaced = true
	pods.Affected += moved
	// Of the pods that are there all along, down are missing; new ordinals may
	// not be ready yet if the set is scaled or shifted as well.
	pods.Fewest = max(0, min(pods.Fewest, is.size()-down))
	if pods.Affected > moved && updated.Spec.PodManagementPolicy == appsv1.ParallelPodManagement {
		pods.Fewest = max(0, kept.size()-down)
	}
	pods.How = inTurn(down, held, is.size())
}

// inTurn says how many of the pods an update of a StatefulSet takes down at a
// time.
func inTurn(down, held, desired int) string {
	how := "one at a time"
	switch {
	case desired == 1:
		how = "it has one replica"
	case down > 1:
		how = fmt.Sprintf("at most %d of %d down", down, desired)
	}
	if held > 0 {
		how = fmt.Sprintf("partition %d of %d, %s", held, desired, how)
	}
	return how
}

// released reports whether pods that an older spec held back may now be updated,
// though the template stays.
func released(old, updated *appsv1.StatefulSet, kept ordinals) bool {
	if onDelete(updated) || kept.and(ordinals{ordinalsOf(updated).from + partition(updated), kept.to}).size() == 0 {
		return false
	}
	return onDelete(old) || partition(updated) < partition(old)
}

func onDelete(s *appsv1.StatefulSet) bool {
	return s.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType
}

// partition counts from the first ordinal of the set, wherever that is.
func partition(s *appsv1.StatefulSet) int {
	if r := s.Spec.UpdateStrategy.RollingUpdate; r != nil && r.Partition != nil {
		return int(*r.Partition)
	}
	return 0
}

// maxUnavailable is how many pods may be down at once: 1 unless the cluster has
// the feature (getStatefulSetMaxUnavailable in stateful_set_utils.go).
func maxUnavailable(s *appsv1.StatefulSet) int {
	r := s.Spec.UpdateStrategy.RollingUpdate
	if r == nil || r.MaxUnavailable == nil || !utilfeature.DefaultFeatureGate.Enabled(features.MaxUnavailableStatefulSet) {
		return 1
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(r.MaxUnavailable, replicas(s.Spec.Replicas), false)
	if err != nil {
		return 1
	}
	return max(1, n)
}

// ordinals are the numbers of a StatefulSet's pods: from, but not to.
type ordinals struct{ from, to int }

func ordinalsOf(s *appsv1.StatefulSet) ordinals {
	from := 0
	if s.Spec.Ordinals != nil {
		from = int(s.Spec.Ordinals.Start)
	}
	return ordinals{from, from + replicas(s.Spec.Replicas)}
}

func (o ordinals) size() int { return max(0, o.to-o.from) }

func (o ordinals) and(p ordinals) ordinals {
	return ordinals{max(o.from, p.from), min(o.to, p.to)}
}

// ClaimName returns what a StatefulSet calls the claim that it makes of a template for its pod of a
// number (getPersistentVolumeClaimName in k8s.io/kubernetes/pkg/controller/statefulset).
func ClaimName(template, set string, pod int) string {
	return fmt.Sprintf("%s-%s-%d", template, set, pod)
}
