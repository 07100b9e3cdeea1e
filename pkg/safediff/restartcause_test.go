package safediff

import (
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// TestNothingFunctional holds what is said of pods that a label of the chart's version
// replaces: what they read may be new all the same.
func TestNothingFunctional(t *testing.T) {
	web := strings.Replace(given, "labels: {app: web}}\n    spec", "labels: {app: web, helm.sh/chart: web-1}}\n    spec", 1)
	config := "---\napiVersion: v1\nkind: Secret\nmetadata: {name: given}\ndata: {a: b2xk}\n"
	sealed := "---\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: given}\nspec: {encryptedData: {a: old}}\n"
	const only = "label helm.sh/chart"
	for _, c := range []struct {
		name, old, updated, want string
		needless                 bool
	}{
		{"nothing else", config, config, "nothing functional: only " + only, true},
		{"a Secret changes", config, strings.Replace(config, "b2xk", "bmV3", 1), only + "; the new pods read what is new: Secret given changes (a)", false},
		{"a Secret is made of what changes", sealed, strings.Replace(sealed, "old", "new", 1), only + "; the new pods read what is new: SealedSecret given changes", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, err := Compare(t.Context(), Manifest{Text: web + c.old}, Manifest{Text: strings.Replace(web, "web-1", "web-2", 1) + c.updated},
				Options{Namespace: "demo", Release: change.Release{Name: "shop", Namespace: "demo"}})
			if err != nil {
				t.Fatal(err)
			}
			for i := range set.Changes {
				if p := set.Changes[i].Outcome.Pods; p != nil && (p.Cause != c.want || p.Needless != c.needless) {
					t.Errorf("cause %q, needless %v; want %q, %v", p.Cause, p.Needless, c.want, c.needless)
				}
			}
		})
	}
}
