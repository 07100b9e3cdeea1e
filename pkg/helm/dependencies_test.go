package helm_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/repo"

	"github.com/safe-diff/helm-safe-diff/pkg/helm"
)

// A chart is rendered with the dependencies that it names, wherever they are, and its
// folder stays as it was.
func TestComplete(t *testing.T) {
	client := newClient(t, "prod")
	archives := t.TempDir()
	for _, version := range []string{"1.0.0", "1.1.0"} {
		dir := writeChart(t, version, map[string]string{
			"Chart.yaml":       "apiVersion: v2\nname: far\nversion: " + version + "\n",
			"templates/x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: far-{{ .Chart.Version }}\n",
		})
		ch, err := loader.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := chartutil.Save(ch, archives); err != nil {
			t.Fatal(err)
		}
	}
	downloads := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".tgz") {
			downloads++
		}
		http.FileServer(http.Dir(archives)).ServeHTTP(w, r)
	}))
	defer server.Close()
	index, err := repo.IndexDirectory(archives, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if err := index.WriteFile(filepath.Join(archives, "index.yaml"), 0o644); err != nil {
		t.Fatal(err)
	}

	base := t.TempDir()
	const near = "- {name: near, version: 0.1.0, repository: file://../near}\n"
	far := "- {name: far, version: ^1.0.0, repository: " + server.URL + "}\n"
	writeFile(t, filepath.Join(base, "near/Chart.yaml"), "apiVersion: v2\nname: near\nversion: 0.1.0\ndependencies:\n"+far, 0o644)
	writeFile(t, filepath.Join(base, "near/templates/x.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: near\n", 0o644)
	lock := func(version string) string {
		return "dependencies:\n- {name: far, version: " + version + ", repository: " + server.URL + "}\n- {name: near, version: 0.1.0, repository: file://../near}\n"
	}
	web := filepath.Join(base, "web")
	writeFile(t, filepath.Join(web, "Chart.yaml"), "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n"+near+far, 0o644)
	writeFile(t, filepath.Join(web, "Chart.lock"), lock("1.0.0"), 0o644)
	template := helm.Template{Release: "shop", Chart: helm.Chart{Ref: web, Complete: true}}

	side := mustTemplate(t, client, template)
	wantLines(t, side.Manifest, "  name: near", "  name: far-1.0.0", "  name: far-1.1.0")
	mustTemplate(t, client, template)
	if downloads != 2 {
		t.Errorf("%d downloads of 2 charts", downloads)
	}
	if entries, err := os.ReadDir(web); err != nil || len(entries) != 2 {
		t.Errorf("the chart's folder holds %v, %v", entries, err)
	}

	writeFile(t, filepath.Join(web, "Chart.lock"), lock("0.9.0"), 0o644)
	if _, err := client.Template(t.Context(), template); err == nil || !strings.Contains(err.Error(), `dependency "far": Chart.lock and Chart.yaml do not agree`) {
		t.Errorf("a lock that does not fit: %v", err)
	}
	server.Close()
	writeFile(t, filepath.Join(web, "Chart.lock"), lock("1.1.0"), 0o644)
	fresh := newClient(t, "prod")
	if _, err := fresh.Template(t.Context(), template); err == nil || !strings.Contains(err.Error(), `dependency "far": `) {
		t.Errorf("a repository that does not answer: %v", err)
	}
	template.Chart.Archives = archives
	writeFile(t, filepath.Join(base, "near/Chart.yaml"), "apiVersion: v2\nname: near\nversion: 0.1.0\n", 0o644)
	wantLines(t, mustTemplate(t, fresh, template).Manifest, "  name: far-1.1.0", "  name: near")

	writeFile(t, filepath.Join(base, "near/Chart.yaml"), "apiVersion: v2\nname: near\nversion: 0.1.0\ndependencies:\n- {name: web, version: 1.0.0, repository: file://../web}\n", 0o644)
	if _, err := fresh.Template(t.Context(), template); err == nil || !strings.Contains(err.Error(), "in a circle") {
		t.Errorf("charts that depend on each other: %v", err)
	}
}
