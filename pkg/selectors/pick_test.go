package selectors_test

import (
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/selectors"
)

func TestPick(t *testing.T) {
	const budget = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b}\nspec: "
	pod := func(namespace string) manifest.Ref {
		return manifest.Ref{Version: "v1", Kind: "Pod", Namespace: namespace}
	}
	for _, c := range []struct {
		name, text, looks string
		ref               manifest.Ref
		want              bool
	}{
		{"a label", budget + "{selector: {matchLabels: {x: z}}}", "Pod", pod("demo"), true},
		{"an expression", budget + "{selector: {matchExpressions: [{key: x, operator: NotIn, values: [z]}]}}", "Pod", pod("demo"), false},
		{"another namespace", budget + "{selector: {matchLabels: {x: z}}}", "Pod", pod("prod"), false},
		{"everything", budget + "{selector: {}}", "Pod", pod("demo"), true},
		{"no selector", budget + "{minAvailable: 1}", "Pod", pod("demo"), false},
		{"a monitor of another namespace", monitor + "{namespaceSelector: {matchNames: [prod]}, selector: {matchLabels: {x: z}}}", "Service", service("prod"), true},
		{"a monitor of all", monitor + "{namespaceSelector: {any: true}, selector: {matchLabels: {x: z}}}", "Service", service("prod"), true},
		{"several selectors", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: {podSelector: {}}", "", pod("demo"), false},
		{"no selector at all", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}", "", pod("demo"), false},
	} {
		pick, looks := selectors.PickOf(parse(t, c.text))
		if got := pick.Selects(c.ref, map[string]string{"x": "z"}); looks != c.looks || got != c.want {
			t.Errorf("%s: looks at %q, selects: %t", c.name, looks, got)
		}
	}
	if _, looks := selectors.PickOf(nil); looks != "" {
		t.Errorf("nothing looks at %q", looks)
	}
}
