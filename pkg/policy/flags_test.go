package policy

import (
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

func TestHideLines(t *testing.T) {
	value := change.ValueOf
	tree := func(second string) change.Value { return value(map[string]any{"build": "7", "other": second}) }
	for _, c := range []struct {
		name        string
		expressions []string
		old, new    change.Value
		want        bool
	}{
		{"both lines fit", []string{"^stamp: v[0-9]"}, value("v1"), value("v2"), true},
		{"one of several fits each", []string{"v1", "v2"}, value("v1"), value("v2"), true},
		{"the new line does not fit", []string{"v1"}, value("v1"), value("v2"), false},
		{"only one side is there", []string{"stamp: v"}, change.Value{}, value("v2"), true},
		{"each line of a tree fits", []string{"stamp|build|other"}, tree("a"), tree("b"), true},
		{"one line of a tree does not fit", []string{"stamp|build"}, tree("a"), tree("b"), false},
		{"a Secret never fits", []string{"."}, value("v1").AsSecret(), value("v2").AsSecret(), false},
	} {
		h, err := HideLines("flag", c.expressions)
		if err != nil {
			t.Fatal(err)
		}
		e := change.Edit{Path: fieldpath.Path{{Field: "data"}, {Field: "stamp"}}, Old: c.old, New: c.new}
		if got := h.edit(&change.Change{Ref: manifest.Ref{Kind: "ConfigMap"}}, &e); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if h.object(&change.Change{}) {
			t.Errorf("%s: a whole object is hidden", c.name)
		}
	}
	if _, err := HideLines("flag", []string{"("}); err == nil {
		t.Error("( is taken for a regular expression")
	}
}
