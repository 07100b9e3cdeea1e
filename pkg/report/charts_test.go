package report_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
)

// pulled are charts of every kind: one with the scenarios as its value sets, a new one, a
// removed one, a library.
func pulled(t *testing.T) change.Charts {
	t.Helper()
	web := change.Chart{Path: "charts/web", Old: "1.4.0", New: "1.5.0"}
	for _, sc := range scenarios(t) {
		for _, name := range []string{"a", "b"} {
			web.Cases = append(web.Cases, change.Case{Values: "ci/" + sc.name + "-" + name + "-values.yaml", Set: judged(t, sc), FailOn: change.DefaultFailOn()})
		}
	}
	return change.Charts{Base: "main (0123456789ab)", Charts: []change.Chart{
		{Path: "charts/fresh", New: "0.1.0", Cases: []change.Case{{}}}, {Path: "charts/gone", Old: "0.3.0"},
		{Path: "charts/lib", Old: "1.0.0", New: "1.0.1", Note: "a library"}, web,
	}}
}

func renderCharts(t *testing.T, charts change.Charts, name string, opt report.Options) string {
	t.Helper()
	format, err := report.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	opt.Template = parsed(t, "{{ range .charts }}{{ .path }} {{ end }}")
	var page bytes.Buffer
	if err := format.Charts(&page, &charts, opt); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return page.String()
}

// published returns a schema of docs, and the schema of reports with it.
func published(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	const at = "https://raw.githubusercontent.com/safe-diff/helm-safe-diff/main/docs/"
	compiler := jsonschema.NewCompiler()
	for _, name := range []string{name, "report-schema.json"} {
		text, err := os.ReadFile("../../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		definition, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		closeObjects(definition)
		if err := compiler.AddResource(at+name, definition); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile(at + name)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestChartsSchema holds the document about charts to the published schema, and the
// reports in it to theirs.
func TestChartsSchema(t *testing.T) {
	schema := published(t, "charts-schema.json")
	failed := pulled(t)
	failed.Charts[0].Cases[0].Failure = &change.Failure{Reason: "it cannot be rendered", Hint: "mend it"}
	failed.Charts[2].Failure = &change.Failure{Reason: "its Chart.yaml cannot be read"}
	for _, charts := range []change.Charts{{}, pulled(t), failed} {
		page := renderCharts(t, charts, "json", report.Options{})
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(page))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Error(err)
		}
	}
}

// Every format for people or for reviews says once what two value sets have in common.
func TestChartsFold(t *testing.T) {
	charts := pulled(t)
	web := &charts.Charts[3]
	once := charts
	once.Charts = []change.Chart{*web}
	once.Charts[0].Cases = nil
	for i := 0; i < len(web.Cases); i += 2 {
		once.Charts[0].Cases = append(once.Charts[0].Cases, web.Cases[i])
	}
	charts.Charts = []change.Chart{*web}
	for _, format := range []string{"sarif", "github", "gitlab", "helm-diff"} {
		got, want := renderCharts(t, charts, format, report.Options{}), renderCharts(t, once, format, report.Options{})
		if format == "github" { // its last line counts objects that do not change
			got, want = got[:strings.LastIndex(got, "helm safe-diff:")], want[:strings.LastIndex(want, "helm safe-diff:")]
		}
		if got != want || got == "" {
			t.Errorf("%s says twice what two value sets have in common", format)
		}
	}
	text := renderCharts(t, charts, "text", report.Options{})
	for i := 0; i < len(web.Cases); i += 2 {
		if title := " with " + web.Cases[i].Values + ", " + web.Cases[i+1].Values; strings.Contains(text, web.Cases[i].Values+", ") != strings.Contains(text, title) {
			t.Errorf("no part of the text report is about both of %s", title)
		}
	}
	if strings.Count(text, "── charts/web") > len(web.Cases)/2 {
		t.Errorf("more parts than different value sets:\n%s", text)
	}
}

// Each chart has its own classes that fail the run.
func TestChartsFailOn(t *testing.T) {
	risky := change.Set{Changes: []change.Change{{Op: change.Delete, Findings: []change.Finding{{Rule: "claim-deleted", Risk: change.DataLoss}}}}}
	charts := change.Charts{Charts: []change.Chart{
		{Path: "strict", Old: "1.0.0", New: "2.0.0", Cases: []change.Case{{Set: risky, FailOn: change.DefaultFailOn()}}},
		{Path: "lax", Old: "1.0.0", New: "2.0.0", Cases: []change.Case{{Set: risky, FailOn: nil}}},
	}}
	text := renderCharts(t, charts, "github", report.Options{FailOn: change.DefaultFailOn()})
	if strings.Count(text, "::error ") != 1 || strings.Count(text, "::warning ") != 1 || !strings.Contains(text, "helm safe-diff: RISKY") {
		t.Errorf("one of two charts fails:\n%s", text)
	}
	if charts.Verdict() != change.Risky || charts.Charts[1].Verdict() != change.Changes {
		t.Errorf("verdicts: %s, %s", charts.Verdict(), charts.Charts[1].Verdict())
	}
}

// A comment about many charts stays within its limit, and says what it leaves out.
func TestChartsMarkdownLimit(t *testing.T) {
	charts := pulled(t)
	for range 5 {
		charts.Charts = append(charts.Charts, charts.Charts[3])
	}
	for _, limit := range []int{report.LeastMaxBytes, 20_000, report.DefaultMaxBytes} {
		text := renderCharts(t, charts, "markdown", report.Options{MaxBytes: limit})
		if len(text) > limit {
			t.Errorf("%d bytes, allowed are %d", len(text), limit)
		}
		if !strings.Contains(text, "Cut") && limit < report.DefaultMaxBytes {
			t.Errorf("nothing is cut within %d bytes", limit)
		}
		if !strings.HasPrefix(text, "<!-- helm-safe-diff charts -->\n### FAILS") {
			t.Errorf("it begins with %.80q", text)
		}
	}
}
