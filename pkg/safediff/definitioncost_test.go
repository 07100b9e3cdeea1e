package safediff

import (
	"strings"
	"testing"

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
