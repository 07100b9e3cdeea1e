package change

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// All edits inside a field that is secret as a whole become one edit of that field.
func TestConceal(t *testing.T) {
	old := map[string]any{
		"kind": "Secret", "metadata": map[string]any{"name": "a", "labels": map[string]any{"app": "x"}},
		"keys": []any{map[string]any{"name": "hush", "value": "a"}}, "data": map[string]any{"k": "a"}, "type": "Opaque",
	}
	updated := map[string]any{
		"kind": "Secret", "metadata": map[string]any{"name": "a", "labels": map[string]any{"app": "y"}},
		"keys": []any{map[string]any{"name": "hush", "value": "b"}}, "data": map[string]any{"k": "b", "new": "c"}, "type": "Opaque",
	}
	edit := func(path string, old, updated Value) Edit {
		parsed, err := fieldpath.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		return Edit{Path: parsed, Old: old, New: updated}
	}
	a, b := ValueOf("a"), ValueOf("b")
	list := VeilOf(manifest.Ref{Kind: "Secret"}, old, updated).Conceal([]Edit{
		edit(".metadata.labels.app", ValueOf("x"), ValueOf("y")), edit(".data.k", a, b), edit(".data.new", Value{}, ValueOf("c")),
		edit(`.keys[name="hush"].value`, a, b), edit(`.keys[name="hush"].other`, Value{}, b),
	})
	type shown struct {
		Path     string
		Old, New any
		Secret   bool
	}
	got := make([]shown, len(list))
	for i, e := range list {
		got[i] = shown{e.Path.String(), e.Old.Shown(), e.New.Shown(), e.New.Secret()}
	}
	want := []shown{
		{".metadata.labels.app", "x", "y", false}, {".data.k", Mask, Mask, true}, {".data.new", nil, Mask, true}, {".keys", Mask, Mask, true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff(updated["keys"], list[3].New.Revealed().Shown()); diff != "" {
		t.Errorf("revealed: -want +got:\n%s", diff)
	}
}

// A Secret inside another object is secret there, and so is the field that contains all of
// it.
func TestConcealEmbedded(t *testing.T) {
	value := func(text, image string) map[string]any {
		return map[string]any{"kind": "Thing", "spec": map[string]any{"list": []any{
			map[string]any{"name": "a", "image": image},
			map[string]any{"name": "b", "manifest": map[string]any{"kind": "secret", "metadata": map[string]any{"name": "x"}, "odd": map[string]any{"deep": text}}},
		}}}
	}
	v := VeilOf(manifest.Ref{Kind: "Thing"}, value("a", "x"), value("b", "y"))
	for path, want := range map[string]bool{".spec": true, ".spec.list": true, ".spec.list[1].manifest.odd": true, ".spec.list[0]": false, ".spec.list[1].manifest.kind": false,
		`.spec.list[name="a"].image`: false, `.spec.list[name="b"].manifest.odd.deep`: true, `.spec.list[name="c"].image`: true} {
		parsed, err := fieldpath.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		list := v.Conceal([]Edit{{Path: parsed, Old: ValueOf("o"), New: ValueOf("n")}})
		if got := list[0].New.Secret(); got != want {
			t.Errorf("%s is secret: %t, want %t", path, got, want)
		}
	}
}
