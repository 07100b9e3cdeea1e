// Package helm reads installed releases and renders charts, through the Helm
// SDK in this process. It is the only package that talks to Helm.
//
// It never writes: what Helm's storage says about a release is copied into
// memory once and Helm works on the copy, and the client that would send
// objects to the cluster sends nothing. A cluster is asked for its version, its
// API groups, its release records, and what a template looks up.
package helm

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/cli"
	"helm.sh/helm/v3/pkg/cli/values"
	"helm.sh/helm/v3/pkg/release"
)

// Side is one of the two manifests that are compared.
type Side struct {
	// Name is in error messages for the side, such as
	// `release "shop", revision 3`.
	Name string
	// Manifest is the release's manifest, then its hooks, as one stream of YAML
	// documents in the form that `helm template` prints.
	Manifest string
	// Again is what came out when a chart was rendered a second time: "" if that was
	// the same, or could not be another.
	Again string
	// LooksUp says of a chart that was rendered twice that its templates look up what
	// is in the cluster (`lookup`).
	LooksUp bool
	// CRDs is what the chart has in its crds directories, as such a stream.
	CRDs string
	// Values are those that the user has given; nil for a side without a release.
	Values map[string]any
	// Chart is "name-version"; "" if there is no chart.
	Chart string
	// Release and Namespace are what the templates see as .Release.
	Release, Namespace string
	// Revision is the release's; 0 if there is no release.
	Revision int
	// KubeVersion is the cluster version that the templates see; "" for a side
	// that was not rendered here.
	KubeVersion string
	// ServerSide reports, of a release that is installed or about to be, whether
	// Helm applies it on the server's side.
	ServerSide bool
	// Helm is the major version of the Helm that has read or rendered the side.
	Helm int
	// Failed is the last revision of an installed release if it failed, else 0.
	// It may be newer than Revision, and part of it may be in the cluster.
	Failed int
	// FailedHow says what became of that revision, as the rest of a sentence.
	FailedHow string
	// Record is what Helm stores of a side that was rendered.
	Record Record
	// Beside are the manifests of other revisions of which the cluster may hold objects, since
	// an upgrade failed: the one that was deployed then, and those that failed since; oldest
	// first, and without this side's own.
	Beside []string
	// Lens is what tells which values do what, where that was asked for.
	Lens *Lens `json:"-"`
}

// Client is the way to Helm. Its methods may run at the same time.
type Client struct {
	// Settings is Helm's environment: where the cluster, the repositories and
	// the plugins are.
	Settings *cli.EnvSettings
	// Driver is Helm's storage: secret, configmap, memory, sql; "" means secret
	// (the environment variable HELM_DRIVER).
	Driver string
	// Helm is the major version of the Helm whose code reads and renders, 3 or 4; 0 stands
	// for the one that runs this program, or else the newest that is installed.
	Helm int
	// Stderr takes what Helm and post-renderers have to say.
	Stderr io.Writer
	// ReadStdin returns stdin for a values file named "-". It may be called more
	// than once and at the same time. Nil means that there is no stdin.
	ReadStdin func() ([]byte, error)

	updating sync.Mutex        // held while a chart's dependencies are fetched
	fetched  map[string]string // where dependencies were downloaded to
	reading  sync.Mutex        // held while files is used
	files    map[string]func() ([]byte, error)
	chosen   sync.Once
	major    int
}

// Chart tells where a chart comes from, as the flags of `helm upgrade` do.
type Chart struct {
	// Ref is a directory, an archive, a URL, an OCI reference or repo/name.
	Ref string
	// Source holds version, repository, credentials and verification.
	Source action.ChartPathOptions
	// Devel allows development versions where no version is asked for.
	Devel bool
	// DependencyUpdate fetches dependencies that are missing.
	DependencyUpdate bool
	// Complete finds dependencies that are missing in the charts directory, and leaves
	// that as it is; Archives is a directory of charts to look into first.
	Complete bool
	Archives string
	// Within is the folder of a repository that nobody trusts: the chart is a folder in
	// it, what it is made of is read there and nowhere else (Archives in ArchivesWithin),
	// and dependencies are fetched only from Repositories, each as a Chart.yaml names it,
	// and from Registries and what is below them. Errors quote no server. "" for a chart
	// that is loaded as Helm does.
	Within, ArchivesWithin   string
	Repositories, Registries []string
}

// Rendering holds what decides, besides the chart, what is rendered.
type Rendering struct {
	Values values.Options
	// Object has values, as one JSON object, of which Values take the place.
	Object string
	// PostRenderer runs on what was rendered, unless its Name is "".
	PostRenderer PostRenderer
	// KubeVersion takes the place of the cluster's version, or of the newest
	// known one where there is no cluster.
	KubeVersion string
	// APIVersions are added to what .Capabilities.APIVersions has.
	APIVersions []string
	// IncludeCRDs adds the objects of the chart's crds directory.
	IncludeCRDs bool
	// NoHooks leaves hooks out.
	NoHooks bool
	// SubchartNotes renders the notes of subcharts, which may fail.
	SubchartNotes        bool
	EnableDNS            bool
	SkipSchemaValidation bool
	// WithLens asks for Side.Lens.
	WithLens bool
}

// log returns the function that takes Helm's diagnostics. They are dropped
// unless the user asked for them.
func (c *Client) log() action.DebugLog {
	if !c.Settings.Debug {
		return func(string, ...any) {}
	}
	return func(format string, v ...any) {
		_, _ = fmt.Fprintf(c.Stderr, "[debug] "+format+"\n", v...)
	}
}

// stream returns manifest and hooks as `helm template` prints them
// (cmd/helm/template.go).
func stream(rel *release.Release, noHooks bool) string {
	if noHooks || len(rel.Hooks) == 0 {
		return rel.Manifest
	}
	var b strings.Builder
	b.WriteString(rel.Manifest)
	if rel.Manifest != "" && !strings.HasSuffix(rel.Manifest, "\n") {
		b.WriteByte('\n')
	}
	for _, h := range rel.Hooks {
		writeDocument(&b, h.Path, h.Manifest)
	}
	return b.String()
}

// crds returns the objects of the chart's crds directories as one stream.
func crds(ch *chart.Chart) string {
	if ch == nil {
		return ""
	}
	var b strings.Builder
	for _, crd := range ch.CRDObjects() {
		writeDocument(&b, crd.Filename, string(crd.File.Data))
	}
	return b.String()
}

func writeDocument(b *strings.Builder, source, text string) {
	fmt.Fprintf(b, "---\n# Source: %s\n%s\n", source, text)
}

// chartID returns "name-version".
func chartID(ch *chart.Chart) string {
	if ch == nil || ch.Metadata == nil {
		return ""
	}
	return ch.Metadata.Name + "-" + ch.Metadata.Version
}
