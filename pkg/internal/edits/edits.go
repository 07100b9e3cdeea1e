// Package edits lists how two versions of an object differ, field by field.
package edits

import (
	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Stored lists the fields of the stored object that change; nil if they cannot
// be told in terms of the manifest.
func Stored(c *change.Change, result *apiserver.Result) []fieldpath.Path {
	if c.Op != change.Update || !result.Aligned || !result.Outcome.Changed {
		return nil
	}
	edits := diff.Values(result.OldFields, result.NewFields)
	paths := make([]fieldpath.Path, len(edits))
	for i := range edits {
		paths[i] = edits[i].Path
	}
	return paths
}

// Causes are the stored fields that make a controller replace pods: the pod
// template, or, if that stays, whatever else changed under spec. A custom resource
// may keep its template elsewhere.
func Causes(stored []fieldpath.Path, custom []string) []fieldpath.Path {
	var template, spec []fieldpath.Path
	for _, path := range stored {
		switch {
		case path.Under("spec", "template", "spec", "serviceAccount"):
			// The deprecated twin of serviceAccountName always moves with it.
		case path.Under("spec", "template"), path.Under("spec", "jobTemplate"), len(custom) > 0 && path.Under(custom...):
			template = append(template, path)
		case path.Under("spec"):
			spec = append(spec, path)
		}
	}
	if len(template) > 0 {
		return template
	}
	return spec
}

// Of lists how the manifests differ. What is secret is marked as such.
func Of(old, updated *manifest.Object) ([]change.Edit, error) {
	oldValue, err := old.Value()
	if err != nil {
		return nil, err
	}
	newValue, err := updated.Value()
	if err != nil {
		return nil, err
	}
	return Between(updated.Ref, oldValue, newValue), nil
}

// Between lists how two values of an object differ. What is secret is marked as such.
func Between(ref manifest.Ref, old, updated map[string]any) []change.Edit {
	isSecret := manifest.IsSecret(ref.Kind)
	return change.VeilOf(ref, old, updated).Conceal(diff.Values(Unfold(old, isSecret), Unfold(updated, isSecret)))
}

// Unfold gives an object the maps whose entries are to be compared one by one
// even if one side lacks the whole map: labels, annotations, the keys of a Secret.
func Unfold(value map[string]any, isSecret bool) map[string]any {
	unfolded := withMaps(value, "metadata")
	metadata, _ := unfolded["metadata"].(map[string]any)
	unfolded["metadata"] = withMaps(metadata, "labels", "annotations")
	if isSecret {
		unfolded = withMaps(unfolded, "data", "stringData")
	}
	return unfolded
}

// withMaps returns a copy of m in which the named fields are maps, empty ones
// where m has nothing.
func withMaps(m map[string]any, names ...string) map[string]any {
	c := make(map[string]any, len(m)+len(names))
	for k, v := range m {
		c[k] = v
	}
	for _, name := range names {
		if c[name] == nil {
			c[name] = map[string]any{}
		}
	}
	return c
}
