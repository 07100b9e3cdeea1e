package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/git"
	"github.com/safe-diff/helm-safe-diff/pkg/helm"
)

// pull is a working tree and the commit that it is compared with. Paths are
// slash-separated and begin at the top of the repository.
type pull struct {
	repo    *git.Repository
	commit  string
	before  []string // files of the commit
	present []string // files of the working tree
	changed []string // those that differ
	// repositories are those from which the commit's charts take others.
	repositories []string
	// old is the folder into which parts of the commit are taken out, by tree.
	old  string
	tree *git.Tree
}

// openPull finds out what differs from where HEAD left base.
func openPull(ctx context.Context, base, dir string) (*pull, error) {
	repo, err := git.Open(ctx, ".")
	if err != nil {
		return nil, err
	}
	p := &pull{repo: repo, old: dir}
	if p.commit, err = repo.MergeBase(ctx, base); err != nil {
		return nil, fmt.Errorf("--base %s: %w", base, nearestRef(ctx, repo, base, err))
	}
	var errs [5]error
	p.before, errs[0] = repo.Files(ctx, p.commit)
	p.present, errs[1] = repo.Present(ctx)
	p.changed, errs[2] = repo.Changed(ctx, p.commit)
	if p.tree, errs[3] = repo.Tree(p.commit, dir); errs[3] == nil {
		p.repositories, errs[4] = p.named(ctx)
	}
	return p, errors.Join(errs[:]...)
}

// named lists the repositories that charts of the commit name.
func (p *pull) named(ctx context.Context) ([]string, error) {
	var files []string
	for _, file := range p.before {
		if slices.Contains([]string{"Chart.yaml", "Chart.lock", "requirements.yaml", "requirements.lock"}, path.Base(file)) {
			files = append(files, file)
		}
	}
	texts, err := p.tree.Read(ctx, files)
	list := make([]string, 0, len(texts))
	for _, text := range texts {
		list = append(list, helm.RepositoriesOf(text)...)
	}
	slices.Sort(list)
	return slices.Compact(list), err
}

// here returns a path in the working tree, there one in what was taken out of the
// commit.
func (p *pull) here(name string) string  { return filepath.Join(p.repo.Root, filepath.FromSlash(name)) }
func (p *pull) there(name string) string { return filepath.Join(p.old, filepath.FromSlash(name)) }

// charts returns the folders of the charts to judge: those that are named, and those
// that have changed in folders that are named, or anywhere if none is.
func (p *pull) charts(paths, matrix []string) ([]string, error) {
	all := p.all()
	if len(paths) == 0 {
		return p.changedOf(all, matrix), nil
	}
	var chosen []string
	for _, name := range paths {
		dir, err := p.inside(name)
		if err != nil {
			return nil, fmt.Errorf("chart %q: %w", name, err)
		}
		if slices.Contains(all, dir) {
			chosen = append(chosen, dir)
			continue
		}
		below := slices.DeleteFunc(slices.Clone(all), func(c string) bool { return !within(c, dir) })
		if len(below) == 0 {
			return nil, fmt.Errorf("chart %q: there is no Chart.yaml in it or below it, here or in the base", name)
		}
		chosen = append(chosen, p.changedOf(below, matrix)...)
	}
	slices.Sort(chosen)
	return slices.Compact(chosen), nil
}

// all lists the folders of charts on either side, without charts that are part of
// another one.
func (p *pull) all() []string {
	var dirs []string
	for _, file := range slices.Concat(p.before, p.present) {
		if path.Base(file) == "Chart.yaml" {
			dirs = append(dirs, path.Dir(file))
		}
	}
	slices.Sort(dirs)
	dirs = slices.Compact(dirs)
	return slices.DeleteFunc(slices.Clone(dirs), func(dir string) bool {
		parent := path.Dir(dir)
		return path.Base(parent) == "charts" && slices.Contains(dirs, path.Dir(parent))
	})
}

// changedOf keeps the charts of which a file has changed, or one of a chart that they
// take from a folder, or one with values for them.
func (p *pull) changedOf(dirs, matrix []string) []string {
	return slices.DeleteFunc(slices.Clone(dirs), func(dir string) bool {
		folders := p.withFolders(dir, p.repo.Root)
		folders = append(folders, p.linked(folders)...)
		return !slices.ContainsFunc(p.changed, func(file string) bool {
			return slices.ContainsFunc(folders, func(f string) bool { return within(file, f) }) ||
				slices.ContainsFunc(matrix, func(glob string) bool {
					is, err := path.Match(path.Join(dir, glob), file)
					return is && err == nil
				})
		})
	})
}

// linked returns the files and folders of the working tree to which links in some folders
// lead.
func (p *pull) linked(folders []string) []string {
	var list []string
	for _, file := range p.present {
		if !slices.ContainsFunc(folders, func(f string) bool { return within(file, f) }) {
			continue
		}
		if info, err := os.Lstat(p.here(file)); err != nil || info.Mode()&os.ModeSymlink == 0 {
			continue
		}
		target, err := helm.Inside(p.repo.Root, p.here(file))
		if err != nil {
			continue // which rendering will tell
		}
		if rel, err := filepath.Rel(p.repo.Root, target); err == nil {
			list = append(list, filepath.ToSlash(rel))
		}
	}
	return list
}

// withFolders returns a chart's folder and those of the charts that it takes from
// folders, on the side whose files are in root.
func (p *pull) withFolders(dir, root string) []string {
	folders := []string{dir}
	for i := 0; i < len(folders); i++ {
		about, err := aboutChartWithin(root, filepath.Join(root, filepath.FromSlash(folders[i])))
		if err != nil {
			continue // there is no chart, or it cannot be read, which rendering will tell
		}
		for _, d := range about.Dependencies {
			next := path.Join(folders[i], d.Folder)
			if d.Folder != "" && !path.IsAbs(d.Folder) && filepath.IsLocal(filepath.FromSlash(next)) && !slices.Contains(folders, next) {
				folders = append(folders, next)
			}
		}
	}
	return folders
}

// takeOut takes a chart out of the commit, with the charts that it takes from folders,
// and reports whether it is there.
func (p *pull) takeOut(ctx context.Context, dir string) (bool, error) {
	done := map[string]bool{}
	for {
		folders := slices.DeleteFunc(p.withFolders(dir, p.old), func(f string) bool { return done[f] })
		if len(folders) == 0 {
			return slices.Contains(p.before, path.Join(dir, "Chart.yaml")), nil
		}
		for _, f := range folders {
			if err := p.tree.Extract(ctx, f); err != nil {
				return false, err
			}
			done[f] = true
		}
	}
}

// inside returns where a path of the user's is in the repository.
func (p *pull) inside(name string) (string, error) {
	full, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	if followed, err := filepath.EvalSymlinks(full); err == nil {
		full = followed
	}
	rel, err := filepath.Rel(p.repo.Root, full)
	if err != nil || !filepath.IsLocal(rel) {
		return "", fmt.Errorf("it is not in the repository %q", p.repo.Root)
	}
	return filepath.ToSlash(rel), nil
}

// checkNamed makes sure that files which somebody names in the repository do not lead out
// of it. What is named elsewhere is nothing that a pull request can put there.
func (p *pull) checkNamed(names ...string) error {
	for _, name := range names {
		full, err := filepath.Abs(name)
		if err != nil {
			return err
		}
		folder, err := filepath.EvalSymlinks(p.repo.Root)
		if err != nil {
			return err
		}
		for _, root := range []string{p.repo.Root, folder} {
			rel, err := filepath.Rel(root, full)
			if err != nil || !filepath.IsLocal(rel) {
				continue
			}
			if _, err := helm.Inside(root, full); err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("read %q: it leads out of the repository, or to nothing", name)
			}
		}
	}
	return nil
}

// renamed returns a text in which files of the base are named as git does, and those of
// the working tree from the top of the repository.
func (p *pull) renamed(text, base string) string {
	for _, place := range [][2]string{{p.old, base + ":"}, {p.repo.Root, ""}} {
		for _, folder := range []string{place[0], realPath(place[0])} {
			text = strings.ReplaceAll(text, folder+string(os.PathSeparator), place[1])
			text = strings.ReplaceAll(text, `"`+folder+`"`, `"`+cmp.Or(place[1], ".")+`"`)
		}
	}
	return text
}

// realPath follows links as far as there is something to follow.
func realPath(name string) string {
	if followed, err := filepath.EvalSymlinks(name); err == nil {
		return followed
	}
	return name
}

// inRepository returns a path as seen from the top of the repository, as whoever shows
// annotations there expects it.
func (p *pull) inRepository(path string) string {
	if rel, err := filepath.Rel(p.repo.Root, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

// seen returns how reports name a values file: one of the base as git does, one of the working
// tree from the top of the repository, and any other as it is given.
func (p *pull) seen(name, base string) string {
	full, err := filepath.Abs(name)
	if err != nil {
		return name
	}
	if _, err := os.Lstat(full); err != nil { // a URL, or stdin
		return name
	}
	if shown := p.renamed(full, base); shown != full {
		return filepath.ToSlash(shown)
	}
	return name
}

func within(file, dir string) bool {
	return dir == "." || file == dir || strings.HasPrefix(file, dir+"/")
}

// aboutChartWithin reads the Chart.yaml of a folder, which must be in root.
func aboutChartWithin(root, dir string) (helm.About, error) {
	text, err := helm.ReadInside(root, filepath.Join(dir, "Chart.yaml"))
	if err != nil {
		return helm.About{}, err
	}
	return helm.ReadAbout(text)
}

// aboutChart reads the Chart.yaml of a folder.
func aboutChart(dir string) (helm.About, error) {
	text, err := os.ReadFile(filepath.Join(dir, "Chart.yaml"))
	if err != nil {
		return helm.About{}, err
	}
	return helm.ReadAbout(text)
}
