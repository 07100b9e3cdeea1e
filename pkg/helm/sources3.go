package helm

import (
	"errors"
	"fmt"
	"io/fs"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/downloader"
	"helm.sh/helm/v3/pkg/getter"
	"helm.sh/helm/v3/pkg/registry"
	"helm.sh/helm/v3/pkg/repo"
	"helm.sh/helm/v3/pkg/strvals"
	"sigs.k8s.io/yaml"
)

func (helm3) values(text []byte) (map[string]any, error) {
	read := map[string]any{}
	err := yaml.Unmarshal(text, &read)
	return read, err
}

func (helm3) set(flag, text string, into map[string]any, read func([]rune) (any, error)) error {
	switch flag {
	case setJSON:
		return strvals.ParseJSON(text, into)
	case setValue:
		return strvals.ParseInto(text, into)
	case setString:
		return strvals.ParseIntoString(text, into)
	case setFile:
		return strvals.ParseIntoFile(text, into, read)
	case setLiteral:
		return strvals.ParseLiteralInto(text, into)
	}
	return fmt.Errorf("unknown flag %s", flag)
}

func (helm3) get(c *Client, scheme, url string) (content []byte, found bool, err error) {
	get, err := getter.All(c.Settings).ByScheme(scheme)
	if err != nil {
		return nil, false, nil //nolint:nilerr // it is a file then
	}
	got, err := get.Get(url, getter.WithURL(url))
	if err != nil {
		return nil, true, err
	}
	return got.Bytes(), true, nil
}

func (helm3) locate(c *Client, src *Chart) (string, error) {
	finder := action.NewInstall(new(action.Configuration))
	finder.ChartPathOptions = src.Source
	if asksRegistry(src) {
		client, err := registry3(c, &src.Source)
		if err != nil {
			return "", err
		}
		finder.SetRegistryClient(client)
	}
	return finder.LocateChart(src.Ref, c.Settings)
}

func (helm3) chartURL(c *Client, in *repo.Entry, name, version string) (string, error) {
	return repo.FindChartInAuthAndTLSAndPassRepoURL(in.URL, in.Username, in.Password, name, version,
		in.CertFile, in.KeyFile, in.CAFile, in.InsecureSkipTLSverify, in.PassCredentialsAll, getter.All(c.Settings))
}

func (helm3) repositories(file string) ([]*repo.Entry, error) {
	known, err := repo.LoadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return known.Repositories, nil
}

func (helm3) update(c *Client, src *Chart, folder string) error {
	client, err := registry3(c, &src.Source)
	if err != nil {
		return err
	}
	manager := &downloader.Manager{
		Out:              c.Stderr,
		ChartPath:        folder,
		Keyring:          src.Source.Keyring,
		Getters:          getter.All(c.Settings),
		RepositoryConfig: c.Settings.RepositoryConfig,
		RepositoryCache:  c.Settings.RepositoryCache,
		Debug:            c.Settings.Debug,
		RegistryClient:   client,
	}
	return manager.Update()
}

func (helm3) load(path string) (*chart.Chart, error) { return loader.Load(path) }

func (helm3) loadFiles(files []*loader.BufferedFile) (*chart.Chart, error) {
	return loader.LoadFiles(files)
}

// registry3 returns a client for OCI registries with the credentials that Helm has stored, as
// cmd/helm/root.go makes it. What it has to say goes to stderr.
func registry3(c *Client, src *action.ChartPathOptions) (*registry.Client, error) {
	opts := []registry.ClientOption{
		registry.ClientOptDebug(c.Settings.Debug),
		registry.ClientOptEnableCache(true),
		registry.ClientOptWriter(c.Stderr),
		registry.ClientOptCredentialsFile(c.Settings.RegistryConfig),
		registry.ClientOptBasicAuth(src.Username, src.Password),
	}
	client, err := registryHTTP(src)
	switch {
	case err != nil:
		return nil, err
	case client != nil:
		opts = append(opts, registry.ClientOptHTTPClient(client))
	case src.PlainHTTP:
		opts = append(opts, registry.ClientOptPlainHTTP())
	}
	return registry.NewClient(opts...)
}
