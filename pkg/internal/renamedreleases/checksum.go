package renamedreleases

import (
	"maps"
	"reflect"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// checksum begins the annotations by which charts restart pods when a configuration
// changes: a hash over a ConfigMap or Secret as it was rendered, the names in it
// included.
const checksum = "checksum/"

// templates are where workloads keep the template of their pods.
func templates() []fieldpath.Path {
	return []fieldpath.Path{fieldpath.Fields("spec", "template"), fieldpath.Fields("spec", "jobTemplate", "spec", "template")}
}

// sameConfiguration reports whether the two releases have the same configuration under
// other names: then their checksums differ because of these names, and say nothing.
func sameConfiguration(words []word, old, updated []*manifest.Object, partners map[*manifest.Object]*manifest.Object) (bool, error) {
	left, named := 0, false
	for _, o := range updated {
		if isConfiguration(o) {
			left++
		}
	}
	for _, o := range old {
		if !isConfiguration(o) {
			continue
		}
		n := partners[o]
		if n == nil {
			return false, nil
		}
		oldValue, newValue, err := valuesOf(o, n)
		if err != nil {
			return false, err
		}
		w := walk{words: words, secret: manifest.IsSecret(n.Ref.Kind)}
		value, _ := w.value(nil, oldValue, newValue).(map[string]any)
		if !reflect.DeepEqual(content(value), content(newValue)) {
			return false, nil
		}
		left, named = left-1, named || len(w.edits) > 0
	}
	return named && left == 0, nil
}

func isConfiguration(o *manifest.Object) bool {
	return o.Ref.Group == "" && (o.Ref.Kind == "ConfigMap" || o.Ref.Kind == "Secret")
}

// content returns what a configuration says, without what it is called.
func content(value map[string]any) map[string]any {
	without := maps.Clone(value)
	delete(without, "metadata")
	return without
}

func valuesOf(old, updated *manifest.Object) (oldValue, newValue map[string]any, err error) {
	if oldValue, err = old.Value(); err != nil {
		return nil, nil, err
	}
	newValue, err = updated.Value()
	return oldValue, newValue, err
}

// checksums gives the pod templates of an old object, which the walk has made, the
// checksums of the new one where they differ in nothing else.
func (w *walk) checksums(old, updated map[string]any) {
	for _, path := range templates() {
		place := fieldpath.Fields("metadata", "annotations")
		o, n := below(old, path), below(updated, path)
		annotations, others := below(o, place), below(n, place)
		before := maps.Clone(annotations)
		var edits []change.Edit
		for _, key := range manifest.Fields(others) {
			is, had := annotations[key].(string)
			other, has := others[key].(string)
			if had && has && is != other && strings.HasPrefix(key, checksum) {
				annotations[key] = other
				edits = append(edits, change.Edit{
					Path: path.Join(place.Child(fieldpath.Field(key))), Old: change.ValueOf(is), New: change.ValueOf(other), Noise: renamed,
				})
			}
		}
		if reflect.DeepEqual(o, n) {
			w.edits = append(w.edits, edits...)
		} else {
			maps.Copy(annotations, before) // something else differs, too
		}
	}
}

// below returns the map at a path, nil if there is none.
func below(value map[string]any, path fieldpath.Path) map[string]any {
	for _, e := range path {
		value, _ = value[e.Field].(map[string]any)
	}
	return value
}
