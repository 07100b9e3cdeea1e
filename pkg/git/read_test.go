package git_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/git"
)

func TestRead(t *testing.T) {
	dir := in(t, map[string]string{
		"policy.yaml": "one\n", "empty": "", "a folder/x y.yaml": "two\nlines",
		"link": "-> a folder/x y.yaml", "linked": "-> a folder", "deep/link": "-> ../link",
		"dangling": "-> nowhere", "loop": "-> loop", "out": "-> ../../etc/hostname", "absolute": "-> /etc/hostname",
	})
	repo, err := git.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	commit, err := repo.Commit(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "policy.yaml")); err != nil { // the working tree does not count
		t.Fatal(err)
	}
	names := []string{"policy.yaml", "nowhere.yaml", "empty", "a folder/x y.yaml", "link", "linked/x y.yaml",
		"deep/link", "dangling", "policy.yaml/below", "no/such folder/x"}
	got, err := repo.Read(t.Context(), commit, names)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"one\n", "-", "", "two\nlines", "two\nlines", "two\nlines", "two\nlines", "-", "-", "-"} {
		if text := string(got[i]); (got[i] == nil) != (want == "-") || got[i] != nil && text != want {
			t.Errorf("%s: %q, want %q", names[i], text, want)
		}
	}
	for name, want := range map[string]string{
		"a folder": "it is a tree, not a file", "loop": "its links lead in a circle", "out": "leads out of the repository",
		"absolute": "leads out of the repository", "two\nlines": "its path has a line break",
	} {
		if got, err := repo.Read(t.Context(), commit, []string{name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
	for name, want := range map[string]bool{"empty": true, "a folder/x y.yaml": true, "nowhere": false, "*": false} {
		if is, err := repo.Tracked(t.Context(), name); is != want || err != nil {
			t.Errorf("%s is tracked: %v, %v", name, is, err)
		}
	}
}

func TestSuperproject(t *testing.T) {
	dir := in(t, map[string]string{"a": "a"})
	repo, err := git.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if above, err := repo.Superproject(t.Context()); above != "" || err != nil {
		t.Errorf("%q, %v for a repository of its own", above, err)
	}
}
