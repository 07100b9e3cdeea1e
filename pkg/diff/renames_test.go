package diff_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

func parsed(t testing.TB, docs ...string) []*manifest.Object {
	t.Helper()
	objects, err := manifest.Parse(strings.Join(docs, "---\n"), manifest.Options{File: "test.yaml", Namespace: "prod"})
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func config(template, name, data string) string {
	return fmt.Sprintf("# Source: shop/templates/%s\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: %s\n", template, name, data)
}

func account(name string) string {
	return fmt.Sprintf("# Source: shop/templates/accounts.yaml\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: %s}\n", name)
}

func set(kind, chart, name, image string) string {
	return fmt.Sprintf("# Source: shop%s/templates/%s.yaml\napiVersion: apps/v1\nkind: %s\nmetadata: {name: %s}\n"+
		"spec:\n  replicas: 3\n  template:\n    spec:\n      containers:\n      - {name: app, image: %s, ports: [{containerPort: 80}]}\n",
		chart, name, kind, name, image)
}

func TestRenames(t *testing.T) {
	for name, test := range map[string]struct{ gone, come, want []string }{
		"template": {
			[]string{config("a.yaml", "shop-a", "{k: one}")},
			[]string{config("a.yaml", "b", "{k: two}"), config("b.yaml", "c", "{k: one}")},
			[]string{"shop-a b"},
		},
		"content in another template": {
			[]string{set("StatefulSet", "", "shop-db", "db:1")}, []string{set("StatefulSet", "", "store", "db:1")}, []string{"shop-db store"},
		},
		"number at the end": {
			[]string{config("a.yaml", "web-1", "{k: one}"), config("a.yaml", "api-1", "{k: one}")},
			[]string{config("a.yaml", "web-2", "{k: two}"), config("a.yaml", "api-2", "{k: two}")},
			[]string{"web-1 web-2", "api-1 api-2"},
		},
		"as the others": {
			[]string{config("a.yaml", "shop-a", "{k: one}"), account("shop-x"), account("shop-z")},
			[]string{config("a.yaml", "a", "{k: one}"), account("z"), account("x")},
			[]string{"shop-a a", "shop-x x", "shop-z z"},
		},
		"a set with a word more": {
			[]string{set("StatefulSet", "", "shop-redis", "redis:7")},
			[]string{set("StatefulSet", "/r", "shop-redis-replicas", "redis:8"), set("StatefulSet", "/m", "shop-redis-master", "redis:8")},
			[]string{"shop-redis shop-redis-master"},
		},
		"two sets with a word less": {
			[]string{set("StatefulSet", "/m", "shop-redis-master", "redis:7"), set("StatefulSet", "/r", "shop-redis-replicas", "redis:7")},
			[]string{set("StatefulSet", "", "shop-redis", "redis:8")}, []string{"shop-redis-master shop-redis"},
		},
		"a word more, and nothing alike": {
			[]string{set("StatefulSet", "", "shop-redis", "redis:7")},
			[]string{"apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: shop-redis-ui}\nspec: {serviceName: ui, template: {spec: {initContainers: [{name: a, image: b}]}}}\n"}, nil,
		},
		"a Deployment with a word more": {
			[]string{set("Deployment", "", "shop-web", "web:1")},
			[]string{set("Deployment", "/a", "shop-web-api", "web:2"), set("Deployment", "/b", "shop-web-jobs", "web:2")}, nil,
		},
		"two for one": {
			[]string{config("a.yaml", "old", "{k: one}")}, []string{config("a.yaml", "left", "{k: one}"), config("a.yaml", "right", "{k: one}")}, nil,
		},
		"one template, nothing in common": {
			[]string{config("a.yaml", "old", "{k: one, l: two}")}, []string{config("a.yaml", "new", "{m: three}")}, nil,
		},
		"nothing to recognize": {[]string{account("shop")}, []string{account("other")}, nil},
		"another kind": {
			[]string{set("Deployment", "", "web", "web:1")}, []string{set("StatefulSet", "", "web", "web:2")}, []string{"web web"},
		},
		"the subchart's only one": {
			[]string{set("StatefulSet", "/charts/kafka", "kafka", "kafka:1"), set("StatefulSet", "", "db", "db:1")},
			[]string{set("StatefulSet", "/charts/kafka", "kafka-controller", "kafka:2"), set("StatefulSet", "/charts/keeper", "keeper", "keeper:1")},
			[]string{"kafka kafka-controller"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, p := range diff.Renames(parsed(t, test.gone...), parsed(t, test.come...)) {
				got = append(got, p.Old.Ref.Name+" "+p.New.Ref.Name)
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("pairs (-want +got):\n%s", d)
			}
		})
	}
}

// TestRenamesTakeLinearMemory renames many objects, of which none can be told from the
// others but by its name.
func TestRenamesTakeLinearMemory(t *testing.T) {
	allocated := func(n int) float64 {
		old, updated := many(t, n)
		return testing.AllocsPerRun(1, func() {
			if got := len(diff.Renames(old, updated)); got != n+1 {
				t.Fatalf("%d objects are paired, want %d", got, n+1)
			}
		})
	}
	if few, more := allocated(500), allocated(4000); more > 12*few {
		t.Errorf("8 times as many objects take %.0f allocations, not about 8 times %.0f", more, few)
	}
}

func BenchmarkRenames(b *testing.B) {
	for _, n := range []int{1000, 8000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			old, updated := many(b, n)
			for b.Loop() {
				diff.Renames(old, updated)
			}
		})
	}
}

// many are so many accounts, and what tells that all of them are only called otherwise.
func many(t testing.TB, n int) (old, updated []*manifest.Object) {
	t.Helper()
	gone, come := []string{config("a.yaml", "shop-a", "{k: one}")}, []string{config("a.yaml", "a", "{k: one}")}
	for i := range n {
		gone = append(gone, account(fmt.Sprintf("shop-x%d", i)))
		come = append(come, account(fmt.Sprintf("x%d", i)))
	}
	return parsed(t, gone...), parsed(t, come...)
}

func TestRespelling(t *testing.T) {
	r := diff.Respelling(func(word string) (string, bool) {
		now, found := map[string]string{"shop-db": "db", "web": "front"}[word]
		return now, found
	})
	old := map[string]any{
		"host": "shop-db-0.shop-db.prod.svc", "kept": "web", "other": "shop-dbs",
		"list": []any{map[string]any{"name": "shop-db", "n": int64(1)}},
		"text": "host = shop-db\nlevel = info\n",
	}
	updated := map[string]any{
		"host": "db-0.db.prod.svc", "kept": "web", "other": "dbs",
		"list": []any{map[string]any{"name": "new"}, map[string]any{"name": "db", "n": int64(1)}},
		"text": "host = db\nlevel = debug\n",
	}
	want := map[string]any{
		"host": "db-0.db.prod.svc", "kept": "web", "other": "shop-dbs",
		"list": []any{map[string]any{"name": "db", "n": int64(1)}},
		"text": "host = db\nlevel = info\n",
	}
	if d := cmp.Diff(any(want), r.Value(old, updated)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if dashes := strings.Repeat("-", 1<<20); r.Text(dashes) != dashes { // linear, or it does not come back
		t.Error("a megabyte of dashes comes back as something else")
	}
}
