package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/nearest"
	"github.com/safe-diff/helm-safe-diff/pkg/renderer"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

// matrix judges charts, each with each of its value sets.
type matrix struct {
	app       *app
	renderer  *renderer.Renderer
	flags     *chartFlags
	rendering helm.Rendering
	opts      safediff.Options // what holds for all of them
	clusters  []kubernetes     // the versions of Kubernetes that charts are judged for
	serves    []string         // what templates see of the cluster
	locator   *locator
}

// chart judges one chart of the pull request. What cannot be judged of it has a Failure.
func (m *matrix) chart(ctx context.Context, p *pull, dir string, r *reportOptions) change.Chart {
	c := change.Chart{Path: seenFromHere(p.here(dir))}
	fail := func(err error) change.Chart {
		c.Failure = m.failure(p, fmt.Errorf("chart %q: %w", c.Path, err))
		return c
	}
	was, err := p.takeOut(ctx, dir)
	if err != nil {
		return fail(err)
	}
	before, oldErr := aboutChartWithin(p.old, p.there(dir))
	about, err := aboutChartWithin(p.repo.Root, p.here(dir))
	gone := errors.Is(err, os.ErrNotExist)
	c.Old, c.New = shownVersion(before.Version, was), about.Version
	if err != nil && !gone {
		c.New = "unknown"
		return fail(err)
	}
	if about.Library {
		c.Note = "a library: what it changes shows in the charts that use it"
		return c
	}
	if gone {
		return c
	}
	if was && (oldErr != nil || before.Library) {
		c.Note = "judged as new: the base has no chart here that can be installed"
		was = false
	}
	files, err := valuesOf(p, dir, m.flags.matrix)
	if err != nil {
		return fail(err)
	}
	for _, file := range files {
		for _, cluster := range m.clusters {
			at := *m
			at.serves, at.rendering.KubeVersion = cluster.serves, cluster.version
			next := at.one(ctx, p, dir, file, was, safediff.Versions{Name: about.Name, Old: before.Version, New: about.Version}, r)
			if len(m.clusters) > 1 {
				next.KubeVersion = cluster.version
			}
			c.Cases = append(c.Cases, next)
		}
	}
	return c
}

// one judges a chart with one of its value sets, for one version of Kubernetes. was says that
// the base has the chart, too.
func (m *matrix) one(ctx context.Context, p *pull, dir, file string, was bool, versions safediff.Versions, r *reportOptions) change.Case {
	var next change.Case
	s, err := m.sides(ctx, p, dir, file)
	s.seen = func(name string) string { return p.seen(name, m.flags.base) }
	if err == nil {
		if !was {
			s.old = nil
		}
		s.versions = &versions
		next, err = m.judge(ctx, s, r)
	}
	if err != nil {
		next = change.Case{FailOn: r.failOn, Failure: m.failure(p, err)}
	}
	next.Values = file
	m.locator.add(&next.Set, inChartSeen(p.here(dir), p.inRepository))
	return next
}

// kubernetes is a version of Kubernetes, and what templates see of a cluster of that version
// which has nothing else installed.
type kubernetes struct {
	version string
	serves  []string
}

// kubernetesOf reads the versions of --kube-version, each once. Charts are judged for one
// after the other: the version is a property of the process (apiserver.New).
func kubernetesOf(list string) ([]kubernetes, error) {
	var clusters []kubernetes
	for version := range strings.SplitSeq(list, ",") {
		version = strings.TrimSpace(version)
		if slices.ContainsFunc(clusters, func(k kubernetes) bool { return k.version == version }) {
			continue
		}
		serves, err := safediff.APIVersions(version)
		if err != nil {
			return nil, err
		}
		clusters = append(clusters, kubernetes{version, serves})
	}
	return clusters, nil
}

// checkKubeVersions returns an error for a list that holds what is no version of Kubernetes.
func checkKubeVersions(list string) error {
	for version := range strings.SplitSeq(list, ",") {
		if version = strings.TrimSpace(version); version == "" && list != "" {
			return fmt.Errorf("--kube-version %s: a version is missing", list)
		}
		if err := helm.CheckKubeVersion(version); err != nil {
			return err
		}
	}
	return nil
}

// failure tells why something cannot be judged. Files are named as in the repository.
func (m *matrix) failure(p *pull, err error) *change.Failure {
	f := failureOf(err)
	for _, text := range []*string{&f.Reason, &f.Hint} {
		*text = p.renamed(*text, m.flags.base)
	}
	return f
}

// sides are the two charts of a case, to be rendered.
type sides struct {
	values   string
	name     string         // of the old chart, for reports
	old      *helm.Template // nil if there is no old chart
	held     *helm.Template // the old chart with the new values, if those differ
	updated  helm.Template
	versions *safediff.Versions
	seen     func(name string) string // names values files for reports
}

// sides puts values file and chart of each side together. A file that the base does
// not have is for both.
func (m *matrix) sides(ctx context.Context, p *pull, dir, file string) (sides, error) {
	chart := seenFromHere(p.here(dir))
	side := func(ref, values string) helm.Template {
		t := helm.Template{Release: m.flags.release, Rendering: m.rendering, Serves: m.serves, Revision: m.revision()}
		t.WithLens = m.flags.why
		t.Chart = helm.Chart{
			Ref: ref, Complete: true, Archives: filepath.Join(p.here(dir), "charts"), ArchivesWithin: p.repo.Root,
			Within: p.repo.Root, Repositories: p.repositories, Registries: m.flags.registries,
		}
		t.Chart.Source.PlainHTTP = m.flags.plainHTTP
		if ref == p.there(dir) {
			t.Chart.Within = p.old
		} else {
			t.Revision++
		}
		if values != "" {
			t.Values.ValueFiles = append(slices.Clone(t.Values.ValueFiles), values)
		}
		return t
	}
	s := sides{values: file, name: fmt.Sprintf("%s:%s", m.flags.base, chart)}
	if file == "" {
		old := side(p.there(dir), "")
		s.old, s.updated = &old, side(filepath.FromSlash(chart), "")
		s.updated.Twice = true
		return s, nil
	}
	inRepo := path.Join(dir, file)
	updated := filepath.FromSlash(fromHere(p.here(inRepo)))
	s.updated = side(filepath.FromSlash(chart), updated)
	s.updated.Twice = true
	if err := p.tree.Extract(ctx, inRepo); err != nil {
		return s, err
	}
	held := side(p.there(dir), updated)
	s.old = &held
	if _, err := helm.Inside(p.old, p.there(inRepo)); err == nil && slices.Contains(p.changed, inRepo) {
		old := side(p.there(dir), p.there(inRepo))
		held.WithLens = false // what the edits are due to is asked of the two sides
		s.old, s.held = &old, &held
	}
	return s, nil
}

// judge renders and judges a case. An old chart that cannot be rendered with its values
// cannot have been installed with them, which is said.
func (m *matrix) judge(ctx context.Context, s sides, r *reportOptions) (change.Case, error) {
	old, notices, err := m.old(ctx, s.old, s.name)
	if err != nil {
		return change.Case{}, err
	}
	if old.Chart == "" {
		s.updated.Revision = 1 // an installation
	}
	updated, err := m.renderer.Template(ctx, m.app.settings, m.app.said, s.updated)
	if err != nil {
		return change.Case{}, err
	}
	opts := m.options(s, old, updated)
	opts.Notices = notices
	if s.held != nil && old.Chart != "" {
		held, notices, err := m.old(ctx, s.held, s.name)
		if err != nil {
			return change.Case{}, err
		}
		if len(notices) == 0 {
			before := m.options(s, held, updated)
			by, _, err := m.app.compare(ctx, manifestOf(held), manifestOf(updated), &before, r)
			if err != nil {
				return change.Case{}, err
			}
			s.versions.By = &by
		} else {
			s.versions = nil
			opts.Notices = append(opts.Notices, change.Notice{
				Reason: "whether the version fits what the chart changes: the base cannot be rendered with the new values", Hides: change.Version,
			})
		}
	}
	if m.flags.checkVersions && old.Chart != "" {
		opts.Versions = s.versions
	}
	set, failOn, err := m.app.compare(ctx, manifestOf(old), manifestOf(updated), &opts, r)
	if err == nil && m.flags.why {
		err = m.explain(ctx, &set, s, old, updated, &opts)
	}
	if r.showSecrets {
		set = set.Revealed()
	}
	return change.Case{Values: s.values, Set: set, FailOn: failOn}, err
}

// explain tells in a set what its edits are due to. All the renderings that this takes may take
// as long as one may.
func (m *matrix) explain(ctx context.Context, set *change.Set, s sides, old, updated helm.Side, opts *safediff.Options) error {
	for _, lens := range []*helm.Lens{old.Lens, updated.Lens} {
		if lens == nil {
			continue
		}
		for i := range lens.Given {
			if g := &lens.Given[i]; g.Lines != nil { // a file
				g.Name = s.seen(g.Name)
			}
		}
	}
	limited, cancel := context.WithTimeout(ctx, m.flags.limits.timeout)
	defer cancel()
	return explain(limited, set, old, updated, opts)
}

// revision is the one that the chart of the base is rendered as.
func (m *matrix) revision() int {
	if m.flags.isUpgrade {
		return 2
	}
	return 1
}

// old renders the old chart. The side is empty if there is none.
func (m *matrix) old(ctx context.Context, t *helm.Template, name string) (helm.Side, []change.Notice, error) {
	if t == nil {
		return helm.Side{}, nil, nil
	}
	side, err := m.renderer.Template(ctx, m.app.settings, m.app.said, *t)
	var broken *helm.RenderError
	if errors.As(err, &broken) && ctx.Err() == nil {
		return helm.Side{}, []change.Notice{{Reason: "judged as an installation, since the base cannot be rendered with these values", Hides: change.Rejected}}, nil
	}
	side.Name = "chart " + name
	return side, nil, err
}

// options returns what is known of the step between two rendered sides.
func (m *matrix) options(s sides, old, updated helm.Side) safediff.Options {
	opts := offlineOptions(s.updated, old, updated)
	opts.Cluster, opts.ServerSide = m.opts.Cluster, m.opts.ServerSide
	opts.Replace, opts.ForceConflicts, opts.TakeOwnership = m.opts.Replace, m.opts.ForceConflicts, m.opts.TakeOwnership
	opts.Operation = change.Upgrade
	if old.Chart == "" {
		opts.Operation = change.Install
	}
	return opts
}

// globbed lists the files of the working tree that a pattern finds, from the chart's
// folder.
func globbed(p *pull, dir, glob string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(p.here(dir), filepath.FromSlash(glob)))
	if err != nil {
		return nil, err
	}
	for i, file := range found {
		if found[i], err = filepath.Rel(p.here(dir), file); err != nil {
			return nil, err
		}
		found[i] = filepath.ToSlash(found[i])
	}
	return found, nil
}

// globbedIn lists the files of several charts that one of the patterns finds.
func globbedIn(p *pull, dirs []string, globs ...string) ([]string, error) {
	var list []string
	for _, dir := range dirs {
		for _, glob := range globs {
			files, err := globbed(p, dir, glob)
			if err != nil {
				return nil, err
			}
			list = append(list, files...)
		}
	}
	return list, nil
}

// check returns an error for a pattern of --values-matrix that finds no file in any of the
// charts, unless it is the default: the charts would be judged with other values than meant.
func (m *matrix) check(p *pull, dirs []string) error {
	if m.app.config.sources["values-matrix"] == "" || len(dirs) == 0 {
		return nil
	}
	for _, glob := range m.flags.matrix {
		found, err := globbedIn(p, dirs, glob)
		if err != nil {
			return fmt.Errorf("--values-matrix %s: %w", glob, err)
		}
		if len(found) > 0 {
			continue
		}
		there, err := globbedIn(p, dirs, "*.yaml", "*.yml", "*/*.yaml", "*/*.yml")
		if err != nil {
			return err
		}
		if len(there) == 0 { // charts that the pull request deletes have no files
			continue
		}
		err = fmt.Errorf("--values-matrix %s: no chart that changes has such a file", glob)
		if near := nearest.Of(glob, there); near != "" {
			return &usageError{err, "did you mean " + near + "?"}
		}
		return &usageError{err, "patterns are relative to the folder of the chart, such as ci/*-values.yaml"}
	}
	return nil
}

// locator finds files for the objects of several charts.
type locator struct {
	charts map[*manifest.Object]func(*manifest.Object) (path, text string)
}

func (l *locator) add(set *change.Set, find func(*manifest.Object) (path, text string)) {
	if find == nil {
		return
	}
	if l.charts == nil {
		l.charts = map[*manifest.Object]func(*manifest.Object) (path, text string){}
	}
	for i := range set.Changes {
		for _, o := range []*manifest.Object{set.Changes[i].Old, set.Changes[i].New} {
			if o != nil {
				l.charts[o] = find
			}
		}
	}
}

func (l *locator) locate(o *manifest.Object) (path, text string) {
	find := l.charts[o]
	if find == nil {
		return "", ""
	}
	return find(o)
}
