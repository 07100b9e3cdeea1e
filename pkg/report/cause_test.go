package report_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// withCauses is a set with known causes of its edits.
func withCauses() change.Set {
	due := func(field string, b change.Because) change.Edit {
		e := edit(field, "x", "y")
		e.Because = &b
		return e
	}
	key := func(key, file string, line int) change.KeyCause {
		return change.KeyCause{Key: key, At: change.KeyPlace{Name: file, Line: line}}
	}
	web := object("ConfigMap", "web",
		due("a", change.Because{Chart: true, Keys: []change.KeyCause{key("hosts[0].a", "prod.yaml", 2), key("b", "./prod.yaml", 2)}}),
		due("b", change.Because{Joint: true, Keys: []change.KeyCause{key("c", "../prod.yaml", 4), key("d", "ci/a[1](2).yaml", 5)}}),
		due("flag", change.Because{Keys: []change.KeyCause{key("e", "--set", 0), key("f", "-", 3), key("g", "", 0)}}),
		due("gone", change.Because{Keys: []change.KeyCause{{Key: "h", At: change.KeyPlace{Name: "old.yaml", Line: 7}, Gone: true}}}),
		due("other", change.Because{Keys: []change.KeyCause{key("i", "prod.yaml", 9)}}))
	find := func(rule string, fields ...string) change.Finding {
		f := change.Finding{Rule: rule, Risk: change.Downtime, Message: "m"}
		for _, field := range fields {
			f.Paths = append(f.Paths, fieldpath.Fields("data", field))
		}
		return f
	}
	web.Findings = []change.Finding{find("two", "a", "b"), find("flags", "flag"), find("gone", "gone"), find("none")}
	fresh := object("ConfigMap", "fresh")
	fresh.Op, fresh.Because = change.Create, &change.Because{Keys: []change.KeyCause{key(hostile, "prod.yaml", 11)}}
	fresh.Findings = []change.Finding{find("comes", "a")}
	fresh.Accepted = []change.Accepted{{Finding: find("known"), By: "Jo", Reason: "r", Until: "2999-12-31"}}
	return change.Set{Why: &change.Why{Renderings: 9}, Changes: []change.Change{web, fresh}}
}

// TestCausesOfFindings looks for the causes of findings in the formats that have a place
// for each finding: at the line of the key, if it is in a file of the working folder.
func TestCausesOfFindings(t *testing.T) {
	const (
		two     = "because: the chart and hosts[0].a (prod.yaml:2) and b (./prod.yaml:2)"
		joint   = "because: c (../prod.yaml:4) together with d (ci/a[1](2).yaml:5)"
		flags   = "because: e (--set) and f (-:3) and g (the installed release)"
		gone    = "because: h (no longer given; was by old.yaml:7)"
		about   = "update ConfigMap prod/web: m"
		warning = "::error title=downtime (%s)::" + about
	)
	page := string(render(t, withCauses(), view{format: "github"}))
	lines := strings.Split(page, "\n")
	want := []string{
		"::error file=prod.yaml,line=2,title=downtime (two)::" + about + "%0A" + two + "%0A" + joint,
		strings.Replace(warning, "%s", "flags", 1) + "%0A" + flags,
		strings.Replace(warning, "%s", "gone", 1) + "%0A" + gone,
		strings.Replace(warning, "%s", "none", 1),
	}
	if d := cmp.Diff(want, lines[:min(4, len(lines))]); d != "" {
		t.Errorf("github (-want +got):\n%s", d)
	}
	for _, start := range []string{"::error file=prod.yaml,line=11,title=downtime (comes)::", "::notice file=prod.yaml,line=11,title=accepted downtime (known)::"} {
		if !strings.Contains(page, "\n"+start) {
			t.Errorf("github has no line %q:\n%s", start, page)
		}
	}
	page = string(render(t, withCauses(), view{format: "junit"}))
	for _, text := range []string{two, joint, flags, gone} {
		if !strings.Contains(page, "&#xA;  "+text) {
			t.Errorf("junit does not say %q:\n%s", text, page)
		}
	}
}

func TestCausesInGitLab(t *testing.T) {
	var issues []struct {
		Description string
		Location    struct {
			Path  string
			Lines struct{ Begin int }
		}
	}
	if err := json.Unmarshal(render(t, withCauses(), view{format: "gitlab"}), &issues); err != nil {
		t.Fatal(err)
	}
	first := issues[0]
	want := "downtime: update ConfigMap prod/web: m; because: the chart and hosts[0].a (prod.yaml:2) and b (./prod.yaml:2)" +
		"; c (../prod.yaml:4) together with d (ci/a[1](2).yaml:5)"
	if first.Description != want || first.Location.Path != "prod.yaml" || first.Location.Lines.Begin != 2 {
		t.Errorf("%+v, want %s at prod.yaml:2", first, want)
	}
	if flags := issues[1].Location; flags.Path != "ConfigMap prod/web" || flags.Lines.Begin != 1 {
		t.Errorf("what flags make is at %+v", flags)
	}
}

// TestCausesInSARIF checks that causes are related locations to which the message links,
// and that the place of the object stays the first location.
func TestCausesInSARIF(t *testing.T) {
	type location struct {
		ID       int `json:"id"`
		Physical struct {
			Artifact struct{ URI string } `json:"artifactLocation"`
			Region   struct{ StartLine int }
		} `json:"physicalLocation"`
		Message struct{ Text string }
	}
	var log struct {
		Runs []struct {
			Results []struct {
				Message   struct{ Text string }
				Locations []location
				Related   []location `json:"relatedLocations"`
			}
		}
	}
	if err := json.Unmarshal(render(t, withCauses(), view{format: "sarif"}), &log); err != nil {
		t.Fatal(err)
	}
	results := log.Runs[0].Results
	want := "downtime: update ConfigMap prod/web: m" +
		"\nbecause: the chart and hosts[0].a ([prod.yaml:2](1)) and b (./prod.yaml:2)" +
		"\nbecause: c (../prod.yaml:4) together with d ([ci/a\\[1\\](2).yaml:5](2))"
	if d := cmp.Diff(want, results[0].Message.Text); d != "" {
		t.Errorf("message (-want +got):\n%s", d)
	}
	var places [2]location
	places[0].ID, places[0].Physical.Artifact.URI, places[0].Physical.Region.StartLine, places[0].Message.Text = 1, "prod.yaml", 2, "given here: hosts[0].a, b"
	places[1].ID, places[1].Physical.Artifact.URI, places[1].Physical.Region.StartLine, places[1].Message.Text = 2, "ci/a%5B1%5D%282%29.yaml", 5, "given here: d"
	if d := cmp.Diff(places[:], results[0].Related); d != "" {
		t.Errorf("related locations (-want +got):\n%s", d)
	}
	if uri := results[0].Locations[0].Physical.Artifact.URI; uri != "" {
		t.Errorf("the place of the object is %q", uri)
	}
	for i, r := range results[1:4] {
		if len(r.Related) > 0 {
			t.Errorf("result %d: %+v", i+1, r.Related)
		}
	}
}
