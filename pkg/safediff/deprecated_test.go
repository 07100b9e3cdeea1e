package safediff

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Of what an upgrade makes or changes it is said that its version goes, and when.
func TestDeprecatedVersions(t *testing.T) {
	const (
		flow = "apiVersion: flowcontrol.apiserver.k8s.io/v1beta3\nkind: FlowSchema\nmetadata: {name: shop}\nspec: {matchingPrecedence: 1000, priorityLevelConfiguration: {name: exempt}}\n"
		kind = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: things, singular: thing, kind: Thing, listKind: ThingList}
  versions:
    - &version
      name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
    - {<<: *version, name: v1beta1, storage: false, deprecated: true}
---
`
		thing = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: web}\nspec: {size: 1}\n"
	)
	old := strings.NewReplacer("1000", "2000", "size: 1", "size: 2", "example.com/v1\n", "example.com/v1beta1\n")
	newer := strings.NewReplacer("example.com/v1\n", "example.com/v1beta1\n")
	for _, c := range []struct{ name, old, updated, kube, want string }{
		{"changed", old.Replace(flow), flow, "1.31", "flowcontrol.apiserver.k8s.io/v1beta3 is deprecated, and Kubernetes 1.32 no longer serves it: before the cluster is upgraded to that, the release must be"},
		{"created", "", flow, "1.30", "flowcontrol.apiserver.k8s.io/v1beta3 is deprecated, and Kubernetes 1.32 no longer serves it: before the cluster is upgraded to that, the release must be"},
		{"left alone", flow, flow, "1.31", ""},
		{"deleted", flow, "", "1.31", ""},
		{"a version that stays", "", settings, "1.31", ""},
		{"a definition deprecates it", kind + old.Replace(thing), kind + newer.Replace(thing), "", "example.com/v1beta1 is deprecated by the definition of Thing: when it goes is not known"},
		{"moved to another version", kind + old.Replace(thing), kind + thing, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, err := Compare(context.Background(), Manifest{"old.yaml", c.old}, Manifest{"new.yaml", c.updated}, Options{Namespace: "demo", KubeVersion: c.kube})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, n := range set.Unchecked {
				if strings.Contains(n.Reason, "deprecated") {
					got = append(got, n.Reason)
				}
			}
			if diff := cmp.Diff(c.want, strings.Join(got, "; ")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
