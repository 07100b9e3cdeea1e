package safediff_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

const deepDefinition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: foos.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Foo, plural: foos}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
---
`

// An object that is four times as deep takes about four times as much memory, and not
// sixteen times, as the square of its depth does (a JSON encoder begins to look for circles at 1,000
// levels, which costs a little more), up to the limit of the reader that Helm uses (10,000).
func TestDeepObjectsTakeLinearMemory(t *testing.T) {
	for name, object := range map[string]string{
		"a ConfigMap":                           "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: ",
		"a custom resource":                     deepDefinition + "apiVersion: example.com/v1\nkind: Foo\nmetadata: {name: a}\nspec: ",
		"a custom resource without definition":  "apiVersion: example.com/v1\nkind: Foo\nmetadata: {name: a}\nspec: ",
		"a field that is not in the schema":     "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}]}\nelse: ",
		"a map in the place of a list of items": "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: ",
	} {
		for _, nest := range [][2]string{{"[", "]"}, {"{a: ", "}"}, {"[{name: a, is: ", "}]"}} {
			for _, serverSide := range []bool{false, true} {
				if serverSide && nest[0] == "{a: " && strings.Contains(object, deepDefinition) {
					continue // the field sets of server-side apply take the square of the depth, on a real server too
				}
				t.Run(fmt.Sprintf("%s in %s, server-side apply %t", name, nest[0], serverSide), func(t *testing.T) {
					depth := 1000 / len(nest[1])
					compareDeep(t, object, nest, depth, serverSide) // what is made once in a process
					quarter := compareDeep(t, object, nest, depth, serverSide)
					if all := compareDeep(t, object, nest, 4*depth, serverSide); all > 12*quarter {
						t.Errorf("%d bytes for %d levels, %d bytes for %d", quarter, depth, all, 4*depth)
					}
				})
			}
		}
	}
}

// compareDeep compares two objects that differ at the bottom of a nest, and returns how many
// bytes that takes.
func compareDeep(t *testing.T, object string, nest [2]string, depth int, serverSide bool) uint64 {
	t.Helper()
	manifest := func(leaf string) safediff.Manifest {
		text := object + strings.Repeat(nest[0], depth) + leaf + strings.Repeat(nest[1], depth) + "\n"
		return safediff.Manifest{Name: leaf + ".yaml", Text: text}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	set, err := safediff.Compare(context.Background(), manifest("old"), manifest("new"), safediff.Options{ServerSide: serverSide})
	runtime.ReadMemStats(&after)
	if err != nil || len(set.Changes) != 1 {
		t.Fatalf("%d changes, %v", len(set.Changes), err)
	}
	return after.TotalAlloc - before.TotalAlloc
}
