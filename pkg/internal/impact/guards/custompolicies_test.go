package guards

import (
	"net/url"
	"slices"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// TestCustomPolicies walks the table of policies of other APIs.
func TestCustomPolicies(t *testing.T) {
	for _, row := range customPolicies() {
		if row.group == "" || row.keeps == "" || (row.armed == nil) != (row.enforcing == nil) {
			t.Errorf("%s %v: group, or what it keeps from happening, is missing", row.group, row.kinds)
		}
		if page, err := url.Parse(row.source); err != nil || page.Scheme != "https" || page.Host == "" {
			t.Errorf("%v: %q is no page", row.kinds, row.source)
		}
		for _, kind := range row.kinds {
			if found := customPolicyOf(manifest.Ref{Group: row.group, Kind: kind}); found == nil || !slices.Equal(found.kinds, row.kinds) {
				t.Errorf("%s.%s: another row is found", kind, row.group)
			}
		}
	}
	for _, ref := range []manifest.Ref{{Group: "networking.k8s.io", Kind: "NetworkPolicy"}, {Group: "example.com", Kind: "Policy"}} {
		if customPolicyOf(ref) != nil {
			t.Errorf("%s has a row", ref.GroupKind())
		}
	}
}
