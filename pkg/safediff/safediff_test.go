package safediff

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

func compare(t *testing.T, old, updated string) change.Set {
	t.Helper()
	set, err := Compare(context.Background(), Manifest{"old.yaml", old}, Manifest{"new.yaml", updated}, Options{Namespace: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// digest writes down all that a report could show of a set.
func digest(set change.Set) string {
	var b strings.Builder
	for i := range set.Changes {
		c := &set.Changes[i]
		fmt.Fprintf(&b, "%s %s %v %v %v\n", c.Op, c.Ref, c.Outcome.Changed, c.Outcome.Refused, c.Outcome.Fields)
		for _, e := range c.Edits {
			fmt.Fprintf(&b, "  %s %s → %s %s\n", e.Path, e.Old.Text(), e.New.Text(), e.Noise)
		}
		for _, f := range c.Findings {
			fmt.Fprintf(&b, "  %s %s %v %s\n", f.Rule, f.Risk, f.Paths, f.Message)
		}
	}
	fmt.Fprintf(&b, "same %d, unchecked %v\n", set.Same, set.Unchecked)
	return b.String()
}

func deployment(name, chart, image string) string {
	return fmt.Sprintf(`---
# Source: shop/templates/%[1]s.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: %[1]s
  labels:
    app: %[1]s
    helm.sh/chart: %[2]s
spec:
  selector:
    matchLabels:
      app: %[1]s
  template:
    metadata:
      labels:
        app: %[1]s
    spec:
      containers:
      - name: main
        image: %[3]s
`, name, chart, image)
}

func deployments(n int, chart, image string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(deployment(fmt.Sprintf("app-%d", i), chart, image))
	}
	return b.String()
}

func TestTheSameInputGivesTheSameSet(t *testing.T) {
	old := deployments(40, "shop-1", "web:1") + deployment("gone", "shop-1", "web:1")
	updated := deployments(40, "shop-2", "web:2") + deployment("comes", "shop-2", "web:2")
	first := digest(compare(t, old, updated))
	for range 8 {
		if diff := cmp.Diff(first, digest(compare(t, old, updated))); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestNothingChangesBetweenAManifestAndItself(t *testing.T) {
	text := deployments(3, "shop-1", "web:1")
	set := compare(t, text, text)
	if len(set.Changes) != 0 || set.Same != 3 {
		t.Errorf("%d changes, %d the same", len(set.Changes), set.Same)
	}
}

func TestWhatDoesNotChangeIsNotDecoded(t *testing.T) {
	old := deployments(50, "shop-1", "web:1")
	for _, c := range []struct {
		name, updated string
		decoded       int64
	}{
		{"nothing", old, 0},
		{"one image", strings.Replace(old, "web:1", "web:2", 1), 2},
		{"a label of every object", strings.ReplaceAll(old, "shop-1", "shop-2"), 0},
		{"one more object", old + deployment("more", "shop-1", "web:1"), 1},
	} {
		before := manifest.Parsed()
		compare(t, old, c.updated)
		if got := manifest.Parsed() - before; got != c.decoded {
			t.Errorf("%s: %d documents decoded, want %d", c.name, got, c.decoded)
		}
	}
}

// TestLabelsAreJudgedTheSameBothWays holds the short way for objects in which
// only labels differ against the long one.
func TestLabelsAreJudgedTheSameBothWays(t *testing.T) {
	old := deployment("web", "shop-1", "web:1")
	for name, edit := range map[string][2]string{
		"another value": {"helm.sh/chart: shop-1", "helm.sh/chart: shop-2"},
		"a new label":   {"    helm.sh/chart: shop-1\n", "    helm.sh/chart: shop-1\n    team: red\n"},
		"one gone":      {"    helm.sh/chart: shop-1\n", ""},
		"managed by":    {"    helm.sh/chart: shop-1\n", "    helm.sh/chart: shop-1\n    app.kubernetes.io/managed-by: Helm\n"},
		"not valid":     {"helm.sh/chart: shop-1", "helm.sh/chart: -no-"},
	} {
		t.Run(name, func(t *testing.T) {
			updated := strings.Replace(old, edit[0], edit[1], 1)
			short := digest(compare(t, old, updated))
			// An anchor makes the lines unreadable, and nothing else.
			long := digest(compare(t, strings.Replace(old, "name: main", "name: &n main", 1), strings.Replace(updated, "name: main", "name: &n main", 1)))
			flow := func(text string) string {
				return strings.Replace(text, "metadata:\n  name: web", "metadata:\n  name: \"we\\x62\"", 1)
			}
			longest := digest(compare(t, flow(old), flow(updated)))
			if diff := cmp.Diff(longest, short); diff != "" {
				t.Errorf("decoded and judged (-), judged by lines (+):\n%s", diff)
			}
			if diff := cmp.Diff(longest, long); diff != "" {
				t.Errorf("an anchor makes a difference:\n%s", diff)
			}
		})
	}
}

func TestSecretsAreMasked(t *testing.T) {
	secret := func(data string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n" + data
	}
	for name, sides := range map[string][2]string{
		"data":              {"data:\n  pw: aHVudGVyMQ==\n", "data:\n  pw: aHVudGVyMg==\n"},
		"stringData":        {"stringData:\n  pw: hunter1\n", "stringData:\n  pw: hunter2\n"},
		"the first data":    {"", "stringData:\n  pw: hunter2\n"},
		"the last data":     {"data:\n  pw: aHVudGVyMQ==\n", ""},
		"data that is text": {"data:\n  pw: aHVudGVyMQ==\n", "data: hunter2\n"},
	} {
		t.Run(name, func(t *testing.T) {
			set := compare(t, secret(sides[0]), secret(sides[1]))
			out := digest(set)
			if strings.Contains(out, "hunter") || strings.Contains(out, "aHVudGVy") {
				t.Errorf("a secret shows:\n%s", out)
			}
			if !strings.Contains(out, change.Mask) || !strings.Contains(out, "ata") {
				t.Errorf("what changed does not show:\n%s", out)
			}
		})
	}
	set := compare(t, deployment("web", "a", "web:1"), strings.Replace(deployment("web", "a", "web:1"), "  labels:\n    app",
		"  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: '{\"pw\":\"hunter2\"}'\n  labels:\n    app", 1))
	if out := digest(set); strings.Contains(out, "hunter") || !strings.Contains(out, "last-applied") {
		t.Errorf("the annotation of kubectl apply shows, or is lost:\n%s", out)
	}
}

func TestNoiseChangesNoVerdict(t *testing.T) {
	old := deployments(5, "shop-1", "web:1")
	updated := strings.ReplaceAll(strings.Replace(old, "web:1", "web:2", 1), "shop-1", "shop-2")
	with := compare(t, old, updated)
	without := with
	without.Changes = nil
	for _, c := range with.Changes {
		c.Noise = ""
		c.Edits = append([]change.Edit(nil), c.Edits...)
		for i := range c.Edits {
			c.Edits[i].Noise = ""
		}
		without.Changes = append(without.Changes, c)
	}
	for _, risks := range []change.FailOn{change.DefaultFailOn(), {"rejected"}} {
		if risky := with.Verdict(risks) == change.Risky; risky != (without.Verdict(risks) == change.Risky) {
			t.Errorf("noise decides on %v", risks)
		}
	}
}

func TestErrorsNameTheDocumentAndHoldNothingOfIt(t *testing.T) {
	_, err := Compare(context.Background(), Manifest{"old.yaml", ""}, Manifest{"new.yaml", deployment("web", "a", "b") +
		"---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {pw: \"hunter2\n"}, Options{})
	if err == nil || strings.Contains(err.Error(), "hunter") || !strings.Contains(err.Error(), "new.yaml, document 2 (line 23)") {
		t.Errorf("got %v", err)
	}
}

func TestACancelledComparisonStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Compare(ctx, Manifest{"old.yaml", deployment("web", "a", "b")}, Manifest{"new.yaml", deployment("web", "a", "c")}, Options{})
	if err == nil {
		t.Error("no error")
	}
}

func FuzzCompare(f *testing.F) {
	f.Add(deployment("web", "a", "b"), deployment("web", "a", "c"))
	f.Add("apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {ports: [{port: 1}]}\n", "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {ports: 1}\n")
	f.Add("a: 1", "- b")
	f.Add(strings.Replace(definition(9), "/crds/", "/templates/", 1)+thing(1), strings.Replace(definition(8), "/crds/", "/templates/", 1)+thing(9))
	f.Fuzz(func(_ *testing.T, old, updated string) {
		set, err := Compare(context.Background(), Manifest{"old", old}, Manifest{"new", updated}, Options{Namespace: "demo"})
		if err == nil {
			_ = digest(set)
		}
	})
}

// TestWhatIsNotKnownIsSaid is about notices that concern the input as a whole.
func TestWhatIsNotKnownIsSaid(t *testing.T) {
	web := deployment("web", "shop-1", "web:1")
	for _, c := range []struct {
		name, updated string
		opts          Options
		want          string
	}{
		{"a failed revision", web, Options{Release: change.Release{Revision: 2}, Failed: 3}, "revision 3 of the release failed"},
		{"a copy", web + strings.Replace(web, "web:1", "web:2", 1), Options{}, "only the last was judged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, err := Compare(context.Background(), Manifest{Text: web}, Manifest{Text: c.updated}, c.opts)
			if err != nil {
				t.Fatal(err)
			}
			if len(set.Unchecked) != 1 || !strings.Contains(set.Unchecked[0].Reason, c.want) {
				t.Errorf("unchecked %v, want %q", set.Unchecked, c.want)
			}
		})
	}
}

// TestServicesThatStayAreNotDecoded is about the one stage that looks from one object
// at others.
func TestServicesThatStayAreNotDecoded(t *testing.T) {
	service := "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  selector:\n    app: web\n"
	web := deployment("web", "shop-1", "web:1")
	before := manifest.Parsed()
	compare(t, service+web, service+strings.Replace(web, "web:1", "web:2", 1))
	if got := manifest.Parsed() - before; got != 2 {
		t.Errorf("%d documents decoded, want the Deployment twice and no Service", got)
	}
}

// TestWhatSelectsIsDecodedOnlyForItsLabels is about a label that changes on every object
// of a release: nobody who selects by another one is asked.
func TestWhatSelectsIsDecodedOnlyForItsLabels(t *testing.T) {
	var b strings.Builder
	for i := range 50 {
		fmt.Fprintf(&b, "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: web-%[1]d\n  labels:\n    app: web-%[1]d\n    helm.sh/chart: shop-1\nspec:\n  ports:\n  - port: 80\n", i)
		fmt.Fprintf(&b, "---\napiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata:\n  name: web-%[1]d\n  labels:\n    team: red\nspec:\n  selector:\n    matchLabels:\n      app: web-%[1]d\n", i)
	}
	old := b.String()
	for _, c := range []struct {
		name, updated string
		decoded       int64
		shown         int
	}{
		{"the version of the chart", strings.ReplaceAll(old, "shop-1", "shop-2"), 0, 0},
		{"a label that is selected by", strings.Replace(old, "labels:\n    app: web-7\n", "labels:\n    app: web\n", 1), 50, 1},
	} {
		before := manifest.Parsed()
		set := compare(t, old, c.updated)
		if got := manifest.Parsed() - before; got != c.decoded {
			t.Errorf("%s: %d documents decoded, want %d", c.name, got, c.decoded)
		}
		shown := 0
		for i := range set.Changes {
			if !set.Changes[i].Hidden() {
				shown++
			}
		}
		if shown != c.shown {
			t.Errorf("%s: %d changes shown, want %d", c.name, shown, c.shown)
		}
	}
}
