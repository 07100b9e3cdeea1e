package manifest_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

func stream(documents int) string {
	var b strings.Builder
	for i := range documents {
		fmt.Fprintf(&b, `---
# Source: web/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-%d
  labels:
    app.kubernetes.io/name: "web"
    helm.sh/chart: web-1.2.3
spec:
  replicas: 3
  template:
    spec:
      containers:
      - name: app
        image: "registry.example.com/web:%d"
        args: ["--port", '8080']
        env:
        - name: GREETING
          value: don't panic
`, i, i)
	}
	return b.String()
}

// What follows counts decoded documents, which the whole process shares: these
// tests must not run in parallel with others.

func TestParseDecodesNothingInBlockStyle(t *testing.T) {
	before := manifest.Parsed()
	objects, err := manifest.Parse(stream(100), manifest.Options{})
	if err != nil || len(objects) != 100 {
		t.Fatalf("%d objects, %v", len(objects), err)
	}
	for _, o := range objects {
		_ = o.Kept()
		_ = o.HookEvents()
	}
	if got := manifest.Parsed() - before; got != 0 {
		t.Errorf("%d documents were decoded, want none", got)
	}
}

func TestValueDecodesOnce(t *testing.T) {
	for name, text := range map[string]string{
		"block style": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n",
		"flow style":  "{apiVersion: v1, kind: Pod, metadata: {name: p}}\n",
		"a List":      "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Pod}, {apiVersion: v1, kind: Pod}]\n",
		"broken":      "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec: {\n",
	} {
		t.Run(name, func(t *testing.T) {
			before := manifest.Parsed()
			objects, _ := manifest.Parse(text, manifest.Options{})
			for range 3 {
				for _, o := range objects {
					_, _ = o.Value()
					_ = o.Kept()
				}
			}
			if got := manifest.Parsed() - before; got != 1 {
				t.Errorf("decoded %d times, want once", got)
			}
		})
	}
}

func TestForgetFreesTheValueAndNoMore(t *testing.T) {
	objects, err := manifest.Parse("apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Pod}]\n---\napiVersion: v1\nkind: Pod\n", manifest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		o.Forget()
		if value, err := o.Value(); err != nil || value["kind"] != "Pod" {
			t.Errorf("value %v, error %v", value, err)
		}
	}
}

// TestParseAllocatesLittle holds the memory of a release in which nothing changed:
// room for what a document is called and where it stands, nothing of its content.
func TestParseAllocatesLittle(t *testing.T) {
	const documents, budget = 2000, 400
	text := stream(documents)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := manifest.Parse(text, manifest.Options{File: "in.yaml", Namespace: "prod"}); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) / documents; got > budget {
		t.Errorf("%d bytes allocated a document, want no more than %d", got, budget)
	}
}

func TestThereIsNoLimitToTheSizeOfADocument(t *testing.T) {
	head := "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: big\ndata:\n"
	for name, tc := range map[string]struct{ text, want string }{
		"16 MiB on one line": {head + "  x: " + strings.Repeat("a", 16<<20) + "\n", strings.Repeat("a", 16<<20)},
		"200,000 lines":      {head + "  x: |\n" + strings.Repeat("    0123456789\n", 200_000), strings.Repeat("0123456789\n", 200_000)},
	} {
		t.Run(name, func(t *testing.T) {
			objects, err := manifest.Parse(tc.text, manifest.Options{})
			if err != nil || len(objects) != 1 {
				t.Fatalf("%d objects, %v", len(objects), err)
			}
			value, err := objects[0].Value()
			if err != nil {
				t.Fatal(err)
			}
			if data, _ := value["data"].(map[string]any); data["x"] != tc.want {
				t.Error("the value is not what was written")
			}
		})
	}
}

// These documents are made to eat time and memory. Each has to end soon, with an
// error.
func TestDocumentsThatBlowUpAreRefused(t *testing.T) {
	const head = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: bomb\n"
	var laughs strings.Builder
	laughs.WriteString(head + "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n")
	for i := range 12 {
		refs := strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), ", ")
		fmt.Fprintf(&laughs, "a%d: &a%d [%s]\n", i+1, i+1, refs)
	}
	for name, tc := range map[string]struct{ text, want string }{
		"billion laughs":   {laughs.String(), "aliases blow the document up"},
		"deep flow style":  {head + "x: " + strings.Repeat("[", 100_000), "line 5: exceeded max depth of 10000"},
		"deep block style": {head + "x:\n  " + strings.Repeat("- ", 100_000) + "a\n", "line 6: exceeded max depth of 10000"},
	} {
		t.Run(name, func(t *testing.T) {
			objects, err := manifest.Parse(tc.text, manifest.Options{File: "in.yaml"})
			if err == nil {
				_, err = objects[0].Value()
			}
			if want := "in.yaml, document 1 (line 1): " + tc.want; err == nil || err.Error() != want {
				t.Errorf("error %v, want %s", err, want)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	text := stream(1000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := manifest.Parse(text, manifest.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
