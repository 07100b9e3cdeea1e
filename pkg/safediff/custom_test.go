package safediff

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// definition returns the definition of example.com/v1 Thing, whose size may not
// be above most.
func definition(most int) string {
	return fmt.Sprintf(`---
# Source: shop/crds/thing.yaml
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: things.example.com
spec:
  group: example.com
  scope: Namespaced
  names: {plural: things, singular: thing, kind: Thing, listKind: ThingList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {size: {type: integer, maximum: %d}, template: {type: string}}}
`, most)
}

func thing(size int) string {
	return fmt.Sprintf("---\napiVersion: example.com/v1\nkind: Thing\nmetadata:\n  name: one\nspec:\n  size: %d\n", size)
}

// refusedAndUnchecked writes down what is said of a change from one size to another.
func refusedAndUnchecked(t *testing.T, old, updated string, opts Options) string {
	t.Helper()
	opts.Namespace = "demo"
	set, err := Compare(context.Background(), Manifest{"old.yaml", old}, Manifest{"new.yaml", updated}, opts)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for i := range set.Changes {
		for _, e := range set.Changes[i].Outcome.Refused {
			lines = append(lines, "refused "+e.String())
		}
	}
	for _, n := range set.Unchecked {
		lines = append(lines, n.Reason)
	}
	return strings.Join(lines, "\n")
}

func TestTheBestWitnessOfADefinitionCounts(t *testing.T) {
	const (
		above = "refused spec.size: Invalid value: 5: spec.size in body should be less than or equal to %d"
		// The words of the note are the program's.
		accepted = operatorUnknown
	)
	refusedBy := func(most int, notes ...string) string {
		return strings.Join(append([]string{fmt.Sprintf(above, most)}, notes...), "\n")
	}
	crds := func(most int) Manifest { return Manifest{"crds", definition(most)} }
	for name, c := range map[string]struct {
		opts Options
		want string
	}{
		"none":                           {Options{}, "the schema of this custom resource is not known: whether its API server accepts it, and what its operator then does, was not judged"},
		"the old chart's":                {Options{OldCRDs: crds(1), NewCRDs: crds(1)}, refusedBy(1)},
		"the old chart's, not the new":   {Options{OldCRDs: crds(9), NewCRDs: crds(1)}, changedInCRDs + "\n" + staleDefinition + "\n" + accepted},
		"the old chart's alone":          {Options{OldCRDs: crds(2)}, refusedBy(2)},
		"the new chart's":                {Options{NewCRDs: crds(3)}, refusedBy(3, newInCRDs, assumedDefinition)},
		"the new chart's, installed":     {Options{NewCRDs: crds(3), Operation: change.Install}, refusedBy(3)},
		"the cluster's":                  {Options{OldCRDs: crds(9), NewCRDs: crds(9), Cluster: []Manifest{crds(4)}}, refusedBy(4)},
		"one that is broken in a chart":  {Options{OldCRDs: Manifest{"crds", "a: [b\n"}, NewCRDs: crds(3)}, refusedBy(3, newInCRDs, assumedDefinition)},
		"one that has no objects to it":  {Options{Cluster: []Manifest{{"c", strings.ReplaceAll(definition(1), "example.com", "example.org")}}}, "the schema of this custom resource is not known: whether its API server accepts it, and what its operator then does, was not judged"},
		"one of a kind in a wrong group": {Options{Cluster: []Manifest{{"c", strings.Replace(definition(1), "group: example.com", "group: example.org", 1)}}}, "the schema of this custom resource is not known: whether its API server accepts it, and what its operator then does, was not judged"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, refusedAndUnchecked(t, thing(0), thing(5), c.opts)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestDefinitionsAreDecodedOnlyIfNeeded(t *testing.T) {
	crds := Manifest{"crds", definition(9)}
	for _, c := range []struct {
		name, old, updated string
		decoded            int64
	}{
		{"nothing changes", thing(1), thing(1), 0},
		{"the object changes", thing(1), thing(2), 3},
		{"another object changes", thing(1) + deployment("web", "a", "web:1"), thing(1) + deployment("web", "a", "web:2"), 2},
	} {
		before := manifest.Parsed()
		refusedAndUnchecked(t, c.old, c.updated, Options{OldCRDs: crds, NewCRDs: crds})
		if got := manifest.Parsed() - before; got != c.decoded {
			t.Errorf("%s: %d documents decoded, want %d", c.name, got, c.decoded)
		}
	}
}

func TestOwnWorkloads(t *testing.T) {
	farm := rollout.Workload{Group: "example.com", Kind: "Thing", Template: []string{"spec", "template"}, Replicas: []string{"spec", "size"}}
	object := func(template string) string { return thing(3) + "  template: " + template + "\n" }
	set, err := Compare(context.Background(), Manifest{"old.yaml", object("a")}, Manifest{"new.yaml", object("b")},
		Options{Namespace: "demo", Workloads: []rollout.Workload{farm}})
	if err != nil || len(set.Changes) != 1 {
		t.Fatal(set, err)
	}
	pods := set.Changes[0].Outcome.Pods
	if pods == nil || !pods.Replaced || pods.Affected != 3 || len(pods.Causes) != 1 || pods.Causes[0].String() != ".spec.template" {
		t.Errorf("got %+v", pods)
	}
}

func TestBrokenClusterObjects(t *testing.T) {
	broken := func(text string) string { return text + "hunter2: [\n" }
	class := "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata:\n  name: fast\n"
	for name, text := range map[string]string{
		"storage class": broken(class),
		"node":          broken("apiVersion: v1\nkind: Node\nmetadata:\n  name: a\n"),
		"definition":    broken(definition(1)),
	} {
		_, err := Compare(context.Background(), Manifest{"old.yaml", thing(1)}, Manifest{"new.yaml", thing(2)},
			Options{Cluster: []Manifest{{"cluster.yaml", text}}})
		if err == nil || strings.Contains(err.Error(), "hunter") || !strings.HasPrefix(err.Error(), "cluster.yaml, document ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestFromCRDs(t *testing.T) {
	for source, want := range map[string]bool{
		"":                                 false,
		"shop/crds/a.yaml":                 true,
		"shop/crds/deep/a.yaml":            true,
		"shop/charts/db/crds/a.yaml":       true,
		"shop/charts/db/charts/x/crds/a":   true,
		"shop/templates/crds/a.yaml":       false,
		"crds/a.yaml":                      false,
		"crds/templates/a.yaml":            false,
		"shop/charts/crds/templates/a.yml": false,
	} {
		if got := manifest.InCRDs(source); got != want {
			t.Errorf("%q: %v", source, got)
		}
	}
}
