package rollback

import (
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Descriptions in schemas go both ways, and nothing else that is only called so.
func TestDescribes(t *testing.T) {
	const schema = `.spec.versions[name="v1"].schema.openAPIV3Schema`
	definition := &change.Change{Ref: manifest.Ref{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}}
	for path, want := range map[string]bool{
		schema + ".description":                                    true,
		schema + ".properties.spec.description":                    true,
		schema + ".properties.spec.properties.a.items.description": true,
		schema + ".properties.spec.anyOf[0].description":           true,
		schema + ".additionalProperties.description":               true,
		schema + ".properties.description.description":             true,
		schema + ".properties.description":                         false,
		schema + ".properties.spec.default.description":            false,
		schema + ".properties.spec.enum[0].description":            false,
		schema + ".properties.spec.type":                           false,
		schema:                                                     false,
		`.spec.versions[name="v1"].description`:                    false,
		`.spec.versions[name="v1"].schema`:                         false,
		".spec.names.description":                                  false,
		`.spec.versions[0].schema.openAPIV3Schema.x`:               false,
	} {
		parsed, err := fieldpath.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := free(definition, parsed); got != want {
			t.Errorf("%s: %t", path, got)
		}
	}
}
