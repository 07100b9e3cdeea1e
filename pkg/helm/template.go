package helm

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/release"
	"k8s.io/component-base/version"
)

// Template is a chart to render without a cluster.
type Template struct {
	Release string
	Chart   Chart
	Rendering
	// Revision is the one that the templates see: that of an installation, 1, also where it
	// is 0; of an upgrade, if it is higher.
	Revision int
	// Serves is what .Capabilities.APIVersions has, besides what is asked for; nil for what
	// `helm template` takes a cluster to serve, which are versions of all times, without kinds.
	Serves []string
	// Twice renders the chart once more where that may give something else.
	Twice bool
}

// RenderError says that a chart that is there cannot be rendered with its values.
type RenderError struct {
	Ref string
	Err error
}

func (e *RenderError) Error() string { return fmt.Sprintf("render chart %q: %v", e.Ref, e.Err) }

// Unwrap returns why.
func (e *RenderError) Unwrap() error { return e.Err }

// Template renders a chart as an installation or an upgrade would, without a cluster:
// .Capabilities are those of a cluster of the version asked for, or of the newest one
// known, and lookups find nothing.
//
// The error is about the values or the chart, says which, and quotes no document.
func (c *Client) Template(ctx context.Context, t Template) (Side, error) {
	return interruptible(ctx, func() (Side, error) { return c.template(ctx, t) })
}

func (c *Client) template(ctx context.Context, t Template) (Side, error) {
	post, err := c.engine(ctx).postRenderer(ctx, c, t.PostRenderer)
	if err != nil {
		return Side{}, err
	}
	asked := t.KubeVersion
	if asked == "" {
		asked = version.DefaultKubeBinaryVersion + ".0"
	}
	kube, err := parseKubeVersion(asked)
	if err != nil {
		return Side{}, err
	}
	ch, err := c.load(ctx, t.Chart)
	var outside *outsideError
	if errors.As(err, &outside) {
		return Side{}, &RenderError{t.Chart.Ref, outside}
	}
	if err != nil {
		return Side{}, err
	}
	lens, err := c.lensOffline(ctx, t, ch, kube, post)
	if err != nil {
		return Side{}, &RenderError{t.Chart.Ref, err}
	}
	rendered, err := c.renderOffline(ctx, t, ch, kube, post)
	if err != nil {
		return Side{}, &RenderError{t.Chart.Ref, err}
	}
	side := c.proposed(rendered, t.Rendering)
	side.Lens = lens
	side.Revision = 0
	side.KubeVersion = kube.Version
	side.Helm = c.Major(ctx)
	side.ServerSide = side.Helm == 4
	return side, nil
}

func (c *Client) renderOffline(ctx context.Context, t Template, ch *chart.Chart, kube *chartutil.KubeVersion, post postRenderer) (renderings, error) {
	vals, err := c.readValues(ctx, &t.Rendering)
	if err != nil {
		return renderings{}, err
	}
	if err := checkInstallable(ch); err != nil {
		return renderings{}, err
	}
	render := func() (*release.Release, error) { return c.renderOnce(ctx, t, ch, vals, kube, post) }
	if t.Twice {
		return renderTwice(ctx, render)
	}
	rel, err := render()
	return renderings{first: rel}, err
}

func (c *Client) renderOnce(ctx context.Context, t Template, ch *chart.Chart, vals map[string]any, kube *chartutil.KubeVersion, post postRenderer) (*release.Release, error) {
	engine := c.engine(ctx)
	caps := engine.capabilities()
	caps.KubeVersion = *kube
	if t.Serves != nil {
		caps.APIVersions = t.Serves
	}
	caps.APIVersions = slices.Concat(caps.APIVersions, t.APIVersions)
	cfg, err := engine.offline(c, t, caps)
	if err != nil {
		return nil, err
	}
	rel, err := cfg.render(ctx, &job{
		Rendering: &t.Rendering, release: t.Release, namespace: c.Settings.Namespace(), chart: ch, values: vals, post: post,
		upgrade: t.Revision > 1, reset: true,
	})
	if err != nil {
		return nil, cleanRendering(err, vals, ch.Values)
	}
	if t.IncludeCRDs {
		rel.Manifest = crds(ch) + rel.Manifest
	}
	return rel, nil
}
