package exposure

import (
	"strings"
	"testing"
)

// Each row has a source of its own, and does what it is for.
func TestActingAnnotations(t *testing.T) {
	seen := map[string]bool{}
	row := func(table, name, source string) {
		if seen[table+name] || name == "" || !strings.HasPrefix(source, "https://") {
			t.Errorf("%s: %q is there twice, or has no source (%q)", table, name, source)
		}
		seen[table+name] = true
	}
	held := map[guardKind]string{allowed: "10.0.0.0/8", denied: "192.0.2.1/32", plugged: "a,b"}
	for i := range guards {
		g := &guards[i]
		row("guards", g.Name, g.Source)
		was, is := held[g.Kind], ""
		if was == "" {
			was = "yes"
		}
		if g.Kind == redirected {
			was, is = "", "false"
		}
		if says, _ := g.opens(was, is, map[string]any{g.Name: was}, map[string]any{g.Name: is}); says == "" {
			t.Errorf("%s goes without a word", g.Name)
		}
		if says, _ := g.opens(is, was, map[string]any{g.Name: is}, map[string]any{g.Name: was}); says != "" {
			t.Errorf("%s comes, and it is said that it %s", g.Name, says)
		}
	}
	for i := range openings {
		o := &openings[i]
		row("openings", o.Name, o.Source)
		value := o.Open
		if value == "" {
			value = "text"
		}
		for _, value := range strings.Split(value, "|") {
			if !o.open(value) {
				t.Errorf("%s: %s opens nothing", o.Name, value)
			}
		}
	}
	for i := range injections {
		in := &injections[i]
		row("injections", in.Name+map[bool]string{true: " label", false: " annotation"}[in.Label], in.Source)
	}
	for i := range internals {
		n := &internals[i]
		row("internals", n.Name+n.Value, n.Source)
		if !n.Holds(strings.ToLower(n.Value)) && n.Value != "" || n.Holds("") {
			t.Errorf("%s: %q", n.Name, n.Value)
		}
	}
}
