package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cli"
	"github.com/safe-diff/helm-safe-diff/pkg/helm/helmtest"
)

// The real helm asks the gate before it sends anything, and takes no for an answer.
// HELM3 and HELM4 name the programs (`make test-helm` sets them).
func TestGateInHelm(t *testing.T) {
	for major, gate := range map[string][]string{
		"HELM3": {"--post-renderer", "PROGRAM", "--post-renderer-args", "gate"},
		"HELM4": {"--post-renderer", "safe-diff-gate"},
	} {
		t.Run(major, func(t *testing.T) {
			helm := os.Getenv(major)
			if helm == "" {
				t.Skip(major + " names no helm")
			}
			root, plugin := checkout(t), t.TempDir()
			program := filepath.Join(plugin, "bin", "helm-safe-diff")
			command(t, root, "go", "build", "-o", program, "./cmd/helm-safe-diff")
			if err := os.CopyFS(filepath.Join(plugin, "gate"), os.DirFS(filepath.Join(root, "gate"))); err != nil {
				t.Fatal(err)
			}
			home := t.TempDir()
			chart := writeChart(t, home)
			for _, name := range []string{"HELM_DATA_HOME", "HELM_CONFIG_HOME", "HELM_CACHE_HOME"} {
				t.Setenv(name, filepath.Join(home, name))
			}
			if major == "HELM4" {
				command(t, root, helm, "plugin", "install", filepath.Join(plugin, "gate"))
			}
			cluster := helmtest.Start()
			t.Cleanup(cluster.Close)
			if err := cluster.Install(helmtest.Release{Name: "shop", Namespace: "prod", Revision: 7, Chart: chart, Values: map[string]any{"image": "web:1"}}); err != nil {
				t.Fatal(err)
			}
			kubeconfig, err := cluster.WriteKubeconfig(home)
			if err != nil {
				t.Fatal(err)
			}
			t.Setenv("KUBECONFIG", kubeconfig)
			t.Setenv("HELM_NAMESPACE", "prod")
			t.Chdir(home)

			t.Setenv("HELM_BIN", helm)
			for _, step := range []struct {
				args []string
				code int
			}{
				{[]string{"plan", "shop", chart, "--set", "image=web:2", "--offline"}, change.ExitRisky},
				{[]string{"verify", "plan.json", "shop", chart, "--set", "image=web:2", "--offline"}, change.ExitSafe},
				{[]string{"verify", "plan.json", "shop", chart, "--set", "image=web:3", "--offline"}, change.ExitRisky},
				{[]string{"show", "plan.json"}, change.ExitSafe},
			} {
				var stdout, stderr bytes.Buffer
				if code := cli.Main(step.args, strings.NewReader(""), &stdout, &stderr); code != step.code {
					t.Fatalf("%q: exit code %d, want %d: %s%s", step.args, code, step.code, &stdout, &stderr)
				}
			}
			upgrade := []string{"upgrade", "shop", chart, "--set", "image=web:2"}
			upgrade = append(upgrade, "--disable-openapi-validation") // helmtest has no OpenAPI
			for _, arg := range gate {
				upgrade = append(upgrade, strings.ReplaceAll(arg, "PROGRAM", program))
			}
			upgrade = append(upgrade, "--post-renderer-args", "--plan=plan.json", "--post-renderer-args", "--stderr-file=why.txt")

			out, err := exec.Command(helm, append(upgrade, "--set", "image=web:3")...).CombinedOutput()
			why, _ := os.ReadFile("why.txt")
			if err == nil || !strings.Contains(string(why), "REFUSED") || !strings.Contains(string(why), "Deployment web is rendered differently") {
				t.Errorf("helm went on: %v\n%s\nthe gate said: %s", err, out, why)
			}
			if major == "HELM3" && !strings.Contains(string(out), "Deployment web is rendered differently") {
				t.Errorf("helm does not say why:\n%s", out)
			}
			if writes := cluster.Writes(); len(writes) > 0 {
				t.Errorf("helm sent something all the same: %q", writes)
			}

			out, err = exec.Command(helm, upgrade...).CombinedOutput()
			if len(cluster.Writes()) == 0 { // this cluster takes no writes
				t.Errorf("helm did not come to write anything: %v\n%s", err, out)
			}
			if why, _ := os.ReadFile("why.txt"); strings.Contains(string(why), "REFUSED") { // what was not compared is said
				t.Errorf("the gate refused the upgrade of the plan: %s", why)
			}
		})
	}
}

// The two plugins of a release have the same version.
func TestPluginVersions(t *testing.T) {
	version := func(file string) string {
		text, err := os.ReadFile(filepath.Join(checkout(t), file))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if v, is := strings.CutPrefix(line, "version:"); is {
				return strings.TrimSpace(v)
			}
		}
		t.Fatalf("%s has no version", file)
		return ""
	}
	if a, b := version("plugin.yaml"), version("gate/plugin.yaml"); a != b {
		t.Errorf("plugin.yaml has version %s, gate/plugin.yaml %s", a, b)
	}
}

// writeChart writes a chart of the kinds that helmtest knows.
func writeChart(t *testing.T, dir string) string {
	t.Helper()
	chart := filepath.Join(dir, "chart")
	for name, text := range map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
		"templates/web.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  annotations:\nspec:\n  selector: {matchLabels: {app: web}}\n" +
			"  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: app, image: \"{{ .Values.image }}\"}]}\n",
		"templates/hook.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hook, annotations: {helm.sh/hook: pre-upgrade}}\ndata: {octal: 0755, on: yes}\n",
		"templates/key.yaml":  "# a comment\napiVersion: v1\nkind: Secret\nmetadata:\n  name: key\nstringData:\n  text: |\n    two\n    lines\n  folded: >-\n    a\n    b\n",
	} {
		file := filepath.Join(chart, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return chart
}

func checkout(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func command(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
}
