package cli

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/helm/helmtest"
)

// result is what one run of the program leaves behind.
type result struct {
	code           int
	stdout, stderr string
}

// run runs the program with an environment of its own and no cluster.
func run(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := Main(args, strings.NewReader(stdin), &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// isolate keeps the developer's own environment out of a test.
func isolate(t *testing.T) {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("KUBECONFIG", filepath.Join(home, "none"))
	for _, name := range []string{
		"HELM_NAMESPACE", "HELM_DEBUG", "HELM_DRIVER", "HELM_PLUGIN_DIR", "HELM_KUBECONTEXT", "HELM_BIN",
		"NO_COLOR", "HELM_COLOR", "HELM_DIFF_COLOR",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("HELM_SAFE_DIFF_HELM", "4") // whatever is installed
}

// writeFiles writes files into a new directory and makes it the current one.
func writeFiles(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

const (
	chartYAML   = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
	configMap   = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  key: {{ .Values.key | quote }}\n"
	plainConfig = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  key: value\n"
)

func chartFiles() map[string]string {
	return map[string]string{
		"chart/Chart.yaml": chartYAML, "chart/values.yaml": "key: one\n", "chart/templates/c.yaml": configMap,
		"plain.yaml": plainConfig,
	}
}

// The header says as which Helm manifests are applied, and how.
func TestManifestsOfHelm(t *testing.T) {
	isolate(t)
	t.Setenv("HELM_SAFE_DIFF_HELM", "")
	writeFiles(t, map[string]string{"old.yaml": plainConfig, "new.yaml": strings.ReplaceAll(plainConfig, "value", "other")})
	for flags, want := range map[string]string{
		"": ", three-way merge", "--helm 3": " and Helm 3, three-way merge", "--helm 4": " and Helm 4, server-side apply",
		"--helm 4 --server-side=false": " and Helm 4, three-way merge", "--server-side=true": ", server-side apply",
	} {
		got := run(t, "", append([]string{"manifests", "old.yaml", "new.yaml", "--kube-version=1.36"}, strings.Fields(flags)...)...)
		if want := "judged for Kubernetes 1.36" + want + "\n"; got.code != 0 || !strings.Contains(got.stdout, want) {
			t.Errorf("manifests %s: %d, no %q in:\n%s%s", flags, got.code, want, got.stdout, got.stderr)
		}
	}
}

func TestErrors(t *testing.T) {
	isolate(t)
	files := chartFiles()
	files["broken/a.yaml"] = plainConfig
	files["broken/sub/b.yml"] = "---\n" + plainConfig + "---\n\nkey: [hunter2\n"
	files["empty/readme.txt"] = ""
	writeFiles(t, files)
	const help = "` shows arguments and flags\n"
	tests := []struct {
		args   string
		stderr string // all of it, or its parts between …
	}{
		{"upgrad", "Error: unknown command \"upgrad\"\nhint: did you mean upgrade?\n"},
		{"nonsense", "Error: unknown command \"nonsense\"\nhint: the commands are … local, manifests, plan, release, revision, rollback, rules, show, stevedore, uninstall, upgrade, values, verify, version\n"},
		{"upgrade", "Error: upgrade: missing RELEASE and CHART\nhint: `helm-safe-diff upgrade --help" + help},
		{"upgrade shop", "Error: upgrade: missing CHART\nhint: `helm-safe-diff upgrade --help" + help},
		{"upgrade shop chart more", "Error: upgrade: unexpected argument \"more\"\nhint: …"},
		{"upgrade shop chart --value x", "Error: unknown flag: --value\nhint: did you mean --values?\n"},
		{"upgrade shop chart --wiat", "Error: unknown flag: --wiat\nhint: did you mean --wait?\n"},
		{"upgrade shop chart --unheardof", "Error: unknown flag: --unheardof\nhint: `helm-safe-diff upgrade --help" + help},
		{"upgrade shop chart --timeout", "Error: flag needs an argument: --timeout\nhint: …"},
		{"upgrade shop chart --install=maybe", "Error: invalid argument \"maybe\" for …"},
		{"upgrade shop chart --output table", "Error: …table…text…json…"},
		{"upgrade shop chart --fail-on risk", "Error: --fail-on: unknown entry \"risk\"; valid are the classes rejected, … the presets breaking, …"},
		{"upgrade shop chart --color --no-color", "Error: --color and --no-color exclude each other\n…"},
		{"upgrade shop chart --kube-version new", "Error: read Kubernetes version \"new\": …\nhint: write it as 1.36 or v1.36.3\n"},
		{"upgrade shop chart -f - -f -", "Error: - stands for stdin, which can be read only once\n…"},
		{"upgrade shop chart", "Error: reach the cluster: …\nhint: set KUBECONFIG, …"},
		{"local chart", "Error: local: missing NEW_CHART\n…"},
		{"local chart chart -f prod.yaml", "Error: render chart \"chart\": read values file \"prod.yaml\": open prod.yaml: no such file or directory\n"},
		{"local nowhere chart", "Error: find chart \"nowhere\": stat nowhere: no such file or directory\nhint: a chart is a directory, …"},
		{"manifests plain.yaml", "Error: manifests: missing NEW\n…"},
		{"manifests - -", "Error: - stands for stdin, which can be read only once\n…"},
		{"manifests plain.yaml nowhere.yaml", "Error: read manifests \"nowhere.yaml\": stat nowhere.yaml: no such file or directory\n"},
		{"manifests plain.yaml empty", "Error: read manifests \"empty\": there is no .yaml, .yml or .json file in it\n"},
		{"manifests plain.yaml plain.yaml --kube-version new", "Error: read Kubernetes version \"new\": …"},
		{"manifests plain.yaml - --cluster-objects -", "Error: - stands for stdin, which can be read only once\n…"},
		{"manifests plain.yaml plain.yaml --cluster-objects nowhere.yaml", "Error: read manifests \"nowhere.yaml\": stat nowhere.yaml: no such file or directory\n"},
		{"manifests plain.yaml plain.yaml --cluster-objects plain.yaml --cluster-objects broken", "Error: broken/sub/b.yml, document 2 (line 10): …"},
		{"local chart chart -f - --cluster-objects -", "Error: - stands for stdin, which can be read only once\n…"},
		{"version much", "Error: version: unexpected argument \"much\"\n…"},
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			got := run(t, "", strings.Fields(test.args)...)
			if got.code != change.ExitError || got.stdout != "" {
				t.Errorf("exit code %d, stdout %q", got.code, got.stdout)
			}
			if !matches(got.stderr, test.stderr) {
				t.Errorf("stderr:\n%s\nwant:\n%s", got.stderr, test.stderr)
			}
		})
	}
}

// matches reports whether text is pattern, in which … stands for anything.
func matches(text, pattern string) bool {
	parts := strings.Split(pattern, "…")
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1:] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return rest == "" || parts[len(parts)-1] == ""
}

func TestBrokenDocumentOfADirectory(t *testing.T) {
	isolate(t)
	writeFiles(t, map[string]string{
		"old.yaml":         plainConfig,
		"new/a.yaml":       plainConfig,
		"new/sub/b.yml":    "\ufeff---\n" + plainConfig + "---\nkind: Secret\nmetadata: {name: x}\n  key: [hunter2\n",
		"new/sub/note.txt": "not a manifest",
	})
	got := run(t, "", "manifests", "old.yaml", "new")
	if got.code != change.ExitError || got.stdout != "" {
		t.Errorf("exit code %d, stdout %q", got.code, got.stdout)
	}
	if !strings.Contains(got.stderr, filepath.Join("new", "sub", "b.yml")) || strings.Contains(got.stderr, "hunter2") {
		t.Errorf("stderr: %s", got.stderr)
	}
}

func TestManifestsFromStdin(t *testing.T) {
	isolate(t)
	writeFiles(t, map[string]string{"old.yaml": plainConfig})
	got := run(t, plainConfig, "manifests", "old.yaml", "-", "--detailed-exitcode")
	if got.code != change.ExitSafe || got.stdout == "" || got.stderr != "" {
		t.Errorf("%+v", got)
	}
	got = run(t, strings.ReplaceAll(plainConfig, "value", "other"), "manifests", "old.yaml", "-", "--detailed-exitcode")
	if got.code != change.ExitChanged || got.stdout == "" || got.stderr != "" {
		t.Errorf("%+v", got)
	}
}

func TestLocal(t *testing.T) {
	isolate(t)
	writeFiles(t, chartFiles())
	tests := []struct {
		args string
		want int
	}{
		{"local chart chart", change.ExitSafe},
		{"local chart chart --new-set key=two", change.ExitChanged},
		{"local chart chart --set key=two --old-set key=two", change.ExitSafe},
		{"local chart chart -f -", change.ExitSafe}, // both sides read the same stdin
		{"local chart chart --old-values -", change.ExitChanged},
	}
	for _, test := range tests {
		got := run(t, "key: three\n", append(strings.Fields(test.args), "--detailed-exitcode")...)
		if got.code != test.want || got.stderr != "" {
			t.Errorf("%s: %+v, want exit code %d", test.args, got, test.want)
		}
	}
}

// The whole way from the command line through kubeconfig, storage and rendering
// to the exit code. Serve fails the test if the cluster is written to.
func TestUpgrade(t *testing.T) {
	isolate(t)
	writeFiles(t, chartFiles())
	cluster := helmtest.Serve(t, helmtest.Release{Name: "shop", Namespace: "prod", Revision: 2, Chart: "chart"})
	kubeconfig, err := cluster.WriteKubeconfig(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		args string
		want int
	}{
		{"upgrade --offline shop chart -n prod", change.ExitSafe},
		{"upgrade --offline shop chart -n prod --set key=two", change.ExitChanged},
		{"upgrade --offline --wait shop chart --namespace prod --dry-run --atomic --timeout 5m -l a=b --kube-context test", change.ExitSafe},
		{"upgrade --offline --install blog chart --namespace prod", change.ExitChanged},
		{"upgrade --offline shop chart -n elsewhere", change.ExitError},
	}
	for _, test := range tests {
		args := append(strings.Fields(test.args), "--detailed-exitcode", "--kubeconfig", kubeconfig)
		if got := run(t, "", args...); got.code != test.want || (got.stdout == "") != (test.want == change.ExitError) {
			t.Errorf("%s: %+v, want exit code %d", test.args, got, test.want)
		}
	}

	t.Run("as Helm runs a plugin", func(t *testing.T) {
		t.Setenv("KUBECONFIG", kubeconfig)
		t.Setenv("HELM_NAMESPACE", "prod")
		t.Setenv("HELM_PLUGIN_DIR", t.TempDir())
		if got := run(t, "", "upgrade", "shop", "chart", "--offline", "--detailed-exitcode"); got.code != change.ExitSafe {
			t.Errorf("%+v", got)
		}
		if got := run(t, "", "upgrade"); !strings.Contains(got.stderr, "`helm safe-diff upgrade --help`") {
			t.Errorf("%+v", got)
		}
		got := run(t, "", "__complete", "upgrade", "")
		if !strings.HasPrefix(got.stdout, "shop\n:4\n") {
			t.Errorf("%+v", got)
		}
	})
}

func TestMemoryDriver(t *testing.T) {
	isolate(t)
	writeFiles(t, chartFiles())
	kubeconfig, err := helmtest.Serve(t).WriteKubeconfig(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	data := `- name: shop
  namespace: default
  version: 7
  info: {status: deployed}
  chart: {metadata: {name: web, version: 0.9.0}, values: {key: zero}}
  manifest: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: web}
    data: {key: one}
`
	if err := os.WriteFile("releases.yaml", []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", kubeconfig)
	t.Setenv("HELM_DRIVER", "memory")
	t.Setenv("HELM_MEMORY_DRIVER_DATA", "releases.yaml")
	if got := run(t, "", "upgrade", "shop", "chart", "--offline", "--detailed-exitcode"); got.code != change.ExitSafe {
		t.Errorf("%+v", got)
	}
	if got := run(t, "", "upgrade", "shop", "chart", "--reuse-values", "--detailed-exitcode"); got.code != change.ExitChanged {
		t.Errorf("%+v", got)
	}
	t.Setenv("HELM_DRIVER", "paper")
	got := run(t, "", "upgrade", "shop", "chart")
	if want := "Error: open Helm's storage: unknown driver \"paper\"\nhint: HELM_DRIVER is one of secret, configmap, memory, sql\n"; got.stderr != want {
		t.Errorf("%+v", got)
	}
}

func TestVersion(t *testing.T) {
	isolate(t)
	if got := run(t, "", "version"); got.code != 0 || !matches(got.stdout, "helm-safe-diff …(Kubernetes …, Helm …, go…)\n") {
		t.Errorf("%+v", got)
	}
	if got := run(t, "", "version", "--short"); got.code != 0 || strings.ContainsAny(strings.TrimSuffix(got.stdout, "\n"), " \n") {
		t.Errorf("%+v", got)
	}
}

func TestCompletion(t *testing.T) {
	isolate(t)
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if got := run(t, "", "completion", shell); got.code != 0 || !strings.Contains(got.stdout, "helm-safe-diff") {
			t.Errorf("%s: exit code %d, stderr %q", shell, got.code, got.stderr)
		}
	}
	if got := run(t, "", "completion", "tcsh"); got.code != 1 || got.stdout != "" || !strings.Contains(got.stderr, `unknown command "tcsh"`) {
		t.Errorf("tcsh: %+v", got)
	}
	want := "breaking\ninterrupting\nrestarting\n" +
		"rejected\ndata-loss\noutage\nstuck\nunapplied\npolicy\ndowntime\nrestart\nstale\nexposure\nversion\nundecided\nnone\n"
	completed := run(t, "", "__complete", "local", "--fail-on", "").stdout
	ids, names := strings.CutPrefix(completed, want)
	if !names || !strings.Contains(ids, "\npod-restart\n") || !strings.HasSuffix(ids, "\n:4\n") {
		t.Errorf("got %s, want %s, IDs of rules, and :4", completed, want)
	}
}

// writerFunc is a writer that does what a test wants.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestStdout(t *testing.T) {
	crash := func([]byte) (int, error) { return 0, []error{}[len("hunter2")] }
	isolate(t)
	writeFiles(t, chartFiles())
	tests := []struct {
		name   string
		write  writerFunc
		debug  string
		want   int
		stderr string
	}{
		{"reader gone", func([]byte) (int, error) { return 0, syscall.EPIPE }, "", change.ExitChanged, ""},
		{"disk full", func([]byte) (int, error) { return 0, syscall.ENOSPC }, "", change.ExitError, "Error: write report: no space left on device\n"},
		{"panic", crash, "",
			change.ExitError, "Error: this is a defect of helm safe-diff, …\nhint: please report it, …HELM_DEBUG=true…"},
		{"panic with details", crash, "true", change.ExitError, "…index out of range…goroutine …"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("HELM_DEBUG", test.debug)
			var stderr bytes.Buffer
			code := Main([]string{"local", "chart", "chart", "--new-set", "key=two", "--detailed-exitcode"},
				strings.NewReader(""), test.write, &stderr)
			if code != test.want || !matches(stderr.String(), test.stderr) {
				t.Errorf("exit code %d, stderr:\n%s", code, stderr.String())
			}
		})
	}
	t.Run("one write", func(t *testing.T) {
		writes := 0
		out := writerFunc(func(p []byte) (int, error) { writes++; return len(p), nil })
		Main([]string{"local", "chart", "chart"}, strings.NewReader(""), out, io.Discard)
		if writes != 1 {
			t.Errorf("%d writes", writes)
		}
	})
}
