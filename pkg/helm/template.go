package helm

import (
	"context"
	"fmt"

	"helm.sh/helm/v3/pkg/action"
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
	// IsUpgrade sets .Release.IsUpgrade in the place of .Release.IsInstall.
	IsUpgrade bool
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

// Template renders a chart as `helm template` does: .Capabilities are those of a
// cluster of the version asked for, or of the newest one known, and lookups find
// nothing.
//
// The error is about the values or the chart, says which, and quotes no document.
func (c *Client) Template(ctx context.Context, t Template) (Side, error) {
	return interruptible(ctx, func() (Side, error) { return c.template(ctx, t) })
}

func (c *Client) template(ctx context.Context, t Template) (Side, error) {
	post, err := c.findPostRenderer(t.PostRenderer)
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
	ch, err := c.load(t.Chart)
	if err != nil {
		return Side{}, err
	}
	rendered, err := c.renderOffline(ctx, t, ch, kube, post)
	if err != nil {
		return Side{}, &RenderError{t.Chart.Ref, err}
	}
	side := proposed(rendered, t.Rendering)
	side.Revision = 0
	side.KubeVersion = kube.Version
	return side, nil
}

func (c *Client) renderOffline(ctx context.Context, t Template, ch *chart.Chart, kube *chartutil.KubeVersion, post *postRenderer) (renderings, error) {
	vals, err := c.readValues(t.Values)
	if err != nil {
		return renderings{}, err
	}
	if err := checkInstallable(ch); err != nil {
		return renderings{}, err
	}
	dropNulls(ctx, ch, vals)
	render := func() (*release.Release, error) { return c.renderOnce(ctx, t, ch, vals, kube, post) }
	if t.Twice {
		return renderTwice(ctx, render)
	}
	rel, err := render()
	return renderings{first: rel}, err
}

func (c *Client) renderOnce(ctx context.Context, t Template, ch *chart.Chart, vals map[string]any, kube *chartutil.KubeVersion, post *postRenderer) (*release.Release, error) {
	act := action.NewInstall(&action.Configuration{Log: c.log()})
	act.ReleaseName = t.Release
	act.Namespace = c.Settings.Namespace()
	act.ClientOnly, act.DryRun, act.Replace = true, true, true
	act.IsUpgrade = t.IsUpgrade
	act.IncludeCRDs = t.IncludeCRDs
	act.KubeVersion = kube
	act.APIVersions = chartutil.VersionSet(t.APIVersions)
	act.DisableHooks = t.NoHooks
	act.SubNotes = t.SubchartNotes
	act.EnableDNS = t.EnableDNS
	act.SkipSchemaValidation = t.SkipSchemaValidation
	act.PostRenderer = post.helm3(ctx)
	if post != nil && post.wholeChart {
		act.IncludeCRDs = false // Helm 4 adds them after the post-renderer
	}
	rel, err := act.RunWithContext(ctx, ch, vals)
	if err != nil {
		return nil, clean(err)
	}
	if err := post.helm4(ctx, rel); err != nil {
		return nil, err
	}
	if t.IncludeCRDs && !act.IncludeCRDs {
		rel.Manifest = crds(ch) + rel.Manifest
	}
	return rel, nil
}
