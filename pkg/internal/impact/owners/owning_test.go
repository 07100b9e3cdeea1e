package owners

import (
	"net/url"
	"slices"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// TestOwningTable walks the table of kinds that own more than themselves.
func TestOwningTable(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range owningTable() {
		if len(row.groups) == 0 || len(row.kinds) == 0 || row.loses == "" {
			t.Errorf("%v %v: group, kind or what is lost is missing", row.groups, row.kinds)
		}
		if row.risk != change.DataLoss && row.risk != change.Outage {
			t.Errorf("%v: class %s", row.kinds, row.risk)
		}
		if page, err := url.Parse(row.source); err != nil || page.Scheme != "https" || page.Host == "" {
			t.Errorf("%v: %q is no page", row.kinds, row.source)
		}
		for _, group := range row.groups {
			for _, kind := range row.kinds {
				name := kind + "." + group
				if seen[name] {
					t.Errorf("%s has two rows", name)
				}
				seen[name] = true
				if found := owningOf(manifest.Ref{Group: group, Kind: kind}); found == nil || !slices.Equal(found.kinds, row.kinds) || found.loses != row.loses {
					t.Errorf("%s: another row is found", name)
				}
			}
		}
	}
	for _, ref := range []manifest.Ref{{Group: "apps", Kind: "Deployment"}, {Group: "example.com", Kind: "Cluster"}, {Kind: "Secret"}} {
		if owningOf(ref) != nil {
			t.Errorf("%s has a row", ref.GroupKind())
		}
	}
}
