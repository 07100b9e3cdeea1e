package definitions

import (
	"reflect"

	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Same reports whether two definitions of a custom resource, as manifests write them, are
// the same to the API server: they differ in metadata, comments and descriptions at most. It is
// false where one of them cannot be read.
func Same(old, updated *manifest.Object) bool {
	if old.SameText(updated) {
		return true
	}
	if _, _, only := manifest.RelabelledOnly(old, updated); only {
		return true // not to be decoded
	}
	before, err1 := old.Value()
	after, err2 := updated.Value()
	if err1 != nil || err2 != nil {
		return false
	}
	return reflect.DeepEqual(undescribed(untyped.At(before, "spec"), false), undescribed(untyped.At(after, "spec"), false))
}

// undescribed returns a copy of a part of a definition without the descriptions in it, which the
// API server reads for nothing but to show them. named says that the keys of the part are names of
// properties. What stands in a default or an enum is a value, whatever it is called.
func undescribed(value any, named bool) any {
	switch v := value.(type) {
	case map[string]any:
		rest := make(map[string]any, len(v))
		for key, item := range v {
			_, text := item.(string)
			switch {
			case named:
				rest[key] = undescribed(item, false)
			case key == "description" && text:
			case key == "default" || key == "enum" || key == "example":
				rest[key] = item
			default:
				rest[key] = undescribed(item, key == "properties" || key == "patternProperties" || key == "definitions" || key == "dependencies")
			}
		}
		return rest
	case []any:
		rest := make([]any, len(v))
		for i, item := range v {
			rest[i] = undescribed(item, false)
		}
		return rest
	default:
		return value
	}
}
