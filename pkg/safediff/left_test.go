package safediff

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// After an upgrade that failed, what the cluster holds is partly of one revision and partly
// of the other. That is Helm's own doing, and decides what a rollback is refused.
func TestAfterAFailedUpgrade(t *testing.T) {
	objects := func(job, web int) string {
		return fmt.Sprintf("apiVersion: batch/v1\nkind: Job\nmetadata: {name: init}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: \"init:%d\"}]}}}\n---\n"+
			"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: \"web:%d\"}]}}}\n---\n", job, web)
	}
	one, two := objects(1, 1), objects(2, 2)
	opts := Options{Operation: change.Rollback, Failed: 2, Beside: []string{one}, Namespace: "demo", Release: change.Release{Name: "shop", Namespace: "demo", Revision: 2}}
	set, err := Compare(t.Context(), Manifest{Text: two}, Manifest{Text: one}, opts)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range set.Changes {
		c := &set.Changes[i]
		got = append(got, fmt.Sprintf("%s %s refused %d", c.Op, c.Ref.Name, len(c.Outcome.Refused)))
	}
	if diff := cmp.Diff([]string{"update web refused 0", "update init refused 0"}, got); diff != "" {
		t.Errorf("a rollback: -want +got:\n%s", diff)
	}
	if len(set.Drift) > 0 {
		t.Errorf("a rollback: drift is said of what Helm has left: %v", set.Drift)
	}
	// The job is as the first revision has it, the Deployment as the second.
	live := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: demo, uid: a, resourceVersion: \"5\"}\n" +
		"spec: {replicas: 1, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: \"web:%d\"}]}}}\n"
	for image, want := range map[int][]string{2: nil, 3: {`.spec.template.spec.containers[name="c"].image`}} {
		opts = Options{Failed: 2, Beside: []string{two}, Namespace: "demo", Look: clusterOf(t, fmt.Sprintf(live, image)), Release: change.Release{Name: "shop", Namespace: "demo", Revision: 1}}
		_, deployment, _ := strings.Cut(one, "apiVersion: apps/v1")
		deployment = "apiVersion: apps/v1" + deployment
		set, err = Compare(t.Context(), Manifest{Text: deployment}, Manifest{Text: deployment}, opts)
		if err != nil {
			t.Fatal(err)
		}
		var drifted []string
		for _, d := range set.Drift {
			drifted = append(drifted, d.Path.String())
		}
		if diff := cmp.Diff(want, drifted); diff != "" {
			t.Errorf("image %d: -want +got:\n%s", image, diff)
		}
	}
}

// What a revision has kept is in the cluster, and a rollback merges over it as Helm does.
func TestRollbackOverWhatWasKept(t *testing.T) {
	const definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.com, annotations: {helm.sh/resource-policy: keep}}\n" +
		"spec: {group: example.com, scope: Namespaced, names: {plural: things, singular: thing, kind: Thing, listKind: ThingList}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}\n---\n"
	const config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, annotations: {helm.sh/resource-policy: keep}}\n---\n"
	target := definition + fmt.Sprintf(config, "a") + fmt.Sprintf(config, "b")
	for serverSide, want := range map[bool][]string{false: {"metadata.resourceVersion"}, true: nil} {
		opts := Options{Operation: change.Rollback, ServerSide: serverSide, Namespace: "demo", Release: change.Release{Name: "shop", Namespace: "demo", Revision: 2}}
		set, err := Compare(t.Context(), Manifest{Text: fmt.Sprintf(config, "b")}, Manifest{Text: target}, opts)
		if err != nil {
			t.Fatal(err)
		}
		var refused []string
		for i := range set.Changes {
			for _, e := range set.Changes[i].Outcome.Refused {
				refused = append(refused, e.Field)
			}
		}
		if diff := cmp.Diff(want, refused); diff != "" {
			t.Errorf("server-side %v: -want +got:\n%s", serverSide, diff)
		}
	}
}
