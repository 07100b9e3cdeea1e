package renderer

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/valuelens"
)

// TestLensSent sends a lens as the process does that renders: each value keeps its type, and a
// chart differs from others as before.
func TestLensSent(t *testing.T) {
	values := map[string]any{
		"null": nil, "yes": true, "no": false, "text": "1e+06", "bytes": "\xff\x00", "empty": "",
		"int": 3, "int64": int64(1000000), "float64": float64(1000000), "tenth": 0.1, "number": json.Number("1.50"),
		"list": []any{int64(1), nil, map[string]any{"a.b": "c"}, []any{}}, "map": map[string]any{},
	}
	chart := func(text string) *valuelens.Chart {
		sub := &valuelens.Chart{Name: "db", Values: map[string]any{"size": json.Number("1")}, Files: []valuelens.File{{Name: "b", Text: text}}}
		return &valuelens.Chart{
			Name: "shop", Title: "shop-1.0.0", Values: values, Templates: []valuelens.File{{Name: "templates/a.yaml", Text: "a"}},
			Needs: []valuelens.Need{{As: "store", Chart: sub, Conditions: []string{"store.on"}, Tags: []string{"t"}, Imports: []string{"data"}}},
		}
	}
	lines := map[string]int{"int": 3}
	through := func(l *helm.Lens) *helm.Lens {
		t.Helper()
		s, err := sent(l)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var got sentLens
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		lens, err := got.lens(nil)
		if err != nil {
			t.Fatal(err)
		}
		return lens
	}
	l := helm.Lens{Chart: chart("x"), Values: values, Given: []valuelens.Given{{Name: "prod.yaml", Values: values, Lines: lines}, {Name: "--set", Values: values}}}
	got := through(&l)
	if d := cmp.Diff(values, got.Values); d != "" {
		t.Errorf("values (-sent +got):\n%s", d)
	}
	if d := cmp.Diff(l.Given, got.Given); d != "" {
		t.Errorf("given (-sent +got):\n%s", d)
	}
	want := chart("x")
	want.Templates, want.Needs[0].Chart.Files = digested(want.Templates), digested(want.Needs[0].Chart.Files)
	if d := cmp.Diff(want, got.Chart); d != "" {
		t.Errorf("chart (-sent +got):\n%s", d)
	}
	for _, text := range []string{"x", "\xff", "\xfe"} {
		other := through(&helm.Lens{Chart: chart(text), Values: values})
		if same := cmp.Equal(got.Chart, other.Chart); same != (text == "x") {
			t.Errorf("a chart with %q in a file is the same: %t", text, same)
		}
	}
	if _, err := sent(&helm.Lens{Chart: chart("x"), Values: map[string]any{"a": []any{struct{}{}}}}); err == nil {
		t.Error("a value of an unknown type is sent")
	}
	if _, err := (&typed{Type: "list", List: []typed{{Type: "odd"}}}).value(); err == nil {
		t.Error("a value of an unknown type is read")
	}
}

// TestLensesKept keeps those of the last charts.
func TestLensesKept(t *testing.T) {
	var l lenses
	for _, name := range []string{"a", "b", "a", "c"} {
		l.keep(name, &helm.Lens{})
	}
	l.keep("none", nil)
	if l.by["a"] == nil || l.by["b"] != nil || l.by["c"] == nil || len(l.by) != mostLenses {
		t.Errorf("kept are %v", l.names)
	}
}
