package helm_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/cli"

	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/helm/helmtest"
)

// writeChart writes a chart of the given files, and a Chart.yaml, into a new
// directory and returns its path.
func writeChart(t *testing.T, version string, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	all := map[string]string{"Chart.yaml": "apiVersion: v2\nname: web\nversion: " + version + "\n"}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		writeFile(t, filepath.Join(dir, name), text, 0o644)
	}
	return dir
}

func writeFile(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// configMap returns a template of a ConfigMap with one line of data.
func configMap(line string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  " + line + "\n"
}

// clientFor returns a client whose environment is the given cluster.
func clientFor(t *testing.T, c *helmtest.Cluster, namespace string) *helm.Client {
	t.Helper()
	kubeconfig, err := c.WriteKubeconfig(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", kubeconfig)
	return newClient(t, namespace)
}

// newClient returns one of Helm 4, whatever is installed where the test runs.
func newClient(t *testing.T, namespace string) *helm.Client {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	t.Setenv("HELM_NAMESPACE", namespace)
	return &helm.Client{Settings: cli.New(), Helm: 4, Stderr: io.Discard}
}

// wantLines fails the test unless text holds each of the lines.
func wantLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("line %q is missing in:\n%s", line, text)
		}
	}
}

func mustUpgrade(t *testing.T, c *helm.Client, up helm.Upgrade) (old, updated helm.Side) {
	t.Helper()
	old, updated, err := c.Upgrade(context.Background(), up)
	if err != nil {
		t.Fatal(err)
	}
	return old, updated
}

// hint returns the hint of an error, or "".
func hint(err error) string {
	for err != nil {
		if h, ok := err.(interface{ Hint() string }); ok {
			return h.Hint()
		}
		u, ok := err.(interface{ Unwrap() error })
		if !ok {
			return ""
		}
		err = u.Unwrap()
	}
	return ""
}
