package git

import (
	"context"
	"fmt"
	"path"
	"strings"
)

// Below lists the files of a commit below a folder, including links, as slash-separated
// paths from the top. Links that lead to the folder are followed, but not out of the
// commit: that is an error. The paths begin with the path of the folder. A missing folder
// has no files.
func (r *Repository) Below(ctx context.Context, commit, dir string) ([]string, error) {
	tree, err := r.folder(ctx, commit, dir)
	if err != nil || tree == "" {
		return nil, err
	}
	out, err := r.run(ctx, nil, "ls-tree", "-r", "-z", "--full-tree", tree)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, line := range list(out) {
		if about, file, found := strings.Cut(line, "\t"); found && !strings.HasPrefix(about, modeSubmodule) {
			files = append(files, path.Join(dir, file))
		}
	}
	return files, nil
}

// folder returns the object of a folder of a commit; "" if the folder is missing.
func (r *Repository) folder(ctx context.Context, commit, dir string) (string, error) {
	if dir == "." {
		return commit, nil
	}
	line, err := asked(commit, dir)
	if err != nil {
		return "", err
	}
	out, err := r.run(ctx, []byte(line), "cat-file", "--batch-check", "--follow-symlinks")
	if err != nil {
		return "", err
	}
	head, _, _ := strings.Cut(string(out), "\n")
	fields := strings.Fields(head)
	switch {
	case absent(head) || len(fields) == 0:
		return "", nil
	case len(fields) == 3 && fields[1] == "tree":
		return fields[0], nil
	}
	if err := unsuitable(fields, "folder"); err != nil {
		return "", fmt.Errorf("read %q out of git (commit %.12s): %w", dir, commit, err)
	}
	return "", nil
}

// Submodules returns the submodules of a commit, and those of the index, which is what the
// next commit has: the commit of each submodule by its path.
func (r *Repository) Submodules(ctx context.Context, commit string) (before, now map[string]string, err error) {
	then, err := r.run(ctx, nil, "ls-tree", "-r", "-z", "--full-tree", commit)
	if err != nil {
		return nil, nil, err
	}
	index, err := r.run(ctx, nil, "ls-files", "-z", "--stage")
	// "MODE TYPE OBJECT\tPATH" (git-ls-tree(1)), "MODE OBJECT STAGE\tPATH" (git-ls-files(1))
	return submodules(then, 2), submodules(index, 1), err
}

// submodules picks the submodules out of a list. place is the position of their commit
// among the fields before the path.
func submodules(out []byte, place int) map[string]string {
	found := map[string]string{}
	for _, line := range list(out) {
		about, name, _ := strings.Cut(line, "\t")
		if fields := strings.Fields(about); len(fields) == 3 && fields[0] == modeSubmodule {
			found[name] = fields[place]
		}
	}
	return found
}

// Refs lists branches, remote branches and tags.
func (r *Repository) Refs(ctx context.Context) ([]string, error) {
	out, err := r.run(ctx, nil, "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/remotes", "refs/tags")
	return strings.Fields(string(out)), err
}
