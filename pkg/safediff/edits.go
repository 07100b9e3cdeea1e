package safediff

import (
	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// fields lists the fields of the stored object that change; nil if they cannot
// be told in terms of the manifest.
func fields(c *change.Change, result *apiserver.Result) []fieldpath.Path {
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

// causes are the stored fields that make a controller replace pods: the pod
// template, or, if that stays, whatever else changed under spec. A custom resource
// may keep its template elsewhere.
func causes(stored []fieldpath.Path, custom []string) []fieldpath.Path {
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

// edits lists how the manifests differ. What a Secret holds, and the copy of it
// that kubectl keeps in an annotation, is marked as secret.
func edits(old, updated *manifest.Object) ([]change.Edit, error) {
	oldValue, err := old.Value()
	if err != nil {
		return nil, err
	}
	newValue, err := updated.Value()
	if err != nil {
		return nil, err
	}
	isSecret := secret(updated.Ref)
	list := diff.Values(unfold(oldValue, isSecret), unfold(newValue, isSecret))
	for i := range list {
		mask(isSecret, &list[i])
	}
	return list, nil
}

func secret(ref manifest.Ref) bool { return ref.Kind == "Secret" && ref.Group == "" }

// mask marks an edit of an object as secret if what it shows may be one.
func mask(isSecret bool, e *change.Edit) {
	if isSecret && !public(e.Path) || e.Path.Under("metadata", "annotations", lastApplied) {
		e.Old, e.New = e.Old.AsSecret(), e.New.AsSecret()
	}
}

// public reports whether a field of a Secret is no secret. Whatever is not known to be
// harmless is secret, a misspelt field too.
func public(path fieldpath.Path) bool {
	return path.Under("apiVersion") || path.Under("kind") || path.Under("type") || path.Under("immutable") || path.Under("metadata")
}

// unfold gives an object the maps whose entries are to be compared one by one
// even if one side lacks the whole map: labels, annotations, the keys of a Secret.
func unfold(value map[string]any, isSecret bool) map[string]any {
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

func anyMap(texts map[string]string) map[string]any {
	m := make(map[string]any, len(texts))
	for k, v := range texts {
		m[k] = v
	}
	return m
}
