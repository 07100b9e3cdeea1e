package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

// matrix judges charts, each with each of its value sets.
type matrix struct {
	app       *app
	client    *helm.Client
	flags     *chartFlags
	rendering helm.Rendering
	opts      safediff.Options // what holds for all of them
	locator   *locator
}

// chart judges one chart of the pull request.
func (m *matrix) chart(ctx context.Context, p *pull, dir string, r *reportOptions) (change.Chart, error) {
	c := change.Chart{Path: filepath.ToSlash(fromHere(p.here(dir)))}
	was, err := p.takeOut(ctx, dir)
	if err != nil {
		return c, err
	}
	before, oldErr := aboutChart(p.there(dir))
	about, err := aboutChart(p.here(dir))
	gone := errors.Is(err, os.ErrNotExist)
	if err != nil && !gone {
		return c, fmt.Errorf("chart %q: %w", c.Path, err)
	}
	c.Old, c.New = shownVersion(before.Version, was), about.Version
	if about.Library {
		c.Note = "a library: what it changes shows in the charts that use it"
		return c, nil
	}
	if gone {
		return c, nil
	}
	if was && (oldErr != nil || before.Library) {
		c.Note = "judged as new: the base has no chart here that can be installed"
		was = false
	}
	files, err := valuesOf(p, dir, m.flags.matrix)
	if err != nil {
		return c, err
	}
	for _, file := range files {
		s, err := m.sides(ctx, p, dir, file)
		if err != nil {
			return c, err
		}
		if !was {
			s.old = nil
		}
		s.versions = &safediff.Versions{Name: about.Name, Old: before.Version, New: about.Version}
		next, err := m.judge(ctx, s, r)
		if err != nil {
			return c, err
		}
		m.locator.add(&next.Set, inChartSeen(p.here(dir), p.inRepository))
		c.Cases = append(c.Cases, next)
	}
	return c, nil
}

// sides are the two charts of a case, to be rendered.
type sides struct {
	values   string
	name     string         // of the old chart, for reports
	old      *helm.Template // nil if there is no old chart
	held     *helm.Template // the old chart with the new values, if those differ
	updated  helm.Template
	versions *safediff.Versions
}

// sides puts values file and chart of each side together. A file that the base does
// not have is for both.
func (m *matrix) sides(ctx context.Context, p *pull, dir, file string) (sides, error) {
	chart := filepath.ToSlash(fromHere(p.here(dir)))
	side := func(ref, values string) helm.Template {
		t := helm.Template{Release: m.flags.release, Rendering: m.rendering, IsUpgrade: m.flags.isUpgrade}
		t.Chart = helm.Chart{Ref: ref, Complete: true, Archives: filepath.Join(p.here(dir), "charts")}
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
	if _, err := os.Stat(p.there(inRepo)); err == nil && slices.Contains(p.changed, inRepo) {
		old := side(p.there(dir), p.there(inRepo))
		s.old, s.held = &old, &held
	}
	return s, nil
}

// judge renders and judges a case. An old chart that cannot be rendered with its values
// cannot have been installed with them, which is said.
func (m *matrix) judge(ctx context.Context, s sides, r *reportOptions) (change.Case, error) {
	updated, err := m.client.Template(ctx, s.updated)
	if err != nil {
		return change.Case{}, err
	}
	old, notices, err := m.old(ctx, s.old, s.name)
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
			opts.Notices = append(opts.Notices, change.Notice{Reason: "whether the version fits what the chart changes: the base cannot be rendered with the new values"})
		}
	}
	if m.flags.checkVersions && old.Chart != "" {
		opts.Versions = s.versions
	}
	set, failOn, err := m.app.compare(ctx, manifestOf(old), manifestOf(updated), &opts, r)
	if r.showSecrets {
		set = set.Revealed()
	}
	return change.Case{Values: s.values, Set: set, FailOn: failOn}, err
}

// old renders the old chart. The side is empty if there is none.
func (m *matrix) old(ctx context.Context, t *helm.Template, name string) (helm.Side, []change.Notice, error) {
	if t == nil {
		return helm.Side{}, nil, nil
	}
	side, err := m.client.Template(ctx, *t)
	var broken *helm.RenderError
	if errors.As(err, &broken) && ctx.Err() == nil {
		return helm.Side{}, []change.Notice{{Reason: "judged as an installation, since the base cannot be rendered with these values"}}, nil
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
