package document

import (
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// drainSchema names the contract that docs/drain-schema.json writes down.
const drainSchema = "1"

// jsonDrain is the document that docs/drain-schema.json describes.
type jsonDrain struct {
	SchemaVersion string             `json:"schemaVersion"`
	Verdict       change.Verdict     `json:"verdict"`
	ExitCode      int                `json:"exitCode"`
	FailOn        []string           `json:"failOn"`
	Release       jsonRelease        `json:"release"`
	Nodes         int                `json:"nodes"`
	Pods          int                `json:"pods"`
	NeverEmpty    []string           `json:"neverEmpty"`
	Findings      []jsonDrainFinding `json:"findings"`
	Asks          []jsonDrainAsk     `json:"asks"`
	Unknown       []jsonNotice       `json:"unknown"`
}

type jsonDrainFinding struct {
	Risk     change.Risk `json:"risk"`
	Workload jsonObject  `json:"workload"`
	Pods     int         `json:"pods"`
	Nodes    []string    `json:"nodes"`
	Message  string      `json:"message"`
	Volumes  []string    `json:"volumes"`
	New      bool        `json:"new"`
}

type jsonDrainAsk struct {
	Flag      string       `json:"flag"`
	Workloads []jsonObject `json:"workloads"`
}

// Drain returns the document about what happens when nodes are drained.
func Drain(d *change.Drain, opt reporting.Options) any {
	object := func(ref *manifest.Ref) jsonObject { return jsonObjectOf(*ref) }
	same := func(s *string) string { return *s }
	return jsonDrain{
		SchemaVersion: drainSchema, Verdict: d.Verdict(opt.FailOn), ExitCode: opt.ExitCode, FailOn: reporting.Each(opt.FailOn, same),
		Release: jsonReleaseOf(&d.Release), Nodes: d.Nodes, Pods: d.Pods, NeverEmpty: reporting.Each(d.Held(), same),
		Findings: reporting.Each(d.Findings, func(f *change.DrainFinding) jsonDrainFinding {
			return jsonDrainFinding{Risk: f.Risk, Workload: jsonObjectOf(f.Workload), Pods: f.Pods, Nodes: reporting.Each(f.Nodes, same), Message: f.Why, Volumes: reporting.Each(f.Volumes, same), New: f.New}
		}),
		Asks: reporting.Each(d.Asks, func(a *change.DrainAsk) jsonDrainAsk {
			return jsonDrainAsk{a.Flag, reporting.Each(a.Workloads, object)}
		}),
		Unknown: reporting.Each(d.Unknown, jsonNoticeOf),
	}
}
