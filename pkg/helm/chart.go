package helm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/downloader"
	"helm.sh/helm/v3/pkg/getter"
	"helm.sh/helm/v3/pkg/registry"
	"k8s.io/client-go/transport"
)

// load finds a chart and reads its values.
func (c *Client) load(ctx context.Context, src Chart) (*chart.Chart, error) {
	ch, err := c.find(src)
	if err != nil {
		return nil, err
	}
	return ch, c.defaults(ctx, ch)
}

// defaults reads the values of a chart and its subcharts as the Helm at hand does.
func (c *Client) defaults(ctx context.Context, ch *chart.Chart) (err error) {
	eachChart(ch, func(ch *chart.Chart) {
		for _, file := range ch.Raw {
			if file.Name != chartutil.ValuesfileName || err != nil {
				continue
			}
			if ch.Values, err = c.engine(ctx).values(file.Data); err != nil {
				err = fmt.Errorf("load chart %q: read values.yaml: %w", ch.ChartFullPath(), clean(err))
			}
		}
	})
	return err
}

// find finds a chart as `helm upgrade` does (cmd/helm/upgrade.go), downloads it
// if need be, and makes sure that its dependencies are there.
func (c *Client) find(src Chart) (*chart.Chart, error) {
	if src.DependencyUpdate {
		// Both sides may be the same directory, which must not be read while it
		// is written.
		c.updating.Lock()
		defer c.updating.Unlock()
	}
	path, client := src.Ref, (*registry.Client)(nil)
	if src.Within == "" {
		var err error
		if path, client, err = c.locate(src); err != nil {
			return nil, fmt.Errorf("find chart %q: %w", src.Ref, err)
		}
	}
	ch, err := src.loadFolder(path)
	if err != nil {
		return nil, loadError(src.Ref, path, err)
	}
	missing := action.CheckDependencies(ch, ch.Metadata.Dependencies)
	if missing == nil {
		return ch, nil
	}
	if src.Complete {
		if err := c.complete(ch, src, path, 0); err != nil {
			return nil, fmt.Errorf("load chart %q: %w", src.Ref, err)
		}
		return ch, nil
	}
	if !src.DependencyUpdate {
		return nil, withHint(fmt.Errorf("load chart %q: dependencies %w", src.Ref, missing),
			fmt.Sprintf("run `helm dependency build %s`, or add --dependency-update", src.Ref))
	}
	manager := &downloader.Manager{
		Out:              c.Stderr,
		ChartPath:        path,
		Keyring:          src.Source.Keyring,
		Getters:          getter.All(c.Settings),
		RepositoryConfig: c.Settings.RepositoryConfig,
		RepositoryCache:  c.Settings.RepositoryCache,
		Debug:            c.Settings.Debug,
		RegistryClient:   client,
	}
	if err := manager.Update(); err != nil {
		return nil, fmt.Errorf("update dependencies of chart %q: %w", src.Ref, clean(err))
	}
	if ch, err = loader.Load(path); err != nil {
		return nil, loadError(src.Ref, path, err)
	}
	return ch, nil
}

// locate returns the path of the chart on disk. The registry client is nil if
// nothing asks for one.
func (c *Client) locate(src Chart) (string, *registry.Client, error) {
	if src.Ref == "" {
		return "", nil, errors.New("it has no name")
	}
	_, statErr := os.Stat(src.Ref)
	if statErr != nil && (filepath.IsAbs(src.Ref) || strings.HasPrefix(src.Ref, ".")) {
		return "", nil, withHint(statErr, chartForms)
	}
	if src.Source.Version == "" && src.Devel {
		src.Source.Version = ">0.0.0-0"
	}
	finder := action.NewInstall(new(action.Configuration))
	finder.ChartPathOptions = src.Source
	var client *registry.Client
	if statErr != nil || src.DependencyUpdate {
		var err error
		if client, err = c.registry(src.Source); err != nil {
			return "", nil, err
		}
		finder.SetRegistryClient(client)
	}
	path, err := finder.LocateChart(src.Ref, c.Settings)
	if err != nil {
		return "", nil, locateError(err, statErr)
	}
	return path, client, nil
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
	wrapped := fmt.Errorf("load chart %q: %w", ref, clean(err))
	if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
		if _, statErr := os.Stat(filepath.Join(path, "Chart.yaml")); statErr != nil {
			return withHint(wrapped, "a chart is a directory that holds a Chart.yaml; `manifests` compares directories of rendered files")
		}
	}
	return wrapped
}

// registry returns a client for OCI registries with the credentials that Helm
// has stored, as cmd/helm/root.go makes it. What it has to say goes to stderr.
func (c *Client) registry(src action.ChartPathOptions) (*registry.Client, error) {
	opts := []registry.ClientOption{
		registry.ClientOptDebug(c.Settings.Debug),
		registry.ClientOptEnableCache(true),
		registry.ClientOptWriter(c.Stderr),
		registry.ClientOptCredentialsFile(c.Settings.RegistryConfig),
		registry.ClientOptBasicAuth(src.Username, src.Password),
	}
	switch {
	case src.CertFile != "" && src.KeyFile != "" || src.CaFile != "" || src.InsecureSkipTLSverify:
		config, err := transport.TLSConfigFor(&transport.Config{TLS: transport.TLSConfig{
			CAFile: src.CaFile, CertFile: src.CertFile, KeyFile: src.KeyFile, Insecure: src.InsecureSkipTLSverify,
		}})
		if err != nil {
			return nil, err
		}
		opts = append(opts, registry.ClientOptHTTPClient(&http.Client{
			Transport: &http.Transport{TLSClientConfig: config, Proxy: http.ProxyFromEnvironment},
		}))
	case src.PlainHTTP:
		opts = append(opts, registry.ClientOptPlainHTTP())
	}
	client, err := registry.NewClient(opts...)
	if err != nil {
		return nil, clean(err)
	}
	return client, nil
}
