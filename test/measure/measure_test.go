package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain lets the measured program start itself for helm-diff.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == engineFlag {
		main()
	}
	os.Exit(m.Run())
}

// web is a release of one version of a chart. Only a label tells it from another one.
func web(version string) string {
	return `apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  labels:
    helm.sh/chart: web-` + version + `
data:
  colour: blue
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 3
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels:
        app: web
        helm.sh/chart: web-` + version + `
    spec:
      containers:
      - {name: web, image: "web:1"}
`
}

const leftover = `---
apiVersion: v1
kind: ConfigMap
metadata:
  name: leftover
`

// Three upgrades: one replaces pods for a label and drops a ConfigMap, one changes
// nothing, one cannot be read.
func TestMeasure(t *testing.T) {
	folder := t.TempDir()
	for file, text := range map[string]string{
		"acme+charts/web/1..2/old.yaml":    web("1") + leftover,
		"acme+charts/web/1..2/new.yaml":    web("2"),
		"acme+charts/web/2..3/old.yaml":    web("2"),
		"acme+charts/web/2..3/new.yaml":    web("2"),
		"acme+charts/web/2..3/new2.yaml":   strings.Replace(web("2"), "blue", "green", 1),
		"acme+charts/broken/1..2/old.yaml": "kind: {\n",
		"acme+charts/broken/1..2/new.yaml": web("1"),
	} {
		file = filepath.Join(folder, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var page, log strings.Builder
	if err := run(t.Context(), &page, &log, folder, "1.36"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| upgrades | 3 |",
		"| charts | 2 |",
		"| upgrades that come out differently each time | 1 |",
		"| upgrades that could not be judged | 1 |",
		"| upgrades that helm-diff could not read | 1 |",
		"| objects | 3 | 2 | 33.3 % |",           // the ConfigMap with a label is hidden
		"| lines with + or - | 8 | 6 | 25.0 % |", // two of each label, four of what goes
		"| objects that stand on both sides | 2 | 1 | 50.0 % |",
		"| their lines with + or - | 4 | 2 | 50.0 % |",
		"| `metadata-labels` | 1 |",
		// A heading each; 8, 16 and 4 lines, one more for each label, and an empty one
		// for the side that is not there. The other upgrade has none.
		"| helm-diff | 0 | 34 | 34 | 34 |",
		// A heading each, two signs, three lines above, two and three below, and "..."
		// for those further up; of what goes all.
		"| helm-diff `--context 3` | 0 | 25 | 25 | 25 |",
		"| workloads whose pods are replaced | 1 |  |",
		"| … with a named cause | 1 | 100.0 % |",
		"| … **without a named cause** | 0 | 0.0 % |",
		"| … for nothing functional | 1 | 100.0 % |",
		"| upgrades that replace pods | 1 | 50.0 % |",
		"| rolls | 1 | 50.0 % |",
		"| nothing | 1 | 50.0 % |",
		"| `restarting` | 50.0 % | – | – | 50.0 % | – |",
		"| `breaking` | 0.0 % | – | – | 0.0 % | – |",
		"| something rotates | 1 | 50.0 % |",
		"| restart | `pod-restart` | 1 | 1 |",
	} {
		if !strings.Contains(page.String(), want+"\n") {
			t.Errorf("missing: %s", want)
		}
	}
	if t.Failed() {
		t.Log(page.String())
	}
	for _, want := range []string{"acme+charts/broken/1..2: helm-diff cannot read it\n", "acme+charts/broken/1..2: cannot be judged: "} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("missing: %s in\n%s", want, log.String())
		}
	}
}

func TestNoPairs(t *testing.T) {
	err := run(t.Context(), &strings.Builder{}, &strings.Builder{}, t.TempDir(), "1.36")
	if err == nil || !strings.Contains(err.Error(), "OWNER+REPO/CHART/OLD..NEW/old.yaml") {
		t.Errorf("got %v", err)
	}
}

func TestQuantile(t *testing.T) {
	list := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	for percent, want := range map[int]int{50: 6, 90: 10, 100: 11} {
		if got := quantile(list, percent); got != want {
			t.Errorf("%d %%: %d, want %d", percent, got, want)
		}
	}
}
