package noise_test

import (
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/noise"
)

func TestLabelConcerns(t *testing.T) {
	for _, c := range []struct {
		row                        noise.Label
		kind, label, before, after string
		want                       bool
	}{
		{noise.Label{Name: "a/b"}, "Service", "a/b", "1", "2", true},
		{noise.Label{Name: "a/b"}, "Service", "a/bc", "1", "2", false},
		{noise.Label{Name: "a/*"}, "Service", "a/bc", "1", "2", true},
		{noise.Label{Name: "a/*"}, "Service", "b/a/", "1", "2", false},
		{noise.Label{Name: "a/b", Kinds: []string{"Secret", "ConfigMap"}}, "ConfigMap", "a/b", "1", "2", true},
		{noise.Label{Name: "a/b", Kinds: []string{"Secret"}}, "Secret.example.com", "a/b", "1", "2", false},
		{noise.Label{Name: "a=1"}, "Service", "a", "1", "2", true},
		{noise.Label{Name: "a=1"}, "Service", "a", "", "1", true},
		{noise.Label{Name: "a=1"}, "Service", "a", "2", "3", false},
		{noise.Label{Name: "*"}, "Service", "any", "1", "2", true},
		{noise.Label{Name: "*"}, "Service", "helm.sh/chart", "1", "2", false},
	} {
		if got := c.row.Concerns(c.kind, c.label, c.before, c.after); got != c.want {
			t.Errorf("%+v of %s, label %s from %q to %q: %v", c.row, c.kind, c.label, c.before, c.after, got)
		}
	}
}

// The table is read by people, and by value.
func TestLabelsAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, l := range noise.Labels() {
		if l.Name == "" || l.Who == "" {
			t.Errorf("%+v has a gap", l)
		}
		if l.General() && len(l.Kinds) == 0 {
			t.Error("every label of every kind would be shown")
		}
		for _, kind := range append(l.Kinds, "") {
			if key := l.Name + " " + kind; kind != "" && seen[key] {
				t.Errorf("%s comes twice", key)
			} else {
				seen[key] = true
			}
		}
	}
}
