package apiserver

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
)

// counted counts how often a kind is validated.
type counted struct {
	strategy
	rest.DeclarativeValidationStrategy
	created, updated *int
}

func (c counted) Validate(ctx context.Context, object runtime.Object) field.ErrorList {
	*c.created++
	return c.strategy.Validate(ctx, object)
}

func (c counted) ValidateUpdate(ctx context.Context, object, old runtime.Object) field.ErrorList {
	*c.updated++
	return c.strategy.ValidateUpdate(ctx, object, old)
}

// What is rejected is validated once, and all that is found is told.
func TestRejectedOnce(t *testing.T) {
	const old = `apiVersion: batch/v1
kind: Job
metadata: {name: x}
spec: {parallelism: 1, template: {spec: {restartPolicy: Never, containers: [{name: web, image: "web:1"}]}}}
`
	s := newServer(t, "")
	job := schema.GroupKind{Group: "batch", Kind: "Job"}
	k := s.kinds[job]
	var created, updated int
	k.strategy = counted{k.strategy, k.strategy.(rest.DeclarativeValidationStrategy), &created, &updated} //nolint:forcetypeassert // so are most kinds
	s.kinds = maps.Clone(s.kinds)
	s.kinds[job] = k

	was := parse(t, s, old)[0]
	result, err := s.Update(was, parse(t, s, strings.NewReplacer("web:1", "web:2", "parallelism: 1", "parallelism: -1").Replace(old))[0], nil)
	if err != nil || created != 0 || updated != 1 {
		t.Errorf("%v; validated %d times as new, %d times as an update", err, created, updated)
	}
	var fields []string
	for _, e := range result.Outcome.Refused {
		fields = append(fields, e.Field)
	}
	if diff := cmp.Diff([]string{"spec.parallelism", "spec.template"}, fields); diff != "" {
		t.Error(diff)
	}

	created, updated = 0, 0
	refused, err := s.Rejected(parse(t, s, strings.Replace(old, "parallelism: 1", "parallelism: -1", 1))[0])
	if err != nil || created != 1 || updated != 0 || len(refused) != 1 || refused[0].Field != "spec.parallelism" {
		t.Errorf("%v %v; validated %d times as new, %d times as an update", refused, err, created, updated)
	}
}

// Metadata of texts fits its type, and what is otherwise is decoded to find out.
func TestPlainMetadata(t *testing.T) {
	for text, want := range map[string]bool{
		`{"name": "a", "namespace": "b"}`:                                true,
		`{"name": "a", "labels": {"b": "c"}, "annotations": {"d": "e"}}`: true,
		`{"name": "a", "labels": {}}`:                                    true,
		`{"name": 1}`:                                                    false,
		`{"name": "a", "labels": {"b": 1}}`:                              false,
		`{"name": "a", "annotations": {"b": null}}`:                      false,
		`{"name": "a", "annotations": null}`:                             false,
		`{"name": "a", "labels": ["b"]}`:                                 false,
		`{"name": "a", "finalizers": ["b"]}`:                             false,
		`{"name": "a", "Name": "b"}`:                                     false,
		`{"name": "a", "annotations": {"d": ["e"]}}`:                     false,
		`null`: false,
	} {
		var metadata any
		if err := json.Unmarshal([]byte(text), &metadata); err != nil {
			t.Fatal(err)
		}
		if got := plain(metadata); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
