package helm_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/registry"

	"github.com/safe-diff/helm-safe-diff/pkg/helm"
)

// ociRegistry serves charts as an OCI registry does, for whoever pulls
// (github.com/opencontainers/distribution-spec, "Pull" and "Listing Tags").
type ociRegistry struct {
	*httptest.Server
	content map[string]ociContent // by path
	mu      sync.Mutex
	pulled  []string // layers, by the version of their chart
	layers  map[string]string
	archive func(name, version string) []byte
	signed  func(version string) []byte // the signature of a chart; nil for none
}

// host is where the registry is.
func (r *ociRegistry) host() string { return strings.TrimPrefix(r.URL, "http://") }

type ociContent struct {
	mediaType string
	data      []byte
}

func newRegistry(t *testing.T) *ociRegistry {
	t.Helper()
	r := &ociRegistry{content: map[string]ociContent{}, layers: map[string]string{}}
	r.archive = func(name, version string) []byte { return archived(t, name, version) }
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		c, found := r.content[request.URL.Path]
		if !found {
			http.NotFound(w, request)
			return
		}
		r.mu.Lock()
		if version := r.layers[request.URL.Path]; version != "" && request.Method == http.MethodGet {
			r.pulled = append(r.pulled, version)
		}
		r.mu.Unlock()
		w.Header().Set("Content-Type", c.mediaType)
		w.Header().Set("Docker-Content-Digest", digest(c.data))
		_, _ = w.Write(c.data)
	}))
	t.Cleanup(r.Close)
	r.content["/v2/"] = ociContent{"application/json", []byte("{}")}
	return r
}

// repository is where charts are in the registry, as Chart.yaml names it.
func (r *ociRegistry) repository() string {
	return "oci://" + r.host() + "/charts"
}

// push adds the versions of a chart, each with a ConfigMap of its name and version.
func (r *ociRegistry) push(t *testing.T, name string, versions ...string) {
	t.Helper()
	at := "/v2/charts/" + name + "/"
	for _, version := range versions {
		archive := r.archive(name, version)
		config, err := json.Marshal(map[string]string{"name": name, "version": version, "apiVersion": "v2"})
		if err != nil {
			t.Fatal(err)
		}
		describe := func(mediaType string, data []byte) map[string]any {
			r.content[at+"blobs/"+digest(data)] = ociContent{"application/octet-stream", data}
			return map[string]any{"mediaType": mediaType, "digest": digest(data), "size": len(data)}
		}
		layers := []any{describe(registry.ChartLayerMediaType, archive)}
		if r.signed != nil {
			layers = append(layers, describe(registry.ProvLayerMediaType, r.signed(version)))
		}
		const manifestType = "application/vnd.oci.image.manifest.v1+json"
		manifest, err := json.Marshal(map[string]any{
			"schemaVersion": 2, "mediaType": manifestType,
			"config": describe(registry.ConfigMediaType, config), "layers": layers,
		})
		if err != nil {
			t.Fatal(err)
		}
		r.layers[at+"blobs/"+digest(archive)] = version
		r.content[at+"manifests/"+version] = ociContent{manifestType, manifest}
		r.content[at+"manifests/"+digest(manifest)] = ociContent{manifestType, manifest}
	}
	tags, err := json.Marshal(map[string]any{"name": "charts/" + name, "tags": versions})
	if err != nil {
		t.Fatal(err)
	}
	r.content[at+"tags/list"] = ociContent{"application/json", tags}
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func archived(t *testing.T, name, version string) []byte {
	t.Helper()
	ch, err := loader.Load(writeChart(t, name+version, map[string]string{
		"Chart.yaml":       "apiVersion: v2\nname: " + name + "\nversion: " + version + "\n",
		"templates/x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Chart.Name }}-{{ .Chart.Version }}\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	file, err := chartutil.Save(ch, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Dependencies come out of OCI registries, too: at the locked version, each once for all
// sides and value sets, and not at all where they are vendored.
func TestCompleteFromRegistry(t *testing.T) {
	r := newRegistry(t)
	r.push(t, "far", "1.0.0", "1.1.0")
	web := t.TempDir()
	write := func(name, text string) { writeFile(t, filepath.Join(web, name), text, 0o644) }
	write("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- {name: far, version: ^1.0.0, repository: "+r.repository()+"}\n")
	lock := func(version string) {
		write("Chart.lock", "dependencies:\n- {name: far, version: "+version+", repository: "+r.repository()+"}\n")
	}
	template := helm.Template{Release: "shop", Chart: helm.Chart{Ref: web, Complete: true}}
	template.Chart.Source.PlainHTTP = true
	client := newClient(t, "prod")

	lock("1.0.0")
	for range 2 {
		wantLines(t, mustTemplate(t, client, template).Manifest, "  name: far-1.0.0")
	}
	if got := strings.Join(r.pulled, " "); got != "1.0.0" {
		t.Errorf("pulled %q; once is enough", got)
	}
	if err := os.Remove(filepath.Join(web, "Chart.lock")); err != nil {
		t.Fatal(err)
	}
	wantLines(t, mustTemplate(t, client, template).Manifest, "  name: far-1.1.0")

	lock("1.2.0")
	if _, err := client.Template(t.Context(), template); err == nil || !strings.Contains(err.Error(), `dependency "far": `) {
		t.Errorf("a version that is not there: %v", err)
	}

	// Without the registry: what was pulled before is still known, what is vendored asks
	// nobody, and all else is an error.
	r.Close()
	lock("1.0.0")
	wantLines(t, mustTemplate(t, client, template).Manifest, "  name: far-1.0.0")
	fresh := newClient(t, "prod")
	if _, err := fresh.Template(t.Context(), template); err == nil || !strings.Contains(err.Error(), `dependency "far": `) {
		t.Errorf("a registry that does not answer: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(web, "charts"), 0o755); err != nil {
		t.Fatal(err)
	}
	write("charts/far-1.0.0.tgz", string(archived(t, "far", "1.0.0")))
	wantLines(t, mustTemplate(t, fresh, template).Manifest, "  name: far-1.0.0")
}
