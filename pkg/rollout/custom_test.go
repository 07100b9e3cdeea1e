package rollout

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// customObject returns a custom resource; each edit is one of with.
func customObject(t *testing.T, apiVersion, kind, spec string, edits ...string) *unstructured.Unstructured {
	t.Helper()
	text := with(t, "apiVersion: "+apiVersion+"\nkind: "+kind+"\nmetadata: {name: web}\nspec:"+spec, edits...)
	object := &unstructured.Unstructured{}
	json, err := yaml.YAMLToJSON([]byte(text))
	if err == nil {
		err = object.UnmarshalJSON(json)
	}
	if err != nil {
		t.Fatal(err)
	}
	return object
}

func TestCustomWorkloads(t *testing.T) {
	own := Workload{Group: "example.com", Kind: "Farm", Template: []string{"spec", "animals"}, Replicas: []string{"spec", "size"}}
	facts := Facts{Workloads: append([]Workload{own}, Workloads()...)}
	for _, c := range []struct {
		name, apiVersion, kind, spec string
		old, new                     []string
		want                         *change.Pods
		unclear                      []string
	}{
		{
			"image", "argoproj.io/v1alpha1", "Rollout", template, []string{"+ replicas: 3"}, []string{"+ replicas: 3", newImage},
			&change.Pods{Replaced: true, Before: 3, Desired: 3, Affected: 3, Fewest: unknown}, []string{strategyUnknown},
		},
		{
			"one replica by default", "argoproj.io/v1alpha1", "Rollout", template, nil, []string{newImage},
			&change.Pods{Replaced: true, Before: 1, Desired: 1, Affected: 1, Fewest: unknown}, []string{strategyUnknown},
		},
		{
			"another version of the API", "argoproj.io/v9", "Rollout", template, nil, []string{newImage},
			&change.Pods{Replaced: true, Before: 1, Desired: 1, Affected: 1, Fewest: unknown}, []string{strategyUnknown},
		},
		{
			"scaled down, with another image", "apps.kruise.io/v1alpha1", "CloneSet", template, []string{"+ replicas: 3"}, []string{"+ replicas: 2", newImage},
			&change.Pods{Replaced: true, Before: 3, Desired: 2, Affected: 2, Fewest: unknown}, []string{strategyUnknown},
		},
		{
			"scaled to none", "apps.kruise.io/v1beta1", "StatefulSet", template, []string{"+ replicas: 3"}, []string{"+ replicas: 0", newImage},
			&change.Pods{Before: 3, AllDown: true}, []string{strategyUnknown},
		},
		{
			"replicas that are no number", "argoproj.io/v1alpha1", "Rollout", template, []string{"+ replicas: many"}, []string{"+ replicas: many"},
			&change.Pods{Before: unknown, Desired: unknown, Fewest: unknown}, nil,
		},
		{
			"its own kind", "example.com/v1", "Farm", " {animals: cows, size: 4}", nil, []string{"cows => goats"},
			&change.Pods{Replaced: true, Before: 4, Desired: 4, Affected: 4, Fewest: unknown}, []string{strategyUnknown},
		},
		{
			"new jobs", "keda.sh/v1alpha1", "ScaledJob", " {jobTargetRef: {template: one}}", nil, []string{"one => two"},
			&change.Pods{Before: unknown, Desired: unknown, Fewest: unknown, How: "the new template is for new jobs"}, []string{jobsUnknown},
		},
		{"no template", "argoproj.io/v1alpha1", "Rollout", " {workloadRef: {name: a}}", nil, []string{"a}} => b}}"}, nil, nil},
		{"another kind", "argoproj.io/v1alpha1", "Workflow", template, nil, []string{newImage}, nil, nil},
		{"another group", "example.com/v1", "Rollout", template, nil, []string{newImage}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			old, updated := customObject(t, c.apiVersion, c.kind, c.spec, c.old...), customObject(t, c.apiVersion, c.kind, c.spec, c.new...)
			got, unclear := Predict(old, updated, facts)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(c.unclear, reasons(t, unclear)); diff != "" {
				t.Errorf("unclear, -want +got:\n%s", diff)
			}
		})
	}
}

func TestDeletedCustomWorkloads(t *testing.T) {
	facts := Facts{Workloads: Workloads()}
	for _, c := range []struct {
		object *unstructured.Unstructured
		want   *change.Pods
	}{
		{customObject(t, "argoproj.io/v1alpha1", "Rollout", template, "+ replicas: 3"), &change.Pods{Before: 3, AllDown: true}},
		{customObject(t, "keda.sh/v1alpha1", "ScaledJob", " {jobTargetRef: {template: one}}"), &change.Pods{Before: unknown}},
		{customObject(t, "example.com/v1", "Rollout", template), nil},
	} {
		got, _ := Predict(c.object, nil, facts)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s, -want +got:\n%s", c.object.GroupVersionKind(), diff)
		}
	}
}
