package helm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/repo"
	action4 "helm.sh/helm/v4/pkg/action"
	charter "helm.sh/helm/v4/pkg/chart"
	anyloader "helm.sh/helm/v4/pkg/chart/loader"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart4 "helm.sh/helm/v4/pkg/chart/v2"
	loader4 "helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/cli"
	"helm.sh/helm/v4/pkg/downloader"
	"helm.sh/helm/v4/pkg/getter"
	"helm.sh/helm/v4/pkg/registry"
	repo4 "helm.sh/helm/v4/pkg/repo/v1"
	"helm.sh/helm/v4/pkg/strvals"
)

func (helm4) values(text []byte) (map[string]any, error) {
	return loader4.LoadValues(bytes.NewReader(text))
}

// set takes a whole JSON object for --set-json, too (MergeValues in pkg/cli/values).
func (helm4) set(flag, text string, into map[string]any, read func([]rune) (any, error)) error {
	switch flag {
	case setJSON:
		object := strings.TrimSpace(text)
		if !strings.HasPrefix(object, "{") {
			return strvals.ParseJSON(text, into)
		}
		var values map[string]any
		if err := json.Unmarshal([]byte(object), &values); err != nil {
			return err
		}
		maps.Copy(into, loader4.MergeMaps(into, values))
		return nil
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

func (helm4) get(c *Client, scheme, url string) (content []byte, found bool, err error) {
	get, err := getter.All(c.settings4()).ByScheme(scheme)
	if err != nil {
		return nil, false, nil //nolint:nilerr // it is a file then
	}
	got, err := get.Get(url, getter.WithURL(url))
	if err != nil {
		return nil, true, err
	}
	return got.Bytes(), true, nil
}

func (helm4) locate(c *Client, src *Chart) (string, error) {
	finder := action4.NewInstall(action4.NewConfiguration())
	s := &src.Source
	finder.ChartPathOptions = action4.ChartPathOptions{
		CaFile: s.CaFile, CertFile: s.CertFile, KeyFile: s.KeyFile, InsecureSkipTLSVerify: s.InsecureSkipTLSverify, PlainHTTP: s.PlainHTTP,
		Keyring: s.Keyring, Password: s.Password, PassCredentialsAll: s.PassCredentialsAll, RepoURL: s.RepoURL, Username: s.Username,
		Verify: s.Verify, Version: s.Version,
	}
	if asksRegistry(src) {
		client, err := registry4(c, s)
		if err != nil {
			return "", err
		}
		finder.SetRegistryClient(client)
	}
	return finder.LocateChart(src.Ref, c.settings4())
}

func (helm4) chartURL(c *Client, in *repo.Entry, name, version string) (string, error) {
	return repo4.FindChartInRepoURL(in.URL, name, getter.All(c.settings4()),
		repo4.WithChartVersion(version), repo4.WithUsernamePassword(in.Username, in.Password),
		repo4.WithClientTLS(in.CertFile, in.KeyFile, in.CAFile), repo4.WithInsecureSkipTLSVerify(in.InsecureSkipTLSverify),
		repo4.WithPassCredentialsAll(in.PassCredentialsAll))
}

func (helm4) repositories(file string) ([]*repo.Entry, error) {
	known, err := repo4.LoadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return each(known.Repositories, func(e *repo4.Entry) *repo.Entry {
		return &repo.Entry{
			Name: e.Name, URL: e.URL, Username: e.Username, Password: e.Password, CertFile: e.CertFile, KeyFile: e.KeyFile, CAFile: e.CAFile,
			InsecureSkipTLSverify: e.InsecureSkipTLSVerify, PassCredentialsAll: e.PassCredentialsAll,
		}
	}), nil
}

func (helm4) update(c *Client, src *Chart, folder string) error {
	client, err := registry4(c, &src.Source)
	if err != nil {
		return err
	}
	settings := c.settings4()
	manager := &downloader.Manager{
		Out:              c.Stderr,
		ChartPath:        folder,
		Keyring:          src.Source.Keyring,
		Getters:          getter.All(settings),
		RepositoryConfig: settings.RepositoryConfig,
		RepositoryCache:  settings.RepositoryCache,
		ContentCache:     settings.ContentCache,
		Debug:            settings.Debug,
		RegistryClient:   client,
	}
	return manager.Update()
}

func (helm4) load(path string) (*chart.Chart, error) { return loaded(anyloader.Load(path)) }

func (helm4) loadFiles(files []*loader.BufferedFile) (*chart.Chart, error) {
	return loaded(loader4.LoadFiles(each(files, func(f *loader.BufferedFile) *archive.BufferedFile {
		return &archive.BufferedFile{Name: f.Name, Data: f.Data}
	})))
}

// loaded returns a chart in the types of Helm 3. Those of the next format, apiVersion v3, Helm
// does not install either (prepareUpgrade in pkg/action).
func loaded(ch charter.Charter, err error) (*chart.Chart, error) {
	if err != nil {
		return nil, err
	}
	ch4, is := ch.(*chart4.Chart)
	if !is || ch4.Metadata.APIVersion != chart4.APIVersionV1 && ch4.Metadata.APIVersion != chart4.APIVersionV2 {
		return nil, errors.New("invalid chart apiVersion")
	}
	return chartOf3(ch4), nil
}

// registry4 is what registry3 is, as pkg/cmd/root.go makes it.
func registry4(c *Client, src *action.ChartPathOptions) (*registry.Client, error) {
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

// settings4 returns the environment in the type of Helm 4, which alone has a cache of contents
// (HELM_CONTENT_CACHE).
func (c *Client) settings4() *cli.EnvSettings {
	s, here := cli.New(), c.Settings
	s.SetNamespace(here.Namespace())
	s.KubeConfig, s.KubeContext, s.KubeToken = here.KubeConfig, here.KubeContext, here.KubeToken
	s.KubeAsUser, s.KubeAsGroups, s.KubeAPIServer = here.KubeAsUser, here.KubeAsGroups, here.KubeAPIServer
	s.KubeCaFile, s.KubeTLSServerName, s.KubeInsecureSkipTLSVerify = here.KubeCaFile, here.KubeTLSServerName, here.KubeInsecureSkipTLSVerify
	s.Debug, s.PluginsDirectory = here.Debug, here.PluginsDirectory
	s.RegistryConfig, s.RepositoryConfig, s.RepositoryCache = here.RegistryConfig, here.RepositoryConfig, here.RepositoryCache
	return s
}
