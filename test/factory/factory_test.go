package factory_test

import (
	"math"
	"os"
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/test/agreement"
	"github.com/safe-diff/helm-safe-diff/test/cases"
	"github.com/safe-diff/helm-safe-diff/test/factory"
	"github.com/safe-diff/helm-safe-diff/test/observed"
)

func maker(t *testing.T) *factory.Maker {
	t.Helper()
	m, err := factory.NewMaker("../../testdata/cases", "../../pkg/apiserver/testdata/kinds.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// One seed makes the same upgrades each time, another one others.
func TestSeedDecides(t *testing.T) {
	first, second := maker(t), maker(t)
	const asked = 4
	others := 0
	for n := range asked {
		a, err1 := first.Make(t.Context(), "abc", n)
		b, err2 := second.Make(t.Context(), "abc", n)
		c, err3 := second.Make(t.Context(), "abd", n)
		if err1 != nil || err2 != nil || err3 != nil {
			t.Fatal(err1, err2, err3)
		}
		if a.Case.Old != b.Case.Old || a.Case.New != b.Case.New || a.Case.Cluster != b.Case.Cluster || a.Case.Comment != b.Case.Comment {
			t.Errorf("%d: two upgrades of one seed differ", n)
		}
		if a.Case.New != c.Case.New {
			others++
		}
		if a.Case.Old == a.Case.New || len(a.Changes) == 0 {
			t.Errorf("%d: nothing changes", n)
		}
	}
	if others < asked*3/4 {
		t.Errorf("only %d of %d upgrades differ with the seed", others, asked)
	}
}

// What is made is a case that can be read, and stays within its namespace.
func TestFileIsCase(t *testing.T) {
	u, err := maker(t).Make(t.Context(), "abc", 1)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/made.txtar", factory.File(&u.Case, "", "safe\n", "safe\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := cases.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if c := list[0]; c.Old != u.Case.Old || c.New != u.Case.New || c.Timeout != u.Case.Timeout || c.Wait != u.Case.Wait {
		t.Error("what is read of the file is another upgrade")
	}
}

const big = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web, tier: front}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, tier: front}}
    spec:
      containers: [{name: web, image: "web:1", ports: [{containerPort: 80}], env: [{name: A, value: a}, {name: B, value: b}]}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {a: "1", b: "2"}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`

// The shrinker leaves what a planted miss needs, and nothing else.
func TestShrinks(t *testing.T) {
	misses := func(c *cases.Case) bool { // misses a changed image while B is set
		return strings.Contains(c.Old, "image: web:1") && strings.Contains(c.New, "image: web:2") && strings.Contains(c.New, "name: B")
	}
	for _, atOnce := range []int{1, 4} {
		updated := strings.NewReplacer(`"web:1"`, `"web:2"`, "replicas: 3", "replicas: 5", `a: "1"`, `a: "3"`).Replace(big)
		k := factory.Shrinker{AtOnce: atOnce, Budget: 500, First: func(list []cases.Case) int {
			for i := range list {
				if misses(&list[i]) {
					return i
				}
			}
			return -1
		}}
		small := k.Shrink(cases.Case{Old: big, New: updated, Wait: true, Timeout: "30s"})
		if !misses(&small) && !strings.Contains(small.Old, "image: web:1") {
			t.Fatalf("the miss is lost:\n%s", small.New)
		}
		const want = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - env:
        - name: B
        image: web:2
`
		if small.New != want || strings.Contains(small.Old, "replicas") || small.Wait {
			t.Errorf("%d at once: after %d upgrades:\n%s", atOnce, k.Tried, small.New)
		}
	}
}

// The budget ends it, whatever is left.
func TestShrinkerStops(t *testing.T) {
	k := factory.Shrinker{AtOnce: 3, Budget: 7, First: func([]cases.Case) int { return -1 }}
	if small := k.Shrink(cases.Case{Old: big, New: strings.Replace(big, "web:1", "web:2", 1)}); !strings.Contains(small.Old, "kind: Service") || k.Tried > 7 {
		t.Errorf("%d upgrades were tried", k.Tried)
	}
}

// A planted wrong prediction is counted as one, and so are those of the other predictors.
func TestPlantedMissIsFound(t *testing.T) {
	old, updated := big, strings.Replace(big, `a: "1"`, `a: "2"`, 1)
	u := factory.Upgrade{Case: cases.Case{Name: "planted", Old: old, New: updated}, Changes: []string{"planted"}}
	happened := agreement.Upgrade{Case: "planted", Helm: "Helm 3"}
	happened.Upgrade.OK = true
	two := 2
	happened.Resources = []agreement.Resource{
		{APIVersion: "v1", Kind: "ConfigMap", Namespace: "demo", Name: "web", Verdict: "modified"},
		{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "demo", Name: "web", Verdict: "unchanged", Pods: &agreement.Pods{Before: 2, After: 2, MinReady: &two, ReadyBefore: &two}},
	}
	right, err := observed.Offline(t.Context(), &u.Case, observed.Ways()[0])
	if err != nil {
		t.Fatal(err)
	}
	differences := func(set *change.Set) []string {
		var score agreement.Score
		score.Add(set, &happened)
		var list []string
		for _, d := range score.Differences {
			list = append(list, d.String())
		}
		return list
	}
	wrong := change.Set{Changes: []change.Change{{
		Ref: manifest.Ref{Group: "apps", Version: "v1", Kind: "Deployment", Namespace: "demo", Name: "web"}, Op: change.Update,
		Outcome: change.Outcome{Changed: true, Pods: &change.Pods{Replaced: true, Affected: 2}},
	}}}
	if list := differences(&right); len(list) > 0 {
		t.Errorf("a right prediction is called wrong: %v", list)
	}
	planted := differences(&wrong)
	if len(planted) == 0 {
		t.Fatal("a wrong prediction is not found")
	}
	run := factory.Run{Seed: "abc", Asked: 2, Shard: "0/1"}
	run.Add(&u, &right, &happened, nil)
	run.Add(&u, &wrong, &happened, planted)
	run.Unmeasured(true)
	table := run.Table()
	for _, row := range []string{
		"| upgrades measured | 2 |", "| old side could not be installed | 1 |", "| something wrong was said, offline | 1 (50.0 %) |", "| planted | 2 | 1 |",
		"| the rule that anything under `spec` restarts: something wrong | 0 (0.0 %) |",
	} {
		if !strings.Contains(table, row) {
			t.Errorf("the score lacks %q:\n%s", row, table)
		}
	}
}

// The bound is that of Clopper and Pearson: about 3/n for none.
func TestBound(t *testing.T) {
	for _, c := range []struct {
		wrong, n int
		want     float64
	}{{0, 3000, 0.000998}, {0, 300, 0.00994}, {0, 10, 0.2589}, {1, 100, 0.0466}, {5, 50, 0.1990}, {3, 3, 1}, {0, 0, 1}} {
		if got := factory.Bound(c.wrong, c.n); math.Abs(got-c.want) > 0.0002 {
			t.Errorf("%d of %d: %.5f, not %.5f", c.wrong, c.n, got, c.want)
		}
	}
}
