package helm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/kube/fake"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// silentKube stands in for the client that would send objects to the cluster. It
// builds and sends nothing, so that neither a custom resource whose definition
// is not there yet nor an API that is gone ends the rendering: such objects are
// judged later, and all of them.
type silentKube struct{ fake.PrintingKubeClient }

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

// connect returns Helm's configuration for the cluster that the environment
// names, after asking whether the cluster answers.
func (c *Client) connect() (*action.Configuration, error) {
	cfg := new(action.Configuration)
	if err := cfg.Init(patient{c.Settings.RESTClientGetter()}, c.Settings.Namespace(), c.Driver, c.log()); err != nil {
		hint := "HELM_DRIVER is one of secret, configmap, memory, sql"
		if c.Driver == "sql" {
			hint = "HELM_DRIVER_SQL_CONNECTION_STRING names the database"
		}
		return nil, withHint(fmt.Errorf("open Helm's storage: %w", clean(err)), hint)
	}
	if c.Driver == "memory" {
		if err := c.fillMemory(cfg.Releases); err != nil {
			return nil, err
		}
	} else if err := cfg.KubeClient.IsReachable(); err != nil {
		return nil, withHint(fmt.Errorf("reach the cluster: %w", clean(err)),
			clusterHint)
	}
	cfg.KubeClient = &silentKube{fake.PrintingKubeClient{Out: io.Discard, LogOutput: io.Discard}}
	return cfg, nil
}

// fillMemory loads the releases of the memory driver from the files named by
// HELM_MEMORY_DRIVER_DATA, as cmd/helm/helm.go does.
func (c *Client) fillMemory(store *storage.Storage) error {
	list := os.Getenv("HELM_MEMORY_DRIVER_DATA")
	if list == "" {
		return nil
	}
	for _, path := range strings.Split(list, ":") {
		data, err := os.ReadFile(path) //nolint:gosec // the user names the file
		if err != nil {
			return fmt.Errorf("read releases from HELM_MEMORY_DRIVER_DATA: %w", err)
		}
		var releases []*release.Release
		if err := yaml.Unmarshal(data, &releases); err != nil {
			return fmt.Errorf("read releases from %q: %w", path, clean(err))
		}
		for _, rel := range releases {
			if err := store.Create(rel); err != nil {
				return fmt.Errorf("read releases from %q: %w", path, err)
			}
		}
	}
	store.Driver.(*driver.Memory).SetNamespace(c.Settings.Namespace())
	return nil
}

// copyHistory reads all revisions of a release, oldest first, and makes cfg work
// on a copy of them in memory. From here on nothing can reach Helm's storage.
func copyHistory(cfg *action.Configuration, name string) ([]*release.Release, error) {
	history, err := cfg.Releases.History(name)
	if err != nil && !errors.Is(err, driver.ErrReleaseNotFound) {
		return nil, err
	}
	cfg.Releases = storage.Init(driver.NewMemory())
	for _, rel := range history {
		if err := cfg.Releases.Create(rel); err != nil {
			return nil, err
		}
	}
	releaseutil.SortByRevision(history)
	return history, nil
}

// readCapabilities asks the cluster what the templates see as .Capabilities, as
// getCapabilities in pkg/action/action.go does, and puts what the user asked
// for on top.
func readCapabilities(ctx context.Context, cfg *action.Configuration, ch *chart.Chart, r Rendering) error {
	client, err := cfg.RESTClientGetter.ToDiscoveryClient()
	if err != nil {
		return err
	}
	client.Invalidate()
	server, err := client.ServerVersion()
	if err != nil {
		return err
	}
	versions, err := action.GetVersionSet(client)
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return err
	}
	caps := &chartutil.Capabilities{
		KubeVersion: chartutil.KubeVersion{Version: server.GitVersion, Major: server.Major, Minor: server.Minor},
		APIVersions: append(versions, r.APIVersions...),
		HelmVersion: chartutil.DefaultCapabilities.HelmVersion,
	}
	if r.KubeVersion != "" {
		asked, err := parseKubeVersion(r.KubeVersion)
		if err != nil {
			return err
		}
		caps.KubeVersion = *asked
	}
	if version := callerVersion(ctx, ch); version != "" {
		caps.HelmVersion.Version = version
	}
	cfg.Capabilities = caps
	return nil
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
	version, err := chartutil.ParseKubeVersion(text)
	if err != nil {
		return nil, withHint(fmt.Errorf("read Kubernetes version %q: %w", text, err), "write it as 1.36 or v1.36.3")
	}
	return version, nil
}

// callerVersion returns the version of the helm that runs this plugin, for a
// chart whose templates ask for it; "" if none does or nobody can tell. Helm
// gives its path to plugins, not its version.
func callerVersion(ctx context.Context, ch *chart.Chart) string {
	if !asksHelmVersion(ch) {
		return ""
	}
	return askCaller(ctx)
}

// askCaller returns the version of the helm that runs this plugin, such as
// "v4.3.1"; "" if none does.
func askCaller(ctx context.Context) string {
	bin := os.Getenv("HELM_BIN")
	if bin == "" {
		return ""
	}
	if !strings.ContainsRune(bin, filepath.Separator) {
		found, err := exec.LookPath(bin)
		if err != nil {
			return ""
		}
		bin = found
	}
	cmd := exec.CommandContext(ctx, bin, "version", "--template", "{{.Version}}") //nolint:gosec // Helm names itself
	cmd.Env = append(os.Environ(), "HELM_NO_PLUGINS=1", "HELM_DEBUG=false")
	out, err := cmd.Output()
	if version := strings.TrimSpace(string(out)); err == nil && strings.HasPrefix(version, "v") {
		return version
	}
	return ""
}

func asksHelmVersion(ch *chart.Chart) bool {
	for _, t := range ch.Templates {
		if strings.Contains(string(t.Data), "HelmVersion") {
			return true
		}
	}
	for _, d := range ch.Dependencies() {
		if asksHelmVersion(d) {
			return true
		}
	}
	return false
}
