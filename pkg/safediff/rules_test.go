package safediff_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/linediff"
	"github.com/safe-diff/helm-safe-diff/pkg/noise"
	"github.com/safe-diff/helm-safe-diff/pkg/risk"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
	"github.com/safe-diff/helm-safe-diff/pkg/selectors"
	"github.com/safe-diff/helm-safe-diff/test/cases"
)

// TestRulesDocument holds docs/rules.md and the examples of `explain` against the
// tables of rules and the cases in which they fire.
func TestRulesDocument(t *testing.T) {
	fires := firing(t)
	var b strings.Builder
	b.WriteString("# Rules\n\n<!-- Written by `make generate` from pkg/risk, pkg/noise, pkg/selectors and testdata/cases. -->\n\n" +
		"What a report may warn of, worst class first. `helm safe-diff explain RULE` says the same.\n\n| rule | class | why |\n|---|---|---|\n")
	rules := risk.Rules()
	slices.SortFunc(rules, func(a, b rule.Rule) int {
		if c := a.Risk.Compare(b.Risk); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	for _, r := range rules {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", r.ID, r.ID, r.Risk, r.Why)
	}
	b.WriteString("\n## Filters\n\nWhat a report hides, and counts.\n\n| filter | why |\n|---|---|\n")
	for _, f := range noise.Filters() {
		fmt.Fprintf(&b, "| %s | %s |\n", f.ID, f.Why)
	}
	for _, r := range rules {
		list := fires[r.ID]
		if r.Risk == change.Policy { // no case has two policies
			writeRuleHead(&b, &r)
			fmt.Fprintf(&b, "\n```diff\n%s```\n", risk.Example(r.ID))
			continue
		}
		if len(list) == 0 {
			continue // TestEveryRuleAndFilterHasCases tells
		}
		slices.SortStableFunc(list, simplest)
		example := comment(list[0]) + "\n\n" + shown(list[0])
		same(t, filepath.Join("..", "risk", "examples", r.ID+".txt"), example)
		writeRule(&b, &r, list)
	}
	writeLabels(&b)
	same(t, filepath.Join("..", "..", "docs", "rules.md"), b.String())
	files, err := filepath.Glob(filepath.Join("..", "risk", "examples", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if id := strings.TrimSuffix(filepath.Base(file), ".txt"); fires[id] == nil && id != risk.PolicyChanged().ID {
			t.Errorf("%s is the example of no rule", file)
		}
	}
}

// writeLabels lists who looks at labels of an object itself.
func writeLabels(b *strings.Builder) {
	b.WriteString("\n## Labels that do something\n\n`metadata-labels` does not hide a label that somebody looks at. An object of one of these kinds does where its selector\n" +
		"names the label, and selects the object on one side of the upgrade only:\n\n")
	for _, k := range selectors.Kinds() {
		fmt.Fprintf(b, "- %s\n", k)
	}
	b.WriteString("\nThese labels are looked at without a selector:\n\n| label | of | who looks at it |\n|---|---|---|\n")
	for _, l := range noise.Labels() {
		name, kinds := "`"+l.Name+"`", strings.Join(l.Kinds, ", ")
		if l.General() {
			name = "any but the version of the chart"
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", name, cmp.Or(kinds, "any kind"), l.Who)
	}
}

// simplest puts the case first that shows most with the least: one that was measured,
// and a short one, of what manifests alone can tell.
func simplest(a, b *cases.Case) int {
	switch first, second := special(a), special(b); {
	case first && !second:
		return 1
	case second && !first:
		return -1
	}
	if (a.Unmeasured == "") != (b.Unmeasured == "") {
		return cmp.Compare(len(a.Unmeasured), len(b.Unmeasured))
	}
	return len(a.Old) + len(a.New) - len(b.Old) - len(b.New)
}

// special reports whether a case is about what is in a cluster besides, about a flag, or
// about how a stream is read.
func special(c *cases.Case) bool {
	return strings.HasPrefix(c.Name, "yaml/") || c.TakeOwnership || c.Cluster != "" || c.Live != "" && c.Live != c.Want
}

// comment returns what a case says of itself, without what it says to the tests.
func comment(c *cases.Case) string {
	var b strings.Builder
	for line := range strings.Lines(c.Comment) {
		if !strings.HasPrefix(line, "unmeasured:") && !strings.HasPrefix(line, "kube-version:") && !strings.HasPrefix(line, "versions:") && !strings.HasPrefix(line, "dead:") && !strings.HasPrefix(line, "record:") && !strings.HasPrefix(line, "remedy:") && strings.TrimSpace(line) != "take-ownership" {
			b.WriteString(line)
		}
	}
	return strings.TrimSpace(b.String())
}

// firing returns for each rule the cases in which it fires.
func firing(t *testing.T) map[string][]*cases.Case {
	t.Helper()
	list, err := cases.Load("../../testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	fires := map[string][]*cases.Case{}
	for i := range list {
		c := &list[i]
		set, err := safediff.Compare(context.Background(),
			safediff.Manifest{Name: "old.yaml", Text: c.Old}, safediff.Manifest{Name: "new.yaml", Text: c.New}, c.Options(false))
		if err != nil {
			t.Fatal(err)
		}
		again, err := safediff.Compare(context.Background(),
			safediff.Manifest{Name: "old.yaml", Text: c.Old}, safediff.Manifest{Name: "new.yaml", Text: c.New}, c.Options(true))
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range slices.Concat(set.Changes, again.Changes) {
			for _, f := range change.Findings {
				if !slices.Contains(fires[f.Rule], c) {
					fires[f.Rule] = append(fires[f.Rule], c)
				}
			}
		}
	}
	return fires
}

// shownCases is how many cases of a rule its documentation links.
const shownCases = 5

func writeRule(b *strings.Builder, r *rule.Rule, fires []*cases.Case) {
	writeRuleHead(b, r)
	links := make([]string, 0, shownCases)
	for _, c := range fires[:min(len(fires), shownCases)] {
		links = append(links, fmt.Sprintf("[%s](../testdata/cases/%s.txtar)", c.Name, c.Name))
	}
	if more := len(fires) - len(links); more > 0 {
		links = append(links, fmt.Sprintf("and %d more", more))
	}
	fmt.Fprintf(b, "- cases: %s\n\n```diff\n%s```\n", strings.Join(links, ", "), shown(fires[0]))
}

// writeRuleHead writes what a rule says of itself.
func writeRuleHead(b *strings.Builder, r *rule.Rule) {
	fmt.Fprintf(b, "\n### %s\n\n`%s`", r.ID, r.Risk)
	switch {
	case r.Risk == change.Version, r.Risk == change.Policy:
		b.WriteString(", which fails `chart` by default")
	case !change.DefaultFailOn().Names(r.Risk):
		b.WriteString(", which does not fail by default")
	}
	if len(r.Kinds) > 0 {
		fmt.Fprintf(b, "; %s", strings.Join(r.Kinds, ", "))
	}
	fmt.Fprintf(b, "\n\n- why: %s\n- what to do: %s\n", r.Why, r.Fix)
	if r.Instead != "" {
		fmt.Fprintf(b, "- in a rollback or an uninstall: %s\n", r.Instead)
	}
}

// shown is how the two sides of a case differ.
func shown(c *cases.Case) string {
	var dead strings.Builder
	for i := range c.Dead {
		fmt.Fprintf(&dead, "  %s: … # %s\n", c.Dead[i].Key, c.Dead[i].At)
	}
	text := contrast(c.Old, c.New) + dead.String()
	switch v := c.Versions; {
	case v == nil:
		return text
	case v.Old == v.New:
		return "  version: " + v.Old + " # Chart.yaml, on both sides\n" + text
	default:
		return "- version: " + v.Old + " # Chart.yaml\n+ version: " + v.New + "\n" + text
	}
}

// contrast shows how two manifests differ, with a few lines around.
func contrast(old, updated string) string {
	const around = 3
	a, b := linediff.Lines(ended(old)), linediff.Lines(ended(updated))
	var out bytes.Buffer
	shown := 0 // the old lines that are written
	write := func(mark string, lines []string) {
		for _, line := range lines {
			out.WriteString(mark + line)
		}
	}
	hunks := linediff.Diff(a, b)
	for i, h := range hunks {
		from := max(shown, h.OldFrom-around)
		if from > shown && shown > 0 || i == 0 && from > 0 {
			out.WriteString("  …\n")
		}
		write("  ", a[from:h.OldFrom])
		write("- ", a[h.OldFrom:h.OldTo])
		write("+ ", b[h.NewFrom:h.NewTo])
		end := min(len(a), h.OldTo+around)
		if i+1 < len(hunks) {
			end = min(end, hunks[i+1].OldFrom)
		}
		write("  ", a[h.OldTo:end])
		shown = end
	}
	if shown < len(a) {
		out.WriteString("  …\n")
	}
	return out.String()
}

func ended(text string) string { return strings.TrimRight(text, "\n") + "\n" }

// same holds a generated file against what it should be.
func same(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	is, err := os.ReadFile(file)
	if diff := gocmp.Diff(string(is), want); err != nil || diff != "" {
		t.Errorf("`make generate` would change %s (-is +would be): %v\n%s", file, err, diff)
	}
}
