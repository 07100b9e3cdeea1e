package risk_test

import (
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/risk"
)

func TestPublished(t *testing.T) {
	of := func(rule string, class change.Risk) change.Set {
		return change.Set{Changes: []change.Change{{Op: change.Delete, Findings: []change.Finding{{Rule: rule, Risk: class}}}}}
	}
	refused, renamed, restart := of("selector-immutable", change.Rejected), of("service-renamed", change.Downtime), of("pod-restart", change.Restart)
	renamed.Changes[0].Findings[0].Breaks = true
	random := manifest.Ref{Kind: "Job", Name: "x-1"}
	rotates := change.Set{Changes: []change.Change{
		{Op: change.Update, Edits: []change.Edit{{Path: fieldpath.Path{{Field: "data"}}, Rotates: true}}},
		{Op: change.Create, Ref: random},
	}, Rotating: []change.Rotation{{Ref: random}}}
	for _, test := range []struct {
		name, old, updated string
		set                change.Set
		want               []string
	}{
		{"a minor version breaks", "1.4.0", "1.5.0", refused, []string{"version-not-major"}},
		{"a rename breaks", "1.4.0", "1.4.1", renamed, []string{"version-not-major"}},
		{"a restart does not", "1.4.0", "1.4.1", restart, nil},
		{"a major version may", "1.4.0", "2.0.0", refused, nil},
		{"so may a candidate of it", "1.4.0", "2.0.0-rc.1", refused, nil},
		{"a candidate of a minor one may not", "1.4.0", "1.5.0-rc.1", refused, []string{"version-not-major"}},
		{"a candidate has promised nothing", "2.0.0-rc.1", "2.0.0", refused, nil},
		{"of 0.x the minor counts", "0.4.0", "0.5.0", refused, nil},
		{"and not the patch", "0.4.0", "0.4.1", refused, []string{"version-not-major"}},
		{"of 0.0.x the patch", "0.0.4", "0.0.5", refused, nil},
		{"backwards is no new version", "2.0.0", "1.0.0", refused, []string{"version-not-major"}},
		{"the same", "1.4.0", "1.4.0", restart, []string{"version-unchanged"}},
		{"the same, and breaks", "1.4.0", "v1.4.0", refused, []string{"version-not-major", "version-unchanged"}},
		{"another build", "1.4.0+1", "1.4.0+2", restart, nil},
		{"the same, and nothing changes", "1.4.0", "1.4.0", change.Set{}, nil},
		{"the same, and only what rotates", "1.4.0", "1.4.0", rotates, nil},
	} {
		findings, err := risk.Published(test.old, test.updated, &test.set)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		var got []string
		for _, f := range findings {
			got = append(got, f.Rule)
			if f.Risk != change.Version || f.Message == "" || f.Hint == "" {
				t.Errorf("%s: %+v", test.name, f)
			}
		}
		if len(got) != len(test.want) || len(got) > 0 && got[0] != test.want[0] || len(got) > 1 && got[1] != test.want[1] {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
	if _, err := risk.Published("one", "1.0.0", &refused); err == nil {
		t.Error("a version that is none is taken")
	}
}
