package controlplane

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/test/controlplane/measure"
)

// A ConfigMap of which an upgrade changes nothing but a label that nobody looks at.
const stamped = `---
apiVersion: v1
kind: ConfigMap
metadata: {name: notes, labels: {helm.sh/chart: case-%s}}
data: {some: text}
`

// TestHelmfile has the real helmfile use the plugin in the place of helm-diff, as it
// comes in a release: what changes is applied, also if all of it is hidden, what does
// not change is left alone, and what is risky stops helmfile before it changes anything.
func TestHelmfile(t *testing.T) {
	l := startLab(t, program)
	for i, way := range ways()[:2] {
		t.Run(way.Name, func(t *testing.T) {
			t.Parallel()
			s := &states{t: t, lab: l, way: way, namespace: fmt.Sprint("helmfile-", i)}
			h := helmfile{states: s, plugins: pluginFolder(t)}
			first := s.chart("1.0.0", fmt.Sprintf(webOf, "web:1", "web")+fmt.Sprintf(stamped, "1"))
			labels := s.chart("1.1.0", fmt.Sprintf(webOf, "web:1", "web")+fmt.Sprintf(stamped, "2"))
			refused := s.chart("2.0.0", fmt.Sprintf(webOf, "web:2", "other")+fmt.Sprintf(stamped, "2"))
			image := s.chart("3.0.0", fmt.Sprintf(webOf, "web:3", "web")+fmt.Sprintf(stamped, "2"))

			h.run(0, first, "apply")
			h.holds(1, "1.0.0")
			h.run(0, first, "diff", "--detailed-exitcode")
			h.run(0, first, "apply")
			h.holds(1, "1.0.0")
			h.run(2, labels, "diff", "--detailed-exitcode", "--suppress-secrets", "--context", "2", "--suppress", "Job", "--include-tests")
			h.run(0, labels, "apply")
			h.holds(2, "1.1.0")
			if out := h.run(1, refused, "apply"); !strings.Contains(out, "FAILS  1 rejected") || !strings.Contains(out, "spec.selector") {
				t.Errorf("helmfile does not tell why it stops:\n%s", out)
			}
			h.holds(2, "1.1.0")
			h.run(1, image, "apply")
			h.holds(2, "1.1.0")
			h.env = append(h.env, "HELM_SAFE_DIFF_FAIL_ON=rejected,data-loss,downtime,stuck")
			h.run(0, image, "apply")
			h.holds(3, "3.0.0")
		})
	}
}

// helmfile runs helmfile on one release.
type helmfile struct {
	*states
	plugins string
	env     []string
}

// pluginFolder lays the plugin out as a release does, and links its folder "diff" as
// `helm plugin install` does.
func pluginFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	installed, plugins := filepath.Join(dir, "safe-diff"), filepath.Join(dir, "plugins")
	absolute, err := filepath.Abs(*program)
	err = errors.Join(err,
		os.MkdirAll(filepath.Join(installed, "bin"), 0o755), os.MkdirAll(plugins, 0o755),
		os.Symlink(absolute, filepath.Join(installed, "bin", "helm-safe-diff")),
		os.CopyFS(filepath.Join(installed, "diff"), os.DirFS("../../diff")),
		os.Symlink(filepath.Join(installed, "diff"), filepath.Join(plugins, "diff")))
	if err != nil {
		t.Fatal(err)
	}
	return plugins
}

// run runs helmfile with a chart, holds its exit code, and returns all that it prints.
func (h *helmfile) run(code int, chart string, args ...string) string {
	h.t.Helper()
	dir := h.t.TempDir()
	file := filepath.Join(dir, "helmfile.yaml")
	text := fmt.Sprintf("releases: [{name: %s, namespace: %s, chart: %q}]\n", measure.Release, h.namespace, chart)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	cmd := exec.CommandContext(h.t.Context(), filepath.Join(*bin, "helmfile-v1.8.0"),
		append([]string{"--file", file, "--helm-binary", h.way.Upgrade}, args...)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+h.lab.Kubeconfig, "HOME="+dir, "HELM_PLUGINS="+h.plugins)
	cmd.Env = append(cmd.Env, h.env...)
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != code {
		h.t.Fatalf("helmfile %s: exit code %d, want %d (%v)\n%s", args, got, code, err, out)
	}
	return string(out)
}

// holds holds the last revision of the release against what it has to be.
func (h *helmfile) holds(revision int, version string) {
	h.t.Helper()
	out, err := h.states.run(h.way.Upgrade, "history", measure.Release, "--max", "1")
	if err != nil {
		h.t.Fatalf("helm history: %v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	last := strings.Fields(lines[len(lines)-1])
	if last[0] != strconv.Itoa(revision) || !slices.Contains(last, "case-"+version) {
		h.t.Errorf("the release is not at revision %d with version %s of the chart:\n%s", revision, version, out)
	}
}
