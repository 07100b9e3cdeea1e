package upgrade

import (
	"maps"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// resized returns pods that stay as they are, as many as a manifest asks for.
func (p *PodTemplate) resized(by *PodTemplate) *PodTemplate {
	if by == nil || by.Replicas == p.Replicas && by.First == p.First {
		return p
	}
	same := *p
	same.Replicas, same.First = by.Replicas, by.First
	return &same
}

// runsAfter reports whether a workload that Helm applies has pods. An autoscaler may start some
// where there were none to begin with.
func (o *Object) runsAfter(pods *Pods, scaled bool) bool {
	switch p := o.Change.Outcome.Pods; {
	case scaled && pods.Old != nil && pods.Old.Replicas == 0:
		return true
	case p != nil && !o.Anew():
		return p.Desired != 0
	default:
		return pods.New.Replicas != 0
	}
}

// wanted returns how many pods a workload has before the upgrade, as far as manifests and the
// cluster tell. A workload that is scaled to none has a template and no pods.
func (u *Upgrade) wanted(o *Object, pods *PodTemplate) int {
	if c := o.Change; c != nil && c.Op == change.Update && c.Outcome.Pods != nil {
		return c.Outcome.Pods.Before
	}
	if there, known := u.Found(o.Ref()); known && there != nil {
		if n, is := untyped.At(there, "spec", "replicas").(int64); is {
			return int(n)
		}
	}
	if pods == nil {
		return 0
	}
	return pods.Replicas
}

// scaled reports whether an autoscaler scales a workload before the upgrade or after it. Then it
// may have pods where its manifest asks for none: KEDA starts the first one, too.
func (u *Upgrade) scaled(id manifest.Identity) bool {
	if u.targets == nil {
		u.targets = maps.Clone(u.Scaled)
		if u.targets == nil {
			u.targets = map[manifest.Identity]bool{}
		}
		note := func(o *manifest.Object) {
			if target, is := ScaleTarget(o); is {
				u.targets[target] = true
			}
		}
		for i := range u.Objects {
			if old := u.Objects[i].Old; old != nil {
				note(old)
			}
		}
		for _, o := range u.Cluster {
			note(o)
		}
	}
	return u.targets[id]
}

// numbers reports whether one of the pods has a label that the StatefulSet gives to each of them,
// with its name or its number (updateIdentity in k8s.io/kubernetes/pkg/controller/statefulset).
func (p *PodTemplate) numbers(name, value string) bool {
	if p.Set == "" || !isNumber(name) {
		return false
	}
	if name == appsv1.StatefulSetPodNameLabel {
		number, own := strings.CutPrefix(value, p.Set+"-")
		if !own {
			return false
		}
		value = number
	}
	n, err := strconv.Atoi(value)
	return err == nil && strconv.Itoa(n) == value && p.First <= n && n < p.First+p.Replicas
}

// isNumber reports whether a label tells the pods of a StatefulSet apart.
func isNumber(name string) bool {
	return name == appsv1.StatefulSetPodNameLabel || name == appsv1.PodIndexLabel
}
