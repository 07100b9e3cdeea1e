package manifest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

func relabelled(old, updated string) (oldLabels, newLabels map[string]string, only bool) {
	before, err := manifest.Parse(old, manifest.Options{})
	if err != nil || len(before) != 1 {
		return nil, nil, false
	}
	after, err := manifest.Parse(updated, manifest.Options{})
	if err != nil || len(after) != 1 {
		return nil, nil, false
	}
	return manifest.RelabelledOnly(before[0], after[0])
}

func TestRelabelledOnly(t *testing.T) {
	doc := func(labels string) string {
		return "apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    labels: x\n  labels:\n" + labels + "  name: p\nspec:\n  labels: {}\n"
	}
	const before = "    app: web\n    helm.sh/chart: web-1.0.0\n"
	for name, tc := range map[string]struct {
		updated string
		want    bool
	}{
		"a label changed":             {doc("    app: web\n    helm.sh/chart: web-1.1.0\n"), true},
		"a label came":                {doc(before + "    x: \"1\"\n"), true},
		"a label went":                {doc("    app: web\n"), true},
		"labels indented differently": {doc("   app: web\n   helm.sh/chart: web-1.1.0\n"), true},
		"a number among the labels":   {doc("    app: 1\n"), false},
		"a label twice":               {doc("    app: a\n    app: b\n"), false},
		"a label over two lines":      {doc("    app: a\n      b\n"), false},
		"a merge":                     {doc("    <<: *x\n"), false},
		"no labels any more":          {doc(""), false},
		"something else, too":         {strings.Replace(doc(before), "spec:", "status:", 1), false},
		"another name":                {strings.Replace(doc(before), "name: p", "name: q", 1), false},
		"labels twice":                {strings.Replace(doc(before), "  name: p\n", "  labels:\n    z: x\n  name: p\n", 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, got := relabelled(doc(before), tc.updated); got != tc.want {
				t.Errorf("relabelled only: %v, want %v", got, tc.want)
			}
		})
	}
	oldLabels, newLabels, _ := relabelled(doc(before), doc("    app: 'web'\n    x: \"yes\"\n"))
	want := []map[string]string{{"app": "web", "helm.sh/chart": "web-1.0.0"}, {"app": "web", "x": "yes"}}
	if diff := cmp.Diff(want, []map[string]string{oldLabels, newLabels}); diff != "" {
		t.Errorf("labels differ (-want +got):\n%s", diff)
	}
}

// The labels are the same whether the lines tell them or the object has to be decoded.
func TestLabels(t *testing.T) {
	for name, tc := range map[string]struct {
		metadata string
		decoded  int64
		want     map[string]string
	}{
		"lines":            {"  name: p\n  labels:\n    app: 'web'\n    tier: a\n", 0, map[string]string{"app": "web", "tier": "a"}},
		"no labels":        {"  name: p\n", 1, map[string]string{}},
		"a map on a line":  {"  name: p\n  labels: {app: web}\n", 1, map[string]string{"app": "web"}},
		"a number":         {"  name: p\n  labels:\n    app: web\n    tier: 1\n", 1, map[string]string{"app": "web", "tier": ""}},
		"elsewhere, too":   {"  name: p\n  annotations:\n    labels: x\n  labels:\n    app: web\n", 0, map[string]string{"app": "web"}},
		"labels of others": {"  name: p\nspec:\n  labels:\n    app: web\n", 1, map[string]string{}},
	} {
		objects, err := manifest.Parse("apiVersion: v1\nkind: Pod\nmetadata:\n"+tc.metadata, manifest.Options{})
		if err != nil || len(objects) != 1 {
			t.Fatalf("%s: %d objects, %v", name, len(objects), err)
		}
		before := manifest.Parsed()
		labels, err := objects[0].Labels()
		if diff := cmp.Diff(tc.want, labels); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
		if decoded := manifest.Parsed() - before; decoded != tc.decoded {
			t.Errorf("%s: %d documents were decoded, want %d", name, decoded, tc.decoded)
		}
	}
}

// FuzzRelabelledOnly holds what the lines say of the labels against the decoded
// objects.
func FuzzRelabelledOnly(f *testing.F) {
	const head = "apiVersion: v1\nkind: Pod\nmetadata:\n"
	f.Add("  labels:\n", "    a: b\n", "    a: c\n", "  name: p\n")
	f.Add("  name: p\n  labels:\n", "    a: b\n", "    a: 'c'\n    d: e\n", "")
	f.Add("  annotations:\n    labels:\n  labels:\n", "    a: b\n", "", "# c\nspec:\n  a: |\n    b\n")
	f.Add("  labels:\n", "    a: b\n\n", "    a: c\n  # d\n", "    e: f\n")
	f.Add("  labels:\n    labels:\n", "      a: b\n", "      a: c\n", "  labels: {}\n")
	f.Fuzz(func(t *testing.T, before, oldBlock, newBlock, after string) {
		sides := [2]string{head + before + oldBlock + after, head + before + newBlock + after}
		oldLabels, newLabels, only := relabelled(sides[0], sides[1])
		if !only {
			return
		}
		var rest [2]map[string]any
		for i, want := range []map[string]string{oldLabels, newLabels} {
			objects, _ := manifest.Parse(sides[i], manifest.Options{})
			value, err := objects[0].Value()
			if err != nil {
				return
			}
			metadata, _ := value["metadata"].(map[string]any)
			labels, _ := metadata["labels"].(map[string]any)
			got := map[string]string{}
			for k, v := range labels {
				got[k], _ = v.(string)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the labels of %q differ (-lines +decoded):\n%s", sides[i], diff)
			}
			delete(metadata, "labels")
			rest[i] = value
		}
		if diff := cmp.Diff(rest[0], rest[1]); diff != "" {
			t.Errorf("%q and %q differ in more than labels:\n%s", sides[0], sides[1], diff)
		}
	})
}
