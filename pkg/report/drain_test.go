package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
)

// The JSON of a drain is as its schema says, with everything in it and with nothing.
func TestDrainSchema(t *testing.T) {
	schema := published(t, "drain-schema.json")
	web := manifest.Ref{Group: "apps", Version: "v1", Kind: "Deployment", Namespace: "prod", Name: "web"}
	full := change.Drain{
		Nodes: 3, Pods: 4,
		Findings: []change.DrainFinding{
			{Risk: change.Stuck, Workload: web, Pods: 2, Why: "PodDisruptionBudget web asks for all pods", New: true},
			{Risk: change.Restart, Workload: web, Pods: 1, Nodes: []string{"a"}, Why: "0/2 other nodes are available", Volumes: []string{"pv"}},
		},
		Asks:    []change.DrainAsk{{Flag: "--force", Workloads: []manifest.Ref{web}}},
		Unknown: []change.Notice{{Reason: "not all Nodes are known", Hides: change.Downtime}},
	}
	for _, d := range []change.Drain{{}, full} {
		for _, format := range report.DrainFormats() {
			var page bytes.Buffer
			failOn := change.FailOn{string(change.Stuck)}
			if err := format.Write(&page, &d, report.Options{FailOn: failOn, ExitCode: d.ExitCode(failOn)}); err != nil {
				t.Fatal(err)
			}
			if format.Name != "json" {
				continue
			}
			doc, err := jsonschema.UnmarshalJSON(strings.NewReader(page.String()))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(doc); err != nil {
				t.Error(err)
			}
		}
	}
}
