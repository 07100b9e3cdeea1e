package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Tree is a folder into which parts of a commit are written.
type Tree struct {
	repository *Repository
	commit     string
	root       *os.Root
	files      map[string]entry // of the commit, by path; nil until they are needed
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

// Close ends the use of the tree. The files stay.
func (t *Tree) Close() error { return t.root.Close() }

// entry is a file of a commit.
type entry struct{ mode, object, path string }

// Links in a repository, which are not files.
const (
	modeLink      = "120000"
	modeSubmodule = "160000"
)

// Extract writes what the commit has below a path, and the targets of links in it or on the
// way to it. A missing path adds nothing, and neither does a path that leads out of the
// commit.
func (t *Tree) Extract(ctx context.Context, name string) error { return t.extract(ctx, name, 0) }

// maxLinks is how many links may follow each other. More than that is a loop, as in Linux.
const maxLinks = 40

func (t *Tree) extract(ctx context.Context, name string, links int) error {
	if name = path.Clean(name); links > maxLinks || t.done[name] || t.done["."] || path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../") {
		return nil
	}
	t.done[name] = true
	if err := t.list(ctx); err != nil {
		return err
	}
	entries := t.below(name)
	contents, err := t.repository.contents(ctx, entries)
	if err != nil {
		return err
	}
	for i, e := range entries {
		if err := t.write(e, contents[i]); err != nil {
			return fmt.Errorf("take %q out of git: %w", e.path, err)
		}
		if e.mode != modeLink || path.IsAbs(string(contents[i])) {
			continue
		}
		target := path.Join(path.Dir(e.path), string(contents[i]))
		if rest, beyond := strings.CutPrefix(name, e.path+"/"); beyond {
			target = path.Join(target, rest)
		}
		if err := t.extract(ctx, target, links+1); err != nil {
			return err
		}
	}
	return nil
}

// Read returns files of the commit that are not links, in the order of their names. It
// leaves out missing files.
func (t *Tree) Read(ctx context.Context, names []string) ([][]byte, error) {
	if err := t.list(ctx); err != nil {
		return nil, err
	}
	var entries []entry
	for _, name := range names {
		if e, there := t.files[name]; there && e.mode != modeLink {
			entries = append(entries, e)
		}
	}
	return t.repository.contents(ctx, entries)
}

// list reads which files the commit has.
func (t *Tree) list(ctx context.Context) error {
	if t.files != nil {
		return nil
	}
	out, err := t.repository.run(ctx, nil, "ls-tree", "-r", "-z", "--full-tree", t.commit)
	if err != nil {
		return err
	}
	t.files = map[string]entry{}
	for line := range strings.SplitSeq(string(out), "\x00") {
		about, file, _ := strings.Cut(line, "\t")
		if fields := strings.Fields(about); len(fields) == 3 && fields[0] != modeSubmodule {
			t.files[file] = entry{fields[0], fields[2], file}
		}
	}
	return nil
}

// below returns the files at a path or below it, in the order of their names. If the path
// goes through a link, it returns the link.
func (t *Tree) below(name string) []entry {
	for end, c := range name {
		if e, there := t.files[name[:end]]; c == '/' && there && e.mode == modeLink {
			return []entry{e}
		}
	}
	var entries []entry
	for file, e := range t.files {
		if name == "." || file == name || strings.HasPrefix(file, name+"/") {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.path, b.path) })
	return entries
}

// contents reads the objects of all entries at once.
func (r *Repository) contents(ctx context.Context, entries []entry) ([][]byte, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	var wanted bytes.Buffer
	for _, e := range entries {
		wanted.WriteString(e.object + "\n")
	}
	out, err := r.run(ctx, wanted.Bytes(), "cat-file", "--batch")
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
