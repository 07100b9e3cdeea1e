package helm

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

const clusterHint = "set KUBECONFIG, --kubeconfig or --kube-context to a cluster that answers; `local` compares two charts without one"

// patience is how long one request of Helm's may take. Helm itself sets no limit: a
// cluster that accepts a connection and says nothing would be waited for for ever.
const patience = time.Minute

// patient is where the cluster is, with a limit to how long it may take to answer.
type patient struct {
	genericclioptions.RESTClientGetter
}

// ToRESTConfig returns how to reach the cluster.
func (p patient) ToRESTConfig() (*rest.Config, error) {
	config, err := p.RESTClientGetter.ToRESTConfig()
	if err == nil {
		config.Timeout = patience
	}
	return config, err
}

// cluster returns where the cluster is that the environment names.
func (c *Client) cluster() patient { return patient{c.Settings.RESTClientGetter()} }

func (c *Client) storageError(err error) error {
	hint := "HELM_DRIVER is one of secret, configmap, memory, sql"
	if c.Driver == "sql" {
		hint = "HELM_DRIVER_SQL_CONNECTION_STRING names the database"
	}
	return withHint(fmt.Errorf("open Helm's storage: %w", clean(err)), hint)
}

func reachError(err error) error {
	return withHint(fmt.Errorf("reach the cluster: %w", clean(err)), clusterHint)
}

// memoryDriver is the value of HELM_DRIVER for releases that are in files.
const memoryDriver = "memory"

// fillMemory creates the releases of the memory driver, which are in the files that
// HELM_MEMORY_DRIVER_DATA names, as cmd/helm/helm.go does. R is a release of one of the Helms.
func fillMemory[R any](create func(*R) error) error {
	list := os.Getenv("HELM_MEMORY_DRIVER_DATA")
	if list == "" {
		return nil
	}
	for _, path := range strings.Split(list, ":") {
		data, err := os.ReadFile(path) //nolint:gosec // the user names the file
		if err != nil {
			return fmt.Errorf("read releases from HELM_MEMORY_DRIVER_DATA: %w", err)
		}
		var releases []*R
		if err := yaml.Unmarshal(data, &releases); err != nil {
			return fmt.Errorf("read releases from %q: %w", path, clean(err))
		}
		for _, rel := range releases {
			if err := create(rel); err != nil {
				return fmt.Errorf("read releases from %q: %w", path, err)
			}
		}
	}
	return nil
}

// readCapabilities asks the cluster what the templates see as .Capabilities, as
// getCapabilities in pkg/action/action.go does, and puts what the user asked
// for on top.
func (c *Client) readCapabilities(ctx context.Context, ch *chart.Chart, r Rendering) (*chartutil.Capabilities, error) {
	client, err := c.cluster().ToDiscoveryClient()
	if err != nil {
		return nil, err
	}
	client.Invalidate()
	server, err := client.ServerVersion()
	if err != nil {
		return nil, err
	}
	engine := c.engine(ctx)
	versions, err := engine.versionSet(client)
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return nil, err
	}
	caps := engine.capabilities()
	caps.KubeVersion = chartutil.KubeVersion{Version: server.GitVersion, Major: server.Major, Minor: server.Minor}
	caps.APIVersions = slices.Concat(versions, r.APIVersions)
	if r.KubeVersion != "" {
		asked, err := parseKubeVersion(r.KubeVersion)
		if err != nil {
			return nil, err
		}
		caps.KubeVersion = *asked
	}
	if version := c.callerVersion(ctx, ch); version != "" {
		caps.HelmVersion.Version = version
	}
	return caps, nil
}

// CheckKubeVersion returns an error for what is no version of Kubernetes. ""
// stands for the version that is there.
func CheckKubeVersion(text string) error {
	if text == "" {
		return nil
	}
	_, err := parseKubeVersion(text)
	return err
}

// parseKubeVersion reads a version of Kubernetes, such as 1.36 or v1.36.3+k3s1.
func parseKubeVersion(text string) (*chartutil.KubeVersion, error) {
	if strings.Contains(text, ",") { // of which Helm would take the first
		return nil, withHint(fmt.Errorf("read Kubernetes version %q: only one version is possible here", text), "only `chart` judges for several versions")
	}
	version, err := chartutil.ParseKubeVersion(text)
	if err != nil {
		return nil, withHint(fmt.Errorf("read Kubernetes version %q: %w", text, err), "write it as 1.36 or v1.36.3")
	}
	return version, nil
}
