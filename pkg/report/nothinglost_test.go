package report_test

import (
	"bytes"
	"context"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

const cases = "../../testdata/cases"

// TestNothingLost compares the text report of every case with the findings of the set: each
// object with a finding of a class that fails a run is named, with the cause, however short
// the report is.
func TestNothingLost(t *testing.T) {
	var files []string
	err := filepath.WalkDir(cases, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".txtar") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []change.Change
	objects := 0
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		set, err := safediff.Compare(context.Background(), safediff.Manifest{Name: "old.yaml", Text: section(archive, "old.yaml")},
			safediff.Manifest{Name: "new.yaml", Text: section(archive, "new.yaml")}, safediff.Options{Namespace: "demo"})
		if err != nil {
			continue // the case needs input that this call cannot take
		}
		objects += nothingLost(t, file, &set)
		if len(all) < 400 {
			all = append(all, set.Changes...)
		}
	}
	if objects < 800 {
		t.Errorf("the cases have only %d objects with findings that fail a run", objects)
	}
	for letter := range 26 { // the same happens to all of them
		c := object("Deployment", string(rune('a'+letter))+"-worker", edit("a", "x", "y"))
		c.Findings = []change.Finding{{Rule: "r", Risk: change.Downtime, Message: "no pod is ready"}}
		all = append(all, c)
	}
	large := change.Set{Changes: all}
	nothingLost(t, "many cases in one report", &large)
}

// nothingLost looks for each object at risk in the blocks of the text report, and returns
// how many there are.
func nothingLost(t *testing.T, name string, set *change.Set) int {
	t.Helper()
	var page bytes.Buffer
	failOn := change.DefaultFailOn()
	if err := report.Formats()[0].Write(&page, set, report.Options{FailOn: failOn}); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	acceptable(t, name, set, page.String())
	list := blocksOf(page.String())
	objects := 0
	for i := range set.Changes {
		c := &set.Changes[i]
		for j := range c.Findings {
			f := &c.Findings[j]
			if !failOn.Fails(f) {
				continue
			}
			objects++
			causes := []string{f.Message}
			if f.Risk == change.Restart && c.Outcome.Pods != nil && c.Outcome.Pods.Cause != "" {
				causes = append(causes, c.Outcome.Pods.Cause)
			}
			if !told(list, c, causes) {
				t.Errorf("%s: %s %s is not told: %s (%s)\n%s", name, f.Rule, c.Ref, f.Message, causes[len(causes)-1], page.String())
			}
		}
	}
	return objects
}

var acceptLine = regexp.MustCompile(`accept REPORT.json --rule (\S+) --object (\S+) --reason`)

// acceptable checks that each command that the report offers accepts a finding of the set.
func acceptable(t *testing.T, name string, set *change.Set, page string) {
	t.Helper()
	found := map[string]bool{}
	for i := range set.Changes {
		for _, f := range set.Changes[i].Findings {
			ref := set.Changes[i].Ref
			found[f.Rule+" "+strings.ReplaceAll(ref.Kind+"/"+ref.Namespace+"/"+ref.Name, "//", "/")] = true
		}
	}
	for _, m := range acceptLine.FindAllStringSubmatch(page, -1) {
		if !found[m[1]+" "+m[2]] {
			t.Errorf("%s: nothing is found of rule %s about %s:\n%s", name, m[1], m[2], page)
		}
	}
}

// blocksOf cuts a report into lines with what is indented below them.
func blocksOf(text string) []string {
	var list []string
	for line := range strings.Lines(text) {
		if len(list) > 0 && strings.HasPrefix(line, " ") {
			list[len(list)-1] += line
			continue
		}
		list = append(list, line)
	}
	return list
}

var digits = regexp.MustCompile(`\d+`)

// told reports whether one of the blocks names an object and one of the causes. Objects of
// one block differ only in their names and numbers.
func told(blocks []string, c *change.Change, causes []string) bool {
	plain := func(s string) string { return digits.ReplaceAllString(s, "0") }
	for _, block := range blocks {
		title, _, _ := strings.Cut(block, "\n")
		if !strings.Contains(plain(title), plain(c.Ref.Name)) {
			continue
		}
		for _, cause := range causes {
			words := strings.FieldsFunc(cause, func(r rune) bool { return r == ' ' || r == ',' })
			missing := 0
			for _, word := range words {
				if !strings.Contains(plain(block), plain(word)) && !strings.Contains(word, c.Ref.Name) {
					missing++
				}
			}
			// In a block of several objects, names that are derived from the object's own name
			// differ.
			if missing == 0 || strings.Contains(title, " ×") && missing < (len(words)+1)/2 {
				return true
			}
		}
	}
	return false
}
