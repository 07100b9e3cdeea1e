package report

import (
	"io"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// jsonCharts is the document that docs/charts-schema.json describes.
type jsonCharts struct {
	SchemaVersion string         `json:"schemaVersion"`
	Verdict       change.Verdict `json:"verdict"`
	ExitCode      int            `json:"exitCode"`
	Base          string         `json:"base"`
	Charts        []jsonPulled   `json:"charts"`
}

type jsonPulled struct {
	Path    string         `json:"path"`
	Version jsonChart      `json:"version"`
	Verdict change.Verdict `json:"verdict"`
	Note    string         `json:"note"`
	Cases   []jsonCase     `json:"cases"`
}

type jsonCase struct {
	Values string     `json:"values"`
	Report jsonReport `json:"report"`
}

// chartsDocument holds everything of each chart with each value set, unfolded.
func chartsDocument(charts *change.Charts, opt Options) jsonCharts {
	return jsonCharts{
		SchemaVersion: schemaVersion, Verdict: charts.Verdict(), ExitCode: opt.ExitCode, Base: charts.Base,
		Charts: each(charts.Charts, func(c *change.Chart) jsonPulled {
			return jsonPulled{
				Path: c.Path, Version: jsonChart{Old: c.Old, New: c.New}, Verdict: c.Verdict(), Note: c.Note,
				Cases: each(c.Cases, func(one *change.Case) jsonCase {
					opt.FailOn = one.FailOn
					return jsonCase{one.Values, documentOf(&one.Set, opt)}
				}),
			}
		}),
	}
}

func chartsJSON(w io.Writer, charts *change.Charts, opt Options) error {
	return encodeJSON(w, chartsDocument(charts, opt))
}

func chartsYAML(w io.Writer, charts *change.Charts, opt Options) error {
	return encodeYAML(w, chartsDocument(charts, opt))
}

func chartsTemplate(w io.Writer, charts *change.Charts, opt Options) error {
	return execute(w, chartsDocument(charts, opt), opt)
}
