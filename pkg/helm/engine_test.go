package helm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/cli"
	"helm.sh/helm/v3/pkg/cli/values"
	"sigs.k8s.io/yaml"

	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/helm/helmtest"
)

// Which Helm does the work.
func TestMajor(t *testing.T) {
	fake := func(t *testing.T, names ...string) string {
		t.Helper()
		dir := t.TempDir()
		for _, name := range names {
			name, version, _ := strings.Cut(name, "=")
			writeFile(t, filepath.Join(dir, name), "#!/bin/sh\necho "+version+"\n", 0o755)
		}
		return dir
	}
	for _, test := range []struct {
		name      string
		asked     int
		installed []string
		bin       string
		want      int
	}{
		{name: "none is installed", want: 4},
		{name: "Helm 3 is installed", installed: []string{"helm=v3.21.4"}, want: 3},
		{name: "Helm 4 is installed", installed: []string{"helm=v4.3.1"}, want: 4},
		{name: "both are installed", installed: []string{"helm=v3.21.4", "helm4=v4.3.1"}, want: 4},
		{name: "both are installed, the other way round", installed: []string{"helm=v4.3.1", "helm3=v3.22.0"}, want: 4},
		{name: "it does not say which it is", installed: []string{"helm=what"}, want: 4},
		{name: "it is a Helm that is not known", installed: []string{"helm=v2.17.0"}, want: 4},
		{name: "Helm 3 runs the program", installed: []string{"helm=v3.21.4", "helm4=v4.3.1"}, bin: "helm", want: 3},
		{name: "Helm 4 runs the program", installed: []string{"helm=v3.21.4", "helm4=v4.3.1"}, bin: "helm4", want: 4},
		{name: "what runs the program is gone", installed: []string{"helm=v3.21.4"}, bin: "helm4", want: 3},
		{name: "asked for", asked: 3, installed: []string{"helm=v4.3.1"}, bin: "helm", want: 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("PATH", fake(t, test.installed...)+string(os.PathListSeparator)+"/bin")
			t.Setenv("HELM_BIN", test.bin)
			client := &helm.Client{Settings: cli.New(), Helm: test.asked}
			if got := client.Major(context.Background()); got != test.want {
				t.Errorf("Helm %d, want %d", got, test.want)
			}
		})
	}
}

// A real helm is known by what the linker wrote into it. HELM3 and HELM4 name the
// programs (`make test-helm` sets them).
func TestMajorOfRealHelm(t *testing.T) {
	for env, want := range map[string]int{"HELM3": 3, "HELM4": 4} {
		bin := os.Getenv(env)
		if bin == "" {
			t.Skip(env + " names no helm")
		}
		t.Setenv("HELM_BIN", bin)
		if got := (&helm.Client{Settings: cli.New()}).Major(context.Background()); got != want {
			t.Errorf("%s is Helm %d, want %d", bin, got, want)
		}
	}
}

// How Helm applies what it upgrades: Helm 4 as it has noted of the release, in whatever
// storage that is; Helm 3 never on the server's side.
func TestServerSideOfStored(t *testing.T) {
	chart := writeChart(t, "1.0.0", map[string]string{"templates/c.yaml": configMap("a: b")})
	stored := func(t *testing.T, applied ...string) string {
		t.Helper()
		var list []map[string]any
		for i, how := range applied {
			status := "superseded"
			if i == len(applied)-1 {
				status = "deployed"
			}
			rel, err := helmtest.Release{Name: "shop", Chart: chart, Revision: i + 1, Status: status}.Render()
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(rel)
			if err != nil {
				t.Fatal(err)
			}
			record := map[string]any{}
			if err := json.Unmarshal(text, &record); err != nil {
				t.Fatal(err)
			}
			if how != "" {
				record["apply_method"] = how
			}
			list = append(list, record)
		}
		text, err := yaml.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "releases.yaml")
		writeFile(t, file, string(text), 0o600)
		return file
	}
	for _, test := range []struct {
		helm    int
		applied []string
		want    bool // of an upgrade
		back    bool // of a rollback to the revision before
	}{
		{4, []string{"csa", "ssa"}, true, false},
		{4, []string{"ssa", "csa"}, false, true},
		{4, []string{"", ""}, false, false}, // Helm 3 has made them
		{3, []string{"ssa", "ssa"}, false, false},
	} {
		t.Run(fmt.Sprint("Helm ", test.helm, test.applied), func(t *testing.T) {
			t.Setenv("HELM_MEMORY_DRIVER_DATA", stored(t, test.applied...))
			client := clientFor(t, helmtest.Serve(t), "default")
			client.Helm, client.Driver = test.helm, "memory"
			old, updated := mustUpgrade(t, client, helm.Upgrade{Release: "shop", Chart: helm.Chart{Ref: chart}})
			if old.ServerSide != test.want || updated.ServerSide != test.want || updated.Helm != test.helm {
				t.Errorf("an upgrade is server-side: %t, %t, by Helm %d; want %t", old.ServerSide, updated.ServerSide, updated.Helm, test.want)
			}
			_, target, err := client.Rollback(context.Background(), helm.Stored{Release: "shop"}, 0)
			if err != nil {
				t.Fatal(err)
			}
			if target.ServerSide != test.back || target.Helm != test.helm {
				t.Errorf("a rollback is server-side: %t, by Helm %d; want %t", target.ServerSide, target.Helm, test.back)
			}
		})
	}
}

// A new release: Helm 4 applies it on the server's side.
func TestServerSideOfNew(t *testing.T) {
	chart := writeChart(t, "1.0.0", map[string]string{
		"values.yaml": "none: null\n", "templates/c.yaml": configMap("a: {{ hasKey .Values \"none\" }} {{ .Capabilities.HelmVersion.Version | trunc 2 }}"),
	})
	for major, want := range map[int]string{3: "  a: true v3", 4: "  a: false v4"} {
		for _, revision := range []int{1, 2} {
			client := newClient(t, "default")
			client.Helm = major
			side := mustTemplate(t, client, helm.Template{Release: "shop", Chart: helm.Chart{Ref: chart}, Revision: revision})
			wantLines(t, side.Manifest, want)
			if side.Helm != major || side.ServerSide != (major == 4) {
				t.Errorf("Helm %d, server-side %t, want Helm %d", side.Helm, side.ServerSide, major)
			}
		}
		client := clientFor(t, helmtest.Serve(t), "default")
		client.Helm = major
		_, updated := mustUpgrade(t, client, helm.Upgrade{Release: "shop", Chart: helm.Chart{Ref: chart}, Install: true})
		base, err := client.Base(context.Background(), helm.Upgrade{Release: "shop", Install: true})
		if err != nil {
			t.Fatal(err)
		}
		if updated.ServerSide != (major == 4) || base.ServerSide != (major == 4) {
			t.Errorf("Helm %d: an installation is server-side: %t, %t", major, updated.ServerSide, base.ServerSide)
		}
	}
}

// Values in several documents: Helm 3 reads the first, Helm 4 all.
func TestValuesInSeveralDocuments(t *testing.T) {
	chart := writeChart(t, "1.0.0", map[string]string{
		"values.yaml":                 "a: 1\n---\na: 2\n",
		"charts/sub/Chart.yaml":       "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
		"charts/sub/values.yaml":      "c: 1\n---\nc: 2\n",
		"charts/sub/templates/c.yaml": configMap("sub: {{ .Values.c }}"),
		"templates/c.yaml":            configMap("v: {{ .Values.a }} {{ .Values.b }}"),
	})
	file := filepath.Join(t.TempDir(), "values.yaml")
	writeFile(t, file, "b: 1\n---\nb: 2\n", 0o600)
	for major, want := range map[int][]string{3: {"  v: 1 1", "  sub: 1"}, 4: {"  v: 2 2", "  sub: 2"}} {
		client := newClient(t, "default")
		client.Helm = major
		side := mustTemplate(t, client, helm.Template{
			Release: "shop", Chart: helm.Chart{Ref: chart}, Rendering: helm.Rendering{Values: values.Options{ValueFiles: []string{file}}},
		})
		wantLines(t, side.Manifest, want...)
	}
}
