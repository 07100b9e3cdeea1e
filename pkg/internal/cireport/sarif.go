package cireport

import (
	"cmp"
	"io"
	"net/url"
	"path"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/document"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/textreport"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// home is the repository of the program.
const home = "https://github.com/safe-diff/helm-safe-diff"

// sarifLog is the part of SARIF 2.1.0 (OASIS) that a report needs.
type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool         `json:"tool"`
	Automation  *sarifID          `json:"automationDetails,omitempty"`
	Invocations []sarifInvocation `json:"invocations"`
	Results     []sarifResult     `json:"results"`
	Properties  *sarifVerdict     `json:"properties,omitempty"`
}

// sarifVerdict is the property bag of a run.
type sarifVerdict struct {
	Verdict  change.Verdict `json:"verdict"`
	ExitCode int            `json:"exitCode"`
	FailOn   []string       `json:"failOn"`
}

type sarifID struct {
	ID string `json:"id"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	Version        string      `json:"version,omitempty"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID         string     `json:"id"`
	Short      *sarifText `json:"shortDescription,omitempty"`
	Full       *sarifText `json:"fullDescription,omitempty"`
	Help       *sarifText `json:"help,omitempty"`
	HelpURI    string     `json:"helpUri,omitempty"`
	Properties sarifTags  `json:"properties"`
}

type sarifTags struct {
	Tags []string `json:"tags"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifInvocation struct {
	Successful    bool                `json:"executionSuccessful"`
	ExitCode      int                 `json:"exitCode"`
	Notifications []sarifNotification `json:"toolExecutionNotifications"`
}

type sarifNotification struct {
	Level   string    `json:"level"`
	Message sarifText `json:"message"`
}

type sarifResult struct {
	RuleID       string             `json:"ruleId"`
	RuleIndex    int                `json:"ruleIndex"`
	Level        string             `json:"level"`
	Message      sarifText          `json:"message"`
	Locations    []sarifLocation    `json:"locations"`
	Related      []sarifLocation    `json:"relatedLocations,omitempty"`
	Fingerprints map[string]string  `json:"partialFingerprints"`
	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Status        string `json:"status"`
	Justification string `json:"justification"`
}

type sarifLocation struct {
	ID       int            `json:"id,omitempty"` // by which a message links to it
	Physical *sarifPhysical `json:"physicalLocation,omitempty"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	Message  *sarifText     `json:"message,omitempty"`
}

type sarifPhysical struct {
	Artifact struct {
		URI string `json:"uri"`
	} `json:"artifactLocation"`
	Region struct {
		StartLine int `json:"startLine"`
	} `json:"region"`
}

type sarifLogical struct {
	Name          string `json:"name"`
	QualifiedName string `json:"fullyQualifiedName"`
	Kind          string `json:"kind"`
}

// WriteSARIF prints each finding as a result: an error if its class fails the run, else a
// warning. An accepted finding is a suppressed note. What was not judged, and what the
// policy did, are notes of the run. The format has no place for changes without a finding.
func WriteSARIF(w io.Writer, set *change.Set, opt Options) error {
	run := sarifRun{
		Invocations: []sarifInvocation{{
			Successful: len(opt.failures) == 0, ExitCode: opt.ExitCode,
			Notifications: reporting.Each(set.Unchecked, func(n *change.Notice) sarifNotification {
				return sarifNotification{"note", sarifText{noticeText(n)}}
			}),
		}},
		Results: []sarifResult{},
	}
	if opt.Values == nil {
		run.Properties = &sarifVerdict{opt.verdictOf(set), opt.ExitCode, reporting.Each(opt.FailOn, reporting.Same)}
	}
	sum := set.Summary()
	for _, line := range textreport.PolicyLines(set, &sum, opt.ShowHidden) {
		notes := &run.Invocations[0].Notifications
		*notes = append(*notes, sarifNotification{"note", sarifText{"policy: " + line}})
	}
	run.Invocations[0].Notifications = append(sarifErrors(opt.failures), run.Invocations[0].Notifications...)
	run.Tool.Driver = sarifDriver{Name: "helm-safe-diff", Version: opt.Version, InformationURI: home, Rules: []sarifRule{}}
	run.Automation = sarifCategory(set, &opt)
	places := map[string]int{}
	for _, f := range placed(set, opt) {
		index, known := places[f.Rule]
		if !known {
			index = len(places)
			places[f.Rule] = index
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRuleOf(f.Finding, opt.Rules))
		}
		run.Results = append(run.Results, sarifResultOf(&f, index))
	}
	return document.EncodeJSON(w, sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0", Runs: []sarifRun{run},
	})
}

// sarifCategory identifies a series of reports in which each replaces the one before; nil
// if nothing identifies it.
func sarifCategory(set *change.Set, opt *Options) *sarifID {
	category := ""
	if r := &set.Release; r.Name != "" {
		category = path.Join(r.Namespace, r.Name)
	} else if opt.Values != nil {
		category = opt.Values.Category
	}
	if category == "" {
		return nil
	}
	// The last part distinguishes runs of one category. Here nothing does.
	return &sarifID{reporting.Printable(path.Join("helm-safe-diff", category)) + "/"}
}

func sarifRuleOf(f *change.Finding, rules []change.RuleText) sarifRule {
	rule := sarifRule{ID: f.Rule, Properties: sarifTags{[]string{string(f.Risk)}}}
	for _, r := range rules {
		if r.ID == f.Rule {
			rule.Short, rule.Full = &sarifText{reporting.Printable(r.Why)}, &sarifText{reporting.Printable(r.Why)}
			if r.Fix != "" {
				rule.Help = &sarifText{reporting.Printable(r.Fix)}
				rule.Full.Text += "; what to do: " + rule.Help.Text
			}
			if !r.Own {
				rule.HelpURI = home + "/blob/main/docs/" + cmp.Or(r.Page, "rules.md#"+url.PathEscape(r.ID))
			}
		}
	}
	return rule
}

func sarifResultOf(f *finding, rule int) sarifResult {
	level := "warning"
	var suppressions []sarifSuppression
	switch {
	case f.fails:
		level = "error"
	case f.accepted != nil:
		level = "note" // a reader that does not know suppressions must not fail on it
		suppressions = []sarifSuppression{{"external", "accepted", textreport.Accepted(f.accepted)}}
	}
	text := f.sentence() + f.cause.linked()
	if hint := textreport.HintOf(f.Finding); hint != "" {
		text += "\nhint: " + reporting.Printable(hint)
	}
	at := sarifLocation{Logical: []sarifLogical{{reporting.Printable(f.about.Ref.Name), reporting.Printable(f.object()), "resource"}}}
	if f.at.file != "" {
		at.Physical = sarifPhysicalOf(f.at)
	}
	related := reporting.Each(f.cause.given, func(g *keyLine) sarifLocation {
		return sarifLocation{Physical: sarifPhysicalOf(g.place), Message: &sarifText{"given here: " + strings.Join(g.keys, ", ")}}
	})
	for i := range related {
		related[i].ID = i + 1
	}
	return sarifResult{
		RuleID: f.Rule, RuleIndex: rule, Level: level, Message: sarifText{text},
		Locations:    []sarifLocation{at},
		Related:      related,
		Fingerprints: map[string]string{"helmSafeDiff/v1": f.fingerprint()},
		Suppressions: suppressions,
	}
}

func sarifPhysicalOf(at place) *sarifPhysical {
	var p sarifPhysical
	p.Artifact.URI = (&url.URL{Path: at.file}).EscapedPath()
	p.Region.StartLine = at.line
	return &p
}

// noticeText says in one line what was not judged.
func noticeText(n *change.Notice) string {
	if n.Ref == (manifest.Ref{}) {
		return reporting.Printable("unchecked: " + textreport.ReasonOf(n))
	}
	return reporting.Printable("unchecked: " + n.Ref.String() + ": " + textreport.ReasonOf(n))
}
