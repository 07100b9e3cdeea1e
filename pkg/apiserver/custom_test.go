package apiserver

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const thingDefinition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  scope: Cluster
  names: {plural: things, singular: thing, kind: Thing, listKind: ThingList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [size]
            x-kubernetes-validations: [{rule: "!has(self.ports) || size(self.ports) <= self.size", message: more ports than size}]
            properties:
              size: {type: integer, minimum: 1}
              mode: {type: string, enum: [fast, slow], default: fast}
              class: {type: string, x-kubernetes-validations: [{rule: self == oldSelf, message: class is immutable}]}
              ports: {type: array, maxItems: 3, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name],
                items: {type: object, required: [name], properties: {name: {type: string}, port: {type: integer}}}}
`

const thing = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: one}\nspec: {size: 2, class: gold, ports: [{name: a, port: 1}]}\n"

// serverWithThings knows the definition of Thing.
func serverWithThings(t *testing.T, serverSide bool) *Server {
	t.Helper()
	s := newServer(t, "")
	crds := parse(t, s, thingDefinition)
	return s.Knowing(Facts{
		Release: "shop", Namespace: "demo", ServerSide: serverSide,
		Definitions: NewDefinitions([]Definition{{Object: crds[0]}}, nil, nil),
	})
}

func TestCustomRefusals(t *testing.T) {
	const (
		typed = "failed to create typed patch object (/one; example.com/v1, Kind=Thing): "
		rest  = "; <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"
	)
	for _, c := range []struct{ name, edit, to, want, serverSide string }{
		{"nothing", "size: 2", "size: 2", "", ""},
		{"a default written out", "size: 2", "size: 2, mode: fast", "", ""},
		{"a type", "size: 2", `size: "2"`, `spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"` + rest, typed + ".spec.size: expected numeric (int or float), got string"},
		{"a minimum", "size: 2", "size: 0", "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1; spec: Invalid value: more ports than size", ""},
		{"a missing field", "size: 2, ", "", "spec.size: Required value" + rest, ""},
		{"an unknown value", "size: 2", "size: 2, mode: lazy", `spec.mode: Unsupported value: "lazy": supported values: "fast", "slow"` + rest, ""},
		{"a rule that compares", "gold", "silver", `spec.class: Invalid value: "silver": class is immutable`, ""},
		{"a rule across fields", "size: 2", "size: 0", "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1; spec: Invalid value: more ports than size", ""},
		{"a key twice", "{name: a, port: 1}", "{name: a, port: 1}, {name: a, port: 2}", "spec.ports[1]: Duplicate value", typed + `.spec.ports: duplicate entries for key [name="a"]`},
		{"an unknown field", "size: 2", "size: 2, flavour: sweet", "", typed + ".spec.flavour: field not declared in schema"},
	} {
		for _, serverSide := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				s := serverWithThings(t, serverSide)
				sides := append(parse(t, s, thing), parse(t, s, strings.Replace(thing, c.edit, c.to, 1))...)
				result, err := s.Update(sides[0], sides[1], nil)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, e := range result.Outcome.Refused {
					got = append(got, e.String())
				}
				want := c.want
				if serverSide && c.serverSide != "" {
					want = c.serverSide
				}
				if diff := cmp.Diff(want, strings.Join(got, "; ")); diff != "" {
					t.Errorf("server-side apply %t, -want +got:\n%s", serverSide, diff)
				}
				if result.Outcome.Changed && len(got) > 0 {
					t.Error("refused, and changed all the same")
				}
			})
		}
	}
}

func TestCustomIgnoredFields(t *testing.T) {
	s := serverWithThings(t, false)
	updated := parse(t, s, strings.Replace(thing, "port: 1}", "port: 1, flavour: sweet}", 1))[0]
	result, err := s.Create(updated)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`unknown field "spec.ports[0].flavour"`}, result.Outcome.Ignored); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	stored := map[string]any{
		"size": int64(2), "class": "gold", "mode": "fast", "ports": []any{map[string]any{"name": "a", "port": int64(1)}},
	}
	if diff := cmp.Diff(stored, result.NewFields["spec"]); diff != "" {
		t.Errorf("stored, -want +got:\n%s", diff)
	}
}

func TestDefinitionTellsTheScope(t *testing.T) {
	s := serverWithThings(t, false)
	if s.Namespaced("example.com", "Thing") || !s.Namespaced("example.com", "Other") || !s.Namespaced("example.org", "Thing") {
		t.Error("Thing lives in a namespace, or something else does not")
	}
}

func TestOneDefinitionIsCompiledOnceForMany(t *testing.T) {
	for _, serverSide := range []bool{false, true} {
		s := serverWithThings(t, serverSide)
		var wait sync.WaitGroup
		for range 8 {
			sides := append(parse(t, s, thing), parse(t, s, strings.Replace(thing, "size: 2", "size: 3", 1))...)
			wait.Go(func() {
				result, err := s.Update(sides[0], sides[1], nil)
				if err != nil || !result.Outcome.Changed || len(result.Outcome.Refused) > 0 {
					t.Errorf("%+v, %v", result.Outcome, err)
				}
			})
		}
		wait.Wait()
	}
}
