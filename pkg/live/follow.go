package live

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// customResources returns the lists of custom resources that go with the
// definitions that go. Only their metadata are read: it is of interest which
// there are, not what is in them.
func customResources(wanted []Wanted, objects map[manifest.Identity]Object) []listing {
	var lists []listing
	for _, w := range wanted {
		if !w.Goes || !is(w.Ref, definitions().group, definitions().name) {
			continue
		}
		definition := objects[w.Ref.Identity()].Value
		group, _, _ := unstructured.NestedString(definition, "spec", "group")
		plural, _, _ := unstructured.NestedString(definition, "spec", "names", "plural")
		name, _, _ := unstructured.NestedString(definition, "spec", "names", "kind")
		scope, _, _ := unstructured.NestedString(definition, "spec", "scope")
		if version := servedVersion(definition); version != "" && plural != "" {
			lists = append(lists, listing{kind: kind{group, version, name, plural}, everywhere: scope == "Namespaced", bare: true})
		}
	}
	return lists
}

// servedVersion returns a version in which the resources of a definition can be
// read: the stored one, which needs no conversion, or else the first. It is "" if
// there is none.
func servedVersion(definition map[string]any) string {
	versions, _, _ := unstructured.NestedSlice(definition, "spec", "versions")
	found := ""
	for _, v := range versions {
		version, _ := v.(map[string]any)
		if served, _ := version["served"].(bool); !served {
			continue
		}
		name, _ := version["name"].(string)
		if stored, _ := version["storage"].(bool); stored {
			return name
		}
		if found == "" {
			found = name
		}
	}
	return found
}

// lostVolumes returns the names of the volumes behind the claims that go: those
// that the upgrade deletes, those in a Namespace that it deletes, and those that
// a StatefulSet takes along.
func lostVolumes(wanted []Wanted, state *State) []string {
	var names []string
	add := func(claim map[string]any) {
		if name, _, _ := unstructured.NestedString(claim, "spec", "volumeName"); name != "" {
			names = append(names, name)
		}
	}
	for _, w := range wanted {
		object := state.Objects[w.Ref.Identity()].Value
		switch {
		case w.Goes && is(w.Ref, "", claims().name):
			add(object)
		case w.Goes && is(w.Ref, "", "Namespace"):
			for _, claim := range listed(state.Surroundings, claims(), w.Ref.Name) {
				add(claim)
			}
		case is(w.Ref, "apps", statefulSets().name) && takesClaims(object, w.Goes):
			for _, claim := range listed(state.Surroundings, claims(), w.Ref.Namespace) {
				if ownClaim(object, refOf(claim).Name) {
					add(claim)
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// mountedVolumes returns the names of the volumes behind the claims of workloads whose pods look for
// a node, if the nodes were read: which of them can reach a volume is what the volume says.
func mountedVolumes(wanted []Wanted, state *State) []string {
	if len(listed(state.Surroundings, nodes(), "")) == 0 {
		return nil
	}
	var names []string
	for _, w := range wanted {
		object := state.Objects[w.Ref.Identity()].Value
		if !w.Places || object == nil {
			continue
		}
		mounted := map[string]bool{}
		volumes, _, _ := unstructured.NestedSlice(object, "spec", "template", "spec", "volumes")
		for _, v := range volumes {
			volume, _ := v.(map[string]any)
			claim, _, _ := unstructured.NestedString(volume, "persistentVolumeClaim", "claimName")
			mounted[claim] = claim != ""
		}
		set := is(w.Ref, "apps", statefulSets().name)
		for _, claim := range listed(state.Surroundings, claims(), w.Ref.Namespace) {
			name, _, _ := unstructured.NestedString(claim, "spec", "volumeName")
			if own := refOf(claim).Name; name != "" && (mounted[own] || set && ownClaim(object, own)) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// listed returns the objects of a kind in a namespace.
func listed(objects []map[string]any, k kind, namespace string) []map[string]any {
	var found []map[string]any
	for _, o := range objects {
		if ref := refOf(o); ref.Namespace == namespace && is(ref, k.group, k.name) {
			found = append(found, o)
		}
	}
	return found
}

// takesClaims reports whether a StatefulSet deletes claims of its own, when it
// goes or when it gets smaller (StatefulSetPersistentVolumeClaimRetentionPolicy
// in k8s.io/api/apps/v1).
func takesClaims(set map[string]any, goes bool) bool {
	policy := func(when string) bool {
		value, _, _ := unstructured.NestedString(set, "spec", "persistentVolumeClaimRetentionPolicy", when)
		return value == "Delete"
	}
	return goes && policy("whenDeleted") || policy("whenScaled")
}

// ownClaim reports whether a claim is one that a StatefulSet makes for its pods:
// TEMPLATE-SET-NUMBER (getPersistentVolumeClaimName in
// k8s.io/kubernetes/pkg/controller/statefulset).
func ownClaim(set map[string]any, claim string) bool {
	templates, _, _ := unstructured.NestedSlice(set, "spec", "volumeClaimTemplates")
	for _, t := range templates {
		template, _ := t.(map[string]any)
		number, found := strings.CutPrefix(claim, refOf(template).Name+"-"+refOf(set).Name+"-")
		if found && number != "" && strings.Trim(number, "0123456789") == "" {
			return true
		}
	}
	return false
}
