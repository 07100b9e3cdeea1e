package cli

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// inChart finds the templates of a chart that is a directory; nil for another one.
// Helm names a template by chart, subchart and path ("shop/templates/web.yaml",
// "shop/charts/sub/templates/x.yaml"). What has no file there, because the template
// is gone or its chart is an archive, is put down to the chart as a whole.
func inChart(ref string) func(*manifest.Object) (path, text string) {
	return inChartSeen(ref, fromHere)
}

// inChartSeen is inChart with files named as seen says.
func inChartSeen(dir string, seen func(string) string) func(*manifest.Object) (path, text string) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil
	}
	files := map[string]string{} // by path
	read := func(path string) (string, bool) {
		text, known := files[path]
		if !known {
			content, err := os.ReadFile(path)
			if err != nil {
				return "", false
			}
			text = string(content)
			files[path] = text
		}
		return text, true
	}
	return func(o *manifest.Object) (string, string) {
		_, inside, found := strings.Cut(o.Source, "/")
		if found && filepath.IsLocal(inside) {
			path := templateIn(dir, inside)
			if text, ok := read(path); ok {
				return filepath.ToSlash(seen(path)), text
			}
		}
		return filepath.ToSlash(seen(filepath.Join(dir, "Chart.yaml"))), ""
	}
}

// templateIn returns where the file of a template is: below the folder of its chart, or
// in the folder that a subchart is taken from (file://) where that is not vendored.
func templateIn(dir, inside string) string {
	for {
		rest, is := strings.CutPrefix(inside, "charts/")
		name, below, more := strings.Cut(rest, "/")
		if !is || !more {
			return filepath.Join(dir, inside)
		}
		dir, inside = subchart(dir, name), below
	}
}

// subchart returns the folder of a chart's subchart, which it calls name.
func subchart(dir, name string) string {
	there := filepath.Join(dir, "charts", name)
	if _, err := os.Stat(there); err == nil {
		return there
	}
	about, err := aboutChart(dir)
	if err != nil {
		return there
	}
	for _, d := range about.Dependencies {
		if d.Alias != name {
			continue
		}
		there = filepath.Join(dir, "charts", d.Name)
		_, err := os.Stat(there)
		archives, _ := filepath.Glob(there + "-*.tgz")
		if d.Folder == "" || filepath.IsAbs(d.Folder) || err == nil || len(archives) > 0 {
			return there
		}
		return filepath.Join(dir, filepath.FromSlash(d.Folder))
	}
	return there
}

// inFiles finds the files of rendered manifests.
func inFiles(sides ...fileSet) func(*manifest.Object) (path, text string) {
	type key struct{ side, file string }
	files := map[key]manifestFile{}
	for _, side := range sides {
		for _, f := range side.files {
			files[key{side.name, f.rel}] = f
		}
	}
	return func(o *manifest.Object) (string, string) {
		f, known := files[key{o.Position.File, o.Source}]
		if !known {
			f, known = files[key{o.Position.File, ""}]
		}
		if !known || f.name == "stdin" {
			return "", ""
		}
		if f.at != "" {
			return f.at, f.text
		}
		return seenFromHere(f.name), f.text
	}
}

// fromHere returns a path as seen from the working directory, if it is below it.
func fromHere(path string) string {
	path = filepath.Clean(path)
	if !filepath.IsAbs(path) {
		return path
	}
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

// seenFromHere is fromHere for a reader of a report.
func seenFromHere(name string) string { return filepath.ToSlash(fromHere(name)) }
