package helm_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/cli/values"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/helm/helmtest"
)

// Which charts are rendered twice, as a post-renderer sees it that counts.
func TestRenderedTwice(t *testing.T) {
	tests := []struct {
		name   string
		files  map[string]string
		values []string
		runs   int
		again  bool // whether the second rendering is another
	}{
		{name: "nothing varies", runs: 1, files: map[string]string{
			"templates/c.yaml": "{{/* not now: rand\nAlphaNum */}}" + configMap("v: {{ .Values.now }} {{ $.Values.keys }} {{ \"now\" }} {{ derivePassword 1 \"long\" \"a\" \"b\" \"c\" }}"),
			"values.yaml":      "now: randAlphaNum\nkeys: 1\n",
			"README.md":        "it is a date now",
		}},
		{name: "a helper", runs: 2, again: true, files: map[string]string{
			"templates/c.yaml":       configMap("v: {{ include \"p\" . }}"),
			"templates/_helpers.tpl": `{{- define "p" }}{{ randAlphaNum 20 }}{{ end }}`,
		}},
		{name: "a subchart", runs: 2, again: true, files: map[string]string{
			"charts/db/Chart.yaml":       "apiVersion: v2\nname: db\nversion: 1.0.0\n",
			"charts/db/templates/c.yaml": configMap("v: {{ uuidv4 }}"),
		}},
		{name: "a value of the chart's that is a template", runs: 2, again: true, files: map[string]string{
			"templates/c.yaml": configMap("v: {{ tpl (index .Values.list 0).text . }}"),
			"values.yaml":      "list: [{text: '{{ randAscii 20 | b64enc }}'}]\n",
		}},
		{name: "a value of the user's that is a template", runs: 2, again: true, values: []string{"text={{ randNumeric 20 | quote }}"}, files: map[string]string{
			"templates/c.yaml": configMap("v: {{ tpl .Values.text . }}"),
		}},
		{name: "a file that is a template", runs: 2, again: true, files: map[string]string{
			"templates/c.yaml": configMap("v: {{ tpl (.Files.Get \"f.txt\") . }}"),
			"f.txt":            "{{ randAlpha 20 }}",
		}},
		{name: "certificates", runs: 2, again: true, files: map[string]string{
			"templates/c.yaml": configMap("v: {{ (genCA \"ca\" 1).Key | b64enc }}"),
		}},
		{name: "salt", runs: 2, again: true, files: map[string]string{
			"templates/c.yaml": configMap("v: {{ htpasswd \"a\" \"b\" | quote }}"),
		}},
		{name: "the clock, in seconds", runs: 2, again: true, files: map[string]string{
			"templates/c.yaml": configMap("v: {{now|unixEpoch|quote}}"),
		}},
		{name: "it only looks as if", runs: 2, files: map[string]string{
			"templates/c.yaml": configMap("v: {{ if .Values.none }}{{ randAlphaNum 20 }}{{ end }}x"),
		}},
		{name: "hooks", runs: 2, again: true, files: map[string]string{
			"templates/c.yaml": configMap("v: 1"),
			"templates/h.yaml": "kind: Job\nmetadata:\n  name: a-{{ randAlphaNum 5 | lower }}\n  annotations: {helm.sh/hook: pre-upgrade}\n",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			script, counter := filepath.Join(dir, "post"), filepath.Join(dir, "runs")
			writeFile(t, script, "#!/bin/sh\necho run >>"+counter+"\ncat\n", 0o755)
			client := newClient(t, "default")
			client.Helm = 3 // whose post-renderers are programs
			side := mustTemplate(t, client, helm.Template{
				Release: "shop", Chart: helm.Chart{Ref: writeChart(t, "1.0.0", test.files)}, Twice: true,
				Rendering: helm.Rendering{Values: values.Options{LiteralValues: test.values}, PostRenderer: helm.PostRenderer{Name: script}},
			})
			runs, err := os.ReadFile(counter)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Count(string(runs), "run"); got != test.runs {
				t.Errorf("rendered %d times, want %d", got, test.runs)
			}
			if got := side.Again != ""; got != test.again || side.Again == side.Manifest {
				t.Errorf("second rendering differs: %t, want %t:\n%s", got, test.again, side.Again)
			}
		})
	}
}

// A chart is rendered from the same a second time: its subcharts, their aliases,
// conditions and imported values, and the values of the release.
func TestRenderedTwiceFromTheSame(t *testing.T) {
	const line = "v: {{ .Values.a }} {{ .Values.imported }} {{ .Values.empty }} {{ .Release.Revision }}\n  r: {{ randAlphaNum 20 }}"
	chart := writeChart(t, "1.0.0", map[string]string{
		"Chart.yaml": `apiVersion: v2
name: web
version: 1.0.0
dependencies:
- {name: db, version: 1.0.0, alias: first, import-values: [data]}
- {name: db, version: 1.0.0, alias: second}
- {name: db, version: 1.0.0, alias: third, condition: third.enabled}
`,
		"values.yaml":                "a: chart\nempty: {x: null}\nthird: {enabled: false}\nsecond: {a: parent}\n",
		"templates/c.yaml":           configMap(line),
		"charts/db/Chart.yaml":       "apiVersion: v2\nname: db\nversion: 1.0.0\n",
		"charts/db/values.yaml":      "a: sub\nexports: {data: {imported: yes}}\n",
		"charts/db/templates/c.yaml": strings.Replace(configMap(line), "name: web", "name: {{ .Chart.Name }}", 1),
		"crds/crd.yaml":              "kind: CustomResourceDefinition\n",
	})
	cluster := helmtest.Serve(t, helmtest.Release{Name: "shop", Revision: 3, Chart: chart, Values: map[string]any{"a": "user"}})
	settled := func(manifest string) []string {
		var lines []string
		for text := range strings.Lines(manifest) {
			if !strings.HasPrefix(text, "  r: ") {
				lines = append(lines, text)
			}
		}
		return lines
	}
	for _, test := range []struct {
		helm  int
		reuse bool
		empty string // what is left of a map whose only value is null
	}{{3, false, "map[x:<nil>]"}, {3, true, "map[x:<nil>]"}, {4, false, "map[]"}, {4, true, "map[]"}} {
		client, reuse := clientFor(t, cluster, "default"), test.reuse
		client.Helm = test.helm
		_, updated := mustUpgrade(t, client, helm.Upgrade{
			Release: "shop", Chart: helm.Chart{Ref: chart}, ReuseValues: reuse, Rendering: helm.Rendering{IncludeCRDs: true}})
		wantLines(t, updated.Again, "  v: user true "+test.empty+" 4", "  name: first", "  name: second", "kind: CustomResourceDefinition")
		if strings.Contains(updated.Again, "third") || updated.Again == updated.Manifest {
			t.Errorf("second rendering:\n%s", updated.Again)
		}
		if diff := cmp.Diff(settled(updated.Manifest), settled(updated.Again)); diff != "" {
			t.Errorf("reuse-values %t (-first +second):\n%s", reuse, diff)
		}
	}
}

// What a template looks up and keeps comes out the same twice if it is there.
func TestRenderedTwiceLookup(t *testing.T) {
	chart := writeChart(t, "1.0.0", map[string]string{
		"templates/c.yaml": configMap(`v: {{ dig "data" "key" (randAlphaNum 20) (lookup "v1" "ConfigMap" "default" "there") }}`),
	})
	cluster := helmtest.Serve(t, helmtest.Release{Name: "shop", Chart: chart})
	client := clientFor(t, cluster, "default")
	up := helm.Upgrade{Release: "shop", Chart: helm.Chart{Ref: chart}}
	if _, updated := mustUpgrade(t, client, up); updated.Again == "" || !updated.LooksUp {
		t.Errorf("before it is there: looks up: %t, second rendering:\n%s", updated.LooksUp, updated.Again)
	}
	cluster.AddConfigMap(corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "there", Namespace: "default"}, Data: map[string]string{"key": "found"},
	})
	if _, updated := mustUpgrade(t, client, up); updated.Again != "" {
		t.Errorf("once it is there, the second rendering is:\n%s", updated.Again)
	}
	side := mustTemplate(t, newClient(t, "default"), helm.Template{Release: "shop", Chart: helm.Chart{Ref: chart}, Twice: true})
	if side.Again == "" || !side.LooksUp {
		t.Errorf("without a cluster: looks up: %t, second rendering:\n%s", side.LooksUp, side.Again)
	}
}
