package renderer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/cli"

	"github.com/safe-diff/helm-safe-diff/pkg/helm"
)

// TestRenderAnew renders with other values in a process that does not know the chart yet, because the
// one that did has ended, and in one that does.
func TestRenderAnew(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n", "values.yaml": "size: 1\n",
		"templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {size: \"{{ .Values.size }}\"}\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	client := &helm.Client{Settings: cli.New(), Helm: 3, Stderr: os.Stderr}
	ask := request{Template: &helm.Template{Release: "shop", Chart: helm.Chart{Ref: dir}}}
	ask.Template.WithLens = true
	var known lenses
	for value, want := range map[any]string{float64(1000000): `{size: "1e+06"}`, int64(1000000): `{size: "1000000"}`} {
		instead, err := typedOf(map[string]any{"size": value})
		if err != nil {
			t.Fatal(err)
		}
		ask.Instead = &instead
		text, err := known.render(t.Context(), client, &ask)
		if err != nil || !strings.Contains(text, want) {
			t.Errorf("with %T: %v\n%s\nwant %s", value, err, text, want)
		}
	}
	if len(known.by) != 1 {
		t.Errorf("%d charts are kept", len(known.by))
	}
	ask.Template.WithLens = false
	if text, err := known.render(t.Context(), client, &ask); err == nil {
		t.Errorf("a request that asks for no lens renders:\n%s", text)
	}
}
