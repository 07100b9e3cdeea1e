// Package document prints a judged change.Set as the document that docs/report-schema.json
// describes: as JSON, as YAML, or through a template.
package document

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/safetext"
)

// schemaVersion is the version of the contract in docs/report-schema.json. It changes when
// a reader of the old documents would misread the new ones.
const schemaVersion = "2"

// WriteJSON prints everything that is known, including hidden edits, for programs. Secrets
// are masked unless the set was revealed.
func WriteJSON(w io.Writer, set *change.Set, opt reporting.Options) error {
	return EncodeJSON(w, documentOf(set, opt))
}

// EncodeJSON writes a document as indented JSON in which all strings are safe to print.
func EncodeJSON(w io.Writer, document any) error {
	var page bytes.Buffer
	encoder := json.NewEncoder(&page)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document); err != nil {
		return err
	}
	_, err := w.Write(safetext.JSON(page.Bytes()))
	return err
}

// documentOf returns the document that docs/report-schema.json describes.
func documentOf(set *change.Set, opt reporting.Options) jsonReport {
	return jsonReport{
		SchemaVersion: schemaVersion,
		Verdict:       set.Verdict(opt.FailOn),
		ExitCode:      opt.ExitCode,
		ExitReason:    reporting.ExitReason(opt.ExitCode, reporting.VerdictOn{Set: set, FailOn: opt.FailOn}),
		FailOn:        reporting.Each(opt.FailOn, func(name *string) string { return *name }),
		Release:       jsonReleaseOf(&set.Release),
		Summary:       jsonSummaryOf(set),
		Changes:       reporting.Each(set.Changes, jsonChangeOf),
		Unchecked:     reporting.Each(set.Unchecked, jsonNoticeOf),
		OneWay:        reporting.Each(set.OneWay, jsonNoticeOf),
		Rotating:      reporting.Each(set.Rotating, jsonRotationOf),
		Drift:         reporting.Each(set.Drift, jsonDriftOf),
		Hooks: reporting.Each(set.Hooks, func(r *change.HookRun) jsonHookRun {
			return jsonHookRun{jsonObject: jsonObjectOf(r.Ref), Event: r.Event, New: r.New, Changed: r.Edited}
		}),
		Why:     jsonWhyOf(set),
		Remarks: reporting.Each(set.Remarks, func(r *change.Remark) jsonRemark { return jsonRemark{At: r.At, What: r.What, Idle: r.Idle} }),
	}
}

type jsonReport struct {
	SchemaVersion string         `json:"schemaVersion"`
	Verdict       change.Verdict `json:"verdict"`
	ExitCode      int            `json:"exitCode"`
	ExitReason    string         `json:"exitReason"`
	FailOn        []string       `json:"failOn"`
	Release       jsonRelease    `json:"release"`
	Summary       jsonSummary    `json:"summary"`
	Changes       []jsonChange   `json:"changes"`
	Unchecked     []jsonNotice   `json:"unchecked"`
	OneWay        []jsonNotice   `json:"oneWay"`
	Rotating      []jsonRotation `json:"rotating"`
	Drift         []jsonDrift    `json:"drift"`
	Hooks         []jsonHookRun  `json:"hooks,omitempty"`
	Why           *jsonWhy       `json:"why,omitempty"`
	Remarks       []jsonRemark   `json:"remarks,omitempty"`
}

type jsonHookRun struct {
	jsonObject
	Event   string `json:"event"`
	New     bool   `json:"new"`
	Changed bool   `json:"changed"`
}

type jsonRemark struct {
	At   string `json:"at"`
	What string `json:"what"`
	Idle bool   `json:"idle"`
}

type jsonRelease struct {
	Name        string     `json:"name"`
	Namespace   string     `json:"namespace"`
	Context     string     `json:"context"`
	Cluster     string     `json:"cluster"`
	From        jsonPlace  `json:"from"`
	Operation   string     `json:"operation"`
	Revision    int        `json:"revision"`
	NewRevision int        `json:"newRevision"`
	Chart       jsonChart  `json:"chart"`
	KubeVersion string     `json:"kubeVersion"`
	Helm        int        `json:"helm"`
	ServerSide  bool       `json:"serverSide"`
	Replace     bool       `json:"replace"`
	Values      []jsonEdit `json:"values"`
}

type jsonPlace struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	Context   string `json:"context"`
}

type jsonChart struct {
	Old string `json:"old"`
	New string `json:"new"`
}

type jsonSummary struct {
	Create    int                 `json:"create"`
	Update    int                 `json:"update"`
	Delete    int                 `json:"delete"`
	Recreate  int                 `json:"recreate"`
	Keep      int                 `json:"keep"`
	Renamed   int                 `json:"renamed,omitempty"`
	Unchanged int                 `json:"unchanged"`
	Unreached int                 `json:"unreached"`
	Risks     map[change.Risk]int `json:"risks"`
	Hidden    jsonLedger          `json:"hidden"`
	Off       map[string]int      `json:"off,omitempty"`
	Accepted  map[string]int      `json:"accepted,omitempty"`
}

type jsonLedger struct {
	Edits    int            `json:"edits"`
	Objects  int            `json:"objects"`
	ByFilter map[string]int `json:"byFilter"`
}

type jsonObject struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
}

type jsonChange struct {
	jsonObject
	GenerateName string         `json:"generateName,omitempty"`
	Op           change.Op      `json:"op"`
	Source       string         `json:"source"`
	Position     jsonPosition   `json:"position"`
	Risks        []change.Risk  `json:"risks"`
	Hidden       bool           `json:"hidden"`
	Noise        string         `json:"noise"`
	Hook         *jsonHook      `json:"hook"`
	Outcome      jsonOutcome    `json:"outcome"`
	Edits        []jsonEdit     `json:"edits"`
	Findings     []jsonFinding  `json:"findings"`
	Off          []jsonFinding  `json:"off,omitempty"`
	Accepted     []jsonAccepted `json:"accepted,omitempty"`
	RenamedTo    *jsonObject    `json:"renamedTo,omitempty"`
	RenamedFrom  *jsonObject    `json:"renamedFrom,omitempty"`
	RenameEdits  []jsonEdit     `json:"renameEdits,omitempty"`
	Because      *jsonBecause   `json:"because,omitempty"`
}

type jsonPosition struct {
	File     string `json:"file"`
	Document int    `json:"document"`
	Line     int    `json:"line"`
}

type jsonHook struct {
	Events []string `json:"events"`
	Runs   bool     `json:"runs"`
}

type jsonOutcome struct {
	Changed bool             `json:"changed"`
	Reached bool             `json:"reached"`
	Refused []jsonFieldError `json:"refused"`
	Ignored []string         `json:"ignored"`
	Pods    *jsonPods        `json:"pods"`
}

type jsonFieldError struct {
	Field   string `json:"field"`
	Type    string `json:"type"`
	Message string `json:"message"`
}

// jsonPods has null for a number that the manifests do not tell.
type jsonPods struct {
	Replaced bool     `json:"replaced"`
	AllDown  bool     `json:"allDown"`
	Before   *int     `json:"before"`
	Desired  *int     `json:"desired"`
	Affected *int     `json:"affected"`
	Fewest   *int     `json:"fewest"`
	How      string   `json:"how"`
	Cause    string   `json:"cause"`
	Needless bool     `json:"needless"`
	Causes   []string `json:"causes"`
	// AtLeastSeconds is left out if it is not known.
	AtLeastSeconds int `json:"atLeastSeconds,omitempty"`
}

type jsonEdit struct {
	Path      string   `json:"path"`
	Old       any      `json:"old"`
	New       any      `json:"new"`
	Reordered bool     `json:"reordered"`
	Secret    bool     `json:"secret"`
	Rotates   bool     `json:"rotates"`
	Noise     string   `json:"noise"`
	Watchers  []string `json:"watchers,omitempty"`
	// Because is left out if nobody asked.
	Because *jsonBecause `json:"because,omitempty"`
}

type jsonFinding struct {
	Rule    string      `json:"rule"`
	Risk    change.Risk `json:"risk"`
	Was     change.Risk `json:"was,omitempty"`
	Paths   []string    `json:"paths"`
	Message string      `json:"message"`
	Hint    string      `json:"hint"`
	// Evidence is what makes the finding true.
	Evidence []jsonEvidence `json:"evidence"`
	Digest   string         `json:"digest"`
	// AtLeastSeconds is left out if it is not known.
	AtLeastSeconds int `json:"atLeastSeconds,omitempty"`
}

type jsonEvidence struct {
	What    string       `json:"what"`
	Objects []jsonObject `json:"objects,omitempty"`
	Names   []string     `json:"names,omitempty"`
	Count   int          `json:"count,omitempty"`
}

type jsonAccepted struct {
	jsonFinding
	By     string `json:"by"`
	Reason string `json:"reason"`
	Until  string `json:"until"`
}

type jsonNotice struct {
	jsonObject
	Reason string      `json:"reason"`
	Hides  change.Risk `json:"hides,omitempty"`
}

type jsonRotation struct {
	jsonObject
	Paths    []string `json:"paths"`
	Restarts bool     `json:"restarts"`
	Unless   string   `json:"unless"`
}

type jsonDrift struct {
	jsonObject
	Path   string      `json:"path"`
	Said   any         `json:"said"`
	Is     any         `json:"is"`
	Secret bool        `json:"secret"`
	By     string      `json:"by"`
	Since  string      `json:"since"`
	Fate   change.Fate `json:"fate"`
}

func jsonPath(p *fieldpath.Path) string { return p.String() }

func jsonReleaseOf(r *change.Release) jsonRelease {
	return jsonRelease{
		Name: r.Name, Namespace: r.Namespace, Context: r.Context, Cluster: r.Cluster,
		Values:    reporting.Each(r.Values, jsonEditOf),
		From:      jsonPlace{Name: r.From.Name, Namespace: r.From.Namespace, Context: r.From.Context},
		Operation: string(cmp.Or(r.Operation, change.Upgrade)), Revision: r.Revision, NewRevision: r.NewRevision,
		Chart: jsonChart{Old: r.OldChart, New: r.NewChart}, KubeVersion: r.KubeVersion, Helm: r.Helm, ServerSide: r.ServerSide, Replace: r.Replace,
	}
}

func jsonSummaryOf(set *change.Set) jsonSummary {
	sum := set.Summary()
	risks := make(map[change.Risk]int, len(change.Risks()))
	for _, risk := range change.Risks() {
		if n := sum.Risks[risk]; n > 0 || risk != change.Version && risk != change.Policy { // only for pull requests
			risks[risk] = n
		}
	}
	return jsonSummary{
		Create: sum.Ops[change.Create], Update: sum.Ops[change.Update], Delete: sum.Ops[change.Delete],
		Recreate: sum.Ops[change.Recreate], Keep: sum.Ops[change.Keep], Renamed: sum.Renamed,
		Unchanged: sum.Unchanged, Unreached: sum.Unreached, Risks: risks,
		Hidden: jsonLedger{Edits: sum.Hidden.Edits, Objects: sum.Hidden.Objects, ByFilter: sum.Hidden.ByFilter},
		Off:    sum.Off, Accepted: sum.Accepted,
	}
}

func jsonObjectOf(r manifest.Ref) jsonObject {
	return jsonObject{APIVersion: r.APIVersion(), Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
}

func jsonChangeOf(c *change.Change) jsonChange {
	out := jsonChange{
		jsonObject: jsonObjectOf(c.Ref),
		Op:         c.Op,
		Risks:      c.Risks(),
		Hidden:     c.Hidden(),
		Noise:      c.Noise,
		Outcome:    jsonOutcomeOf(&c.Outcome),
		Edits:      reporting.Each(c.Edits, jsonEditOf),
		Because:    jsonBecauseOf(c.Because),
		Findings:   reporting.Each(c.Findings, jsonFindingOf(c)),
		Off:        reporting.Each(c.Off, jsonFindingOf(c)),
		Accepted: reporting.Each(c.Accepted, func(a *change.Accepted) jsonAccepted {
			return jsonAccepted{jsonFinding: jsonFindingOf(c)(&a.Finding), By: a.By, Reason: a.Reason, Until: a.Until}
		}),
	}
	if o := reporting.Standing(c); o != nil {
		out.GenerateName, out.Source = o.GenerateName, o.Source
		out.Position = jsonPosition{File: o.Position.File, Document: o.Position.Document, Line: o.Position.Line}
	}
	if c.Renamed != nil {
		other := jsonObjectOf(c.Other())
		if c.Op == change.Create {
			out.RenamedFrom, out.RenameEdits = &other, reporting.Each(c.Renamed.Edits, jsonEditOf)
		} else {
			out.RenamedTo = &other
		}
	}
	if c.Hook != nil {
		out.Hook = &jsonHook{Events: reporting.Each(c.Hook.Events, reporting.Same), Runs: c.Hook.Runs}
	}
	return out
}

func jsonOutcomeOf(o *change.Outcome) jsonOutcome {
	out := jsonOutcome{
		Changed: o.Changed,
		Reached: !o.Unreached,
		Refused: reporting.Each(o.Refused, func(e *change.FieldError) jsonFieldError {
			return jsonFieldError{Field: e.Field, Type: e.Type, Message: e.Message}
		}),
		Ignored: reporting.Each(o.Ignored, reporting.Same),
	}
	if p := o.Pods; p != nil {
		out.Pods = &jsonPods{
			Replaced: p.Replaced, AllDown: p.AllDown,
			Before: known(p.Before), Desired: known(p.Desired), Affected: known(p.Affected), Fewest: known(p.Fewest),
			How: p.How, Cause: p.Cause, Needless: p.Needless, Causes: reporting.Each(p.Causes, jsonPath),
		}
		if p.Takes != nil && !p.Blocked() {
			out.Pods.AtLeastSeconds = p.Takes.Available
		}
	}
	return out
}

func known(n int) *int {
	if n < 0 {
		return nil
	}
	return &n
}

func jsonEditOf(e *change.Edit) jsonEdit {
	return jsonEdit{
		Path: e.Path.String(), Old: e.Old.Shown(), New: e.New.Shown(),
		Reordered: e.Reordered, Secret: e.Old.Secret() || e.New.Secret(), Rotates: e.Rotates, Noise: e.Noise, Watchers: e.Watchers, Because: jsonBecauseOf(e.Because),
	}
}

func jsonFindingOf(c *change.Change) func(*change.Finding) jsonFinding {
	return func(f *change.Finding) jsonFinding {
		return jsonFinding{
			Rule: f.Rule, Risk: f.Risk, Was: f.Was, Paths: reporting.Each(f.Paths, jsonPath), Message: f.Message, Hint: f.Hint, Evidence: reporting.Each(f.Evidence, jsonEvidenceOf), Digest: c.Digest(f),
			AtLeastSeconds: f.Lasts,
		}
	}
}

func jsonEvidenceOf(e *change.Evidence) jsonEvidence {
	objects := make([]jsonObject, 0, len(e.Objects))
	for _, ref := range e.Objects {
		objects = append(objects, jsonObjectOf(ref))
	}
	return jsonEvidence{What: e.What, Objects: objects, Names: e.Names, Count: e.Count}
}

func jsonNoticeOf(n *change.Notice) jsonNotice {
	return jsonNotice{jsonObject: jsonObjectOf(n.Ref), Reason: n.Reason, Hides: n.Hides}
}

func jsonRotationOf(r *change.Rotation) jsonRotation {
	return jsonRotation{jsonObject: jsonObjectOf(r.Ref), Paths: reporting.Each(r.Paths, jsonPath), Restarts: r.Restarts, Unless: r.Unless}
}

func jsonDriftOf(d *change.Drift) jsonDrift {
	path := ""
	if len(d.Path) > 0 {
		path = d.Path.String()
	}
	return jsonDrift{
		jsonObject: jsonObjectOf(d.Ref), Path: path, Said: d.Said.Shown(), Is: d.Is.Shown(),
		Secret: d.Said.Secret() || d.Is.Secret(), By: d.By, Since: d.Since, Fate: d.Fate,
	}
}
