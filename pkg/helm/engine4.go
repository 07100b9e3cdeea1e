package helm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
	chart4 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/kube/fake"
	"helm.sh/helm/v4/pkg/postrenderer"
	releaser "helm.sh/helm/v4/pkg/release"
	releasecommon "helm.sh/helm/v4/pkg/release/common"
	release4 "helm.sh/helm/v4/pkg/release/v1"
	releaseutil4 "helm.sh/helm/v4/pkg/release/v1/util"
	"helm.sh/helm/v4/pkg/storage"
	"helm.sh/helm/v4/pkg/storage/driver"
	"k8s.io/client-go/discovery"
)

// helm4 is Helm 4.
type helm4 struct{}

// configuration4 is what Helm 4 works on.
type configuration4 struct{ *action.Configuration }

// silent4 is what silent3 is, for Helm 4.
type silent4 struct{ fake.PrintingKubeClient }

func silence4() *silent4 {
	return &silent4{fake.PrintingKubeClient{Out: io.Discard, LogOutput: io.Discard}}
}

func (helm4) open(c *Client) (configuration, error) {
	cfg := action.NewConfiguration(action.ConfigurationSetLogger(c.logger()))
	if err := cfg.Init(c.cluster(), c.Settings.Namespace(), c.Driver); err != nil {
		return nil, c.storageError(err)
	}
	if c.Driver == memoryDriver {
		if err := fillMemory(func(rel *release4.Release) error { return cfg.Releases.Create(rel) }); err != nil {
			return nil, err
		}
		cfg.Releases.Driver.(*driver.Memory).SetNamespace(c.Settings.Namespace())
	} else if err := cfg.KubeClient.IsReachable(); err != nil {
		return nil, reachError(err)
	}
	cfg.KubeClient = silence4()
	return configuration4{cfg}, nil
}

func (helm4) offline(c *Client, t Template, caps *chartutil.Capabilities) (configuration, error) {
	memory := driver.NewMemory()
	memory.SetNamespace(c.Settings.Namespace())
	cfg := configuration4{action.NewConfiguration(action.ConfigurationSetLogger(c.logger()))}
	cfg.Releases, cfg.KubeClient = storage.Init(memory), silence4()
	cfg.see(caps)
	if t.Revision < 2 {
		return cfg, nil
	}
	return cfg, cfg.Releases.Create(&release4.Release{
		Name: t.Release, Namespace: c.Settings.Namespace(), Version: t.Revision - 1,
		Info: &release4.Info{Status: releasecommon.StatusDeployed}, ApplyMethod: string(release4.ApplyMethodServerSideApply),
	})
}

func (helm4) capabilities() *chartutil.Capabilities {
	known := common.DefaultCapabilities
	caps := &chartutil.Capabilities{APIVersions: chartutil.VersionSet(known.APIVersions)}
	caps.HelmVersion.Version, caps.HelmVersion.GoVersion = known.HelmVersion.Version, known.HelmVersion.GoVersion
	return caps
}

func (helm4) versionSet(client discovery.ServerResourcesInterface) ([]string, error) {
	return action.GetVersionSet(client)
}

func (cfg configuration4) see(caps *chartutil.Capabilities) {
	seen := common.DefaultCapabilities.Copy()
	seen.APIVersions = common.VersionSet(caps.APIVersions)
	seen.HelmVersion.Version = caps.HelmVersion.Version
	if version, err := common.ParseKubeVersion(caps.KubeVersion.Version); err == nil {
		seen.KubeVersion = *version
	}
	seen.KubeVersion.Version, seen.KubeVersion.Major, seen.KubeVersion.Minor = caps.KubeVersion.Version, caps.KubeVersion.Major, caps.KubeVersion.Minor
	cfg.Capabilities = seen
}

func (cfg configuration4) history(name string) ([]stored, error) {
	found, err := cfg.Releases.History(name)
	if err != nil && !errors.Is(err, driver.ErrReleaseNotFound) {
		return nil, err
	}
	revisions := make([]*release4.Release, len(found))
	cfg.Releases = storage.Init(driver.NewMemory())
	for i, r := range found {
		if revisions[i], err = release4Of(r); err == nil {
			err = cfg.Releases.Create(revisions[i])
		}
		if err != nil {
			return nil, err
		}
	}
	releaseutil4.SortByRevision(revisions)
	list := make([]stored, len(revisions))
	for i, rel := range revisions {
		list[i] = stored{release3(rel), rel.ApplyMethod}
	}
	return list, nil
}

func (cfg configuration4) names() ([]string, error) {
	list := action.NewList(cfg.Configuration)
	list.StateMask = action.ListAll
	list.SetStateMask()
	list.All = true
	releases, err := list.Run()
	if err != nil {
		return nil, err
	}
	names := make([]string, len(releases))
	for i, r := range releases {
		rel, err := release4Of(r)
		if err != nil {
			return nil, err
		}
		names[i] = rel.Name
	}
	return names, nil
}

func (cfg configuration4) render(ctx context.Context, j *job) (*release.Release, error) {
	if !j.upgrade {
		return cfg.install(ctx, j)
	}
	act := action.NewUpgrade(cfg.Configuration)
	act.Namespace = j.namespace
	act.DryRunStrategy = action.DryRunServer
	act.ReuseValues, act.ResetValues, act.ResetThenReuseValues = j.reuse, j.reset, j.resetThenReuse
	act.DisableHooks = j.NoHooks
	act.SubNotes = j.SubchartNotes
	act.EnableDNS = j.EnableDNS
	act.SkipSchemaValidation = j.SkipSchemaValidation
	if j.post != nil {
		act.PostRenderer = j.post
	}
	return rendered(act.RunWithContext(ctx, j.release, chartOf4(j.chart), j.values))
}

func (cfg configuration4) install(ctx context.Context, j *job) (*release.Release, error) {
	act := action.NewInstall(cfg.Configuration)
	act.ReleaseName, act.Namespace = j.release, j.namespace
	act.DryRunStrategy = action.DryRunServer
	act.SkipCRDs = j.skipCRDs
	act.DisableHooks = j.NoHooks
	act.SubNotes = j.SubchartNotes
	act.EnableDNS = j.EnableDNS
	act.SkipSchemaValidation = j.SkipSchemaValidation
	if j.post != nil {
		act.PostRenderer = j.post
	}
	return rendered(act.RunWithContext(ctx, chartOf4(j.chart), j.values))
}

// rendered returns what Helm 4 has rendered in the types of Helm 3.
func rendered(r releaser.Releaser, err error) (*release.Release, error) {
	if err != nil {
		return nil, err
	}
	rel, err := release4Of(r)
	if err != nil {
		return nil, err
	}
	return release3(rel), nil
}

func release4Of(r releaser.Releaser) (*release4.Release, error) {
	switch rel := r.(type) {
	case *release4.Release:
		return rel, nil
	case release4.Release:
		return &rel, nil
	}
	return nil, fmt.Errorf("cannot read a release of type %T", r)
}

// postRenderer finds a plugin: Helm 4 takes nothing else.
func (helm4) postRenderer(_ context.Context, c *Client, p PostRenderer) (postRenderer, error) {
	if p.Name == "" {
		return nil, nil
	}
	found, err := postrenderer.NewPostRendererPlugin(c.settings4(), p.Name, p.Args...)
	if err != nil {
		return nil, withHint(fmt.Errorf("find post-renderer %q: %w", p.Name, clean(err)),
			"under Helm 4 a post-renderer is a plugin of the type postrenderer/v1; --helm 3 runs an executable")
	}
	return named{p.Name, found}, nil
}

// named is a post-renderer whose errors begin with its name.
type named struct {
	name string
	post postRenderer
}

// Run implements postRenderer.
func (n named) Run(in *bytes.Buffer) (*bytes.Buffer, error) {
	out, err := n.post.Run(in)
	if err != nil {
		return nil, fmt.Errorf("run post-renderer %q: %w", n.name, err)
	}
	return out, nil
}

// logger is what log is, for Helm 4.
func (c *Client) logger() slog.Handler {
	if !c.Settings.Debug {
		return slog.DiscardHandler
	}
	return slog.NewTextHandler(c.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})
}

// fileAnnotation tells, on the way through a post-renderer, which template an
// object came from. Post-renderers of Helm 4 see it (annotateAndMerge in
// helm.sh/helm/v4/pkg/action).
const fileAnnotation = "postrenderer.helm.sh/postrender-filename"

// given is a post-renderer that gives back a text, whatever was rendered.
type given string

// Run implements postRenderer.
func (g given) Run(*bytes.Buffer) (*bytes.Buffer, error) {
	return bytes.NewBufferString(string(g)), nil
}

// PostRendered returns the manifest, and the hooks, that Helm makes of what a
// post-renderer gives back, in the form of Side.Manifest. Of Helm 4 that is the whole
// chart; Helm 3 keeps the hooks to itself, and whole is false.
//
// The error quotes no document.
func PostRendered(ctx context.Context, text string) (manifest string, whole bool, err error) {
	if !strings.Contains(text, fileAnnotation) {
		return text, false, nil
	}
	memory := driver.NewMemory()
	cfg := configuration4{action.NewConfiguration(action.ConfigurationSetLogger(slog.DiscardHandler))}
	cfg.Releases, cfg.KubeClient, cfg.Capabilities = storage.Init(memory), silence4(), common.DefaultCapabilities.Copy()
	act := action.NewInstall(cfg.Configuration)
	act.ReleaseName, act.Namespace, act.DryRunStrategy = "release", "default", action.DryRunServer
	act.PostRenderer = given(text)
	// A chart without templates renders nothing, and Helm reads what is given back.
	empty := &chart4.Chart{Metadata: &chart4.Metadata{APIVersion: chart4.APIVersionV2, Name: "given", Version: "1.0.0"}}
	rel, err := rendered(act.RunWithContext(ctx, empty, nil))
	if err != nil {
		return "", true, fmt.Errorf("read what Helm has rendered: %w", clean(err))
	}
	return stream(rel, false), true, nil
}
