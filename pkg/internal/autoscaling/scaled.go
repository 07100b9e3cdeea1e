package autoscaling

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

const (
	scaledThreeWay = "an autoscaler scales this workload and its manifest says %d replicas, to which every upgrade sets it back: " +
		"how many pods run now, and whether some of them are stopped and started, is not known"
	scaledServerSide = "an autoscaler scales this workload and its manifest says %d replicas: if it has scaled by now, the upgrade is refused (conflict)"
)

// Notices lists the workloads that an autoscaler scales while a manifest sets
// their replicas.
func (a *Autoscalers) Notices() []change.Notice {
	targets := upgrade.ScaleTargets(a.Old, a.Cluster)
	if len(targets) == 0 {
		return nil
	}
	reason, hides, list := scaledServerSide, change.Rejected, []change.Notice(nil)
	if !a.ServerSide {
		reason, hides, list = scaledThreeWay, change.Restart, a.heldNotices()
		stay := upgrade.ScaleTargets(a.Updated, a.Cluster)
		maps.DeleteFunc(targets, func(target manifest.Identity, _ bool) bool { return !stay[target] })
		for _, n := range list {
			delete(targets, n.Ref.Identity())
		}
	}
	for _, objects := range [][]*manifest.Object{a.Updated, a.Old} {
		for _, o := range objects {
			if !a.Looked(o.Ref) && targets[o.Ref.Identity()] && !a.stopped[o.Ref.Identity()] && upgrade.SetsReplicas(o) && !a.switchedOff(o) {
				list = append(list, change.Notice{Ref: o.Ref, Reason: fmt.Sprintf(reason, upgrade.Replicas(o)), Hides: hides})
				delete(targets, o.Ref.Identity())
			}
		}
	}
	return list
}

// switchedOff reports whether a manifest says zero replicas of a workload that a
// HorizontalPodAutoscaler scales, which then scales it no more (reconcileAutoscaler in
// k8s.io/kubernetes/pkg/controller/podautoscaler). One of KEDA scales from zero.
func (a *Autoscalers) switchedOff(o *manifest.Object) bool {
	return upgrade.Replicas(o) == 0 && a.least[o.Ref.Identity()] > 0
}

// After returns what is scaled by an autoscaler when the upgrade is over. One of
// KEDA's that is paused scales nothing.
func After(in *action.Objects, state *cluster.State) map[manifest.Identity]bool {
	return upgrade.ScaleTargets(slices.DeleteFunc(slices.Clone(in.After()), func(o *manifest.Object) bool {
		paused, _ := paused(in, o, state)
		return paused
	}))
}

// paused reports whether an autoscaler is paused when the upgrade is over, and at which
// number of pods, "" for the one that there is. What somebody has annotated in the
// cluster stays, as long as the installed manifest has nothing to do with it.
func paused(in *action.Objects, o *manifest.Object, state *cluster.State) (is bool, at string) {
	if !upgrade.IsScaledObject(o.Ref) {
		return false, ""
	}
	annotation := func(key string) (string, bool) {
		if value, has := o.Annotation(key); has {
			return value, true
		}
		there, _ := state.Object(o.Ref)
		value, has := (&unstructured.Unstructured{Object: there}).GetAnnotations()[key]
		return value, has && !slices.ContainsFunc(in.Old, func(old *manifest.Object) bool {
			_, goes := old.Annotation(key)
			return goes && old.Ref.Identity() == o.Ref.Identity()
		})
	}
	if at, is = annotation(upgrade.PausedAtAnnotation); is {
		return true, at
	}
	value, has := annotation(upgrade.PausedAnnotation)
	off, err := strconv.ParseBool(value)
	return has && (off || err != nil), ""
}

// heldNotices lists the workloads whose manifests set other replicas than the ones at
// which KEDA has paused.
func (a *Autoscalers) heldNotices() []change.Notice {
	held := map[manifest.Identity]string{}
	for _, o := range a.After() {
		if _, at := paused(&a.Objects, o, a.State); at != "" {
			target, _ := upgrade.ScaleTarget(o)
			held[target] = at
		}
	}
	var list []change.Notice
	for _, o := range a.Updated {
		if at := held[o.Ref.Identity()]; at != "" && upgrade.SetsReplicas(o) && at != strconv.Itoa(upgrade.Replicas(o)) {
			list = append(list, change.Notice{Ref: o.Ref, Hides: change.Restart, Reason: fmt.Sprintf(
				"KEDA has paused it at %s pods (%s), and the upgrade sets %d: whether and when KEDA sets %s again is not known", at, upgrade.PausedAtAnnotation, upgrade.Replicas(o), at)})
		}
	}
	return list
}
