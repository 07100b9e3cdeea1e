package safediff

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// bound returns the volumes to which claims are, or will be, bound, by namespace and name of the
// claim: those that the claims name. A claim or a volume that the upgrade deletes, or makes again,
// is left out. It reads nothing if the nodes are not known, since nobody asks then.
func (in *input) bound(state *cluster.State) map[string]map[string]*corev1.PersistentVolume {
	objects := in.after()
	again := map[manifest.Identity]bool{} // what is made again, and what goes
	nodes := false
	for _, o := range in.old {
		again[o.Ref.Identity()] = true
	}
	for _, o := range objects {
		again[o.Ref.Identity()] = diff.IsHook(o)
		nodes = nodes || isNode(o)
	}
	if !nodes {
		return nil
	}
	claims, volumes := map[manifest.Identity]*corev1.PersistentVolumeClaim{}, map[string]*corev1.PersistentVolume{}
	add := func(ref manifest.Ref, value map[string]any) {
		switch id := ref.Identity(); {
		case again[id] || value == nil:
		case isClaim(ref):
			claim := &corev1.PersistentVolumeClaim{}
			if runtime.DefaultUnstructuredConverter.FromUnstructured(value, claim) == nil && claim.Spec.VolumeName != "" {
				claims[id] = claim
			}
		case ref.Kind == "PersistentVolume" && ref.Group == "":
			volume := &corev1.PersistentVolume{}
			if runtime.DefaultUnstructuredConverter.FromUnstructured(value, volume) == nil && (volumes[ref.Name] == nil || volume.Spec.NodeAffinity != nil) {
				volumes[ref.Name] = volume
			}
		}
	}
	for _, o := range objects {
		if !isClaim(o.Ref) && o.Ref.GroupKind() != "PersistentVolume" {
			continue
		}
		if value, err := o.Value(); err == nil {
			add(o.Ref, value)
		}
	}
	if state != nil { // what is stored counts: no upgrade changes the volume of a claim, or where that is
		for id, o := range state.Objects {
			add(manifest.Ref{Group: id.Group, Kind: id.Kind, Namespace: id.Namespace, Name: id.Name}, o.Value)
		}
	}
	return pairedUp(claims, volumes)
}

// pairedUp sorts the volumes that claims name by namespace and name of the claim.
func pairedUp(claims map[manifest.Identity]*corev1.PersistentVolumeClaim, volumes map[string]*corev1.PersistentVolume) map[string]map[string]*corev1.PersistentVolume {
	bound := map[string]map[string]*corev1.PersistentVolume{}
	for id, claim := range claims {
		volume := volumes[claim.Spec.VolumeName]
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
