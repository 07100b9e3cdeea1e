package helm

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/repo"
)

// sources is where one Helm finds charts and values. What is asked of a repository, a
// registry or a plugin that downloads is asked by that Helm's own code.
type sources interface {
	// values reads a file of values: the first document of it (Helm 3), or all of them, merged
	// (Helm 4).
	values(text []byte) (map[string]any, error)
	// set merges into values what a flag such as --set says; read returns the content of a
	// file that --set-file names.
	set(flag, text string, into map[string]any, read func([]rune) (any, error)) error
	// get downloads a file; found is false for what neither Helm nor a plugin downloads.
	get(c *Client, scheme, url string) (content []byte, found bool, err error)
	// locate returns the path of a chart on disk, which may mean to download it, and to
	// verify its signature.
	locate(c *Client, src *Chart) (path string, err error)
	// chartURL returns where a chart of a repository is, which need not be a known one.
	chartURL(c *Client, in *repo.Entry, name, version string) (string, error)
	// repositories lists those that Helm knows, from a file that need not exist.
	repositories(file string) ([]*repo.Entry, error)
	// update fetches the dependencies of a chart into the folder that it is in.
	update(c *Client, src *Chart, folder string) error
	// load reads a chart, a folder or an archive.
	load(path string) (*chart.Chart, error)
	// loadFiles reads a chart from its files.
	loadFiles(files []*loader.BufferedFile) (*chart.Chart, error)
}

// asksRegistry reports whether a chart may have to be downloaded. What reads the credentials
// of registries may fail, and is no matter of a chart on disk.
func asksRegistry(src *Chart) bool {
	_, err := os.Stat(src.Ref)
	return err != nil || src.Source.RepoURL != ""
}

// registryHTTP returns what asks a registry over TLS that flags describe, as newRegistryClient
// in cmd/helm/root.go makes it, the same in both Helms; nil if they do not.
func registryHTTP(src *action.ChartPathOptions) (*http.Client, error) {
	if (src.CertFile == "" || src.KeyFile == "") && src.CaFile == "" && !src.InsecureSkipTLSverify {
		return nil, nil
	}
	config := &tls.Config{InsecureSkipVerify: src.InsecureSkipTLSverify} //nolint:gosec // as the user says, and Helm does
	if src.CertFile != "" && src.KeyFile != "" {
		pair, err := tls.LoadX509KeyPair(src.CertFile, src.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read the client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if src.CaFile != "" {
		text, err := os.ReadFile(src.CaFile)
		if err != nil {
			return nil, fmt.Errorf("read the certificates of authorities: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("read the certificates of authorities: %q has none", src.CaFile)
		}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config, Proxy: http.ProxyFromEnvironment}}, nil
}
