package helm

import (
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"k8s.io/component-base/version"
)

// EachTemplate renders the templates of a chart one at a time, without a cluster, and
// calls at with the name of each before: of a chart that cannot be rendered within its
// limits, that is how the template is found that exceeds them. What comes out, errors
// included, is dropped.
func (c *Client) EachTemplate(ctx context.Context, t Template, at func(name string)) error {
	ch, err := c.load(ctx, t.Chart)
	if err != nil {
		return err
	}
	vals, err := c.readValues(ctx, &t.Rendering)
	if err != nil {
		return err
	}
	kube, err := parseKubeVersion(version.DefaultKubeBinaryVersion + ".0")
	if err != nil {
		return err
	}
	if err := chartutil.ProcessDependenciesWithMerge(ch, vals); err != nil {
		return err
	}
	whole := map[string][]*chart.File{} // by the path of the chart
	eachChart(ch, func(ch *chart.Chart) { whole[ch.ChartFullPath()] = ch.Templates })
	for _, folder := range slices.Sorted(maps.Keys(whole)) {
		for _, file := range whole[folder] {
			name := path.Join(folder, file.Name)
			if isPartial(file.Name) {
				continue
			}
			at(name)
			eachChart(ch, func(ch *chart.Chart) { ch.Templates = only(name, ch.ChartFullPath(), whole[ch.ChartFullPath()]) })
			_, _ = c.renderOnce(ctx, t, ch, vals, kube, nil)
		}
	}
	return nil
}

func eachChart(ch *chart.Chart, do func(*chart.Chart)) {
	do(ch)
	for _, d := range ch.Dependencies() {
		eachChart(d, do)
	}
}

// isPartial reports whether Helm reads a template without executing it (pkg/engine).
func isPartial(name string) bool { return strings.HasPrefix(path.Base(name), "_") }

// only returns the templates of a chart such that one alone is executed. Others stay as
// partials: they may define what it includes, or be included by their names.
func only(name, folder string, files []*chart.File) []*chart.File {
	var list []*chart.File
	for _, file := range files {
		full := path.Join(folder, file.Name)
		if full == name || isPartial(file.Name) {
			list = append(list, file)
			continue
		}
		data := file.Data
		if !strings.Contains(string(data), "define") {
			data = []byte(`{{ define "` + full + `" }}` + string(data) + `{{ end }}`)
		}
		list = append(list, &chart.File{Name: path.Join(path.Dir(file.Name), "_"+path.Base(file.Name)), Data: data})
	}
	return list
}
