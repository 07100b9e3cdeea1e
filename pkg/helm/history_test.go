package helm_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/helm/helmtest"
)

// revisionsOf serves a release "shop" with the given revisions, one status each;
// "" is a revision that is no longer there.
func revisionsOf(t *testing.T, statuses ...string) *helm.Client {
	t.Helper()
	chart := writeChart(t, "1.0.0", map[string]string{"templates/c.yaml": configMap("v: {{ .Values.v }}")})
	var releases []helmtest.Release
	for i, status := range statuses {
		if status != "" {
			releases = append(releases, helmtest.Release{Name: "shop", Revision: i + 1, Status: status, Chart: chart})
		}
	}
	return clientFor(t, helmtest.Serve(t, releases...), "default")
}

func TestRollbackRevisions(t *testing.T) {
	type answer struct {
		Current, Target int
		Failed          int
		FailedHow       string
		Err, Hint       string
	}
	const find = `find release "shop" in namespace "default": `
	tests := []struct {
		name     string
		statuses []string
		revision int
		want     answer
	}{
		{"the one before the last", []string{"superseded", "superseded", "deployed"}, 0, answer{Current: 3, Target: 2}},
		{"the one that is named", []string{"superseded", "superseded", "deployed"}, 1, answer{Current: 3, Target: 1}},
		{"the current one", []string{"superseded", "deployed"}, 2, answer{Current: 2, Target: 2}},
		{"from a failed one, although another is deployed", []string{"deployed", "failed"}, 0, answer{Current: 2, Target: 1, Failed: 2, FailedHow: "failed"}},
		{"the one before the last, although it failed", []string{"superseded", "failed", "deployed"}, 0, answer{Current: 3, Target: 2}},
		{"from one that hangs", []string{"deployed", "pending-upgrade"}, 0, answer{Current: 2, Target: 1, Failed: 2, FailedHow: "is in status pending-upgrade"}},
		{"from one that is uninstalled", []string{"superseded", "uninstalled"}, 1, answer{Current: 2, Target: 1}},
		{"the one before the last is no longer there", []string{"superseded", "", "deployed"}, 0,
			answer{Err: find + "it has no revision 2", Hint: "it has revisions 1 (superseded), 3 (deployed)"}},
		{"one that never was", []string{"deployed"}, 7, answer{Err: find + "it has no revision 7", Hint: "it has revision 1 (deployed)"}},
		{"nothing to go back to", []string{"deployed"}, 0,
			answer{Err: find + "it has only one revision, and none to go back to", Hint: "`helm history` shows the revisions of a release"}},
		{"no release", nil, 0, answer{Err: find + "there is none", Hint: "`helm list --all --namespace default` shows what is there"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client := revisionsOf(t, test.statuses...)
			current, target, err := client.Rollback(context.Background(), helm.Stored{Release: "shop"}, test.revision)
			got := answer{Current: current.Revision, Target: target.Revision, Failed: current.Failed, FailedHow: current.FailedHow}
			var hinting interface{ Hint() string }
			if err != nil {
				got.Err = err.Error()
			}
			if errors.As(err, &hinting) {
				got.Hint = hinting.Hint()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestRevisionsAndInstalled(t *testing.T) {
	client := revisionsOf(t, "superseded", "deployed", "failed")
	for _, test := range []struct{ old, updated, wantOld, wantNew int }{{1, 0, 1, 2}, {1, 3, 1, 3}, {3, 1, 3, 1}} {
		old, updated, err := client.Revisions(context.Background(), helm.Stored{Release: "shop"}, test.old, test.updated)
		if err != nil {
			t.Fatal(err)
		}
		if old.Revision != test.wantOld || updated.Revision != test.wantNew || old.Failed != 0 {
			t.Errorf("revisions %d and %d: got %d (failed: %d) and %d", test.old, test.updated, old.Revision, old.Failed, updated.Revision)
		}
	}
	side, err := client.Installed(context.Background(), helm.Stored{Release: "shop", KubeVersion: "1.31"})
	if err != nil {
		t.Fatal(err)
	}
	if side.Revision != 2 || side.KubeVersion != "v1.31" {
		t.Errorf("installed revision %d, Kubernetes %s", side.Revision, side.KubeVersion)
	}
}

func TestUninstallSides(t *testing.T) {
	hook := func(name, event string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\n  annotations: {helm.sh/hook: " + event + "}\n"
	}
	chart := writeChart(t, "1.0.0", map[string]string{
		"templates/c.yaml": configMap("v: 1"), "templates/d.yaml": hook("goes", "pre-delete"), "templates/u.yaml": hook("stays", "pre-upgrade"),
	})
	client := clientFor(t, helmtest.Serve(t, helmtest.Release{Name: "shop", Chart: chart}), "default")
	installed, left, err := client.Uninstall(context.Background(), helm.Uninstall{Stored: helm.Stored{Release: "shop"}})
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, installed.Manifest, "  v: 1")
	wantLines(t, left.Manifest, "  name: goes")
	if strings.Contains(installed.Manifest, "goes") || !strings.Contains(installed.Manifest, "name: stays") || strings.Contains(left.Manifest, "stays") {
		t.Errorf("hooks on the wrong side:\n%s\n---- left:\n%s", installed.Manifest, left.Manifest)
	}
}
