package helm

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/release"
	"k8s.io/client-go/discovery"
)

// Newest is the major version of Helm that is taken where none is installed.
const Newest = 4

// engine is one Helm: its own code opens the storage, renders, and runs post-renderers.
// What it returns is in the types of Helm 3, which hold all that both know of charts
// and releases; how a release was applied is told besides.
type engine interface {
	sources
	// open returns Helm's configuration for the cluster that the environment names, after
	// asking whether the cluster answers.
	open(c *Client) (configuration, error)
	// offline returns one for no cluster at all: a release of the revision before the one
	// that is asked for, in memory.
	offline(c *Client, t Template, caps *chartutil.Capabilities) (configuration, error)
	// capabilities are those of a cluster of which nothing is known.
	capabilities() *chartutil.Capabilities
	// versionSet lists what a cluster serves, as templates see it.
	versionSet(client discovery.ServerResourcesInterface) ([]string, error)
	// postRenderer looks a post-renderer up before any work starts; nil if none is named.
	postRenderer(ctx context.Context, c *Client, p PostRenderer) (postRenderer, error)
}

// configuration is what one Helm works on. Nothing that it does reaches a cluster but
// questions.
type configuration interface {
	// history reads all revisions of a release, oldest first, and has all later work done
	// on a copy of them in memory.
	history(name string) ([]stored, error)
	// names lists the releases of the namespace.
	names() ([]string, error)
	// see sets what templates see as .Capabilities.
	see(caps *chartutil.Capabilities)
	// render renders a chart as an installation or an upgrade would, without doing either.
	render(ctx context.Context, j *job) (*release.Release, error)
}

// stored is a revision of a release, and how Helm has noted that it was applied: "ssa",
// "csa", or "" for one that Helm 3 made.
type stored struct {
	*release.Release
	applied string
}

// postRenderer changes what a chart rendered.
type postRenderer interface {
	Run(rendered *bytes.Buffer) (*bytes.Buffer, error)
}

// job is what Helm is asked to render.
type job struct {
	*Rendering
	release, namespace string
	chart              *chart.Chart
	values             map[string]any
	post               postRenderer
	// upgrade says that it is no installation.
	upgrade bool
	// reuse, reset and resetThenReuse say what becomes of the values of the release.
	reuse, reset, resetThenReuse bool
	skipCRDs                     bool
}

// engine returns the Helm that does the work.
func (c *Client) engine(ctx context.Context) engine {
	if c.Major(ctx) == 3 {
		return helm3{}
	}
	return helm4{}
}

// Major returns the major version of the Helm that does the work: that of c.Helm, or of the
// one that runs this program, or the newest that is installed, or else the newest that is
// known.
func (c *Client) Major(ctx context.Context) int {
	c.chosen.Do(func() {
		if c.major = c.Helm; c.major != 0 {
			return
		}
		if bin := os.Getenv("HELM_BIN"); bin != "" {
			if c.major = majorOf(ctx, bin); c.major != 0 {
				return
			}
		}
		for _, bin := range []string{"helm4", "helm", "helm3"} {
			c.major = max(c.major, majorOf(ctx, bin))
		}
		if c.major == 0 {
			c.major = Newest
		}
	})
	return c.major
}

// majorOf returns the major version of a helm, 0 if there is none that is known. What the
// linker wrote into it tells without running it.
func majorOf(ctx context.Context, bin string) int {
	path, err := exec.LookPath(bin)
	if err != nil {
		return 0
	}
	module := ""
	if info, err := buildinfo.ReadFile(path); err == nil {
		module = info.Main.Path
	}
	version := strings.TrimPrefix(module, "helm.sh/helm/")
	if version == module {
		version = versionOf(ctx, path)
	}
	switch version, _, _ = strings.Cut(version, "."); version {
	case "v3":
		return 3
	case "v4":
		return 4
	}
	return 0
}

// ParseMajor reads the major version of a Helm that is known; "" stands for the one that is
// there.
func ParseMajor(text string) (int, error) {
	switch text {
	case "":
		return 0, nil
	case "3":
		return 3, nil
	case "4":
		return 4, nil
	}
	return 0, errors.New("valid are 3, 4")
}

// askCaller returns the version of the helm that runs this plugin, such as
// "v4.3.1"; "" if none does. Helm gives its path to plugins, not its version.
func askCaller(ctx context.Context) string {
	bin := os.Getenv("HELM_BIN")
	if bin == "" {
		return ""
	}
	path, err := exec.LookPath(bin)
	if err != nil {
		return ""
	}
	return versionOf(ctx, path)
}

// versionOf asks a helm for its version, such as "v4.3.1"; "" if it says none.
func versionOf(ctx context.Context, bin string) string {
	cmd := exec.CommandContext(ctx, bin, "version", "--template", "{{.Version}}") //nolint:gosec // Helm names itself
	cmd.Env = append(os.Environ(), "HELM_NO_PLUGINS=1", "HELM_DEBUG=false")
	out, err := cmd.Output()
	if version := strings.TrimSpace(string(out)); err == nil && strings.HasPrefix(version, "v") {
		return version
	}
	return ""
}

// callerVersion returns the version of the helm that runs this plugin, for a
// chart whose templates ask for it; "" if none does, nobody can tell, or another one
// does the work.
func (c *Client) callerVersion(ctx context.Context, ch *chart.Chart) string {
	if !asksHelmVersion(ch) {
		return ""
	}
	version := askCaller(ctx)
	if !strings.HasPrefix(version, fmt.Sprintf("v%d.", c.Major(ctx))) {
		return ""
	}
	return version
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
