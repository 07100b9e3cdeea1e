// Package loss tells what a cluster loses with an object that goes, or with pods that are scaled away.
package loss

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Of tells what a cluster loses with an object that goes, or with the pods that
// are scaled away; nil if that is not known.
func Of(a *action.Action, c *change.Change) *change.Loss {
	value, _ := a.Found(c.Ref)
	if value == nil || !a.Asked {
		return nil
	}
	gone := c.Op == change.Delete || c.Op == change.Recreate
	switch core := c.Ref.Group == ""; {
	case core && c.Ref.Kind == "PersistentVolumeClaim" && gone:
		return volumesOf(a, []map[string]any{value})
	case core && c.Ref.Kind == "PersistentVolume" && gone:
		return volumeLoss(value)
	case core && c.Ref.Kind == "Namespace" && gone:
		return contentOf(a, c.Ref.Name)
	case c.Ref.Kind == "CustomResourceDefinition" && gone:
		return resourcesOf(a, value)
	case c.Ref.Group == "apps" && c.Ref.Kind == "StatefulSet":
		return volumesOf(a, ClaimsOf(a, value, c))
	default:
		return nil
	}
}

// volumesOf tells what becomes of the volumes behind claims that go. It is nil if
// not all of them are known.
func volumesOf(a *action.Action, claims []map[string]any) *change.Loss {
	loss := &change.Loss{Spared: true}
	for _, claim := range claims {
		name, _, _ := unstructured.NestedString(claim, "spec", "volumeName")
		if name == "" {
			continue // never bound: there is nothing on it
		}
		volume := surrounding(a, "", "PersistentVolume", "", name)
		if volume == nil {
			return nil
		}
		of := volumeLoss(volume)
		loss.What, loss.Spared = append(loss.What, of.What...), loss.Spared && of.Spared
	}
	return loss
}

// volumeLoss tells what becomes of a volume whose claim goes.
func volumeLoss(value map[string]any) *change.Loss {
	volume := &corev1.PersistentVolume{}
	if runtime.DefaultUnstructuredConverter.FromUnstructured(value, volume) != nil {
		return nil
	}
	size := volume.Spec.Capacity.Storage().String()
	if volume.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimRetain {
		return &change.Loss{What: []string{fmt.Sprintf("volume %s of %s stays (reclaim policy Retain)", volume.Name, size)}, Spared: true}
	}
	return &change.Loss{What: []string{fmt.Sprintf("volume %s of %s is deleted (reclaim policy %s)", volume.Name, size, volume.Spec.PersistentVolumeReclaimPolicy)}}
}

// ClaimsOf returns the claims that a StatefulSet takes along, when it goes or when
// it gets smaller.
func ClaimsOf(a *action.Action, live map[string]any, c *change.Change) []map[string]any {
	templates, _, _ := unstructured.NestedSlice(live, "spec", "volumeClaimTemplates")
	var claims []map[string]any
	for _, t := range templates {
		template, _ := t.(map[string]any)
		name, _, _ := unstructured.NestedString(template, "metadata", "name")
		prefix := name + "-" + c.Ref.Name + "-"
		for _, o := range a.State.Surroundings {
			u := unstructured.Unstructured{Object: o}
			number, found := strings.CutPrefix(u.GetName(), prefix)
			if u.GetKind() != "PersistentVolumeClaim" || u.GetNamespace() != c.Ref.Namespace || !found {
				continue
			}
			var n int
			if _, err := fmt.Sscanf(number, "%d", &n); err == nil && (c.Op != change.Update || c.Outcome.Pods != nil && n >= c.Outcome.Pods.Desired) {
				claims = append(claims, o)
			}
		}
	}
	return claims
}

// contentOf counts what is in a Namespace.
func contentOf(a *action.Action, namespace string) *change.Loss {
	if slices.ContainsFunc(a.State.Unread, func(g cluster.Gap) bool { return g.Namespace == namespace }) {
		return nil
	}
	counts := map[string]int{}
	for _, o := range a.State.Surroundings {
		if u := (unstructured.Unstructured{Object: o}); u.GetNamespace() == namespace && !builtinContent(u) {
			counts[u.GetKind()]++
		}
	}
	loss := &change.Loss{}
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		loss.What = append(loss.What, fmt.Sprintf("%d %s", counts[kind], kind))
	}
	if len(loss.What) == 0 {
		loss.What = []string{"nothing else is in it"}
	}
	return loss
}

// builtinContent reports whether Kubernetes puts an object into every Namespace.
func builtinContent(u unstructured.Unstructured) bool {
	return u.GetKind() == "ConfigMap" && u.GetName() == "kube-root-ca.crt"
}

// resourcesOf counts the custom resources of a definition.
func resourcesOf(a *action.Action, definition map[string]any) *change.Loss {
	group, _, _ := unstructured.NestedString(definition, "spec", "group")
	kind, _, _ := unstructured.NestedString(definition, "spec", "names", "kind")
	for _, gap := range a.State.Unread {
		if gap.Kind == kind {
			return nil
		}
	}
	n := 0
	for _, o := range a.State.Surroundings {
		if u := (unstructured.Unstructured{Object: o}); u.GetKind() == kind && u.GroupVersionKind().Group == group {
			n++
		}
	}
	if n == 0 {
		return &change.Loss{What: []string{"there are no objects of its kind"}, Spared: true}
	}
	return &change.Loss{What: []string{fmt.Sprintf("%d %s of kind %s", n, rule.Form(n, "object", "objects"), kind)}}
}

// surrounding returns an object of what stands around the release; nil if it is not
// known.
func surrounding(a *action.Action, group, kind, namespace, name string) map[string]any {
	for _, o := range a.State.Surroundings {
		u := unstructured.Unstructured{Object: o}
		if u.GetKind() == kind && u.GroupVersionKind().Group == group && u.GetNamespace() == namespace && u.GetName() == name {
			return o
		}
	}
	if o := a.State.Objects[manifest.Identity{Group: group, Kind: kind, Namespace: namespace, Name: name}]; o.Value != nil {
		return o.Value
	}
	return nil
}
