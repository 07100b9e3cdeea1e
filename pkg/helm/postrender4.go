package helm

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
	"sigs.k8s.io/kustomize/kyaml/kio"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// fileAnnotation tells, on the way through a post-renderer, which template an
// object came from. Post-renderers of Helm 4 see it.
const fileAnnotation = "postrenderer.helm.sh/postrender-filename"

// helm4 runs a plugin on all that a release holds, as Helm 4 does while it
// renders (renderResources in helm.sh/helm/v4/pkg/action/action.go): hooks and
// manifests go through it as one stream and are told apart afterwards.
func (p *postRenderer) helm4(ctx context.Context, rel *release.Release) error {
	if p == nil || !p.wholeChart {
		return nil
	}
	in, err := merge(templateFiles(rel))
	if err != nil {
		return clean(err)
	}
	out, err := p.run(ctx, strings.NewReader(in))
	if err != nil {
		return err
	}
	files, err := split(out.String())
	if err == nil {
		rel.Manifest, rel.Hooks, err = sortFiles(files)
	}
	if err != nil {
		return fmt.Errorf("read what post-renderer %q printed: %w", p.name, clean(err))
	}
	return nil
}

// templateFiles returns the documents of a release by the template that they
// came from.
func templateFiles(rel *release.Release) map[string][]string {
	files := make(map[string][]string)
	documents := releaseutil.SplitManifests(rel.Manifest)
	keys := slices.Collect(maps.Keys(documents))
	slices.SortFunc(keys, func(a, b string) int {
		if releaseutil.BySplitManifestsOrder([]string{a, b}).Less(0, 1) {
			return -1
		}
		return 1
	})
	var source string
	for _, key := range keys {
		text := documents[key]
		first, rest, _ := strings.Cut(text, "\n")
		if name, ok := strings.CutPrefix(first, "# Source: "); ok {
			source, text = name, rest
		}
		// Helm leaves a separator below the comment if the template had two in a
		// row. The comment then stands alone and is about the next document.
		if strings.TrimSpace(text) != "" {
			files[source] = append(files[source], text)
		}
	}
	for _, h := range rel.Hooks {
		files[h.Path] = append(files[h.Path], h.Manifest)
	}
	return files
}

// merge makes one stream of all documents, in the order of the file names.
func merge(files map[string][]string) (string, error) {
	var all []*kyaml.RNode
	for _, file := range slices.Sorted(maps.Keys(files)) {
		for _, text := range files[file] {
			nodes, err := kio.ParseAll(text)
			if err != nil {
				return "", fmt.Errorf("read rendered template %q: %w", file, err)
			}
			for _, node := range nodes {
				if err := node.PipeE(kyaml.SetAnnotation(fileAnnotation, file)); err != nil {
					return "", fmt.Errorf("read rendered template %q: %w", file, err)
				}
				all = append(all, node)
			}
		}
	}
	return kio.StringAll(all)
}

// split undoes merge. An object that the post-renderer added gets a file name of
// its own.
func split(stream string) (map[string]string, error) {
	nodes, err := kio.ParseAll(stream)
	if err != nil {
		return nil, err
	}
	byFile := make(map[string][]*kyaml.RNode)
	for i, node := range nodes {
		meta, err := node.GetMeta()
		if err != nil {
			return nil, err
		}
		file := meta.Annotations[fileAnnotation]
		if file == "" {
			file = fmt.Sprintf("generated-by-postrender-%d.yaml", i)
		}
		if err := node.PipeE(kyaml.ClearAnnotation(fileAnnotation)); err != nil {
			return nil, err
		}
		byFile[file] = append(byFile[file], node)
	}
	files := make(map[string]string, len(byFile))
	for file, nodes := range byFile {
		if files[file], err = kio.StringAll(nodes); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// PostRendered returns the manifest, and the hooks, that Helm makes of what a
// post-renderer gives back, in the form of Side.Manifest. Of Helm 4 that is the whole
// chart; Helm 3 keeps the hooks to itself, and whole is false.
//
// The error quotes no document.
func PostRendered(given string) (text string, whole bool, err error) {
	if !strings.Contains(given, fileAnnotation) {
		return given, false, nil
	}
	files, err := split(given)
	if err != nil {
		return "", true, fmt.Errorf("read what Helm has rendered: %w", clean(err))
	}
	rel := new(release.Release)
	if rel.Manifest, rel.Hooks, err = sortFiles(files); err != nil {
		return "", true, fmt.Errorf("read what Helm has rendered: %w", clean(err))
	}
	return stream(rel, false), true, nil
}

// sortFiles tells hooks from manifests and puts both in the order of
// installation.
func sortFiles(files map[string]string) (string, []*release.Hook, error) {
	hooks, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		return "", nil, err
	}
	var b strings.Builder
	for _, m := range manifests {
		writeDocument(&b, m.Name, m.Content)
	}
	return b.String(), hooks, nil
}
