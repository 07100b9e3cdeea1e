package safediff_test

import (
	"context"
	"regexp"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/noise"
	"github.com/safe-diff/helm-safe-diff/pkg/risk"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
	"github.com/safe-diff/helm-safe-diff/test/cases"
)

// TestEveryRuleAndFilterHasCases audits the tables: what is in them is documented,
// and some case shows it at work while others show it silent.
func TestEveryRuleAndFilterHasCases(t *testing.T) {
	list, err := cases.Load("../../testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	fired, hid := map[string]int{}, map[string]int{}
	for i := range list {
		for _, serverSide := range []bool{false, true} {
			c := &list[i]
			set, err := safediff.Compare(context.Background(),
				safediff.Manifest{Name: "old.yaml", Text: c.Old}, safediff.Manifest{Name: "new.yaml", Text: c.New}, c.Options(serverSide))
			if err != nil {
				t.Fatal(err)
			}
			for k := range set.Changes {
				for _, f := range set.Changes[k].Findings {
					fired[f.Rule]++
				}
				for _, e := range set.Changes[k].Edits {
					hid[e.Noise]++
				}
			}
		}
	}
	kebab := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	seen := map[string]bool{}
	for _, r := range risk.Rules() {
		if !kebab.MatchString(r.ID) || seen[r.ID] || r.Why == "" || r.Fix == "" || r.Risk == "" || (r.When == nil) != (r.Risk == change.Version) {
			t.Errorf("rule %q: its ID must be kebab-case and its own, and it must say class, why and fix", r.ID)
		}
		seen[r.ID] = true
		if fired[r.ID] == 0 {
			t.Errorf("rule %q fires in no case of testdata/cases", r.ID)
		}
	}
	for _, f := range noise.Filters() {
		if !kebab.MatchString(f.ID) || f.Why == "" || f.When == nil {
			t.Errorf("filter %q: its ID must be kebab-case, and it must say why", f.ID)
		}
		if hid[f.ID] == 0 {
			t.Errorf("filter %q hides nothing in any case of testdata/cases", f.ID)
		}
	}
	if hid[""] == 0 {
		t.Error("every edit of every case is hidden")
	}
}
