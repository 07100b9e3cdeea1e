package document

import (
	"io"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
)

// jsonCharts is the document that docs/charts-schema.json describes.
type jsonCharts struct {
	SchemaVersion string         `json:"schemaVersion"`
	Verdict       change.Verdict `json:"verdict"`
	ExitCode      int            `json:"exitCode"`
	Base          string         `json:"base"`
	// Policy is null if the pull request does not change the policy.
	Policy       *jsonReport  `json:"policy"`
	PolicyDigest string       `json:"policyDigest"`
	Charts       []jsonPulled `json:"charts"`
}

type jsonPulled struct {
	Path    string         `json:"path"`
	Version jsonChart      `json:"version"`
	Verdict change.Verdict `json:"verdict"`
	Note    string         `json:"note"`
	Cases   []jsonCase     `json:"cases"`
	Error   *jsonError     `json:"error"`
}

// jsonCase has a report or an error.
type jsonCase struct {
	Values      string      `json:"values"`
	KubeVersion string      `json:"kubeVersion"`
	Report      *jsonReport `json:"report"`
	Error       *jsonError  `json:"error"`
}

// jsonError is the reason why something could not be judged.
type jsonError struct {
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

func errorOf(f *change.Failure) *jsonError {
	if f == nil {
		return nil
	}
	return &jsonError{reporting.Printable(f.Reason), reporting.Printable(f.Hint)}
}

// chartsDocument contains everything about each chart with each value set, without folding.
func chartsDocument(charts *change.Charts, opt reporting.Options) jsonCharts {
	var policy *jsonReport
	if charts.Policy != nil {
		own := opt
		own.FailOn, own.ExitCode = charts.Policy.FailOn, charts.Policy.Set.ExitCode(charts.Policy.FailOn, false)
		about := documentOf(&charts.Policy.Set, own)
		policy = &about
	}
	code := opt.ExitCode // the codes of the charts replace it below
	return jsonCharts{
		SchemaVersion: schemaVersion, Verdict: charts.Verdict(), ExitCode: code, Base: charts.Base,
		Policy: policy, PolicyDigest: charts.PolicyDigest,
		Charts: reporting.Each(charts.Charts, func(c *change.Chart) jsonPulled {
			return jsonPulled{
				Path: c.Path, Version: jsonChart{Old: c.Old, New: c.New}, Verdict: c.Verdict(), Note: c.Note, Error: errorOf(c.Failure),
				Cases: reporting.Each(c.Cases, func(one *change.Case) jsonCase {
					if one.Failure != nil {
						return jsonCase{Values: one.Values, KubeVersion: one.KubeVersion, Error: errorOf(one.Failure)}
					}
					opt.FailOn, opt.ExitCode = one.FailOn, one.Set.ExitCode(one.FailOn, false)
					report := documentOf(&one.Set, opt)
					return jsonCase{Values: one.Values, KubeVersion: one.KubeVersion, Report: &report}
				}),
			}
		}),
	}
}

// WriteChartsJSON prints the document about all charts as JSON.
func WriteChartsJSON(w io.Writer, charts *change.Charts, opt reporting.Options) error {
	return EncodeJSON(w, chartsDocument(charts, opt))
}

// WriteChartsYAML prints the same document as YAML.
func WriteChartsYAML(w io.Writer, charts *change.Charts, opt reporting.Options) error {
	return EncodeYAML(w, chartsDocument(charts, opt))
}

// WriteChartsTemplate executes the user's template over that document.
func WriteChartsTemplate(w io.Writer, charts *change.Charts, opt reporting.Options) error {
	return execute(w, chartsDocument(charts, opt), opt)
}
