package helm_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/cli/values"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/helm/helmtest"
)

// The values of the installed release: the user gave b, the old chart a and c.
// The new chart has other defaults for all of them and a new one.
func TestUpgradeValues(t *testing.T) {
	const template = "a={{ .Values.a }} b={{ .Values.b }} c={{ .Values.c }} d={{ .Values.d }}"
	oldChart := writeChart(t, "1.0.0", map[string]string{
		"values.yaml": "a: oldchart\nb: oldchart\nc: oldchart\n", "templates/c.yaml": configMap("v: " + template),
	})
	newChart := writeChart(t, "2.0.0", map[string]string{
		"values.yaml": "a: newchart\nb: newchart\nc: newchart\nd: newchart\n", "templates/c.yaml": configMap("v: " + template),
	})
	cluster := helmtest.Serve(t, helmtest.Release{Name: "shop", Chart: oldChart, Values: map[string]any{"b": "user"}})
	client := clientFor(t, cluster, "default")

	set := helm.Rendering{Values: values.Options{Values: []string{"c=set"}}}
	tests := []struct {
		name string
		up   helm.Upgrade
		want string
	}{
		{"no flag keeps what the user gave, new defaults apply", helm.Upgrade{},
			"a=newchart b=user c=newchart d=newchart"},
		{"a new value drops what the user gave", helm.Upgrade{Rendering: set},
			"a=newchart b=newchart c=set d=newchart"},
		{"reuse-values keeps the old defaults, so a new one is missing", helm.Upgrade{ReuseValues: true, Rendering: set},
			"a=oldchart b=user c=set d="},
		{"reset-values takes the chart's", helm.Upgrade{ResetValues: true},
			"a=newchart b=newchart c=newchart d=newchart"},
		{"reset-then-reuse-values takes both", helm.Upgrade{ResetThenReuseValues: true, Rendering: set},
			"a=newchart b=user c=set d=newchart"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.up.Release, test.up.Chart.Ref = "shop", newChart
			old, updated := mustUpgrade(t, client, test.up)
			wantLines(t, old.Manifest, "  v: a=oldchart b=user c=oldchart d=")
			wantLines(t, updated.Manifest, "  v: "+test.want)
		})
	}
}

func TestUpgradeSides(t *testing.T) {
	chart := writeChart(t, "2.0.0", map[string]string{
		"templates/c.yaml": configMap("r: {{ .Release.Name }} {{ .Release.Namespace }} {{ .Release.Revision }} {{ .Release.IsUpgrade }} {{ .Release.IsInstall }}"),
		"templates/h.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: hook\n  annotations: {helm.sh/hook: pre-upgrade}\n",
		"crds/crd.yaml":    "kind: CustomResourceDefinition\n",
	})
	cluster := helmtest.Serve(t, helmtest.Release{Name: "shop", Namespace: "prod", Revision: 3, Chart: chart})
	client := clientFor(t, cluster, "prod")
	client.Helm = 3

	old, updated := mustUpgrade(t, client, helm.Upgrade{Release: "shop", Chart: helm.Chart{Ref: chart}})
	hook := "---\n# Source: web/templates/h.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: hook\n  annotations: {helm.sh/hook: pre-upgrade}\n"
	crds := "---\n# Source: web/crds/crd.yaml\nkind: CustomResourceDefinition\n\n"
	want := [2]helm.Side{
		{
			Name: `release "shop", revision 3`, Chart: "web-2.0.0", CRDs: crds, Release: "shop", Namespace: "prod", Revision: 3,
			// helmtest renders without a history.
			Manifest: "---\n# Source: web/templates/c.yaml\n" + configMap("r: shop prod 1 true false") + hook,
		},
		{
			Name: `chart "web-2.0.0"`, Chart: "web-2.0.0", CRDs: crds, Release: "shop", Namespace: "prod", Revision: 4,
			KubeVersion: helmtest.KubeVersion, Values: map[string]any{}, Record: helm.Record{Kind: "Secret"}, Helm: 3,
			Manifest: "---\n# Source: web/templates/c.yaml\n" + configMap("r: shop prod 4 true false") + hook,
		},
	}
	if diff := cmp.Diff(want, [2]helm.Side{old, updated}); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	client = clientFor(t, cluster, "prod")
	old, updated = mustUpgrade(t, client, helm.Upgrade{Release: "shop", Chart: helm.Chart{Ref: chart}})
	want[1].Helm = 4
	want[1].Manifest = strings.ReplaceAll(want[1].Manifest, "false\n", "false\n\n") + "\n" // Helm 4 keeps the end of a file
	if diff := cmp.Diff(want, [2]helm.Side{old, updated}); diff != "" {
		t.Errorf("Helm 4: -want +got:\n%s", diff)
	}

	t.Run("no hooks", func(t *testing.T) {
		old, updated := mustUpgrade(t, client, helm.Upgrade{
			Release: "shop", Chart: helm.Chart{Ref: chart}, Rendering: helm.Rendering{NoHooks: true}})
		if strings.Contains(old.Manifest+updated.Manifest, "name: hook") {
			t.Error("a hook is there")
		}
	})
	t.Run("crds on demand", func(t *testing.T) {
		old, updated := mustUpgrade(t, client, helm.Upgrade{
			Release: "shop", Chart: helm.Chart{Ref: chart}, Rendering: helm.Rendering{IncludeCRDs: true}})
		wantLines(t, old.Manifest, "# Source: web/crds/crd.yaml")
		wantLines(t, updated.Manifest, "# Source: web/crds/crd.yaml")
	})
}

// Which revision an upgrade starts from, as prepareUpgrade in Helm decides it.
func TestUpgradeCurrentRevision(t *testing.T) {
	chart := writeChart(t, "1.0.0", map[string]string{"templates/c.yaml": configMap("n: {{ .Values.n }}")})
	revisions := func(statuses ...string) []helmtest.Release {
		var list []helmtest.Release
		for i, status := range statuses {
			list = append(list, helmtest.Release{Name: "shop", Chart: chart, Revision: i + 1, Status: status,
				Values: map[string]any{"n": i + 1}})
		}
		return list
	}
	tests := []struct {
		name     string
		releases []helmtest.Release
		install  bool
		want     int // revision of the old side
		wantErr  string
		wantHint string
	}{
		{name: "the deployed one", releases: revisions("superseded", "deployed"), want: 2},
		{name: "the deployed one below a failed upgrade", releases: revisions("superseded", "deployed", "failed"), want: 2},
		{name: "the last one if nothing was ever deployed", releases: revisions("failed", "failed"), want: 2},
		{name: "more than nine", releases: revisions("superseded", "superseded", "superseded", "superseded", "superseded",
			"superseded", "superseded", "superseded", "superseded", "deployed"), want: 10},
		{name: "pending", releases: revisions("deployed", "pending-upgrade"), install: true,
			wantErr:  `find release "shop" in namespace "default": revision 2 is in status pending-upgrade: another operation is in progress`,
			wantHint: "helm rollback shop --namespace default"},
		{name: "pending since its installation", releases: revisions("pending-install"), install: true,
			wantErr:  `revision 1 is in status pending-install: another operation is in progress`,
			wantHint: "helm uninstall shop --namespace default"},
		{name: "uninstalling", releases: revisions("superseded", "uninstalling"), install: true,
			wantErr:  `no revision of it is deployed; the last one, 2, is in status uninstalling`,
			wantHint: "helm uninstall shop --namespace default"},
		{name: "uninstalled", releases: revisions("superseded", "uninstalled"),
			wantErr: `no revision of it is deployed; the last one, 2, is in status uninstalled`, wantHint: "--install"},
		{name: "uninstalled, to be installed", releases: revisions("superseded", "uninstalled"), install: true, want: 0},
		{name: "none", wantErr: `find release "shop" in namespace "default": there is none`, wantHint: "--install"},
		{name: "none, to be installed", install: true, want: 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client := clientFor(t, helmtest.Serve(t, test.releases...), "default")
			old, updated, err := client.Upgrade(context.Background(),
				helm.Upgrade{Release: "shop", Chart: helm.Chart{Ref: chart}, Install: test.install})
			if test.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantErr) || !strings.Contains(hint(err), test.wantHint) {
					t.Fatalf("error %v, hint %q; want %q, %q", err, hint(err), test.wantErr, test.wantHint)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if old.Revision != test.want {
				t.Errorf("old revision %d, want %d", old.Revision, test.want)
			}
			failed := 0
			if n := len(test.releases); n > 0 && test.releases[n-1].Status == "failed" {
				failed = n
			}
			if old.Failed != failed {
				t.Errorf("failed revision %d, want %d", old.Failed, failed)
			}
			if test.want == 0 && old.Manifest != "" {
				t.Errorf("there is an old side:\n%s", old.Manifest)
			}
			if wantRevision := len(test.releases) + 1; test.want > 0 && updated.Revision != wantRevision {
				t.Errorf("new revision %d, want %d", updated.Revision, wantRevision)
			}
		})
	}
}

func TestUpgradeInstall(t *testing.T) {
	chart := writeChart(t, "1.0.0", map[string]string{
		"templates/c.yaml": configMap("i: {{ .Release.IsInstall }} {{ .Release.Revision }}"),
		"crds/crd.yaml":    "kind: CustomResourceDefinition\n",
	})
	client := clientFor(t, helmtest.Serve(t), "default")
	up := helm.Upgrade{Release: "shop", Chart: helm.Chart{Ref: chart}, Install: true}
	_, updated := mustUpgrade(t, client, up)
	wantLines(t, updated.Manifest, "  i: true 1", "# Source: web/crds/crd.yaml")
	up.SkipCRDs = true
	_, updated = mustUpgrade(t, client, up)
	if strings.Contains(updated.Manifest, "CustomResourceDefinition") {
		t.Error("--skip-crds has no effect")
	}
}

// What templates see of the cluster is what the cluster says.
func TestUpgradeCapabilitiesAndLookup(t *testing.T) {
	chart := writeChart(t, "1.0.0", map[string]string{
		"templates/c.yaml": configMap(`k: {{ .Capabilities.KubeVersion.Version }} {{ .Capabilities.APIVersions.Has "apps/v1/Deployment" }} ` +
			`{{ .Capabilities.APIVersions.Has "batch/v1" }} {{ .Capabilities.APIVersions.Has "example.com/v1" }}` +
			"\n  l: {{ dig \"data\" \"key\" \"none\" (lookup \"v1\" \"ConfigMap\" \"default\" \"there\") }}"),
	})
	cluster := helmtest.Serve(t, helmtest.Release{Name: "shop", Chart: chart, Manifest: "kind: Old\n"})
	cluster.AddConfigMap(corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "there", Namespace: "default"}, Data: map[string]string{"key": "found"},
	})
	client := clientFor(t, cluster, "default")
	up := helm.Upgrade{Release: "shop", Chart: helm.Chart{Ref: chart}}
	_, updated := mustUpgrade(t, client, up)
	wantLines(t, updated.Manifest, "  k: v1.36.2+k3s1 true false false", "  l: found")

	up.KubeVersion, up.APIVersions = "1.30", []string{"example.com/v1"}
	_, updated = mustUpgrade(t, client, up)
	wantLines(t, updated.Manifest, "  k: v1.30 true false true")
}

func TestUpgradeWithoutCluster(t *testing.T) {
	cluster := helmtest.Start()
	client := clientFor(t, cluster, "default")
	cluster.Close()
	_, _, err := client.Upgrade(context.Background(), helm.Upgrade{Release: "shop", Chart: helm.Chart{Ref: "."}})
	if err == nil || !strings.HasPrefix(err.Error(), "reach the cluster: ") || !strings.Contains(hint(err), "KUBECONFIG") {
		t.Errorf("error %v, hint %q", err, hint(err))
	}
}

func TestUpgradeInterrupted(t *testing.T) {
	client := clientFor(t, helmtest.Serve(t), "default")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := client.Upgrade(ctx, helm.Upgrade{Release: "shop", Chart: helm.Chart{Ref: "."}}); err == nil || err.Error() != "interrupted" {
		t.Errorf("error %v", err)
	}
}

func TestReleases(t *testing.T) {
	chart := writeChart(t, "1.0.0", map[string]string{"templates/c.yaml": configMap("a: b")})
	client := clientFor(t, helmtest.Serve(t,
		helmtest.Release{Name: "shop", Chart: chart},
		helmtest.Release{Name: "blog", Chart: chart, Status: "failed"},
		helmtest.Release{Name: "elsewhere", Namespace: "prod", Chart: chart},
	), "default")
	got, err := client.Releases(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"blog", "shop"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
