package git_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/git"
)

func TestBelow(t *testing.T) {
	dir := in(t, map[string]string{
		"prod/b/one.yaml": "1", "prod/b.yaml": "2", "prod/a folder/ü.yaml": "3", "prod/link.yaml": "-> b.yaml", "prod/linked": "-> b", "top.yaml": "4",
		"current": "-> prod", "deep/current": "-> ../current/b", "dangling": "-> nowhere", "loop": "-> loop", "out": "-> ../..", "absolute": "-> /etc",
	})
	repo, err := git.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	commit, err := repo.Commit(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "prod")); err != nil { // the working tree does not count
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"prod": "prod/a folder/ü.yaml prod/b.yaml prod/b/one.yaml prod/link.yaml prod/linked", "prod/b": "prod/b/one.yaml",
		"current": "current/a folder/ü.yaml current/b.yaml current/b/one.yaml current/link.yaml current/linked", "deep/current": "deep/current/one.yaml",
		"current/linked": "current/linked/one.yaml", "nowhere": "", "no where": "", "dangling": "", "top.yaml/below": "",
	} {
		got, err := repo.Below(t.Context(), commit, name)
		slices.Sort(got)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
	if all, err := repo.Below(t.Context(), commit, "."); err != nil || len(all) != 12 {
		t.Errorf("all: %q, %v", all, err)
	}
	for name, want := range map[string]string{
		"top.yaml": "it is a blob, not a folder", "loop": "its links lead in a circle", "out": "leads out of the repository",
		"absolute": "leads out of the repository", "two\nlines": "its path has a line break",
	} {
		if got, err := repo.Below(t.Context(), commit, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
	if refs, err := repo.Refs(t.Context()); err != nil || !slices.Equal(refs, []string{"main"}) {
		t.Errorf("references: %q, %v", refs, err)
	}
	if before, now, err := repo.Submodules(t.Context(), commit); err != nil || len(before)+len(now) > 0 {
		t.Errorf("submodules: %v, %v, %v", before, now, err)
	}
}
