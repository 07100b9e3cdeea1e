package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// Tree is a folder into which parts of a commit are written.
type Tree struct {
	repository *Repository
	commit     string
	root       *os.Root
	done       map[string]bool
}

// Tree returns a tree of a commit in dir, an empty folder.
func (r *Repository) Tree(commit, dir string) (*Tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Tree{repository: r, commit: commit, root: root, done: map[string]bool{}}, nil
}

// Close ends the use of the tree; what it holds stays.
func (t *Tree) Close() error { return t.root.Close() }

// entry is a file of a commit.
type entry struct{ mode, object, path string }

// links in a repository that are not files.
const (
	modeLink      = "120000"
	modeSubmodule = "160000"
)

// Extract writes what the commit has below a path, and what links in it point to. A
// path that is not there adds nothing.
func (t *Tree) Extract(ctx context.Context, name string) error {
	if name = path.Clean(name); t.done[name] || t.done["."] || name == ".." || strings.HasPrefix(name, "../") {
		return nil
	}
	t.done[name] = true
	entries, err := t.entries(ctx, name)
	if err != nil {
		return err
	}
	contents, err := t.contents(ctx, entries)
	if err != nil {
		return err
	}
	for i, e := range entries {
		if err := t.write(e, contents[i]); err != nil {
			return fmt.Errorf("take %q out of git: %w", e.path, err)
		}
		if e.mode == modeLink {
			if err := t.Extract(ctx, path.Join(path.Dir(e.path), string(contents[i]))); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Tree) entries(ctx context.Context, name string) ([]entry, error) {
	args := []string{"ls-tree", "-r", "-z", "--full-tree", t.commit}
	if name != "." {
		args = append(args, "--", name)
	}
	out, err := t.repository.run(ctx, nil, args...)
	if err != nil {
		return nil, err
	}
	var entries []entry
	for line := range strings.SplitSeq(string(out), "\x00") {
		about, file, _ := strings.Cut(line, "\t")
		if fields := strings.Fields(about); len(fields) == 3 && fields[0] != modeSubmodule {
			entries = append(entries, entry{fields[0], fields[2], file})
		}
	}
	return entries, nil
}

// contents reads the objects of all entries at once.
func (t *Tree) contents(ctx context.Context, entries []entry) ([][]byte, error) {
	var wanted bytes.Buffer
	for _, e := range entries {
		wanted.WriteString(e.object + "\n")
	}
	out, err := t.repository.run(ctx, wanted.Bytes(), "cat-file", "--batch")
	if err != nil {
		return nil, err
	}
	contents := make([][]byte, len(entries))
	for i, e := range entries {
		head, rest, _ := bytes.Cut(out, []byte("\n"))
		var object, kind string
		var size int
		if n, _ := fmt.Sscan(string(head), &object, &kind, &size); n < 3 || size < 0 || size >= len(rest) {
			return nil, fmt.Errorf("git does not have the content of %q (a partial clone?)", e.path)
		}
		contents[i], out = rest[:size], rest[size+1:]
	}
	return contents, nil
}

func (t *Tree) write(e entry, content []byte) error {
	if err := t.root.MkdirAll(path.Dir(e.path), 0o755); err != nil {
		return err
	}
	if e.mode == modeLink {
		err := t.root.Symlink(string(content), e.path)
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return err
	}
	return t.root.WriteFile(e.path, content, 0o644)
}
