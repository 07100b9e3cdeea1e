package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// judgedCharts is what these tests read of the JSON of chart.
type judgedCharts struct {
	Charts []struct {
		Cases []struct {
			Values, KubeVersion string
			Report              map[string]any
			Error               any
		}
	}
}

// Charts that are judged for several versions of Kubernetes in one run are judged as in
// runs of their own, whatever the order: the version is a property of the process.
func TestChartsForVersions(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	clone, bin := pullRequest(t), program(t)
	// A kind that 1.32 has removed, a field of 1.35, and templates that ask.
	for name, text := range map[string]string{
		"flow.yaml":  "apiVersion: flowcontrol.apiserver.k8s.io/v1beta3\nkind: FlowSchema\nmetadata: {name: web}\nspec: {priorityLevelConfiguration: {name: exempt}}\n",
		"asked.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: asked}\ndata:\n  v: {{ .Capabilities.KubeVersion.Version }} {{ .Capabilities.APIVersions.Has \"flowcontrol.apiserver.k8s.io/v1beta3/FlowSchema\" }}\n",
		"pod.yaml":   "apiVersion: v1\nkind: Pod\nmetadata: {name: pod}\nspec:\n  resources: {requests: {cpu: 1}}\n  containers: [{name: a, image: a}]\n",
	} {
		write(t, filepath.Join(clone, "web", "templates", name), text)
	}
	judge := func(versions string) judgedCharts {
		t.Helper()
		cmd := exec.Command(filepath.Join(bin, "helm-safe-diff"), "chart", "--base", "origin/main", "-o", "json", "--kube-version", versions)
		cmd.Dir = clone
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, _ := cmd.Output() // the exit code says that it breaks something
		var judged judgedCharts
		if err := json.Unmarshal(out, &judged); err != nil || len(judged.Charts) != 1 {
			t.Fatalf("--kube-version %s: %v\n%s\n%s", versions, err, out, stderr.String())
		}
		return judged
	}
	alone := map[string]map[string]any{}
	for _, version := range []string{"1.31", "1.34", "1.37"} {
		judged := judge(version)
		if cases := judged.Charts[0].Cases; len(cases) != 1 || cases[0].KubeVersion != "" || cases[0].Error != nil {
			t.Fatalf("--kube-version %s: %+v", version, cases)
		}
		alone[version] = judged.Charts[0].Cases[0].Report
	}
	if cmp.Equal(alone["1.31"]["changes"], alone["1.37"]["changes"]) {
		t.Fatal("nothing depends on the version here")
	}
	for _, order := range []string{"1.31,1.34,1.37", "1.37,1.31,1.34", "1.34, 1.37,1.31,1.37"} {
		cases := judge(order).Charts[0].Cases
		if len(cases) != 3 {
			t.Fatalf("--kube-version %s: %d cases, want 3", order, len(cases))
		}
		for _, c := range cases {
			if diff := cmp.Diff(alone[c.KubeVersion], c.Report); diff != "" {
				t.Errorf("--kube-version %s: %s is judged differently (-alone +here):\n%s", order, c.KubeVersion, diff)
			}
		}
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
