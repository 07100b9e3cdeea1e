package report_test

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
)

var ansi = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// countBlocks counts the objects in the titles of a text report. A workload that only rolls
// has the word for that instead of "update".
func countBlocks(text, op string) int {
	n := 0
	if op == "update" {
		op = `(?:update|(?:rolls|restart)\b[^:\n]*:)`
	}
	title := regexp.MustCompile(`(?m)^(?:[A-Za-z, -]+: )?` + op + ` [A-Z][A-Za-z]* [^×:\n]*(?:×(\d+))?`)
	for _, m := range title.FindAllStringSubmatch(text, -1) {
		times, err := strconv.Atoi(m[1])
		if err != nil {
			times = 1
		}
		n += times
	}
	return n
}

func TestFind(t *testing.T) {
	for _, format := range report.Formats() {
		if found, err := report.Find(format.Name); err != nil || found.Name != format.Name || format.About == "" {
			t.Errorf("Find(%q) = %q, %v", format.Name, found.Name, err)
		}
	}
	_, err := report.Find("jsno")
	want := `unknown output format "jsno"; valid are text, json, yaml, markdown, html, sarif, junit, github, gitlab, helm-diff, template`
	if err == nil || err.Error() != want {
		t.Errorf("Find of an unknown format: %v, want %s", err, want)
	}
}

// TestWrite prints with the default classes and exit code.
func TestWrite(t *testing.T) {
	c := object("Deployment", "web", edit("a", "x", "y"))
	c.Findings = []change.Finding{{Rule: "x", Risk: change.Downtime, Message: "m"}}
	set := change.Set{Changes: []change.Change{c}}
	for _, tc := range []struct {
		failOn change.FailOn
		want   string
	}{{nil, `"exitCode": 3`}, {change.FailOn{}, `"exitCode": 0`}, {change.FailOn{"stale"}, `"exitCode": 0`}} {
		var page bytes.Buffer
		err := report.Write(&page, "json", &set, report.Options{FailOn: tc.failOn})
		if err != nil || !strings.Contains(page.String(), tc.want) {
			t.Errorf("%v: %v, no %s in\n%s", tc.failOn, err, tc.want, &page)
		}
	}
	var page bytes.Buffer
	if err := report.Write(&page, "jsno", &set, report.Options{}); err == nil || page.Len() > 0 {
		t.Errorf("an unknown format: %v, %q", err, &page)
	}
	if err := report.Write(&page, "template", &set, report.Options{}); err == nil {
		t.Error("a template that is not there is taken")
	}
}

// TestSchema checks the JSON of every scenario, and of the empty set, against the published
// schema.
func TestSchema(t *testing.T) {
	const file = "../../docs/report-schema.json"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	definition, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	closeObjects(definition)
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("schema.json", definition); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	sets := map[string]change.Set{"empty": {}}
	for _, sc := range scenarios(t) {
		sets[sc.name] = judged(t, sc)
		sets[sc.name+", explained"] = explained(judged(t, sc))
	}
	for name, set := range sets {
		page := render(t, set, view{format: "json"})
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(page))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: %v\n%s", name, err, page)
		}
		if bytes.Contains(page, []byte(`\u003c`)) || !bytes.HasSuffix(page, []byte("}\n")) {
			t.Errorf("%s: escaped for HTML, or without the last newline", name)
		}
	}
}

// explained gives each edit of a set, and each created or deleted object, a cause with all
// fields.
func explained(set change.Set) change.Set {
	set.Why = &change.Why{Renderings: 7}
	because := change.Because{
		Chart: true, Defaults: []string{"image.tag"}, Joint: true, Unresolved: true, Step: true,
		Keys: []change.KeyCause{{Key: "a", At: change.KeyPlace{Name: "prod.yaml", Line: 3}}, {Key: "b", At: change.KeyPlace{Name: "--set"}}, {Key: "c", Gone: true}},
	}
	for i := range set.Changes {
		c := &set.Changes[i]
		c.Because = &because
		for j := range c.Edits {
			c.Edits[j].Because = &because
			if j > 0 {
				c.Edits[j].Because = &change.Because{Unknown: "it is different in each rendering"}
			}
		}
	}
	return set
}

// closeObjects makes a schema reject fields that it does not describe. The published schema
// accepts them, so that today's readers accept tomorrow's documents.
func closeObjects(definition any) {
	switch d := definition.(type) {
	case map[string]any:
		if _, described := d["properties"].(map[string]any); described && d["type"] == "object" {
			d["additionalProperties"] = false
		}
		for _, inner := range d {
			closeObjects(inner)
		}
	case []any:
		for _, inner := range d {
			closeObjects(inner)
		}
	}
}

// TestManyJobs is the migration chart: 333 Jobs with another batch size, 1333 new ones.
func TestManyJobs(t *testing.T) {
	jobs := func(n, batch int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate-%d}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: m, image: m, env: [{name: NUMBER, value: \"%d\"}, {name: BATCH, value: \"%d\"}, {name: FROM, value: \"%d\"}]}]}}}\n", i, i, batch, 1+i*batch)
		}
		return b.String()
	}
	text := string(render(t, judged(t, scenario{old: jobs(333, 5999), updated: jobs(1666, 1200)}), view{format: "text"}))
	if text = text[strings.Index(text, "\n")+1:]; strings.Count(text, "update Job") > 2 || strings.Count(text, "create Job") != 1 {
		t.Errorf("not folded:\n%s", text)
	}
	for _, want := range []string{
		"rejected: update Job prod/migrate-1 … migrate-332 ×332\n",
		`[name="BATCH"].value: "5999" → "1200"` + "\n",
		`[name="FROM"].value: "6000" → "1201"  …  "1991669" → "398401"` + "\n",
		"create Job prod/migrate-333 … migrate-1665 ×1333\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
}

// object is a change that a test makes by hand.
func object(kind, name string, edits ...change.Edit) change.Change {
	return change.Change{
		Ref: manifest.Ref{Version: "v1", Kind: kind, Namespace: "prod", Name: name},
		Op:  change.Update, Edits: edits, Outcome: change.Outcome{Changed: true},
	}
}

func edit(field string, old, updated any) change.Edit {
	e := change.Edit{Path: fieldpath.Fields("data", field)}
	if old != nil {
		e.Old = change.ValueOf(old)
	}
	if updated != nil {
		e.New = change.ValueOf(updated)
	}
	return e
}

// body returns the blocks of a text report.
func body(t *testing.T, opt report.Options, changes ...change.Change) string {
	t.Helper()
	text := string(render(t, change.Set{Changes: changes}, view{format: "text", opt: opt}))
	_, text, _ = strings.Cut(text, "\n\n")
	text, foot, _ := strings.Cut(text, "\nexit 0: no finding")
	if hidden, found := strings.CutPrefix(foot, "; "); found {
		text += "\n" + strings.TrimSuffix(hidden, "\n")
	}
	return text
}

func TestGrouping(t *testing.T) {
	for _, tc := range []struct {
		name    string
		changes []change.Change
		want    string
	}{
		{
			"same edit, names listed",
			[]change.Change{object("ConfigMap", "api", edit("a", "x", "y")), object("ConfigMap", "web", edit("a", "x", "y"))},
			"update ConfigMap prod/api, web ×2\n  ~ .data.a: x → y\n",
		},
		{
			"the own name is no difference",
			[]change.Change{object("ConfigMap", "api", edit("host", "api.old", "api.new")), object("ConfigMap", "web", edit("host", "web.old", "web.new"))},
			"update ConfigMap prod/api, web ×2\n  ~ .data.host: api.old → api.new  …  web.old → web.new\n",
		},
		{
			"a letter that happens to be the name is one",
			[]change.Change{object("ConfigMap", "a", edit("k", "x", "cat")), object("ConfigMap", "o", edit("k", "x", "cot"))},
			"update ConfigMap prod/a\n  ~ .data.k: x → cat\n\nupdate ConfigMap prod/o\n  ~ .data.k: x → cot\n",
		},
		{
			"text is no number",
			[]change.Change{object("ConfigMap", "api", edit("a", int64(1), "2")), object("ConfigMap", "web", edit("a", "1", "2"))},
			"update ConfigMap prod/api\n  ~ .data.a: 1 → \"2\"\n\nupdate ConfigMap prod/web\n  ~ .data.a: \"1\" → \"2\"\n",
		},
		{
			"few that differ in numbers stay apart",
			[]change.Change{object("ConfigMap", "c-1", edit("a", "v1", "v2")), object("ConfigMap", "c-2", edit("a", "v1", "v3"))},
			"update ConfigMap prod/c-1\n  ~ .data.a: v1 → v2\n\nupdate ConfigMap prod/c-2\n  ~ .data.a: v1 → v3\n",
		},
		{
			"many that differ in numbers are one only if their names do, too",
			[]change.Change{
				object("ConfigMap", "a", edit("k", "v1", "v2")), object("ConfigMap", "b", edit("k", "v1", "v3")),
				object("ConfigMap", "c", edit("k", "v1", "v4")), object("ConfigMap", "d", edit("k", "v1", "v5")),
			},
			"update ConfigMap prod/a\n  ~ .data.k: v1 → v2\n\nupdate ConfigMap prod/b\n  ~ .data.k: v1 → v3\n\n" +
				"update ConfigMap prod/c\n  ~ .data.k: v1 → v4\n\nupdate ConfigMap prod/d\n  ~ .data.k: v1 → v5\n",
		},
		{
			"hidden edits do not tell objects apart",
			[]change.Change{
				object("ConfigMap", "api", hidden(edit("l", "1", "2")), edit("a", "x", "y")),
				object("ConfigMap", "web", edit("a", "x", "y"), hidden(edit("z", "1", "2"))),
			},
			"update ConfigMap prod/api, web ×2\n  ~ .data.a: x → y\n\nhidden: 2 edits (metadata-labels); --show-hidden shows all",
		},
		{
			"other kind, other block",
			[]change.Change{object("ConfigMap", "api", edit("a", "x", "y")), object("Secret", "api", edit("a", "x", "y"))},
			"update ConfigMap prod/api\n  ~ .data.a: x → y\n\nupdate Secret prod/api\n  ~ .data.a: x → y\n",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if d := cmp.Diff(tc.want, body(t, report.Options{}, tc.changes...)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func hidden(e change.Edit) change.Edit {
	e.Noise = "metadata-labels"
	return e
}

func TestEdits(t *testing.T) {
	long := strings.Repeat("0123456789", 20)
	words := strings.Repeat("some words", 20)
	many := strings.Repeat("line\n", 60)
	for _, tc := range []struct {
		name string
		edit change.Edit
		want string
	}{
		{"added", edit("a", nil, "x"), "+ .data.a: x"},
		{"removed", edit("a", "x", nil), "- .data.a: x"},
		{"empty text", edit("a", "", "x y"), `~ .data.a: "" → x y`},
		{"text like a number", edit("a", "true", true), `~ .data.a: "true" → true`},
		{"blanks", edit("a", "x ", "x"), `~ .data.a: "x " → x`},
		{"short list", edit("a", []any{"<x>"}, []any{}), `~ .data.a: ["<x>"] → []`},
		{"terminal codes", edit("a", "x", "\x1b[2Jy"), `~ .data.a: x → \x1b[2Jy`},
		{"secret", change.Edit{Path: fieldpath.Fields("a"), Old: change.ValueOf("x").AsSecret(), New: change.ValueOf("y").AsSecret()}, "~ .a: *** → ***"},
		{
			"order",
			change.Edit{Path: fieldpath.Fields("a"), Reordered: true, Old: change.ValueOf([]any{"x", "y"}), New: change.ValueOf([]any{"y", "x"})},
			`~ .a: order ["x","y"] → ["y","x"]`,
		},
		{
			"difference far behind", edit("a", "-"+long+"x", "-"+long+"y"),
			"~ .data.a: …3456789x… (202 characters) → …3456789y… (202 characters)",
		},
		{
			"prose that differs far behind", edit("a", words+"x", words+"y"),
			"~ .data.a: …" + words[175:] + "x → …" + words[175:] + "y",
		},
		{"encoded", edit("a", nil, long), "+ .data.a: 01234567… (200 characters)"},
		{"long", edit("a", nil, words), "+ .data.a: " + words[:100] + "… (100 more characters)"},
		{
			"large map", edit("a", nil, map[string]any{"image": strings.Repeat("i", 50), "name": "sidecar"}),
			"+ .data.a:\n      +image: " + strings.Repeat("i", 50) + "\n      +name: sidecar",
		},
		{
			"no newline", edit("a", "x\ny\n", "x\ny"),
			"~ .data.a:\n      @@ line 1 @@\n       x\n      -y\n      +y  (no newline at the end)",
		},
		{
			"many lines", edit("a", nil, many),
			"+ .data.a:\n" + strings.Repeat("      +line\n", 4) + "      … 56 more lines\n\nshortened; --show-hidden shows all",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want := "update ConfigMap prod/web\n  " + tc.want
			if !strings.Contains(want, "--show-hidden") {
				want += "\n"
			}
			if d := cmp.Diff(want, body(t, report.Options{}, object("ConfigMap", "web", tc.edit))); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestVerdicts compares the first line with the verdict.
func TestVerdicts(t *testing.T) {
	finding := func(r change.Risk) change.Change {
		c := object("ConfigMap", "web", edit("a", "x", "y"))
		c.Findings = []change.Finding{{Rule: "r", Risk: r, Message: "m", Hint: "h"}}
		return c
	}
	for _, tc := range []struct {
		set  change.Set
		want string
	}{
		{change.Set{}, "NOTHING  no object changes"},
		{change.Set{Changes: []change.Change{object("ConfigMap", "a", hidden(edit("a", "x", "y")))}}, "NOTHING  no object changes"},
		{change.Set{Changes: []change.Change{object("ConfigMap", "a", edit("a", "x", "y"))}}, "CHANGES  1 object"},
		{change.Set{Unchecked: []change.Notice{{Reason: "r"}}}, "NOTHING  no object changes; 1 unchecked"},
		{change.Set{Changes: []change.Change{finding(change.Exposure)}}, "CHANGES  1 object; 1 exposure"},
		{change.Set{Changes: []change.Change{finding(change.Restart), finding(change.Rejected)}}, "FAILS  1 rejected, 1 restart"},
	} {
		first, _, _ := strings.Cut(string(render(t, tc.set, view{format: "text"})), "\n")
		if first != tc.want {
			t.Errorf("first line %q, want %q", first, tc.want)
		}
	}
}

// TestLargeObjectsInHelmDiffForm takes an object for which helm-diff's own code
// would take gigabytes.
func TestLargeObjectsInHelmDiffForm(t *testing.T) {
	text := func(changed string) string {
		var b strings.Builder
		b.WriteString("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: large}\ndata:\n  text: |\n")
		for i := range 50_000 {
			if i%10_000 == 5_000 {
				fmt.Fprintf(&b, "    %s %d\n", changed, i)
			} else {
				fmt.Fprintf(&b, "    line %d\n", i)
			}
		}
		return b.String()
	}
	page := string(render(t, judged(t, scenario{old: text("old"), updated: text("new")}), view{format: "helm-diff"}))
	var want strings.Builder
	want.WriteString("prod, large, ConfigMap (v1) has changed:\n...\n")
	for i := 5_000; i < 50_000; i += 10_000 {
		fmt.Fprintf(&want, "      line %d\n      line %d\n      line %d\n-     old %d\n+     new %d\n      line %d\n      line %d\n      line %d\n...\n",
			i-3, i-2, i-1, i, i, i+1, i+2, i+3)
	}
	if d := cmp.Diff(want.String(), page); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
