package definitions

import (
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

func TestSameDefinition(t *testing.T) {
	const before = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  labels:
    helm.sh/chart: shop-1.0.0
  name: things.example.com
spec:
  group: example.com
  names: {kind: Thing, plural: things}
  versions:
    - name: v1
      schema:
        openAPIV3Schema:
          description: a thing
          properties:
            description: {type: string}
            default: {type: string, description: by default}
            size: {type: integer, description: how large}
            owner:
              default: {description: nobody}
              enum: [{description: nobody}]
`
	read := func(text string) *manifest.Object {
		objects, err := manifest.Parse(text, manifest.Options{})
		if err != nil || len(objects) != 1 {
			t.Fatal(objects, err)
		}
		return objects[0]
	}
	for name, c := range map[string]struct {
		from, to string
		want     bool
	}{
		"nothing":                               {"", "", true},
		"a label":                               {"shop-1.0.0", "shop-1.1.0", true},
		"an annotation":                         {"metadata:\n", "metadata:\n  annotations: {a: b}\n", true},
		"a comment":                             {"spec:\n", "spec: # as generated\n", true},
		"a description":                         {"how large", "how large it is", true},
		"the description of a property default": {"by default", "if not set", true},
		"the type of a property":                {"integer", "number", false},
		"the type of a property description":    {"description: {type: string}", "description: {type: integer}", false},
		"a property description":                {"            description: {type: string}\n", "", false},
		"a default":                             {"default: {description: nobody}", "default: {description: somebody}", false},
		"an enum":                               {"enum: [{description: nobody}]", "enum: [{description: somebody}]", false},
	} {
		t.Run(name, func(t *testing.T) {
			updated := strings.Replace(before, c.from, c.to, 1)
			if got := Same(read(before), read(updated)); got != c.want {
				t.Errorf("the same: %v, want %v", got, c.want)
			}
		})
	}
}
