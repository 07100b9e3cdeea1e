package helm_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/cli/values"
	"helm.sh/helm/v3/pkg/release"

	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/helm/helmtest"
)

// What is rendered here is what the real helm renders, byte by byte. HELM3 and HELM4 name the programs
// (`make test-helm` sets them).
func TestRendersAsHelmDoes(t *testing.T) {
	template := configMap("values: {{ omit .Values \"a\" \"b\" \"d\" | toJson | quote }}\n  v: {{ .Values.a }} {{ .Values.b }} {{ .Values.d }} {{ .Release.Revision }} {{ .Release.IsUpgrade }} " +
		"{{ .Capabilities.KubeVersion.Version }} {{ .Capabilities.HelmVersion.Version }} {{ len .Capabilities.APIVersions }} before")
	several := filepath.Join(t.TempDir(), "several.yaml")
	writeFile(t, several, "a: first\nmap: {x: 1}\n---\nb: second\nmap: {y: 2}\n", 0o600)
	const nulls = "none: null\nmap: {none: null, some: 1, list: [null]}\nsub: {of: null, there: {of: null, more: null}}\n"
	hook := "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: hook-before\n  annotations: {helm.sh/hook: pre-upgrade}\n"
	files := map[string]string{
		"values.yaml": nulls + "a: old\nb: old\n", "charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
		"charts/sub/values.yaml": "of: sub\nown: null\nthere: {of: sub, own: null}\n", "charts/sub/templates/c.yaml": configMap("values: {{ toJson .Values | quote }}"),
		"templates/c.yaml": template, "templates/h.yaml": hook,
		"templates/m.yaml": "# comment\napiVersion: v1\nkind: Secret\nmetadata: {name: z}\n---\n" + hook +
			"---\n\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
	}
	oldChart := writeChart(t, "1.0.0", files)
	files["values.yaml"] = nulls + "a: new\nb: new\n---\nd: new\n---\nb: newer\n"
	newChart := writeChart(t, "2.0.0", files)
	plugins := t.TempDir()
	writeFile(t, filepath.Join(plugins, "paint", "plugin.yaml"), `{apiVersion: v1, name: paint, type: postrenderer/v1, runtime: subprocess,
version: 0.1.0, runtimeConfig: {platformCommand: [{command: "${HELM_PLUGIN_DIR}/run"}]}}`, 0o644)
	script := filepath.Join(plugins, "paint", "run")
	writeFile(t, script, "#!/bin/sh\nsed s/before/$1/\nprintf -- '---\\napiVersion: v1\\nkind: ConfigMap\\nmetadata:\\n  name: added\\n'\n", 0o755)

	given := helm.Rendering{Values: values.Options{Values: []string{"a=given"}}}
	tests := []struct {
		name string
		args string
		up   helm.Upgrade
	}{
		{"no flag", "", helm.Upgrade{}},
		{"set", "--set a=given", helm.Upgrade{Rendering: given}},
		{"reuse", "--reuse-values --set a=given", helm.Upgrade{ReuseValues: true, Rendering: given}},
		{"a subchart's value", "--set sub.x=given", helm.Upgrade{Rendering: helm.Rendering{Values: values.Options{Values: []string{"sub.x=given"}}}}},
		{"a map's value", "--set map.x=given", helm.Upgrade{Rendering: helm.Rendering{Values: values.Options{Values: []string{"map.x=given"}}}}},
		{"several documents", "--reset-values -f " + several, helm.Upgrade{ResetValues: true, Rendering: helm.Rendering{Values: values.Options{ValueFiles: []string{several}}}}},
		{"reset", "--reset-values", helm.Upgrade{ResetValues: true}},
		{"reset then reuse", "--reset-then-reuse-values --set a=given", helm.Upgrade{ResetThenReuseValues: true, Rendering: given}},
		{"post-renderer", "--post-renderer POST --post-renderer-args after",
			helm.Upgrade{Rendering: helm.Rendering{PostRenderer: helm.PostRenderer{Name: "POST", Args: []string{"after"}}}}},
	}
	for _, major := range []struct{ env, post, plugins string }{
		{"HELM3", script, filepath.Join(plugins, "none")},
		{"HELM4", "paint", plugins},
	} {
		for _, test := range tests {
			t.Run(major.env+" "+test.name, func(t *testing.T) {
				bin := os.Getenv(major.env)
				if bin == "" {
					t.Skip(major.env + " names no helm")
				}
				client := clientFor(t, helmtest.Serve(t,
					helmtest.Release{Name: "shop", Chart: oldChart, Revision: 8, Status: "superseded"},
					helmtest.Release{Name: "shop", Chart: oldChart, Revision: 9, Values: map[string]any{"b": "user"}},
					helmtest.Release{Name: "shop", Chart: oldChart, Revision: 10, Status: "failed"},
				), "default")
				client.Helm, client.Settings.PluginsDirectory = 0, major.plugins // HELM_BIN decides
				t.Setenv("HELM_PLUGINS", major.plugins)
				t.Setenv("HELM_BIN", bin)
				want := realUpgrade(t, bin, newChart, strings.ReplaceAll(test.args, "POST", major.post))
				up := test.up
				up.Release, up.Chart.Ref = "shop", newChart
				if up.PostRenderer.Name != "" {
					up.PostRenderer.Name = major.post
				}
				_, got := mustUpgrade(t, client, up)
				if diff := cmp.Diff(want, got.Manifest); diff != "" {
					t.Errorf("-helm +safe-diff:\n%s", diff)
				}
			})
		}
	}
}

// realUpgrade returns what a dry run of the real helm renders.
func realUpgrade(t *testing.T, bin, chart, args string) string {
	t.Helper()
	args = "--dry-run=server --disable-openapi-validation --output=json " + args // helmtest has no OpenAPI
	cmd := exec.Command(bin, append([]string{"upgrade", "shop", chart}, strings.Fields(args)...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, stderr.String())
	}
	var rel release.Release
	if err := json.Unmarshal(out, &rel); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	text.WriteString(rel.Manifest)
	for _, h := range rel.Hooks {
		text.WriteString("---\n# Source: " + h.Path + "\n" + h.Manifest + "\n")
	}
	return text.String()
}
