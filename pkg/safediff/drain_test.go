package safediff_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

// TestDrainCases holds what a drain meets against testdata/drain.
func TestDrainCases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../testdata/drain/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			archive := txtar.Parse(text)
			section, want := map[string]string{}, -1
			for i, f := range archive.Files {
				section[f.Name] = string(f.Data)
				if f.Name == "want" {
					want = i
				}
			}
			if want < 0 {
				t.Fatal("no section want")
			}
			updated := safediff.Manifest{Name: "new.yaml", Text: section["new.yaml"]}
			old := updated
			if before, differs := section["old.yaml"]; differs {
				old = safediff.Manifest{Name: "old.yaml", Text: before}
			}
			opts := safediff.Options{Namespace: "demo", Cluster: []safediff.Manifest{{Name: "cluster.yaml", Text: section["cluster.yaml"]}}}
			found, err := safediff.Drain(t.Context(), old, updated, opts, nil)
			if err != nil {
				t.Fatal(err)
			}
			failOn, err := change.ParseFailOn("breaking", nil)
			if err != nil {
				t.Fatal(err)
			}
			var page bytes.Buffer
			if err := report.DrainFormats()[0].Write(&page, &found, report.Options{FailOn: failOn, ExitCode: found.ExitCode(failOn)}); err != nil {
				t.Fatal(err)
			}
			if got := page.String(); got != section["want"] {
				if *update {
					archive.Files[want].Data = page.Bytes()
					if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
						t.Fatal(err)
					}
					return
				}
				t.Errorf("got\n%s\nwant\n%s", got, section["want"])
			}
		})
	}
}
