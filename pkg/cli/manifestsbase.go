package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/safe-diff/helm-safe-diff/pkg/git"
	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/nearest"
)

// based is a folder of rendered manifests in a repository, and the commit with which it is
// compared.
type based struct {
	pull
	// base is what the user calls the commit, dir what the user calls the folder.
	base, dir string
	// rel is the folder from the top of the repository, slash-separated, links not followed: they
	// may lead elsewhere in the commit.
	rel string
}

// readBased reads the manifests below a folder, as git has them where HEAD left base, and as they
// are in the working tree. named are other files that are about to be read.
func readBased(ctx context.Context, base, dir string, named []string) (old, updated fileSet, err error) {
	repo, err := git.Open(ctx, ".")
	if err != nil {
		return old, updated, fmt.Errorf("--base %s: %w", base, err)
	}
	b := based{pull: pull{repo: repo}, base: base, dir: dir}
	if err := b.checkNamed(named...); err != nil {
		return old, updated, err
	}
	if b.commit, err = repo.MergeBase(ctx, base); err != nil {
		return old, updated, fmt.Errorf("--base %s: %w", base, nearestRef(ctx, repo, base, err))
	}
	if b.rel, err = unfollowed(repo.Root, dir); err != nil {
		return old, updated, err
	}
	if updated, err = b.now(ctx); err != nil {
		return old, updated, err
	}
	if old, err = b.then(ctx); err != nil {
		return old, updated, err
	}
	if len(old.files)+len(updated.files) == 0 {
		err = fmt.Errorf("read manifests %q: there is no .yaml, .yml or .json file in it, here or in %s", dir, base)
	}
	return old, updated, err
}

// unfollowed returns the path of a folder from the top of its repository. Links are followed
// only as far as they lead to the top.
func unfollowed(root, dir string) (string, error) {
	full, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	var above []string
	for at := full; ; at = filepath.Dir(at) {
		above = append(above, at)
		if at == filepath.Dir(at) {
			break
		}
	}
	top := realPath(root)
	for _, at := range slices.Backward(above) {
		if realPath(at) != top {
			continue
		}
		rel, err := filepath.Rel(at, full)
		return filepath.ToSlash(rel), err
	}
	return "", fmt.Errorf("read manifests %q: it is not in the repository %q", dir, root)
}

// then reads the files of the commit.
func (b *based) then(ctx context.Context) (fileSet, error) {
	set := fileSet{name: b.base + ":" + b.rel}
	all, err := b.repo.Below(ctx, b.commit, b.rel)
	if err != nil {
		return set, err
	}
	files := manifestsAmong(all)
	texts, err := b.repo.Read(ctx, b.commit, files)
	if err != nil {
		return set, err
	}
	for i, file := range files {
		if texts[i] == nil {
			return set, fmt.Errorf("read %s:%s: it is a link that leads to nothing", b.base, file)
		}
		set.files = append(set.files, b.file(file, b.rel, b.base+":"+file, string(texts[i])))
	}
	return set, nil
}

// now reads the files of the working tree that git does not ignore.
func (b *based) now(ctx context.Context) (fileSet, error) {
	set := fileSet{name: b.dir}
	folder, err := helm.Inside(b.repo.Root, b.here(b.rel))
	if errors.Is(err, fs.ErrNotExist) {
		return set, b.checkSubmodules(ctx, b.rel, nil)
	}
	if err != nil {
		return set, fmt.Errorf("read manifests %q: it leads out of the repository, or to nothing", b.dir)
	}
	if info, err := os.Stat(folder); err == nil && !info.IsDir() {
		return set, fmt.Errorf("read manifests %q: it is a file; --base takes a folder", b.dir)
	}
	rel, err := filepath.Rel(realPath(b.repo.Root), folder)
	if err != nil {
		return set, err
	}
	rel = filepath.ToSlash(rel)
	all, err := b.repo.Present(ctx)
	if err != nil {
		return set, err
	}
	all = slices.DeleteFunc(all, func(file string) bool { return !within(file, rel) })
	if err := b.checkSubmodules(ctx, rel, all); err != nil {
		return set, err
	}
	for _, file := range manifestsAmong(all) {
		if _, err := os.Lstat(b.here(file)); errors.Is(err, fs.ErrNotExist) {
			continue // deleted, and git has not been told yet
		}
		f := b.file(file, rel, "", "")
		f.name = filepath.Join(b.dir, filepath.FromSlash(f.rel))
		text, err := helm.ReadInside(b.repo.Root, b.here(file))
		if err != nil {
			return set, fmt.Errorf("read %q: %w", f.name, unlocated(err))
		}
		f.text = string(text)
		set.files = append(set.files, f)
	}
	return set, nil
}

// file is a file of one side, of which rel is the folder.
func (b *based) file(file, rel, name, text string) manifestFile {
	below := file
	if rel != "." {
		below = strings.TrimPrefix(file, rel+"/")
	}
	return manifestFile{name: name, rel: below, text: text, at: path.Join(b.rel, below)}
}

// unlocated is an error about a file without its path, which is one of this machine.
func unlocated(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return errors.New("it leads out of the repository, or to nothing")
}

// checkSubmodules makes sure that no repository of its own below the folder has changed:
// nothing in it is read. present are the files of the working tree; of a repository that is
// not added to this one git lists no more than its folder.
func (b *based) checkSubmodules(ctx context.Context, rel string, present []string) error {
	before, now, err := b.repo.Submodules(ctx, b.commit)
	if err != nil {
		return err
	}
	changed := slices.DeleteFunc(slices.Concat(slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(now))), func(name string) bool { return before[name] == now[name] })
	for _, name := range present {
		if strings.HasSuffix(name, "/") {
			changed = append(changed, strings.TrimSuffix(name, "/"))
		}
	}
	for _, name := range changed {
		if within(name, b.rel) || within(name, rel) {
			return &usageError{fmt.Errorf("%q in %q is a repository of its own, and has changed: manifests in it are not compared", name, b.dir), "judge it in its own working folder, or name folders beside it"}
		}
	}
	return nil
}

// manifestsAmong picks files with manifests, in the order in which `kubectl apply -R` reads them
// (ExpandPathsToFileVisitors in k8s.io/cli-runtime/pkg/resource): folder by folder, each by name.
// It follows links to files, and enters no link to a folder.
func manifestsAmong(files []string) []string {
	list := slices.DeleteFunc(slices.Clone(files), func(file string) bool { return !isManifest(file) })
	slices.SortFunc(list, func(a, b string) int {
		return cmp.Or(slices.Compare(strings.Split(a, "/"), strings.Split(b, "/")), strings.Compare(a, b))
	})
	return list
}

// nearestRef adds to an error about a reference of git the one that may have been meant.
func nearestRef(ctx context.Context, repo *git.Repository, ref string, err error) error {
	var hinting interface{ Hint() string }
	refs, listed := repo.Refs(ctx)
	near := nearest.Of(ref, refs)
	if listed != nil || near == "" || near == ref || !errors.As(err, &hinting) {
		return err
	}
	return &usageError{err, fmt.Sprintf("did you mean %s? If not, %s", near, hinting.Hint())}
}

// completeRefs makes the shell offer what git has of branches and tags for a flag.
func completeRefs(cmd *cobra.Command, flag string, besides ...string) {
	// It fails only for a flag that is not there.
	_ = cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		repo, err := git.Open(cmd.Context(), ".")
		if err != nil {
			return besides, cobra.ShellCompDirectiveNoFileComp
		}
		refs, err := repo.Refs(cmd.Context())
		if err != nil {
			refs = nil
		}
		return append(slices.Clone(besides), refs...), cobra.ShellCompDirectiveNoFileComp
	})
}
