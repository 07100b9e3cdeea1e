package safediff

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

var update = flag.Bool("update", false, "write what the program says into the cases")

const casesDir = "../../testdata/cases"

// TestCases holds the judgement against the specification.
func TestCases(t *testing.T) {
	for _, file := range caseFiles(t) {
		name, err := filepath.Rel(casesDir, file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.ToSlash(name), ".txtar"), func(t *testing.T) { runCase(t, file) })
	}
}

func caseFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(casesDir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".txtar") {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s: %v", casesDir, err)
	}
	return files
}

func runCase(t *testing.T, file string) {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(archive.Comment)) == "" {
		t.Error("the case does not say what it shows")
	}
	sections := map[string]string{}
	for _, f := range archive.Files {
		sections[f.Name] = string(f.Data)
	}
	set, err := Compare(context.Background(),
		Manifest{"old.yaml", sections["old.yaml"]}, Manifest{"new.yaml", sections["new.yaml"]},
		Options{
			Namespace: "demo", Release: change.Release{Name: "shop", Namespace: "demo"},
			KubeVersion: kubeVersionOf(string(archive.Comment)),
		})
	if err != nil {
		t.Fatal(err)
	}
	got := said(&set)
	if *update {
		archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
		archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(got)})
		if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(sections["want"], got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func kubeVersionOf(comment string) string {
	for line := range strings.Lines(comment) {
		if version, found := strings.CutPrefix(line, "kube-version:"); found {
			return strings.TrimSpace(version)
		}
	}
	return ""
}

// said writes down what the program says, in the words of testdata/cases/README.md.
func said(set *change.Set) string {
	unchecked := map[string]bool{}
	for _, n := range set.Unchecked {
		unchecked[n.Ref.String()] = true
	}
	var lines []string
	for i := range set.Changes {
		c := &set.Changes[i]
		words := []string{fmt.Sprintf("%s %s/%s: %s", risksOf(c), c.Ref.Kind, c.Ref.Name, c.Op)}
		if p := c.Outcome.Pods; p != nil {
			switch {
			case p.Replaced && p.Affected < 0:
				words = append(words, "? replaced")
			case p.Replaced:
				words = append(words, fmt.Sprintf("%d replaced", p.Affected))
			}
			if p.AllDown {
				words = append(words, "down")
			}
		}
		for _, e := range c.Outcome.Refused {
			field := e.Field
			if field == "" {
				field = "-"
			}
			words = append(words, "refused "+field)
		}
		if c.Outcome.Unreached {
			words = append(words, "unreached")
		}
		if unchecked[c.Ref.String()] {
			words = append(words, "unchecked")
		}
		if len(c.Outcome.Ignored) > 0 {
			words = append(words, "ignored")
		}
		lines = append(lines, strings.Join(words, ", ")+"\n")
	}
	slices.SortFunc(lines, func(a, b string) int {
		_, ra, _ := strings.Cut(a, " ")
		_, rb, _ := strings.Cut(b, " ")
		return strings.Compare(ra, rb)
	})
	return strings.Join(lines, "")
}

func risksOf(c *change.Change) string {
	if c.Hidden() {
		return "hidden"
	}
	risks := c.Risks()
	if len(risks) == 0 {
		return "safe"
	}
	names := make([]string, len(risks))
	for i, r := range risks {
		names[i] = string(r)
	}
	return strings.Join(names, ",")
}
