package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
	"github.com/safe-diff/helm-safe-diff/pkg/risk"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

var update = flag.Bool("update", false, "write the expected reports anew")

const gallery = "../../testdata/report"

// view is one section of a gallery file: a format and the user's options.
type view struct {
	section, format string
	opt             report.Options
}

// views are all formats except yaml, which TestYAML compares with json. For html,
// TestHTMLGallery keeps a few whole pages.
func views() []view {
	return []view{
		{section: "text", format: "text"},
		{section: "text --show-hidden", format: "text", opt: report.Options{ShowHidden: true}},
		{section: "helm-diff", format: "helm-diff"},
		{section: "json", format: "json"},
		{section: "markdown", format: "markdown"},
		{section: "html", format: "html"},
		{section: "sarif", format: "sarif"},
		{section: "junit", format: "junit"},
		{section: "github", format: "github"},
		{section: "gitlab", format: "gitlab"},
		{section: "template", format: "template"},
	}
}

// TestGallery prints one upgrade in every format. A new scenario needs only old.yaml and
// new.yaml; -update writes its expected sections. again.yaml is the new side rendered once
// more, if that gives another result.
func TestGallery(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(gallery, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios in %s: %v", gallery, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sc := read(t, file)
			got := &txtar.Archive{Comment: archive.Comment, Files: archive.Files[:0:0]}
			for _, f := range archive.Files {
				if strings.HasSuffix(f.Name, ".yaml") {
					got.Files = append(got.Files, f)
				}
			}
			for _, v := range views() {
				if v.format == "html" {
					continue
				}
				v.opt.Locate = in(sc.old, sc.updated)
				got.Files = append(got.Files, txtar.File{Name: v.section, Data: render(t, judged(t, sc), v)})
			}
			want, have := txtar.Format(archive), txtar.Format(got)
			if *update {
				if err := os.WriteFile(file, have, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(want), string(have)); d != "" {
				t.Errorf("reports (-want +got), -update writes them anew:\n%s", d)
			}
		})
	}
}

// TestSameBytes renders everything eight times.
func TestSameBytes(t *testing.T) {
	for _, sc := range scenarios(t) {
		for _, v := range views() {
			first := render(t, judged(t, sc), v)
			for range 7 {
				if again := render(t, judged(t, sc), v); !bytes.Equal(first, again) {
					t.Fatalf("%s, %s: two runs differ:\n%s", sc.name, v.section, cmp.Diff(string(first), string(again)))
				}
			}
		}
	}
}

// TestSecretsStaySecret looks in every format for the values of Secrets, which all
// scenarios write as "hush…", and for their base64 form.
func TestSecretsStaySecret(t *testing.T) {
	for _, sc := range scenarios(t) {
		for _, v := range views() {
			for _, colored := range []bool{false, true} {
				v.opt.Color = colored
				page := render(t, judged(t, sc), v)
				for _, secret := range []string{"hush", "aHVza", "h1dXNo", "odXNo"} {
					if bytes.Contains(page, []byte(secret)) {
						t.Errorf("%s, %s: a secret shows:\n%s", sc.name, v.section, page)
					}
				}
			}
		}
	}
}

func TestSecretsShowOnDemand(t *testing.T) {
	sc := read(t, filepath.Join(gallery, "secrets.txtar"))
	for _, v := range views() {
		if !slices.Contains([]string{"text", "json", "markdown", "html", "helm-diff"}, v.format) {
			continue // shows no values
		}
		set := judged(t, sc)
		v.opt.ShowSecrets = true
		shown := "aHVzaC1uZXc=" // hush-new
		if page := render(t, set.Revealed(), v); !bytes.Contains(page, []byte(shown)) {
			t.Errorf("%s: the secret does not show:\n%s", v.section, page)
		}
	}
}

// TestColorAddsNothing compares the words of a coloured page with those of a plain one.
func TestColorAddsNothing(t *testing.T) {
	for _, sc := range scenarios(t) {
		for _, v := range views() {
			plain := render(t, judged(t, sc), v)
			if bytes.Contains(plain, []byte("\x1b")) {
				t.Errorf("%s, %s: colour that nobody asked for", sc.name, v.section)
			}
			v.opt.Color = true
			colored := render(t, judged(t, sc), v)
			if v.format == "text" && !bytes.Contains(colored, []byte("\x1b[")) {
				t.Errorf("%s, %s: no colour", sc.name, v.section)
			}
			if d := cmp.Diff(string(plain), ansi.ReplaceAllString(string(colored), "")); d != "" {
				t.Errorf("%s, %s (-plain +coloured):\n%s", sc.name, v.section, d)
			}
		}
	}
}

// TestCountsAgree compares what the formats say about the same upgrade.
func TestCountsAgree(t *testing.T) {
	for _, sc := range scenarios(t) {
		set := judged(t, sc)
		sum := set.Summary()
		var doc struct {
			Summary map[string]any
			Changes []struct {
				Op     string
				Hidden bool
			}
		}
		if err := json.Unmarshal(render(t, set, view{format: "json"}), &doc); err != nil {
			t.Fatal(err)
		}
		listed := map[string]int{}
		for _, c := range doc.Changes {
			if !c.Hidden {
				listed[c.Op]++
			}
		}
		text := string(render(t, set, view{format: "text"}))
		seen := string(render(t, set, view{format: "helm-diff"}))
		renamed := map[change.Op]int{} // one block shows both halves
		for i := range set.Changes {
			if c := &set.Changes[i]; c.Renamed != nil {
				renamed[c.Op]++
			}
		}
		if blocks := countBlocks(text, "rename") + countBlocks(text, "replace"); blocks != sum.Renamed || renamed[change.Create] != sum.Renamed {
			t.Errorf("%s: text shows %d renamed objects, the set has %d", sc.name, blocks, sum.Renamed)
		}
		for op, n := range sum.Ops {
			if listed[string(op)] != n || doc.Summary[string(op)] != float64(n) {
				t.Errorf("%s: json lists %d and counts %v objects to %s, the set %d", sc.name, listed[string(op)], doc.Summary[string(op)], op, n)
			}
			if blocks := countBlocks(text, string(op)) + renamed[op]; blocks != n {
				t.Errorf("%s: text shows %d objects to %s, the set has %d", sc.name, blocks, op, n)
			}
		}
		for words, n := range map[string]int{
			" has been added:\n":   sum.Ops[change.Create],
			" has been removed:\n": sum.Ops[change.Delete],
			" has changed:\n":      sum.Ops[change.Update] + sum.Ops[change.Recreate],
		} {
			if got := strings.Count(seen, words); got != n {
				t.Errorf("%s: helm-diff has %d × %q, the set %d", sc.name, got, words, n)
			}
		}
	}
}

// perObject is a template that a user might write.
const perObject = `{{ .verdict | upper }}
{{- range .changes }}
{{ .op }} {{ .kind }} {{ .name }}{{ if .risks }}: {{ join ", " .risks }}{{ end }}
{{- end }}
`

func parsed(t *testing.T, text string) *template.Template {
	t.Helper()
	tpl, err := report.ParseTemplate("report.tpl", text)
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

// in finds the files of the two sides.
func in(old, updated string) func(*manifest.Object) (path, text string) {
	return func(o *manifest.Object) (string, string) {
		return o.Position.File, map[string]string{"old.yaml": old, "new.yaml": updated}[o.Position.File]
	}
}

type scenario struct{ name, old, updated, again string }

func scenarios(t *testing.T) []scenario {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(gallery, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	list := make([]scenario, len(files))
	for i, file := range files {
		list[i] = read(t, file)
	}
	return list
}

func read(t *testing.T, file string) scenario {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return scenario{filepath.Base(file), section(archive, "old.yaml"), section(archive, "new.yaml"), section(archive, "again.yaml")}
}

func section(archive *txtar.Archive, name string) string {
	for _, f := range archive.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func judged(t *testing.T, sc scenario) change.Set {
	t.Helper()
	set, err := safediff.Compare(context.Background(),
		safediff.Manifest{Name: "old.yaml", Text: sc.old},
		safediff.Manifest{Name: "new.yaml", Text: sc.updated},
		safediff.Options{Namespace: "prod", Picture: true, Release: change.Release{
			Name: "shop", Namespace: "prod", Revision: 7, OldChart: "shop-1.4.2", NewChart: "shop-1.5.0",
		}, Again: safediff.Again{Manifest: safediff.Manifest{Name: "again.yaml", Text: sc.again}}})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func render(t *testing.T, set change.Set, v view) []byte {
	t.Helper()
	format, err := report.Find(v.format)
	if err != nil {
		t.Fatal(err)
	}
	v.opt.FailOn = change.DefaultFailOn()
	for _, r := range risk.Rules() {
		v.opt.Rules = append(v.opt.Rules, report.Rule{ID: r.ID, Why: r.Why, Fix: r.Fix})
	}
	if v.opt.Template == nil {
		v.opt.Template = parsed(t, perObject)
	}
	v.opt.ExitCode = set.ExitCode(v.opt.FailOn, false)
	var page bytes.Buffer
	if err := format.Write(&page, &set, v.opt); err != nil {
		t.Fatal(err)
	}
	return page.Bytes()
}
