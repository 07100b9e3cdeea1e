package action

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Volumes returns the volumes to which claims are, or will be, bound, by namespace and name of the
// claim: those that the claims name. A claim or a volume that the upgrade deletes, or makes again,
// is left out. It reads nothing if the nodes are not known, since nobody asks then.
func Volumes(a *Action) map[string]map[string]*corev1.PersistentVolume {
	objects := a.After()
	if !slices.ContainsFunc(objects, IsNode) {
		return nil
	}
	again := map[manifest.Identity]bool{} // what is made again, and what goes
	for _, o := range a.Old {
		again[o.Ref.Identity()] = true
	}
	for _, o := range objects {
		again[o.Ref.Identity()] = diff.IsHook(o)
	}
	b := NewBindings()
	for _, o := range objects {
		if again[o.Ref.Identity()] || !upgrade.IsClaim(o.Ref) && o.Ref.GroupKind() != "PersistentVolume" {
			continue
		}
		if value, err := o.Value(); err == nil {
			b.Add(o.Ref.Identity(), value)
		}
	}
	if a.State != nil { // what is stored counts: no upgrade changes the volume of a claim, or where that is
		for id, o := range a.State.Objects {
			if !again[id] {
				b.Add(id, o.Value)
			}
		}
	}
	return b.ByClaim()
}

// Bindings are claims that name a volume, and volumes by name.
type Bindings struct {
	claims  map[manifest.Identity]*corev1.PersistentVolumeClaim
	volumes map[string]*corev1.PersistentVolume
}

// NewBindings returns none.
func NewBindings() *Bindings {
	return &Bindings{claims: map[manifest.Identity]*corev1.PersistentVolumeClaim{}, volumes: map[string]*corev1.PersistentVolume{}}
}

// Add takes in an object as the cluster stores it, if it is a claim that names a volume, or a volume.
func (b *Bindings) Add(id manifest.Identity, value map[string]any) {
	switch {
	case value == nil || id.Group != "":
	case id.Kind == "PersistentVolumeClaim":
		claim := &corev1.PersistentVolumeClaim{}
		if runtime.DefaultUnstructuredConverter.FromUnstructured(value, claim) == nil && claim.Spec.VolumeName != "" {
			b.claims[id] = claim
		}
	case id.Kind == "PersistentVolume":
		volume := &corev1.PersistentVolume{}
		if runtime.DefaultUnstructuredConverter.FromUnstructured(value, volume) == nil && (b.volumes[id.Name] == nil || volume.Spec.NodeAffinity != nil) {
			b.volumes[id.Name] = volume
		}
	}
}

// ByClaim sorts the volumes that claims name by namespace and name of the claim.
func (b *Bindings) ByClaim() map[string]map[string]*corev1.PersistentVolume {
	bound := map[string]map[string]*corev1.PersistentVolume{}
	for id, claim := range b.claims {
		volume := b.volumes[claim.Spec.VolumeName]
		if volume == nil {
			continue
		}
		if bound[id.Namespace] == nil {
			bound[id.Namespace] = map[string]*corev1.PersistentVolume{}
		}
		bound[id.Namespace][id.Name] = volume
	}
	return bound
}
