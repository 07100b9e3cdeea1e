package safediff

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/live"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

const (
	scaledThreeWay = "an autoscaler scales this workload and its manifest says %d replicas, to which every upgrade sets it back: " +
		"how many pods run now, and whether some of them are stopped and started, is not known"
	scaledServerSide = "an autoscaler scales this workload and its manifest says %d replicas: if it has scaled by now, the upgrade is refused (conflict)"
)

// scaledNotices lists the workloads that an autoscaler scales while a manifest sets
// their replicas.
func (in *input) scaledNotices(j *judge) []change.Notice {
	targets := scaleTargets(in.old, in.cluster)
	if len(targets) == 0 {
		return nil
	}
	reason, list := scaledServerSide, []change.Notice(nil)
	if !j.opts.ServerSide {
		reason, list = scaledThreeWay, in.heldNotices(j.live)
		for _, n := range list {
			delete(targets, n.Ref.Identity())
		}
	}
	for _, objects := range [][]*manifest.Object{in.updated, in.old} {
		for _, o := range objects {
			if !j.looked(o.Ref) && targets[o.Ref.Identity()] && setsReplicas(o) {
				list = append(list, change.Notice{Ref: o.Ref, Reason: fmt.Sprintf(reason, replicasOf(o))})
				delete(targets, o.Ref.Identity())
			}
		}
	}
	return list
}

// scaleTargets returns what the autoscalers among some objects scale.
func scaleTargets(lists ...[]*manifest.Object) map[manifest.Identity]bool {
	targets := map[manifest.Identity]bool{}
	for _, objects := range lists {
		for _, o := range objects {
			if target, is := scaleTarget(o); is {
				targets[target] = true
			}
		}
	}
	return targets
}

// scaledAfter returns what is scaled by an autoscaler when the upgrade is over. One of
// KEDA's that is paused scales nothing.
func (in *input) scaledAfter(state *live.State) map[manifest.Identity]bool {
	return scaleTargets(slices.DeleteFunc(slices.Clone(in.after()), func(o *manifest.Object) bool {
		paused, _ := in.paused(o, state)
		return paused
	}))
}

// Annotations by which a ScaledObject is paused: KEDA then deletes the autoscaler that it
// has made, and of its own accord sets no number of pods. With the second one it sets that
// number, once, and again when something changes in the ScaledObject
// (NeedToBePausedByAnnotation and reconcileScaledObject in github.com/kedacore/keda).
const (
	groupOfKEDA        = "keda.sh"
	pausedAnnotation   = "autoscaling.keda.sh/paused"
	pausedAtAnnotation = "autoscaling.keda.sh/paused-replicas"
)

// paused reports whether an autoscaler is paused when the upgrade is over, and at which
// number of pods, "" for the one that there is. What somebody has annotated in the
// cluster stays, as long as the installed manifest has nothing to do with it.
func (in *input) paused(o *manifest.Object, state *live.State) (paused bool, at string) {
	if o.Ref.Group != groupOfKEDA || o.Ref.Kind != "ScaledObject" {
		return false, ""
	}
	annotation := func(key string) (string, bool) {
		if value, has := o.Annotation(key); has {
			return value, true
		}
		there, _ := state.Object(o.Ref)
		value, has := (&unstructured.Unstructured{Object: there}).GetAnnotations()[key]
		return value, has && !slices.ContainsFunc(in.old, func(old *manifest.Object) bool {
			_, goes := old.Annotation(key)
			return goes && old.Ref.Identity() == o.Ref.Identity()
		})
	}
	if at, paused = annotation(pausedAtAnnotation); paused {
		return true, at
	}
	value, has := annotation(pausedAnnotation)
	off, err := strconv.ParseBool(value)
	return has && (off || err != nil), ""
}

// heldNotices lists the workloads whose manifests set other replicas than the ones at
// which KEDA has paused.
func (in *input) heldNotices(state *live.State) []change.Notice {
	held := map[manifest.Identity]string{}
	for _, o := range in.after() {
		if _, at := in.paused(o, state); at != "" {
			target, _ := scaleTarget(o)
			held[target] = at
		}
	}
	var list []change.Notice
	for _, o := range in.updated {
		if at := held[o.Ref.Identity()]; at != "" && setsReplicas(o) && at != strconv.Itoa(replicasOf(o)) {
			list = append(list, change.Notice{Ref: o.Ref, Reason: fmt.Sprintf(
				"KEDA has paused it at %s pods (%s), and the upgrade sets %d: whether and when KEDA sets %s again is not known", at, pausedAtAnnotation, replicasOf(o), at)})
		}
	}
	return list
}

// scaleTarget returns what an autoscaler scales: a HorizontalPodAutoscaler, or a
// ScaledObject of KEDA, which takes a target without a kind for a Deployment.
func scaleTarget(o *manifest.Object) (target manifest.Identity, is bool) {
	ofKEDA := o.Ref.Group == groupOfKEDA && o.Ref.Kind == "ScaledObject"
	if !ofKEDA && (o.Ref.Group != "autoscaling" || o.Ref.Kind != "HorizontalPodAutoscaler") {
		return target, false
	}
	value, err := o.Value()
	if err != nil {
		return target, false
	}
	spec, _ := value["spec"].(map[string]any)
	ref, _ := spec["scaleTargetRef"].(map[string]any)
	target.Namespace = o.Ref.Namespace
	target.Name, _ = ref["name"].(string)
	target.Kind, _ = ref["kind"].(string)
	apiVersion, _ := ref["apiVersion"].(string)
	if ofKEDA {
		target.Kind, apiVersion = cmp.Or(target.Kind, "Deployment"), cmp.Or(apiVersion, "apps/v1")
	}
	target.Group, _, _ = strings.Cut(apiVersion, "/")
	return target, true
}

func setsReplicas(o *manifest.Object) bool {
	value, err := o.Value()
	if err != nil {
		return false
	}
	spec, _ := value["spec"].(map[string]any)
	return spec["replicas"] != nil
}
