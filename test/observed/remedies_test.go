package observed

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/risk"
	"github.com/safe-diff/helm-safe-diff/test/cases"
	"github.com/safe-diff/helm-safe-diff/test/remedy"
)

// TestRemedies holds what is advised in cases with a line "remedy:" against what was followed in the laboratory.
func TestRemedies(t *testing.T) {
	list, err := cases.Load("../../testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	store, err := Load(".")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := Remedies(".")
	if err != nil {
		t.Fatal(err)
	}
	var advised []Followed
	for i := range list {
		for _, r := range list[i].Remedies {
			for _, way := range Ways() {
				said, err := store.Predict(t.Context(), &list[i], way)
				if err != nil {
					t.Fatal(err)
				}
				for _, hint := range cases.Hints(&said.Looked, r.Rule) {
					advised = append(advised, Followed{Rule: r.Rule, Case: list[i].Name, Helm: way.Name, Hint: hint})
				}
			}
		}
	}
	if diff := cmp.Diff(kept, SortedRemedies(advised)); diff != "" {
		t.Errorf("what was followed in the laboratory (-) and what is advised now (+); `make remedies` follows it:\n%s", diff)
	}
}

// TestRulesAdviseWhatWasTried looks for commands and flags that no case has tried. They must follow the word "try".
func TestRulesAdviseWhatWasTried(t *testing.T) {
	kept, err := Remedies(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range risk.Rules() {
		for _, hint := range []string{r.Fix, r.Instead} {
			if untried(kept, r.ID, hint) {
				t.Errorf("%s advises what was not tried in the laboratory: %s", r.ID, hint)
			}
		}
	}
}

// untriedIn lists what the findings of a set advise and no case has tried.
func untriedIn(kept []Followed, set *change.Set) []string {
	var list []string
	for i := range set.Changes {
		for _, f := range set.Changes[i].Findings {
			if untried(kept, f.Rule, f.Hint) {
				list = append(list, f.Rule+": "+f.Hint)
			}
		}
	}
	return list
}

// untried reports whether a hint has steps of a kind that was not taken for a finding of the rule.
func untried(kept []Followed, rule, hint string) bool {
	steps := remedy.Read(hint)
	return !steps.None() && !slices.ContainsFunc(kept, func(f Followed) bool {
		tried := remedy.Read(f.Hint)
		return f.Rule == rule && steps.Like(&tried)
	})
}
