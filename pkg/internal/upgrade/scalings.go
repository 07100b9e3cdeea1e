package upgrade

import (
	"cmp"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Scaling is a workload whose manifest says how many pods it has, and the autoscaler of the
// new side that scales it.
type Scaling struct {
	Autoscaler, Workload *Object
	// Begins says that one of the two does so from this upgrade on, AutoscalerBegins that it
	// is the autoscaler.
	Begins, AutoscalerBegins bool
}

// Scalings lists the workloads of the installed release that an autoscaler of it
// scales after the upgrade, and of which the manifest then says how many pods they have.
func (u *Upgrade) Scalings() []Scaling {
	var list []Scaling
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.New == nil || diff.IsHook(o.New) || pausedByKEDA(o.New) {
			continue
		}
		target, is := ScaleTarget(o.New)
		if !is {
			continue
		}
		w := u.Object(target)
		if w == nil || w.Old == nil || w.New == nil || !SetsReplicas(w.New) || Replicas(w.New) == 0 {
			continue
		}
		begins := o.Old == nil
		if !begins {
			was, before := ScaleTarget(o.Old)
			begins = !before || was != target
		}
		list = append(list, Scaling{Autoscaler: o, Workload: w, Begins: begins || !SetsReplicas(w.Old), AutoscalerBegins: begins})
	}
	return list
}

// Annotations by which a ScaledObject is paused: KEDA then deletes the autoscaler that it
// has made, and of its own accord sets no number of pods. With the second one it sets that
// number, once, and again when something changes in the ScaledObject
// (NeedToBePausedByAnnotation and reconcileScaledObject in github.com/kedacore/keda).
const (
	PausedAnnotation   = "autoscaling.keda.sh/paused"
	PausedAtAnnotation = "autoscaling.keda.sh/paused-replicas"
)

// IsScaledObject reports whether an object is an autoscaler of KEDA's.
func IsScaledObject(ref manifest.Ref) bool {
	return ref.Group == "keda.sh" && ref.Kind == "ScaledObject"
}

// ScaleTarget returns what an autoscaler scales: a HorizontalPodAutoscaler, or a
// ScaledObject of KEDA, which takes a target without a kind for a Deployment.
func ScaleTarget(o *manifest.Object) (target manifest.Identity, is bool) {
	ofKEDA := IsScaledObject(o.Ref)
	if !ofKEDA && (o.Ref.Group != "autoscaling" || o.Ref.Kind != "HorizontalPodAutoscaler") {
		return target, false
	}
	value, err := o.Value()
	if err != nil {
		return target, false
	}
	ref := untyped.Map(value, "spec", "scaleTargetRef")
	target.Namespace = o.Ref.Namespace
	target.Name, target.Kind = untyped.Text(ref, "name"), untyped.Text(ref, "kind")
	apiVersion := untyped.Text(ref, "apiVersion")
	if ofKEDA {
		target.Kind, apiVersion = cmp.Or(target.Kind, "Deployment"), cmp.Or(apiVersion, "apps/v1")
	}
	target.Group, _, _ = strings.Cut(apiVersion, "/")
	return target, true
}

// SetsReplicas reports whether the manifest of a workload says how many pods it has.
func SetsReplicas(o *manifest.Object) bool { return Spec(o)["replicas"] != nil }

// Least returns how many pods an autoscaler keeps at least; 0 for one that rests.
func Least(autoscaler *manifest.Object) int {
	if pausedByKEDA(autoscaler) {
		return 0
	}
	return Bounds(autoscaler).Least
}

// pausedByKEDA reports whether the manifest of an autoscaler says that it rests.
func pausedByKEDA(o *manifest.Object) bool {
	_, paused := o.Annotation(PausedAnnotation)
	_, held := o.Annotation(PausedAtAnnotation)
	return paused || held
}

// ScaleTargets returns what the autoscalers among some objects scale.
func ScaleTargets(lists ...[]*manifest.Object) map[manifest.Identity]bool {
	targets := map[manifest.Identity]bool{}
	for _, objects := range lists {
		for _, o := range objects {
			if target, is := ScaleTarget(o); is {
				targets[target] = true
			}
		}
	}
	return targets
}
