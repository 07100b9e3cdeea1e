package diff

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	objects, err := manifest.Parse("apiVersion: v1\nkind: X\n"+text, manifest.Options{File: "test"})
	if err != nil {
		t.Fatal(err)
	}
	value, err := objects[0].Value()
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestValues(t *testing.T) {
	for _, c := range []struct{ name, old, updated, want string }{
		{"the same", "a: 1", "a: 1", ""},
		{"another order of keys", "a: 1\nb: 2", "b: 2\na: 1", ""},
		{"a value", "a: {b: 1}", "a: {b: 2}", ".a.b 1 → 2"},
		{"another type", "a: 1", `a: "1"`, ".a 1 → \"1\""},
		{"a field that comes", "a: {}", "a: {b: 2}", ".a.b → 2"},
		{"a field that goes", "a: {b: 2}", "a: {}", ".a.b 2 →"},
		{"null is not nothing", "a: {b: null}", "a: {}", ".a.b null →"},
		{"a map becomes a list", "a: {b: 1}", "a: [1]", `.a {"b":1} → [1]`},
		{"a key with dots", "m: {example.com/x: 1}", "m: {example.com/x: 2}", `.m["example.com/x"] 1 → 2`},
		{
			"an item in front of named items", "l: [{name: a, v: 1}]", "l: [{name: z}, {name: a, v: 2}]",
			`.l[name="z"] → {"name":"z"}` + "\n" + `.l[name="a"].v 1 → 2`,
		},
		{"an item in front of texts", "l: [x, y]", "l: [new, x, y]", `.l[0] → "new"`},
		{"a text among texts", "l: [k, l, m]", "l: [k, L, m]", `.l[1] "l" → "L"`},
		{"ports by number", "l: [{containerPort: 80, name: a}]", "l: [{containerPort: 80, name: a, protocol: TCP}]", `.l[name="a"].protocol → "TCP"`},
		{
			"another order of items", "l: [{name: a}, {name: b}]", "l: [{name: b}, {name: a}]",
			`.l ["a","b"] → ["b","a"] reordered`,
		},
		{
			"an order that only shifts", "l: [{name: a}, {name: b}]", "l: [{name: b}, {name: c}]",
			`.l[name="c"] → {"name":"c"}` + "\n" + `.l[name="a"] {"name":"a"} →`,
		},
		{
			"names that are no names", "l: [{name: a, v: 1}, {name: a, v: 2}]", "l: [{name: a, v: 1}, {name: a, v: 3}]",
			".l[1].v 2 → 3",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var lines []string
			for _, e := range Values(object(t, c.old), object(t, c.updated)) {
				lines = append(lines, show(e))
			}
			if diff := cmp.Diff(c.want, strings.Join(lines, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func show(e change.Edit) string {
	side := func(v change.Value) string {
		if s, ok := v.Shown().(string); ok {
			return fmt.Sprintf(" %q", s)
		}
		if v.Present() {
			return " " + v.Text()
		}
		return ""
	}
	line := e.Path.String() + side(e.Old) + " →" + side(e.New)
	if e.Reordered {
		line += " reordered"
	}
	return line
}

func TestPairs(t *testing.T) {
	const hook = ", annotations: {helm.sh/hook: pre-upgrade}"
	cm := func(name, more string) string {
		return "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + more + "}\n"
	}
	for _, c := range []struct{ name, old, updated, want string }{
		{"by name", cm("a", "") + cm("b", ""), cm("b", "") + cm("c", ""), "update b, create c, delete a"},
		{"not by version", "apiVersion: policy/v1beta1\nkind: X\nmetadata: {name: a}\n", "apiVersion: policy/v1\nkind: X\nmetadata: {name: a}\n", "update a"},
		{"by group", "apiVersion: a/v1\nkind: X\nmetadata: {name: a}\n", "apiVersion: b/v1\nkind: X\nmetadata: {name: a}\n", "create a, delete a"},
		{"of copies the last", cm("a", "") + cm("b", "") + cm("a", ""), cm("a", ", labels: {}") + cm("a", "") + cm("c", ""), "update a, create c, delete b"},
		{"generated names in turn", strings.ReplaceAll(cm("a", "")+cm("a", ""), "name:", "generateName:"), strings.ReplaceAll(cm("a", ""), "name:", "generateName:"), "update , delete "},
		{"an object that becomes a hook", cm("a", ""), cm("a", hook), "recreate a"},
		{"a hook that goes stays", cm("a", hook), "", "keep a"},
		{"what is kept", cm("a", ", annotations: {helm.sh/resource-policy: keep}"), "", "keep a"},
		{"what is kept in capitals is not", cm("a", ", annotations: {helm.sh/resource-policy: Keep}"), "", "delete a"},
		{"in step, one of them twice", cm("a", "") + cm("a", "") + cm("b", ""), cm("a", "") + cm("a", "") + cm("b", ""), "update a, update b"},
		{"in step, one of them a hook now", cm("a", "") + cm("b", ""), cm("a", hook) + cm("b", ""), "recreate a, update b"},
		{"a hook beside an object of its name", cm("a", "") + cm("a", hook), cm("a", hook) + cm("a", ""), "update a, update a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			read := func(text string) []*manifest.Object {
				objects, err := manifest.Parse(text, manifest.Options{File: "test"})
				if err != nil {
					t.Fatal(err)
				}
				return objects
			}
			var got []string
			for _, p := range Pairs(read(c.old), read(c.updated)) {
				o := p.New
				if o == nil {
					o = p.Old
				}
				got = append(got, fmt.Sprintf("%s %s", p.Op(), o.Ref.Name))
			}
			if diff := cmp.Diff(c.want, strings.Join(got, ", ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Below a hundred fields what differs is one edit: comparing objects that are nested as deep
// as YAML can be takes no longer than reading them.
func TestDeepObjects(t *testing.T) {
	nested := func(leaf string, depth int, wrap func(any) any) map[string]any {
		value := any(leaf)
		for range depth {
			value = wrap(value)
		}
		return map[string]any{"spec": value}
	}
	for name, wrap := range map[string]func(any) any{
		"lists": func(v any) any { return []any{v} },
		"maps":  func(v any) any { return map[string]any{"a": v} },
		"named": func(v any) any { return []any{map[string]any{"name": "a", "is": v}} },
	} {
		t.Run(name, func(t *testing.T) {
			for _, depth := range []int{200, 9000} {
				edits := Values(nested("a", depth, wrap), nested("b", depth, wrap))
				if len(edits) != 1 || len(edits[0].Path) < 100 || len(edits[0].Path) > 102 {
					t.Errorf("%d deep: %d edits, the first at a path of %d fields", depth, len(edits), len(edits[0].Path))
				}
			}
			if edits := Values(nested("a", 9000, wrap), nested("a", 9000, wrap)); len(edits) > 0 {
				t.Errorf("%d edits between equal objects", len(edits))
			}
		})
	}
}
