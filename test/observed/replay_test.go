package observed

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/test/cases"
)

var update = flag.Bool("update", false, "write the table of agreement into the README")

// TestReplay holds all predictions against all observations.
func TestReplay(t *testing.T) {
	start := time.Now()
	list, err := cases.Load("../../testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	store, err := Load(".")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := Remedies(".")
	if err != nil {
		t.Fatal(err)
	}
	var sum Sum
	replayed, measurable := 0, 0
	var missing []string
	used := map[string]bool{}
	for i := range list {
		c := &list[i]
		if c.Unmeasured != "" {
			continue
		}
		for _, way := range Ways() {
			measurable++
			key := Key(c, way)
			o := store.Observations[key]
			if o == nil {
				missing = append(missing, c.Name+", "+way.Name)
				continue
			}
			said, err := store.Predict(t.Context(), c, way)
			if err != nil {
				t.Errorf("%s, %s: %v", c.Name, way.Name, err)
				continue
			}
			for _, what := range append(untriedIn(kept, &said.Offline), untriedIn(kept, &said.Looked)...) {
				t.Errorf("%s, %s: what was not tried in the laboratory is advised: %s", c.Name, way.Name, what)
			}
			happened := o.Upgrade
			happened.Case = c.Name // it may have been renamed
			for _, what := range said.Differences(c, way, &happened) {
				t.Errorf("%s: %s", way.Name, what)
			}
			sum.Add(c, &said, &happened)
			used[key] = true // two cases that differ in flags alone share one
			replayed++
		}
	}
	t.Logf("%d of %d upgrades have been observed and were replayed in %s; %d observations are of no case any more",
		replayed, measurable, time.Since(start).Round(100*time.Millisecond), len(store.Observations)-len(used))
	if len(missing) > 0 {
		t.Logf("not observed yet; `make observe` measures them:\n%s", strings.Join(missing, "\n"))
	}
	if replayed > 0 {
		holdTable(t, sum.Table())
	}
}

// holdTable holds the table of the README against what was replayed.
func holdTable(t *testing.T, measured string) {
	t.Helper()
	const begin, end = "<!-- agreement -->\n", "<!-- /agreement -->\n"
	file := filepath.Join("..", "..", "README.md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found1 := strings.Cut(string(text), begin)
	table, after, found2 := strings.Cut(rest, end)
	switch {
	case !found1 || !found2:
		t.Fatalf("%s has no place for the table", file)
	case *update:
		if err := os.WriteFile(file, []byte(before+begin+measured+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
	case table != measured:
		t.Errorf("the table in %s (-), replayed (+); `make generate` writes it:\n%s", file, cmp.Diff(table, measured))
	}
}

// What a case wants to be said, and its comment, is no input of what happens.
func TestKey(t *testing.T) {
	c := cases.Case{Name: "a/b", Comment: "c", Old: "old", New: "new", Want: "want", Live: "live"}
	key := Key(&c, Ways()[0])
	for name, change := range map[string]func(c *cases.Case){
		"before":         func(c *cases.Case) { c.Before = "x" },
		"old":            func(c *cases.Case) { c.Old = "x" },
		"new":            func(c *cases.Case) { c.New = "x" },
		"cluster":        func(c *cases.Case) { c.Cluster = "x" },
		"drift":          func(c *cases.Case) { c.Drift = "x" },
		"take ownership": func(c *cases.Case) { c.TakeOwnership = true },
		"timeout":        func(c *cases.Case) { c.Timeout = "5s" },
		"wait":           func(c *cases.Case) { c.Wait = true },
		"moved text":     func(c *cases.Case) { c.Old, c.New = "oldn", "ew" },
	} {
		other := c
		change(&other)
		if Key(&other, Ways()[0]) == key || ClusterKey(&other, Ways()[0]) == ClusterKey(&c, Ways()[0]) {
			t.Errorf("%s does not change the key", name)
		}
	}
	other := c
	other.Name, other.Comment, other.Want, other.Live = "", "", "", ""
	if Key(&other, Ways()[0]) != key {
		t.Error("what is no input changes the key")
	}
	seen := map[string]string{}
	for _, way := range Ways() {
		if twin := seen[Key(&c, way)]; twin != "" {
			t.Errorf("%s and %s have the same key", twin, way.Name)
		}
		seen[Key(&c, way)] = way.Name
	}
	patch, next := Ways()[0], Ways()[0]
	patch.Install, patch.Upgrade = patch.Install+"1", patch.Upgrade+"1"
	next.Install = strings.Replace(next.Install, "v3.", "v3.1", 1)
	if Key(&c, patch) != key {
		t.Error("a patch release of Helm changes the key")
	}
	if Key(&c, next) == key {
		t.Error("another minor version of Helm does not change the key")
	}
	if ClusterKey(&c, Ways()[0]) != ClusterKey(&c, Ways()[2]) {
		t.Error("the Helm that upgrades changes what is there before")
	}
}

// An observation that says something else than the program makes the replay fail.
func TestReplayFails(t *testing.T) {
	list, err := cases.Load("../../testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	store, err := Load(".")
	if err != nil {
		t.Fatal(err)
	}
	tampered := 0
	for i := range list {
		c, way := &list[i], Ways()[0]
		o := store.Observations[Key(c, way)]
		if o == nil || !o.Upgrade.Upgrade.OK || len(o.Resources) == 0 || o.Resources[0].Verdict != "modified" || tampered == 5 {
			continue
		}
		said, err := store.Predict(t.Context(), c, way)
		if err != nil {
			t.Fatal(err)
		}
		if list := said.Differences(c, way, &o.Upgrade); len(list) > 0 {
			t.Fatalf("%s: %s", c.Name, list)
		}
		if slices.ContainsFunc(said.Offline.Changes, func(c change.Change) bool { return c.Outcome.Undeleted != "" }) {
			continue // that the upgrade fails is left open
		}
		tampered++
		o.Resources[0].Verdict = "recreated"
		if len(said.Differences(c, way, &o.Upgrade)) == 0 {
			t.Errorf("%s: the replay does not see another verdict", c.Name)
		}
		o.Upgrade.Upgrade.OK = false
		if list := said.Differences(c, way, &o.Upgrade); !strings.Contains(fmt.Sprint(list), "upgrade fails: true, predicted false") {
			t.Errorf("%s: the replay does not see a failed upgrade: %s", c.Name, list)
		}
	}
	if tampered == 0 {
		t.Error("no observation was tried")
	}
}
