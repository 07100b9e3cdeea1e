package safediff_test

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
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
	at := firings{}
	for i := range list {
		for _, serverSide := range []bool{false, true} {
			c := &list[i]
			set, err := safediff.Compare(context.Background(),
				safediff.Manifest{Name: "old.yaml", Text: c.Old}, safediff.Manifest{Name: "new.yaml", Text: c.New}, c.Options(serverSide))
			if err != nil {
				t.Fatal(err)
			}
			at.note(c.Name, &set)
			for k := range set.Changes {
				for _, f := range set.Changes[k].Findings {
					fired[f.Rule]++
					holdsEvidence(t, c.Name, &set.Changes[k], f)
				}
				for _, e := range set.Changes[k].Edits {
					hid[e.Noise]++
				}
			}
		}
	}
	// Values are no object that changes without it; values/unread-before is where it is silent.
	const unread = "value-unread"
	kebab := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	seen := map[string]bool{}
	for _, r := range risk.Rules() {
		if !kebab.MatchString(r.ID) || seen[r.ID] || r.Why == "" || r.Fix == "" || r.Risk == "" || (r.When == nil && r.Read == nil && r.Find == nil) != (r.Risk == change.Version || r.Risk == change.Policy || r.ID == unread) {
			t.Errorf("rule %q: its ID must be kebab-case and its own, and it must say class, why and fix", r.ID)
		}
		seen[r.ID] = true
		if fired[r.ID] == 0 && r.Risk != change.Policy { // no case has two policies; testdata/script/policy_base.txtar has
			t.Errorf("rule %q fires in no case of testdata/cases", r.ID)
		}
		if fired[r.ID] > 0 && !at.silent(r.ID) && r.ID != unread {
			t.Errorf("rule %q is silent in no case of a subject in which it fires, though an object of the same kind changes", r.ID)
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

// firings are, by subject and case, the kinds that change and the rules that fire on each.
type firings map[string]map[string]map[string][]string

func (f firings) note(name string, set *change.Set) {
	subject := path.Dir(name)
	if f[subject] == nil {
		f[subject] = map[string]map[string][]string{}
	}
	if f[subject][name] == nil {
		f[subject][name] = map[string][]string{}
	}
	kinds := f[subject][name]
	for i := range set.Changes {
		c := &set.Changes[i]
		kinds[c.Ref.Kind] = append(kinds[c.Ref.Kind], "")
		for k := range c.Findings {
			kinds[c.Ref.Kind] = append(kinds[c.Ref.Kind], c.Findings[k].Rule)
		}
	}
}

// silent reports whether there is, beside a case in which a rule fires, one of the same
// subject in which an object of that kind changes and the rule does not fire.
func (f firings) silent(rule string) bool {
	for _, list := range f {
		for kind := range kindsOf(list, rule) {
			for _, kinds := range list {
				if rules, changes := kinds[kind]; changes && !firesIn(kinds, rule) && len(rules) > 0 {
					return true
				}
			}
		}
	}
	return false
}

// kindsOf returns the kinds on which a rule fires in some of the cases.
func kindsOf(list map[string]map[string][]string, rule string) map[string]bool {
	on := map[string]bool{}
	for _, kinds := range list {
		for kind, rules := range kinds {
			if slices.Contains(rules, rule) {
				on[kind] = true
			}
		}
	}
	return on
}

func firesIn(kinds map[string][]string, rule string) bool {
	for _, rules := range kinds {
		if slices.Contains(rules, rule) {
			return true
		}
	}
	return false
}

// holdsEvidence reports whether a finding has evidence, and a digest that covers it: of
// anything that is added to it, and of anything that is taken away.
func holdsEvidence(t *testing.T, name string, c *change.Change, f change.Finding) {
	t.Helper()
	if len(f.Evidence) == 0 && f.Behind == nil {
		t.Errorf("%s: rule %q has no evidence of what it finds", name, f.Rule)
	}
	seen := map[string]string{c.Digest(&f): "what is there"}
	known := slices.Clone(f.Evidence)
	check := func(what string, list ...change.Evidence) {
		f.Evidence = list
		digest := c.Digest(&f)
		if other, taken := seen[digest]; taken {
			t.Errorf("%s: rule %q: %s makes the same digest as %s", name, f.Rule, what, other)
		}
		seen[digest] = what
	}
	more := change.Evidence{What: "one more", Objects: []manifest.Ref{{Kind: "Ingress", Name: "pay"}}}
	check("a piece more", append(slices.Clone(known), more)...)
	for i := range known {
		check(fmt.Sprintf("piece %d away", i), slices.Delete(slices.Clone(known), i, i+1)...)
		with := slices.Clone(known)
		with[i].Objects = append(slices.Clone(with[i].Objects), more.Objects...)
		check(fmt.Sprintf("an object more in piece %d", i), with...)
		with = slices.Clone(known)
		with[i].Names = append(slices.Clone(with[i].Names), "one more")
		check(fmt.Sprintf("a name more in piece %d", i), with...)
		with = slices.Clone(known)
		with[i].Count += 7
		check(fmt.Sprintf("another number in piece %d", i), with...)
	}
}
