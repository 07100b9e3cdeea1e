package report_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
)

// TestReleases counts what the releases of a file do. An object that stays is in no count,
// a recreated object in two, and a hidden one in none.
func TestReleases(t *testing.T) {
	of := func(op change.Op, kind string) change.Change {
		c := object(kind, "web")
		c.Op = op
		return c
	}
	hidden := object("ConfigMap", "noise")
	hidden.Noise = "made-up"
	refused := of(change.Update, "Job")
	refused.Findings = []change.Finding{{Rule: "x", Risk: change.Rejected, Message: "m"}}
	shop := change.Set{
		Release: change.Release{Name: "shop", Namespace: "prod"},
		Changes: []change.Change{
			refused, of(change.Delete, "Service"), of(change.Recreate, "ServiceAccount"), of(change.Create, "Secret"), of(change.Keep, "PersistentVolumeClaim"), hidden,
		},
		Unchecked: []change.Notice{{Reason: "r"}},
	}
	cache := change.Set{Release: change.Release{Name: "cache", Namespace: "prod"}, Changes: []change.Change{of(change.Create, "Secret")}}
	same := change.Set{Release: change.Release{Name: "same", Namespace: "dev"}}
	var page bytes.Buffer
	err := report.WriteReleases(&page, []report.Judged{
		{File: "a.yaml", Set: &shop, FailOn: change.DefaultFailOn()},
		{File: "a.yaml", Set: &cache},
		{File: "b.yaml", Set: &same, Moved: "it has"},
	}, report.Options{ExitCode: 3})
	want := `RELEASE              CHANGES
prod/shop (a.yaml)   +Secret/web
                     ~Job/web  rejected
                     -/+ServiceAccount/web
                     -Service/web
                     =PersistentVolumeClaim/web
prod/cache (a.yaml)  +Secret/web

FILE    ADDITIONS  MODIFICATIONS  DESTRUCTIONS
a.yaml  3          1              2

FAILS  1 of 3 releases
  prod/shop: FAILS  1 rejected
  dev/same: moved: it has
exit 3: 1 release is not as planned
`
	if d := cmp.Diff(want, page.String()); err != nil || d != "" {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}
