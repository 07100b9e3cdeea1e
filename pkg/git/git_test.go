package git_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/git"
)

// in makes a repository with one commit of the files; a content "-> x" is a link.
func in(t *testing.T, files map[string]string) string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		target, link := strings.CutPrefix(text, "-> ")
		if link {
			err = os.Symlink(target, path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range map[string]string{
		"GIT_AUTHOR_NAME": "team", "GIT_AUTHOR_EMAIL": "team@example.com", "GIT_COMMITTER_NAME": "team", "GIT_COMMITTER_EMAIL": "team@example.com",
		"GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_NOSYSTEM": "1",
	} {
		t.Setenv(name, value)
	}
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", "."}, {"commit", "-q", "-m", "base"}} {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	return dir
}

func TestExtract(t *testing.T) {
	const odd = "chart/ein Name\twith ü.yaml"
	dir := in(t, map[string]string{
		"chart/Chart.yaml": "name: chart\n", "chart/empty": "", odd: "a\x00b\n", "chart/templates/lib": "-> ../../shared",
		"chart/outside": "-> ../../../../etc/hostname", "chart/round": "-> ../chart", "shared/lib.tpl": "lib\n", "other/secret": "no\n",
		".gitattributes": "chart/empty export-ignore\n",
	})
	repo, err := git.Open(t.Context(), filepath.Join(dir, "chart"))
	if err != nil {
		t.Fatal(err)
	}
	if repo.Root != dir {
		t.Errorf("the top is %q, want %q", repo.Root, dir)
	}
	// Files that the working tree has by now are not part of the commit.
	if err := os.WriteFile(filepath.Join(dir, "shared/lib.tpl"), []byte("later\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	commit, err := repo.MergeBase(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	tree, err := repo.Tree(commit, out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tree.Close() })
	for _, name := range []string{"chart", "chart", "nowhere", "../chart"} {
		if err := tree.Extract(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"chart/Chart.yaml": "name: chart\n", "chart/empty": "", odd: "a\x00b\n", "chart/templates/lib/lib.tpl": "lib\n"} {
		if got, err := os.ReadFile(filepath.Join(out, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(out, "other")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a folder is there that nobody asked for")
	}
	changed, err := repo.Changed(t.Context(), commit)
	if err != nil || !slices.Equal(changed, []string{"shared/lib.tpl"}) {
		t.Errorf("changed: %v, %v", changed, err)
	}
}

func TestNoGit(t *testing.T) {
	t.Setenv("PATH", "")
	_, err := git.Open(t.Context(), ".")
	var hinting interface{ Hint() string }
	if err == nil || !strings.Contains(err.Error(), "git, which is not in PATH") || !errors.As(err, &hinting) {
		t.Errorf("without git: %v", err)
	}
}

func TestOptionsAreNoReferences(t *testing.T) {
	repo, err := git.Open(t.Context(), in(t, map[string]string{"a": "a"}))
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{"--all", "-h", "nowhere", ""} {
		if commit, err := repo.MergeBase(t.Context(), ref); err == nil {
			t.Errorf("%q is taken for %s", ref, commit)
		}
	}
}
