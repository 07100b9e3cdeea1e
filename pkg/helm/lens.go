package helm

import (
	"context"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/cli/values"
	"helm.sh/helm/v3/pkg/release"

	"github.com/safe-diff/helm-safe-diff/pkg/valuelens"
)

// Lens is what a side was rendered from, and the way to render it with other values.
type Lens struct {
	Chart *valuelens.Chart
	// Values are those that the user gives, those of an installed release included, and
	// Given where they are from; what is in none of these is the release's.
	Values map[string]any
	Given  []valuelens.Given
	// Render renders the chart with values in the place of those given, and returns what
	// Side.Manifest would be; that of an installed release as an upgrade that is made now.
	// Nothing else differs, except that no schema is asked.
	Render func(ctx context.Context, values map[string]any) (string, error)
}

// Inputs returns what a side was rendered from; of one that was rendered without a lens, the
// manifest alone.
func (s *Side) Inputs() valuelens.Inputs {
	in := valuelens.Inputs{Manifest: s.Manifest}
	if l := s.Lens; l != nil {
		in.Chart, in.Values, in.Given, in.Render = l.Chart, l.Values, l.Given, l.Render
	}
	return in
}

// GivesValues reports whether the user gives values, by files or flags.
func (r *Rendering) GivesValues() bool {
	v := &r.Values
	return len(v.ValueFiles)+len(v.JSONValues)+len(v.Values)+len(v.StringValues)+len(v.FileValues)+len(v.LiteralValues) > 0
}

// lensChart returns a chart as a lens looks at it. It must not have been rendered: that takes
// out the sub-charts which are switched off.
func lensChart(ch *chart.Chart) *valuelens.Chart {
	out := &valuelens.Chart{Name: ch.Name(), Title: chartID(ch), Values: valuelens.Copy(ch.Values), Library: ch.Metadata.Type == "library"}
	for _, f := range ch.Templates {
		out.Templates = append(out.Templates, valuelens.File{Name: f.Name, Text: string(f.Data)})
	}
	for _, f := range ch.Files {
		out.Files = append(out.Files, valuelens.File{Name: f.Name, Text: string(f.Data)})
	}
	declared := map[string]bool{}
	for _, d := range ch.Metadata.Dependencies {
		for _, sub := range ch.Dependencies() {
			// In a release that is stored a sub-chart is called by its alias.
			if d == nil || sub.Name() != d.Name && (d.Alias == "" || sub.Name() != d.Alias) {
				continue
			}
			need := valuelens.Need{As: d.Name, Chart: lensChart(sub), Tags: d.Tags, Imports: importsOf(d)}
			declared[sub.Name()] = true
			if d.Alias != "" {
				need.As = d.Alias
			}
			if d.Condition != "" {
				need.Conditions = strings.Split(strings.TrimSpace(d.Condition), ",")
			}
			out.Needs = append(out.Needs, need)
			break
		}
	}
	for _, sub := range ch.Dependencies() {
		if !declared[sub.Name()] {
			out.Needs = append(out.Needs, valuelens.Need{As: sub.Name(), Chart: lensChart(sub)})
		}
	}
	return out
}

// importsOf lists the keys of a sub-chart that its parent imports (processImportValues in
// helm.sh/helm/v3/pkg/chartutil/dependencies.go).
func importsOf(d *chart.Dependency) []string {
	var keys []string
	for _, value := range d.ImportValues {
		switch v := value.(type) {
		case string:
			keys = append(keys, "exports."+v)
		case map[string]any:
			if child, is := v["child"].(string); is {
				keys = append(keys, child)
			}
		}
	}
	return keys
}

// given lists files and flags that set values, in the order in which Helm merges them.
func (c *Client) given(ctx context.Context, opts values.Options) ([]valuelens.Given, error) {
	var list []valuelens.Given
	for _, file := range opts.ValueFiles {
		text, err := c.readFile(ctx, file)
		if err != nil {
			return nil, err
		}
		read, err := c.readValuesFile(ctx, file)
		if err != nil {
			return nil, err
		}
		list = append(list, valuelens.Given{Name: file, Values: read, Lines: valuelens.LinesOf(text)})
	}
	for _, given := range setFlags(&opts) {
		for _, text := range given.texts {
			set := map[string]any{}
			if err := c.set(ctx, given.flag, text, set); err != nil {
				return nil, err
			}
			list = append(list, valuelens.Given{Name: given.flag, Values: set})
		}
	}
	return list, nil
}

// unrendered returns a chart that shares with the given one nothing that rendering changes.
func unrendered(ch *chart.Chart) *chart.Chart {
	again := chartOf3(chartOf4(ch))
	eachChart(again, func(ch *chart.Chart) { ch.Values = valuelens.Copy(ch.Values) })
	return again
}

// lensOffline returns the lens of a chart that is rendered without a cluster; nil if none is
// asked for.
func (c *Client) lensOffline(ctx context.Context, t Template, ch *chart.Chart, kube *chartutil.KubeVersion, post postRenderer) (*Lens, error) {
	if !t.WithLens {
		return nil, nil
	}
	vals, err := c.readValues(ctx, &t.Rendering)
	if err != nil {
		return nil, err
	}
	given, err := c.given(ctx, t.Values)
	if err != nil {
		return nil, err
	}
	fresh := unrendered(ch)
	t.SkipSchemaValidation = true
	return &Lens{
		Chart: lensChart(fresh), Values: valuelens.Copy(vals), Given: given,
		Render: func(ctx context.Context, values map[string]any) (string, error) {
			rel, err := c.renderOnce(ctx, t, unrendered(fresh), valuelens.Copy(values), kube, post)
			if err != nil {
				return "", err
			}
			return stream(rel, t.NoHooks), nil
		},
	}, nil
}

// lensOf returns the lens of an upgrade that was proposed. Which values of the release
// are used again Helm has decided: the proposed release has them.
func (c *Client) lensOf(ctx context.Context, cfg configuration, j *job, up Upgrade, fresh *chart.Chart, proposed *release.Release) (*Lens, error) {
	given, err := c.given(ctx, up.Values)
	if err != nil {
		return nil, err
	}
	if up.ReuseValues && j.upgrade {
		fresh.Values = valuelens.Copy(proposed.Chart.Values)
	}
	rendering := *j.Rendering
	rendering.SkipSchemaValidation = true
	return &Lens{
		Chart: lensChart(fresh), Values: valuelens.Copy(proposed.Config), Given: given,
		Render: func(ctx context.Context, values map[string]any) (string, error) {
			again := *j
			again.Rendering, again.chart, again.values = &rendering, unrendered(fresh), valuelens.Copy(values)
			again.reuse, again.reset, again.resetThenReuse = false, true, false
			rel, err := cfg.render(ctx, &again)
			if err != nil {
				return "", err
			}
			return stream(rel, up.NoHooks), nil
		},
	}, nil
}

// lensInstalled returns the lens of a release that is installed.
func lensInstalled(rel *release.Release) *Lens {
	if rel.Chart == nil {
		return nil
	}
	return &Lens{Chart: lensChart(rel.Chart), Values: valuelens.Copy(rel.Config)}
}

// renderInstalled returns what renders the chart of an installed release with other values, as
// an upgrade would be rendered now.
func renderInstalled(cfg configuration, up *Upgrade, current *release.Release, post postRenderer) func(context.Context, map[string]any) (string, error) {
	rendering := up.Rendering
	rendering.SkipSchemaValidation = true
	fresh := unrendered(current.Chart)
	return func(ctx context.Context, values map[string]any) (string, error) {
		rel, err := cfg.render(ctx, &job{
			Rendering: &rendering, release: up.Release, namespace: current.Namespace, chart: unrendered(fresh), values: valuelens.Copy(values), post: post,
			upgrade: true, reset: true, skipCRDs: up.SkipCRDs,
		})
		if err != nil {
			return "", err
		}
		return stream(rel, up.NoHooks), nil
	}
}
