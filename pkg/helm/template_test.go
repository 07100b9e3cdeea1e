package helm_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/cli/values"

	"github.com/safe-diff/helm-safe-diff/pkg/helm"
)

func mustTemplate(t *testing.T, c *helm.Client, tmpl helm.Template) helm.Side {
	t.Helper()
	side, err := c.Template(context.Background(), tmpl)
	if err != nil {
		t.Fatal(err)
	}
	return side
}

func TestTemplate(t *testing.T) {
	chart := writeChart(t, "1.0.0", map[string]string{
		"values.yaml": "a: chart\nb: chart\n",
		"templates/c.yaml": configMap("v: {{ .Values.a }} {{ .Values.b }}\n" +
			"  k: {{ .Capabilities.KubeVersion.Version }} {{ .Capabilities.APIVersions.Has \"example.com/v1\" }}\n" +
			"  r: {{ .Release.Name }} {{ .Release.Namespace }} {{ .Release.Revision }} {{ .Release.IsUpgrade }} {{ .Capabilities.APIVersions.Has \"v1/Pod\" }}\n" +
			"  l: {{ lookup \"v1\" \"Secret\" \"default\" \"any\" | len }}"),
		"templates/h.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: hook\n  annotations: {helm.sh/hook: test}\n",
		"crds/crd.yaml":    "kind: CustomResourceDefinition\n",
	})
	file := filepath.Join(t.TempDir(), "values.yaml")
	writeFile(t, file, "a: file\nb: file\n", 0o600)
	client := newClient(t, "prod")

	side := mustTemplate(t, client, helm.Template{Release: "shop", Chart: helm.Chart{Ref: chart}})
	wantLines(t, side.Manifest, "  v: chart chart", "  k: v1.37.0 false", "  r: shop prod 1 false false", "  l: 0", "  name: hook")
	if strings.Contains(side.Manifest, "CustomResourceDefinition") {
		t.Error("a CRD is there that nobody asked for")
	}

	side = mustTemplate(t, client, helm.Template{
		Release: "shop", Chart: helm.Chart{Ref: chart}, Revision: 2, Serves: []string{"v1", "v1/Pod"},
		Rendering: helm.Rendering{
			Values:      values.Options{ValueFiles: []string{file}, Values: []string{"b=set"}},
			KubeVersion: "v1.30.1", APIVersions: []string{"example.com/v1"}, IncludeCRDs: true, NoHooks: true,
		},
	})
	wantLines(t, side.Manifest, "  v: file set", "  k: v1.30.1 true", "  r: shop prod 2 true true", "kind: CustomResourceDefinition")
	if strings.Contains(side.Manifest, "name: hook") {
		t.Error("a hook is there")
	}
}

// A values file is read once, whoever looks at it: both sides, and the lens.
func TestValuesFileIsReadOnce(t *testing.T) {
	chart := writeChart(t, "1.0.0", map[string]string{"templates/c.yaml": configMap("v: {{ .Values.a }}")})
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked == 1 {
			_, _ = io.WriteString(w, "a: first\n")
		}
	}))
	defer server.Close()
	client := newClient(t, "prod")
	tmpl := helm.Template{Release: "shop", Chart: helm.Chart{Ref: chart}, Rendering: helm.Rendering{
		WithLens: true, Values: values.Options{ValueFiles: []string{server.URL + "/values.yaml"}},
	}}
	for range 2 {
		side := mustTemplate(t, client, tmpl)
		wantLines(t, side.Manifest, "  v: first")
		if given := side.Lens.Given; len(given) != 1 || given[0].Values["a"] != "first" || side.Lens.Values["a"] != "first" {
			t.Errorf("the lens knows of %v, and of values %v", given, side.Lens.Values)
		}
	}
	if asked != 1 {
		t.Errorf("the file was asked for %d times", asked)
	}
}

func TestTemplateErrors(t *testing.T) {
	const secret = "hunter2"
	chart := func(template string) string {
		return writeChart(t, "1.0.0", map[string]string{
			"values.yaml": "secret: " + secret + "\nlist: [" + secret + "]\n", "templates/c.yaml": template,
		})
	}
	schema := writeChart(t, "1.0.0", map[string]string{
		"values.yaml":        "secret: " + secret + "\nreplicas: many\n",
		"values.schema.json": `{"properties": {"secret": {"type": "string", "pattern": "^[0-9]+$"}, "replicas": {"type": "integer"}}}`,
	})
	badValues := filepath.Join(t.TempDir(), "bad.yaml")
	writeFile(t, badValues, "a: [\n"+secret, 0o600)
	empty := t.TempDir()
	library := writeChart(t, "1.0.0", nil)
	writeFile(t, filepath.Join(library, "Chart.yaml"), "apiVersion: v2\nname: lib\nversion: 1.0.0\ntype: library\n", 0o600)
	orphan := writeChart(t, "1.0.0", nil)
	writeFile(t, filepath.Join(orphan, "Chart.yaml"),
		"apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies: [{name: db, version: 1.0.0, repository: https://example.com}]\n", 0o600)

	tests := []struct {
		name   string
		chart  string
		values values.Options
		want   []string // parts of the error
		hint   string
	}{
		{name: "values file", chart: chart(""), values: values.Options{ValueFiles: []string{"prod.yaml"}},
			want: []string{`read values file "prod.yaml": open prod.yaml: no such file or directory`}},
		{name: "broken values file", chart: chart(""), values: values.Options{ValueFiles: []string{badValues}},
			want: []string{"read values file", "bad.yaml", "yaml: line 2"}},
		{name: "--set", chart: chart(""), values: values.Options{Values: []string{"a=b," + secret}},
			want: []string{"read --set: key (left out) has no value"}, hint: "comma"},
		{name: "--set-json", chart: chart(""), values: values.Options{JSONValues: []string{"a={" + secret}},
			want: []string{"read --set-json: this is no JSON"}},
		{name: "--set-file", chart: chart(""), values: values.Options{FileValues: []string{"a=nowhere"}},
			want: []string{"read --set-file: open nowhere: no such file or directory"}},
		{name: "no chart", chart: "./nowhere", want: []string{`find chart "./nowhere": stat ./nowhere: no such file or directory`},
			hint: "a chart is a directory"},
		{name: "no repository", chart: "nowhere/web", want: []string{`find chart "nowhere/web": repo nowhere not found`}, hint: "helm repo add"},
		{name: "no Chart.yaml", chart: empty, want: []string{"Chart.yaml file is missing"}, hint: "`manifests`"},
		{name: "library", chart: library, want: []string{`a chart of type "library" cannot be installed`}},
		{name: "missing dependency", chart: orphan, want: []string{"missing in charts/ directory: db"}, hint: "--dependency-update"},
		{name: "template does not parse", chart: chart("{{ if }}"), want: []string{"web/templates/c.yaml:1", "missing value for if"}},
		{name: "manifest does not parse", chart: chart("a: b\n c: {{ .Values.secret }}\n"),
			want: []string{`read rendered template "web/templates/c.yaml": yaml: line 2`}},
		{name: "manifest is a map of maps", chart: chart("{ {a: " + secret + "}: b }"), want: []string{"invalid map key"}},
		{name: "fail", chart: chart(`{{ fail "set a password" }}`), want: []string{"web/templates/c.yaml:1:3", "set a password"}},
		{name: "required", chart: chart(`{{ required "set x" .Values.x }}`), want: []string{"set x"}},
		{name: "tpl", chart: chart(`{{ tpl (print "{{ " .Values.secret " }}") . }}`), want: []string{"web/templates/c.yaml:1:3"}},
		{name: "tpl in an include", chart: chart(`{{ define "x" }}{{ tpl (print "{{ .Values." .Values.secret ".y.z | nonesuch }}") . }}{{ end }}{{ include "x" . }}`),
			want: []string{"web/templates/c.yaml"}},
		{name: "conversion", chart: chart(`{{ mustToDate "2006" .Values.secret }}`), want: []string{"web/templates/c.yaml:1:3"}},
		{name: "url", chart: chart(`{{ urlParse (print "http://a:" .Values.secret) }}`), want: []string{"web/templates/c.yaml:1:3"}},
		{name: "range", chart: chart(`{{ range .Values.secret }}{{ end }}`), want: []string{"can't iterate over"}},
		{name: "schema", chart: schema, want: []string{"at '/secret': value does not match pattern", "at '/replicas': got string, want integer"}},
	}
	client := newClient(t, "default")
	t.Setenv("HELM_REPOSITORY_CONFIG", filepath.Join(empty, "none"))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := client.Template(context.Background(), helm.Template{
				Release: "shop", Chart: helm.Chart{Ref: test.chart}, Rendering: helm.Rendering{Values: test.values},
			})
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing in: %v", want, err)
				}
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error quotes a value: %v", err)
			}
			if !strings.Contains(hint(err), test.hint) {
				t.Errorf("hint %q, want %q", hint(err), test.hint)
			}
		})
	}
}

// Errors keep their cause.
func TestErrorsUnwrap(t *testing.T) {
	chart := writeChart(t, "1.0.0", nil)
	_, err := newClient(t, "default").Template(context.Background(), helm.Template{
		Release: "shop", Chart: helm.Chart{Ref: chart},
		Rendering: helm.Rendering{Values: values.Options{ValueFiles: []string{"nowhere.yaml"}}},
	})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
}

func TestPostRendererHelm3(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "post")
	writeFile(t, script, "#!/bin/sh\nsed \"s/before/$1/\"\n", 0o755)
	chart := writeChart(t, "1.0.0", map[string]string{
		"templates/c.yaml": configMap("a: before"),
		"templates/h.yaml": "kind: Job\nmetadata:\n  name: before\n  annotations: {helm.sh/hook: test}\n",
	})
	client := newClient(t, "default")
	client.Helm = 3
	side := mustTemplate(t, client, helm.Template{
		Release: "shop", Chart: helm.Chart{Ref: chart},
		Rendering: helm.Rendering{PostRenderer: helm.PostRenderer{Name: script, Args: []string{"after"}}},
	})
	wantLines(t, side.Manifest, "  a: after", "  name: before") // Helm 3 leaves hooks alone
}

func TestPostRendererHelm4(t *testing.T) {
	plugins := t.TempDir()
	writeFile(t, filepath.Join(plugins, "x", "plugin.yaml"), `apiVersion: v1
name: paint
type: postrenderer/v1
runtime: subprocess
version: 0.1.0
runtimeConfig:
  platformCommand:
  - os: plan9
    command: nonesuch
  - command: ${HELM_PLUGIN_DIR}/run
    args: [fixed]
`, 0o644)
	writeFile(t, filepath.Join(plugins, "x", "run"), `#!/bin/sh
sed "s/before/$1-$2-$HELM_PLUGIN_NAME/"
printf -- '---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: added\n'
`, 0o755)
	writeFile(t, filepath.Join(plugins, "broken", "plugin.yaml"), "{", 0o644)
	chart := writeChart(t, "1.0.0", map[string]string{
		"templates/c.yaml": configMap("a: before"),
		"templates/h.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: before\n  annotations: {helm.sh/hook: test}\n",
		// Two separators in a row: Helm's comment stands alone then.
		"templates/s.yaml": "kind: Service\nmetadata: {name: one}\n---\n\n---\nkind: Service\nmetadata: {name: two}\n",
		"crds/crd.yaml":    "kind: CustomResourceDefinition\nmetadata: {name: before}\n",
	})
	t.Setenv("HELM_PLUGINS", filepath.Join(plugins, "none")+string(os.PathListSeparator)+plugins)
	side := mustTemplate(t, newClient(t, "default"), helm.Template{
		Release: "shop", Chart: helm.Chart{Ref: chart},
		Rendering: helm.Rendering{PostRenderer: helm.PostRenderer{Name: "paint", Args: []string{"given"}}, IncludeCRDs: true},
	})
	wantLines(t, side.Manifest,
		"# Source: web/templates/c.yaml", "  a: fixed-given-paint", "  name: fixed-given-paint", "  name: added", "metadata: {name: before}")
	if got := strings.Count(side.Manifest, "# Source: web/templates/s.yaml\nkind: Service"); got != 2 {
		t.Errorf("%d documents of s.yaml, want 2:\n%s", got, side.Manifest)
	}
	if strings.Contains(side.Manifest, "postrender-filename") {
		t.Errorf("an annotation was left behind:\n%s", side.Manifest)
	}
	if i, j := strings.Index(side.Manifest, "name: added"), strings.Index(side.Manifest, "kind: Pod"); i > j {
		t.Error("the hook is not the last")
	}
}

func TestPostRendererErrors(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "post")
	writeFile(t, script, "#!/bin/sh\necho hunter2 >&2; exit 4\n", 0o755)
	writeFile(t, filepath.Join(dir, "plugins", "fails", "plugin.yaml"), `{apiVersion: v1, name: fails, type: postrenderer/v1, runtime: subprocess,
version: 0.1.0, runtimeConfig: {platformCommand: [{command: `+script+`}]}}`, 0o644)
	t.Setenv("HELM_PLUGINS", filepath.Join(dir, "plugins"))
	chart := writeChart(t, "1.0.0", map[string]string{"templates/c.yaml": configMap("a: b")})
	for _, test := range []struct {
		helm             int
		name, want, hint string
	}{
		{3, "nonesuch", `find post-renderer "nonesuch": exec: `, "--helm 4 runs a plugin"},
		{3, script, "run post-renderer \"" + script + "\": exit status 4", ""},
		{3, "fails", `find post-renderer "fails": exec: `, "--helm 4 runs a plugin"},
		{4, "nonesuch", `find post-renderer "nonesuch": plugin: `, "--helm 3 runs an executable"},
		{4, script, `find post-renderer "` + script + `": plugin: `, "--helm 3 runs an executable"},
		{4, "fails", `run post-renderer "fails": `, ""},
	} {
		client := newClient(t, "default")
		client.Helm = test.helm
		_, err := client.Template(context.Background(), helm.Template{
			Release: "shop", Chart: helm.Chart{Ref: chart},
			Rendering: helm.Rendering{PostRenderer: helm.PostRenderer{Name: test.name}},
		})
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") || !strings.Contains(hint(err), test.hint) {
			t.Errorf("Helm %d, %s: error %v, hint %q, want %q, %q", test.helm, test.name, err, hint(err), test.want, test.hint)
		}
	}
}
