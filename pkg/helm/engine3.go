package helm

import (
	"context"
	"errors"
	"fmt"
	"io"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/kube/fake"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
	"k8s.io/client-go/discovery"
)

// helm3 is Helm 3.
type helm3 struct{}

// configuration3 is what Helm 3 works on.
type configuration3 struct{ *action.Configuration }

// silent3 stands in for the client that would send objects to the cluster. It
// builds and sends nothing, so that neither a custom resource whose definition
// is not there yet nor an API that is gone ends the rendering: such objects are
// judged later, and all of them.
type silent3 struct{ fake.PrintingKubeClient }

func silence3() *silent3 {
	return &silent3{fake.PrintingKubeClient{Out: io.Discard, LogOutput: io.Discard}}
}

func (helm3) open(c *Client) (configuration, error) {
	cfg := new(action.Configuration)
	if err := cfg.Init(c.cluster(), c.Settings.Namespace(), c.Driver, c.log()); err != nil {
		return nil, c.storageError(err)
	}
	if c.Driver == memoryDriver {
		if err := fillMemory(cfg.Releases.Create); err != nil {
			return nil, err
		}
		cfg.Releases.Driver.(*driver.Memory).SetNamespace(c.Settings.Namespace())
	} else if err := cfg.KubeClient.IsReachable(); err != nil {
		return nil, reachError(err)
	}
	cfg.KubeClient = silence3()
	return configuration3{cfg}, nil
}

func (helm3) offline(c *Client, t Template, caps *chartutil.Capabilities) (configuration, error) {
	memory := driver.NewMemory()
	memory.SetNamespace(c.Settings.Namespace())
	cfg := &action.Configuration{
		Log: c.log(), Capabilities: caps, Releases: storage.Init(memory),
		KubeClient: silence3(),
	}
	if t.Revision < 2 {
		return configuration3{cfg}, nil
	}
	return configuration3{cfg}, cfg.Releases.Create(&release.Release{
		Name: t.Release, Namespace: c.Settings.Namespace(), Version: t.Revision - 1, Info: &release.Info{Status: release.StatusDeployed},
	})
}

func (helm3) capabilities() *chartutil.Capabilities { return chartutil.DefaultCapabilities.Copy() }

func (helm3) versionSet(client discovery.ServerResourcesInterface) ([]string, error) {
	return action.GetVersionSet(client)
}

func (cfg configuration3) see(caps *chartutil.Capabilities) { cfg.Capabilities = caps }

func (cfg configuration3) history(name string) ([]stored, error) {
	revisions, err := cfg.Releases.History(name)
	if err != nil && !errors.Is(err, driver.ErrReleaseNotFound) {
		return nil, err
	}
	cfg.Releases = storage.Init(driver.NewMemory())
	for _, rel := range revisions {
		if err := cfg.Releases.Create(rel); err != nil {
			return nil, err
		}
	}
	releaseutil.SortByRevision(revisions)
	list := make([]stored, len(revisions))
	for i, rel := range revisions {
		list[i].Release = rel
	}
	return list, nil
}

func (cfg configuration3) names() ([]string, error) {
	list := action.NewList(cfg.Configuration)
	list.StateMask = action.ListAll
	list.SetStateMask()
	list.All = true
	releases, err := list.Run()
	names := make([]string, len(releases))
	for i, rel := range releases {
		names[i] = rel.Name
	}
	return names, err
}

// dryRun3 is how Helm 3 calls a dry run in which templates may look things up in the
// cluster.
const dryRun3 = "server"

func (cfg configuration3) render(ctx context.Context, j *job) (*release.Release, error) {
	if !j.upgrade {
		return cfg.install(ctx, j)
	}
	act := action.NewUpgrade(cfg.Configuration)
	act.Namespace = j.namespace
	act.DryRun, act.DryRunOption = true, dryRun3
	act.ReuseValues, act.ResetValues, act.ResetThenReuseValues = j.reuse, j.reset, j.resetThenReuse
	act.DisableHooks = j.NoHooks
	act.SubNotes = j.SubchartNotes
	act.EnableDNS = j.EnableDNS
	act.SkipSchemaValidation = j.SkipSchemaValidation
	if j.post != nil {
		act.PostRenderer = j.post
	}
	return act.RunWithContext(ctx, j.release, j.chart, j.values)
}

func (cfg configuration3) install(ctx context.Context, j *job) (*release.Release, error) {
	act := action.NewInstall(cfg.Configuration)
	act.ReleaseName, act.Namespace = j.release, j.namespace
	act.DryRun, act.DryRunOption = true, dryRun3
	act.SkipCRDs = j.skipCRDs
	act.DisableHooks = j.NoHooks
	act.SubNotes = j.SubchartNotes
	act.EnableDNS = j.EnableDNS
	act.SkipSchemaValidation = j.SkipSchemaValidation
	if j.post != nil {
		act.PostRenderer = j.post
	}
	return act.RunWithContext(ctx, j.chart, j.values)
}

func (helm3) postRenderer(ctx context.Context, c *Client, p PostRenderer) (postRenderer, error) {
	if p.Name == "" {
		return nil, nil
	}
	found, err := findExecutable(ctx, c, p)
	if err != nil {
		return nil, withHint(fmt.Errorf("find post-renderer %q: %w", p.Name, err),
			"under Helm 3 a post-renderer is an executable; --helm 4 runs a plugin of the type postrenderer/v1")
	}
	return found, nil
}
