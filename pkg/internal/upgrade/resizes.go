package upgrade

import (
	"fmt"
	"strconv"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Resize is how many pods a workload may have before and after an upgrade that brings,
// changes or takes away its autoscaler.
type Resize struct {
	// On is the autoscaler, Workload what it scales before or after the upgrade.
	On, Workload *Object
	// Before and After are how many pods there are.
	Before, After Range
	// Left says that no autoscaler scales the workload any more.
	Left bool
}

// Range is a number of pods of which bounds are known.
type Range struct{ Least, Most int }

// String returns the range as part of a sentence.
func (r Range) String() string {
	switch {
	case r == Range{1, 1}:
		return "1 pod"
	case r.Least == r.Most:
		return fmt.Sprintf("%d pods", r.Least)
	default:
		return fmt.Sprintf("%d to %d pods", r.Least, r.Most)
	}
}

// Stops returns how many pods are stopped at least.
func (r *Resize) Stops() int { return max(0, r.Before.Least-r.After.Most) }

// MayStop reports whether pods may be stopped: it hangs on how many there are.
func (r *Resize) MayStop() bool {
	return r.Stops() == 0 && (r.After.Most < r.Before.Most || r.After.Least < r.Before.Least)
}

// Resizes lists what autoscalers that come, go or change make of workloads that stay.
func (u *Upgrade) Resizes() []Resize {
	var list []Resize
	for i := range u.Objects {
		o := &u.Objects[i]
		if !o.Does(change.Create, change.Update, change.Delete) || !isAutoscaler(o.Ref()) || o.Idle() {
			continue
		}
		var seen manifest.Identity
		for _, m := range []Moment{Before, After} {
			side := o.Standing(m)
			if side == nil || diff.IsHook(side) {
				continue
			}
			target, is := ScaleTarget(side)
			if !is || target == seen {
				continue
			}
			seen = target
			if r := u.resize(o, target); r != nil {
				list = append(list, *r)
			}
		}
	}
	return list
}

// resize returns what becomes of one workload; nil if it does not stay, or nothing hangs on
// autoscalers.
func (u *Upgrade) resize(on *Object, target manifest.Identity) *Resize {
	w := u.Object(target)
	if w == nil || w.Old == nil || w.Standing(After) == nil || diff.IsHook(w.Old) || Replicas(w.Standing(After)) == 0 {
		return nil
	}
	before, scaledBefore := u.bounds(target, Before)
	after, scaledAfter := u.bounds(target, After)
	if !scaledBefore {
		before = exactly(Replicas(w.Old))
	}
	if live, known := u.Found(w.Old.Ref); known && live != nil {
		if n, is := untyped.At(live, "spec", "replicas").(int64); is && n > 0 {
			before = exactly(int(n))
		}
	}
	if !scaledAfter {
		n, set := u.setTo(w)
		if !scaledBefore || !set {
			return nil
		}
		after = exactly(n)
	}
	return &Resize{On: on, Workload: w, Before: before, After: after, Left: !scaledAfter}
}

// setTo returns the number of pods that an upgrade gives a workload without an autoscaler,
// and whether it gives it one: what no manifest says stays, and so does what only the
// installed one says where fields have owners.
func (u *Upgrade) setTo(w *Object) (n int, set bool) {
	switch {
	case w.Change != nil && !w.Done():
		return 0, false
	case SetsReplicas(w.New):
		return Replicas(w.New), true
	default:
		return 1, SetsReplicas(w.Old) && !u.Refuses
	}
}

// bounds returns how many pods the autoscalers of a workload let it have at a moment.
func (u *Upgrade) bounds(target manifest.Identity, m Moment) (bounds Range, scaled bool) {
	for i := range u.Objects {
		o := u.Objects[i].Standing(m)
		if o == nil || !isAutoscaler(o.Ref) || diff.IsHook(o) {
			continue
		}
		held, at := pausedAt(o)
		if !at && pausedByKEDA(o) {
			continue
		}
		if t, is := ScaleTarget(o); is && t == target {
			if at {
				return exactly(held), true
			}
			return Bounds(o), true
		}
	}
	return bounds, false
}

// pausedAt returns the number of pods at which an autoscaler is paused, and whether it is.
func pausedAt(o *manifest.Object) (n int, is bool) {
	text, said := o.Annotation(PausedAtAnnotation)
	if !said || !IsScaledObject(o.Ref) {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 0
}

func exactly(n int) Range { return Range{n, n} }

// isAutoscaler reports whether an object is a HorizontalPodAutoscaler, or one of KEDA's.
func isAutoscaler(ref manifest.Ref) bool {
	return IsScaledObject(ref) || ref.Group == "autoscaling" && ref.Kind == "HorizontalPodAutoscaler"
}

// mostByKEDA is how many pods an autoscaler of KEDA's lets be unless it says otherwise.
const mostByKEDA = 100

// Bounds returns how many pods an autoscaler keeps at least, 1 unless it says otherwise, and
// how many it lets be. One of KEDA keeps none unless it says otherwise, and may rest at a
// lower number (idleReplicaCount).
func Bounds(autoscaler *manifest.Object) Range {
	spec := Spec(autoscaler)
	number := func(field string, otherwise int) int {
		if n, is := spec[field].(int64); is {
			return int(n)
		}
		return otherwise
	}
	if IsScaledObject(autoscaler.Ref) {
		least := number("minReplicaCount", 0)
		return Range{number("idleReplicaCount", least), number("maxReplicaCount", mostByKEDA)}
	}
	return Range{number("minReplicas", 1), number("maxReplicas", 0)}
}
