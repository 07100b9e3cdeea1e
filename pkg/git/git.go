// Package git reads files of an earlier commit from a repository, through the git
// executable and its objects. It makes no worktree, and changes nothing in the repository.
// It knows nothing about charts.
package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Repository is a repository that is checked out.
type Repository struct {
	// Root is the top of the working tree, as an absolute path without links.
	Root string
}

// hinted is an error with a hint about what to do.
type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

// Hint returns one clause that says what to do instead.
func (h *hinted) Hint() string { return h.hint }

// Open finds the repository that contains a folder.
func Open(ctx context.Context, dir string) (*Repository, error) {
	if _, err := exec.LookPath("git"); err != nil {
		return nil, &hinted{errors.New("the base version is read through git, which is not in PATH"), "install git, or compare two folders: `local OLD_CHART NEW_CHART`"}
	}
	out, err := (&Repository{Root: dir}).run(ctx, nil, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, fmt.Errorf("find the git repository of %q: %w", dir, err)
	}
	root := filepath.FromSlash(strings.TrimSuffix(string(out), "\n"))
	return &Repository{Root: root}, nil
}

// fetch is the hint for a missing commit.
const fetch = "`git fetch` it first; in CI, fetch more than the last commit (fetch-depth: 0 of actions/checkout, GIT_DEPTH: 0 in GitLab)"

// Commit returns the commit that a branch, tag or other reference names.
func (r *Repository) Commit(ctx context.Context, ref string) (string, error) {
	out, err := r.run(ctx, nil, "rev-parse", "--verify", "--quiet", "--end-of-options", ref+"^{commit}")
	if err != nil {
		return "", &hinted{fmt.Errorf("git knows no commit %q here", ref), fetch}
	}
	return strings.TrimSpace(string(out)), nil
}

// MergeBase returns the commit at which HEAD left ref, which is what `git diff REF...HEAD`
// compares with.
func (r *Repository) MergeBase(ctx context.Context, ref string) (string, error) {
	if _, err := r.Commit(ctx, ref); err != nil {
		return "", err
	}
	out, err := r.run(ctx, nil, "merge-base", "--end-of-options", ref, "HEAD")
	if err != nil {
		return "", &hinted{fmt.Errorf("git knows no commit that %q and HEAD have in common", ref), fetch}
	}
	return strings.TrimSpace(string(out)), nil
}

// Superproject returns the working tree of which this repository is a submodule; "" if it
// is not a submodule.
func (r *Repository) Superproject(ctx context.Context) (string, error) {
	out, err := r.run(ctx, nil, "rev-parse", "--show-superproject-working-tree")
	return strings.TrimSuffix(string(out), "\n"), err
}

// Tracked reports whether git tracks a file of the working tree, given as a slash-separated
// path from the top.
func (r *Repository) Tracked(ctx context.Context, name string) (bool, error) {
	out, err := r.run(ctx, nil, "ls-files", "-z", "--cached", "--", ":(top,literal)"+name)
	return len(out) > 0, err
}

// Files lists the files of a commit, as slash-separated paths from the top.
func (r *Repository) Files(ctx context.Context, commit string) ([]string, error) {
	out, err := r.run(ctx, nil, "ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)
	return list(out), err
}

// Present lists the files of the working tree, without those that git ignores.
func (r *Repository) Present(ctx context.Context) ([]string, error) {
	out, err := r.run(ctx, nil, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	return list(out), err
}

// Changed lists the files in which the working tree differs from a commit, including those
// that are not added yet.
func (r *Repository) Changed(ctx context.Context, commit string) ([]string, error) {
	tracked, err := r.run(ctx, nil, "diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--ignore-submodules", commit, "--")
	if err != nil {
		return nil, err
	}
	others, err := r.run(ctx, nil, "ls-files", "-z", "--others", "--exclude-standard")
	return slices.Concat(list(tracked), list(others)), err
}

func list(out []byte) []string {
	files := strings.Split(string(out), "\x00")
	slices.Sort(files)
	return slices.DeleteFunc(slices.Compact(files), func(f string) bool { return f == "" })
}

// run runs git at the top of the repository and returns what it prints.
func (r *Repository) run(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	var out, complaint bytes.Buffer
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = r.Root, bytes.NewReader(stdin), &out, &complaint
	cmd.Env = append(cmd.Environ(), "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0")
	if err := cmd.Run(); err != nil {
		said, _, _ := strings.Cut(strings.TrimSpace(complaint.String()), "\n")
		if said == "" {
			said = err.Error()
		}
		return nil, fmt.Errorf("git %s: %s", args[0], strings.TrimPrefix(said, "fatal: "))
	}
	return out.Bytes(), nil
}
