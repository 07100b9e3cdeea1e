package helm

import (
	"context"
	"errors"
	"fmt"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/release"
)

// Upgrade is an upgrade as `helm upgrade` would make it.
type Upgrade struct {
	Release string
	Chart   Chart
	Rendering
	// ReuseValues, ResetValues and ResetThenReuseValues say what becomes of the
	// values of the installed release, as the flags of `helm upgrade` do.
	ReuseValues, ResetValues, ResetThenReuseValues bool
	// Install allows that there is no release yet.
	Install bool
	// SkipCRDs leaves the chart's crds directory out of a first installation.
	// No upgrade ever touches what is in there.
	SkipCRDs bool
}

// Upgrade returns the installed release and what the upgrade would make of it.
// Without a release, and with Install, the first side is empty.
//
// The error is about the cluster, the release, the values or the chart, says
// which, and quotes no document.
func (c *Client) Upgrade(ctx context.Context, up Upgrade) (old, updated Side, err error) {
	sides, err := interruptible(ctx, func() (sides [2]Side, err error) {
		sides[0], sides[1], err = c.upgrade(ctx, up)
		return sides, err
	})
	return sides[0], sides[1], err
}

func (c *Client) upgrade(ctx context.Context, up Upgrade) (old, updated Side, err error) {
	post, err := c.engine(ctx).postRenderer(ctx, c, up.PostRenderer)
	if err != nil {
		return old, updated, err
	}
	stored, err := c.open(ctx, up.Release)
	if err != nil {
		return old, updated, err
	}
	old, current, err := c.base(stored, up)
	if err != nil {
		return old, updated, err
	}
	first := current == nil
	if !first && up.WithLens {
		old.Lens = lensInstalled(current)
	}
	ch, err := c.load(ctx, up.Chart)
	if err != nil {
		return old, updated, err
	}
	caps, err := c.readCapabilities(ctx, ch, up.Rendering)
	if err != nil {
		return old, updated, withHint(fmt.Errorf("ask the cluster what it can do: %w", clean(err)), clusterHint)
	}
	stored.cfg.see(caps)
	if old.Lens != nil {
		old.Lens.Render = renderInstalled(stored.cfg, &up, current, post)
	}
	rendered, err := c.propose(ctx, stored.cfg, up, ch, post, first)
	if err != nil {
		return old, updated, fmt.Errorf("render chart %q: %w", up.Chart.Ref, err)
	}
	updated = c.proposed(rendered, up.Rendering)
	updated.Lens = rendered.lens
	updated.KubeVersion, updated.Helm = caps.KubeVersion.Version, c.Major(ctx)
	updated.ServerSide = old.ServerSide
	if first {
		updated.ServerSide = updated.Helm == 4
	}
	return old, updated, nil
}

// base returns what an upgrade begins from: nothing, if there is no release yet and
// up.Install allows that.
func (c *Client) base(stored *history, up Upgrade) (Side, *release.Release, error) {
	history := stored.revisions
	if up.Install && (len(history) == 0 || history[len(history)-1].Info.Status == release.StatusUninstalled) {
		return Side{}, nil, nil
	}
	current, err := c.current(up.Release, history)
	if err != nil {
		return Side{}, nil, fmt.Errorf("find release %q in namespace %q: %w", up.Release, c.Settings.Namespace(), err)
	}
	old := installed(current, up.NoHooks, up.IncludeCRDs)
	last := history[len(history)-1]
	if last.Info.Status == release.StatusFailed {
		old.Failed = last.Version
		old.Beside = stored.beside(current)
	}
	old.ServerSide = stored.serverSide(last.Version)
	return old, current, nil
}

// Base returns what an upgrade of the release begins from, as Upgrade does, and renders
// nothing. The Side has no Revision if there is no release.
func (c *Client) Base(ctx context.Context, up Upgrade) (Side, error) {
	return interruptible(ctx, func() (Side, error) {
		stored, err := c.open(ctx, up.Release)
		if err != nil {
			return Side{}, err
		}
		old, current, err := c.base(stored, up)
		if err != nil {
			return old, err
		}
		old.Helm = c.Major(ctx)
		if current == nil {
			old.ServerSide = old.Helm == 4
		}
		old.Release, old.Namespace = up.Release, c.Settings.Namespace()
		old.KubeVersion, err = c.kubeVersion(up.KubeVersion)
		return old, err
	})
}

// propose renders the release that `helm upgrade` would store.
func (c *Client) propose(ctx context.Context, cfg configuration, up Upgrade, ch *chart.Chart, post postRenderer, first bool) (renderings, error) {
	vals, err := c.readValues(ctx, &up.Rendering)
	if err != nil {
		return renderings{}, err
	}
	if first { // what `helm upgrade --install` installs (cmd/helm/upgrade.go)
		if err := checkInstallable(ch); err != nil {
			return renderings{}, err
		}
	}
	j := &job{
		Rendering: &up.Rendering, release: up.Release, namespace: c.Settings.Namespace(), chart: ch, values: vals, post: post,
		upgrade: !first, reuse: up.ReuseValues, reset: up.ResetValues, resetThenReuse: up.ResetThenReuseValues, skipCRDs: up.SkipCRDs,
	}
	var fresh *chart.Chart
	if up.WithLens {
		fresh = unrendered(ch)
	}
	r, err := renderTwice(ctx, func() (*release.Release, error) {
		rel, err := cfg.render(ctx, j)
		if err != nil {
			return nil, cleanRendering(err, vals, ch.Values)
		}
		if up.IncludeCRDs || first && !up.SkipCRDs {
			rel.Manifest = crds(ch) + rel.Manifest
		}
		return rel, nil
	})
	if err == nil && up.WithLens {
		r.lens, err = c.lensOf(ctx, cfg, j, up, fresh, r.first)
	}
	return r, err
}

// checkInstallable refuses library charts, as cmd/helm/install.go does.
func checkInstallable(ch *chart.Chart) error {
	if t := ch.Metadata.Type; t != "" && t != "application" {
		return fmt.Errorf("a chart of type %q cannot be installed", t)
	}
	return nil
}

// current returns the revision that an upgrade starts from, or the reason why
// Helm refuses to upgrade (prepareUpgrade in pkg/action/upgrade.go). history is
// sorted, oldest first.
func (c *Client) current(name string, history []*release.Release) (*release.Release, error) {
	if len(history) == 0 {
		return nil, withHint(errors.New("there is none"), fmt.Sprintf(
			"add --install to judge a first installation; `helm list --namespace %s` shows what is installed", c.Settings.Namespace()))
	}
	last := history[len(history)-1]
	status := last.Info.Status
	if status.IsPending() {
		clears := "rollback"
		if len(history) == 1 {
			clears = "uninstall" // there is nothing to go back to
		}
		return nil, withHint(fmt.Errorf("revision %d is in status %s: another operation is in progress", last.Version, status),
			fmt.Sprintf("wait until it ends; if it was killed, `helm %s %s --namespace %s` clears it", clears, name, last.Namespace))
	}
	for i := len(history) - 1; i >= 0; i-- {
		if history[i].Info.Status == release.StatusDeployed {
			return history[i], nil
		}
	}
	if status == release.StatusFailed || status == release.StatusSuperseded {
		return last, nil
	}
	hint := "add --install to judge an installation in its place"
	if status == release.StatusUninstalling {
		hint = fmt.Sprintf("wait until it ends; if it was killed, `helm uninstall %s --namespace %s` goes on with it", name, last.Namespace)
	}
	return nil, withHint(fmt.Errorf("no revision of it is deployed; the last one, %d, is in status %s", last.Version, status), hint)
}

// installed returns the side of the release that is there.
func installed(rel *release.Release, noHooks, includeCRDs bool) Side {
	side := Side{
		Name:      fmt.Sprintf("release %q, revision %d", rel.Name, rel.Version),
		Manifest:  stream(rel, noHooks),
		Chart:     chartID(rel.Chart),
		CRDs:      crds(rel.Chart),
		Values:    rel.Config,
		Release:   rel.Name,
		Namespace: rel.Namespace,
		Revision:  rel.Version,
	}
	if includeCRDs && rel.Chart != nil {
		side.Manifest = crds(rel.Chart) + side.Manifest
	}
	return side
}

// proposed returns the side of a release that exists only here.
func (c *Client) proposed(rendered renderings, r Rendering) Side {
	rel := rendered.first
	return Side{
		Name:      fmt.Sprintf("chart %q", chartID(rel.Chart)),
		Manifest:  stream(rel, r.NoHooks),
		Again:     rendered.again(r.NoHooks),
		LooksUp:   rendered.looksUp,
		CRDs:      crds(rel.Chart),
		Values:    rel.Config,
		Chart:     chartID(rel.Chart),
		Release:   rel.Name,
		Namespace: rel.Namespace,
		Revision:  rel.Version,
		Record:    c.record(recorded(rel)),
	}
}
