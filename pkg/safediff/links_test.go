package safediff

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

const shopWeb = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: web, image: "web:1"}
`

var (
	given    = strings.Replace(shopWeb, `image: "web:1"`, `image: "web:1", envFrom: [{secretRef: {name: given}}]`, 1)
	givenKey = strings.Replace(shopWeb, `image: "web:1"`, `image: "web:1", env: [{name: A, valueFrom: {secretKeyRef: {name: given, key: a}}}]`, 1)
	secretB  = "apiVersion: v1\nkind: Secret\nmetadata: {name: given, namespace: demo}\ndata: {b: YQ==}\n"
)

// TestNamesThatLeadOutOfTheRelease holds what is said of names of objects that others
// keep, with and without a cluster to ask.
func TestNamesThatLeadOutOfTheRelease(t *testing.T) {
	for _, c := range []struct {
		name, old, updated string
		look               func(context.Context, []cluster.Wanted) (*cluster.State, error)
		want               []string
	}{
		{"nobody to ask", shopWeb, given, nil, []string{
			"unchecked: it names Secret demo/given (.spec.template.spec.containers[name=\"web\"].envFrom[0].secretRef), which is not in the release: whether it is there was not judged"}},
		{"as before, and nobody to ask", given, strings.Replace(given, "web:1", "web:2", 1), nil, nil},
		{"it is there", shopWeb, given, clusterOf(t, secretB), nil},
		{"it is not there", shopWeb, given, clusterOf(t, ""),
			[]string{"stuck: it names Secret demo/given, which is not there after the upgrade"}},
		{"its key is not there", shopWeb, givenKey, clusterOf(t, secretB),
			[]string{"stuck: it names key a of Secret demo/given, which is not there after the upgrade"}},
		{"it was not there before, and the pods restart", given, strings.Replace(given, "web:1", "web:2", 1), clusterOf(t, ""),
			[]string{"stuck: it names Secret demo/given, which is not there after the upgrade"}},
		{"a custom resource may make it", shopWeb, given + "---\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: given}\n", clusterOf(t, ""),
			[]string{
				"unchecked: it names Secret demo/given (.spec.template.spec.containers[name=\"web\"].envFrom[0].secretRef), which is not in the release; SealedSecret demo/given may make it: that was not judged"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			opts := Options{Namespace: "demo", Release: change.Release{Name: "shop", Namespace: "demo"}}
			if c.look != nil {
				opts.Look = withWeb(t, c.look, c.old)
			}
			set, err := Compare(context.Background(), Manifest{"old.yaml", c.old}, Manifest{"new.yaml", c.updated}, opts)
			if err != nil {
				t.Fatal(err)
			}
			said := told(&set)
			var kept []string // what becomes of the pods is for other tests
			for _, line := range said {
				if strings.Contains(line, "it names") {
					kept = append(kept, line)
				}
			}
			if diff := cmp.Diff(c.want, kept); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// withWeb is a cluster that also holds the release, just as Helm left it.
func withWeb(t *testing.T, look func(context.Context, []cluster.Wanted) (*cluster.State, error), manifestText string) func(context.Context, []cluster.Wanted) (*cluster.State, error) {
	t.Helper()
	return func(ctx context.Context, wanted []cluster.Wanted) (*cluster.State, error) {
		state, err := look(ctx, wanted)
		if err != nil {
			return nil, err
		}
		for _, w := range wanted {
			if w.Ref.Name != "web" {
				continue
			}
			objects, err := manifest.Parse(manifestText, manifest.Options{File: "cluster", Namespace: "demo", Namespaced: func(string, string) bool { return true }})
			if err != nil {
				return nil, err
			}
			value, err := objects[0].Value()
			value["metadata"] = map[string]any{"name": "web", "namespace": "demo", "uid": "1", "resourceVersion": "5"}
			if err != nil {
				return nil, err
			}
			state.Objects[w.Ref.Identity()] = cluster.Object{Value: value}
		}
		return state, nil
	}
}
