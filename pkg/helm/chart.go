package helm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
)

// load finds a chart as `helm upgrade` does (cmd/helm/upgrade.go), downloads it
// if need be, and makes sure that its dependencies are there.
func (c *Client) load(ctx context.Context, src Chart) (*chart.Chart, error) {
	if src.DependencyUpdate {
		// Both sides may be the same directory, which must not be read while it
		// is written.
		c.updating.Lock()
		defer c.updating.Unlock()
	}
	path, engine := src.Ref, c.engine(ctx)
	if src.Within == "" {
		var err error
		if path, err = c.locate(ctx, src); err != nil {
			return nil, fmt.Errorf("find chart %q: %w", src.Ref, err)
		}
	}
	ch, err := src.loadFolder(engine, path)
	if err != nil {
		return nil, loadError(src.Ref, path, err)
	}
	missing := action.CheckDependencies(ch, ch.Metadata.Dependencies)
	if missing == nil {
		return ch, nil
	}
	if src.Complete {
		if err := c.complete(ctx, ch, src, path, 0); err != nil {
			return nil, fmt.Errorf("load chart %q: %w", src.Ref, err)
		}
		return ch, nil
	}
	if !src.DependencyUpdate {
		return nil, withHint(fmt.Errorf("load chart %q: dependencies %w", src.Ref, missing),
			fmt.Sprintf("run `helm dependency build %s`, or add --dependency-update", src.Ref))
	}
	if err := engine.update(c, &src, path); err != nil {
		return nil, fmt.Errorf("update dependencies of chart %q: %w", src.Ref, clean(err))
	}
	if ch, err = engine.load(path); err != nil {
		return nil, loadError(src.Ref, path, err)
	}
	return ch, nil
}

// locate returns the path of the chart on disk.
func (c *Client) locate(ctx context.Context, src Chart) (string, error) {
	if src.Ref == "" {
		return "", errors.New("it has no name")
	}
	_, statErr := os.Stat(src.Ref)
	if statErr != nil && src.Source.RepoURL == "" && (filepath.IsAbs(src.Ref) || strings.HasPrefix(src.Ref, ".")) {
		return "", withHint(statErr, chartForms)
	}
	if src.Source.Version == "" && src.Devel {
		src.Source.Version = ">0.0.0-0"
	}
	path, err := c.engine(ctx).locate(c, &src)
	if err != nil {
		return "", locateError(err, statErr)
	}
	return path, nil
}

const chartForms = "a chart is a directory, a .tgz archive, repo/name, a URL or an oci:// reference"

// locateError says what to do about the failures that a wrong name leads to.
func locateError(err, statErr error) error {
	text := err.Error()
	switch {
	case strings.HasPrefix(text, "non-absolute URLs should be"):
		return withHint(statErr, chartForms)
	case strings.HasSuffix(text, "not found") && strings.HasPrefix(text, "repo "):
		return withHint(clean(err), "`helm repo list` shows the repositories that Helm knows, `helm repo add` adds one")
	}
	return clean(err)
}

func loadError(ref, path string, err error) error {
	if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
		if _, statErr := os.Stat(filepath.Join(path, "Chart.yaml")); statErr != nil {
			return withHint(fmt.Errorf("load chart %q: Chart.yaml file is missing", ref),
				"a chart is a directory that holds a Chart.yaml; `manifests` compares directories of rendered files")
		}
	}
	return fmt.Errorf("load chart %q: %w", ref, clean(err))
}
