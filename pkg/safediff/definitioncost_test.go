package safediff

import (
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

const costlyDefinition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  names: {kind: Thing, plural: things}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          description: a thing
          properties:
            size: {type: integer}
`

// A definition of which only the schema changes is decoded once a side.
func TestDefinitionsAreDecodedOnce(t *testing.T) {
	for _, updated := range []string{
		strings.Replace(costlyDefinition, "a thing", "some thing", 1),
		costlyDefinition + "            color: {type: string}\n",
	} {
		before := manifest.Parsed()
		set, err := Compare(t.Context(), Manifest{Name: "old", Text: costlyDefinition}, Manifest{Name: "new", Text: updated}, Options{})
		if err != nil || len(set.Changes) != 1 || len(set.OneWay) != 0 {
			t.Fatalf("%+v %v", set, err)
		}
		if decoded := manifest.Parsed() - before; decoded != 2 {
			t.Errorf("%d documents are decoded", decoded)
		}
	}
}

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
