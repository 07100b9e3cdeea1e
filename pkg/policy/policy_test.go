package policy_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/policy"
)

func known() policy.Known {
	return policy.Known{Rules: []string{"claim-deleted", "pod-restart", "pods-all-down"}, Filters: []string{"metadata-labels", "no-effect"}}
}

func read(t *testing.T, text string) *policy.File {
	t.Helper()
	f, err := policy.Read("policy.yaml", text, known())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestNothing(t *testing.T) {
	for _, text := range []string{"", "# nothing yet\n", "{}", "rules:\n", "---\n"} {
		if got := read(t, text).For(policy.Place{}); !cmp.Equal(got.Entries(), []policy.Entry(nil)) || got.FailOn != nil {
			t.Errorf("%q: %v", text, got.Entries())
		}
	}
	var none *policy.File
	if none.For(policy.Place{}) == nil {
		t.Error("without a file there is no policy to ask")
	}
}

func TestFor(t *testing.T) {
	f := read(t, `
failOn: [downtime, data-loss]
rules: {pod-restart: off}
overrides:
  - match: {release: "shop*", namespace: prod}
    failOn: none
    rules: {pod-restart: on, claim-deleted: exposure}
  - match: {chart: postgres}
    failOn: rejected
  - match: {chart: postgres-15.*, environment: [prod, eu-*], context: east}
    failOn: stuck
`)
	tests := []struct {
		place policy.Place
		want  change.FailOn
		rules []string
	}{
		{policy.Place{}, change.FailOn{"data-loss", "downtime"}, []string{"rule pod-restart: off"}},
		{policy.Place{Release: "shop-eu", Namespace: "prod"}, change.FailOn{}, []string{"rule pod-restart: on", "rule claim-deleted: exposure"}},
		{policy.Place{Release: "shop-eu", Namespace: "test"}, change.FailOn{"data-loss", "downtime"}, []string{"rule pod-restart: off"}},
		{policy.Place{Release: "my-shop", Namespace: "prod"}, change.FailOn{"data-loss", "downtime"}, []string{"rule pod-restart: off"}},
		{policy.Place{Chart: "postgres-16.0.0-rc.1"}, change.FailOn{"rejected"}, []string{"rule pod-restart: off"}},
		{policy.Place{Chart: "postgres-ha-16.0.0"}, change.FailOn{"data-loss", "downtime"}, []string{"rule pod-restart: off"}},
		{policy.Place{Chart: "postgres-15.2.1", Environment: "eu-1", Context: "east"}, change.FailOn{"stuck"}, []string{"rule pod-restart: off"}},
		{policy.Place{Chart: "postgres-15.2.1", Environment: "eu-1", Context: "west"}, change.FailOn{"rejected"}, []string{"rule pod-restart: off"}},
	}
	for _, tt := range tests {
		p := f.For(tt.place)
		if diff := cmp.Diff(tt.want, p.FailOn); diff != "" {
			t.Errorf("%+v: failOn: -want +got:\n%s", tt.place, diff)
		}
		var rules []string
		for _, e := range p.Entries() {
			rules = append(rules, e.What)
		}
		if diff := cmp.Diff(tt.rules, rules); diff != "" {
			t.Errorf("%+v: -want +got:\n%s", tt.place, diff)
		}
	}
}

// TestMistakes expects each mistake at its line, and all of them together.
func TestMistakes(t *testing.T) {
	_, err := policy.Read("p.yaml", "rules: [a]\nfilters:\n  no-effect: on\n  no-effect: off\nlabels:\n  - {kind: Pod}\nworkloads:\n- group: a.b\n  kind: C\n  template: spec.x\noverrides: 3\n", known())
	want := []string{
		`p.yaml:1: rules is a map, not a list`,
		`p.yaml:4: "no-effect" stands twice in filters`,
		`p.yaml:6: an entry of labels has kind and label`,
		`p.yaml:8: parse path "spec.x": column 1: expected "." or "["`,
		`p.yaml:11: overrides is a map, not a single value`,
		`p.yaml:11: an override has a match that says for which release, namespace, chart, context or environment it is`,
	}
	if err == nil {
		t.Fatal("no mistake was found")
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for text, want := range map[string]string{
		"overrides: [{match: {release: }, failOn: none}]":   "p.yaml:1: a release is missing here; leave the field out if any will do",
		"overrides: [{match: {release: []}, failOn: none}]": "p.yaml:1: a release is missing here; leave the field out if any will do",
		"hide: [{id: a, names: x, kinds: ''}]":              "p.yaml:1: a kind is missing here; leave the field out if any will do",
		"hide: [{id: a, names: x, values: []}]":             "p.yaml:1: a value is missing here; leave the field out if any will do",
		"hide:\n- {id: a, names: x}\n- {id: a, names: y}":   `p.yaml:3: the id "a" stands twice in hide`,
		"failOn:":       "p.yaml:1: failOn names classes, presets or rules that fail a run, or none",
		"failOn: []":    "p.yaml:1: failOn names classes, presets or rules that fail a run, or none",
		"hide: [{id: a": "p.yaml:1: did not find expected ',' or '}'",
	} {
		if _, err := policy.Read("p.yaml", text, known()); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if _, err := policy.Read("p.yaml", "failOn: none\n---\nrules: {pod-restart: off}\n", known()); err == nil || !strings.HasPrefix(err.Error(), "p.yaml:2: a second document") {
		t.Errorf("a second document: %v", err)
	}
	if _, err := policy.Read("p.yaml", "a: b\n c: d\n", known()); err == nil || !strings.HasPrefix(err.Error(), "p.yaml:2: ") {
		t.Errorf("broken YAML: %v", err)
	}
}

func TestAccepted(t *testing.T) {
	one := policy.Acceptance{Rule: "pod-restart", Object: "Deployment.apps/prod/web", Digest: "sha256:1", Reason: "it: is #1", By: "Jo", Until: "2027-01-31"}
	two := one
	two.Release, two.Environment, two.Until = "shop", "prod", "2027-02-28"
	text, err := policy.AddAccepted("a.yaml", "", []policy.Acceptance{one})
	if err != nil {
		t.Fatal(err)
	}
	text, err = policy.AddAccepted("a.yaml", "# ours\n"+text, []policy.Acceptance{two})
	if err != nil {
		t.Fatal(err)
	}
	got, err := policy.ReadAccepted("a.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	one.At, two.At = "a.yaml:4", "a.yaml:10"
	if diff := cmp.Diff([]policy.Acceptance{one, two}, got); diff != "" {
		t.Errorf("-want +got:\n%s\n%s", diff, text)
	}
	old := strings.Replace(text, "version: 2\n", "", 1)
	if _, err := policy.ReadAccepted("a.yaml", old); err == nil || !strings.Contains(err.Error(), `a.yaml: it has version "1" of the format`) {
		t.Errorf("acceptances of the old classes: %v", err)
	}
	// AddAccepted does not change a file to which it cannot add.
	for _, other := range []string{"version: 2\naccepted: []\n", "version: 2\naccepted:\n    - {rule: a, object: b, digest: c, reason: d, by: e, until: 2027-01-31}\n"} {
		if text, err := policy.AddAccepted("a.yaml", other, []policy.Acceptance{one}); err == nil {
			t.Errorf("%q becomes %q", other, text)
		}
	}
}

// The schemas for editors name the fields that Read reads, in every map, and accept what
// docs/policy.md shows and `accept` writes.
func TestSchema(t *testing.T) {
	check := func(text string) error {
		_, err := policy.Read("p.yaml", text, known())
		return err
	}
	schema := newSchema(t, "config-schema.json")
	for what, tt := range map[string]struct {
		text       string
		properties map[string]any
	}{
		"the file":  {"unknown: 1", schema.Properties},
		"hide":      {"hide: [{unknown: 1}]", schema.Defs["hide"].Properties},
		"ownRules":  {"ownRules: [{unknown: 1}]", schema.Defs["ownRule"].Properties},
		"workloads": {"workloads: [{unknown: 1}]", schema.Defs["workload"].Properties},
		"labels":    {"labels: [{unknown: 1}]", schema.Defs["label"].Properties},
		"overrides": {"overrides: [{unknown: 1}]", schema.Defs["override"].Properties},
		"match":     {"overrides: [{match: {unknown: 1}}]", schema.Defs["match"].Properties},
	} {
		sameFields(t, what, check(tt.text), tt.properties)
	}
	if err := schema.validate(t, example(t)); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{"rules: {pod-restart: maybe}", "hide: [{names: a}]", "fail-on: none", "failOn: []", "overrides: [{match: {release: []}, failOn: none}]", "overrides: [{match: {release: a}}]"} {
		if schema.validate(t, wrong) == nil {
			t.Errorf("the schema takes %v", wrong)
		}
	}
}

func TestAcceptedSchema(t *testing.T) {
	check := func(text string) error {
		_, err := policy.ReadAccepted("a.yaml", text)
		return err
	}
	schema := newSchema(t, "accepted-schema.json")
	sameFields(t, "the file", check("version: 2\nunknown: 1"), schema.Properties)
	sameFields(t, "accepted", check("version: 2\naccepted: [{unknown: 1}]"), schema.Defs["acceptance"].Properties)
	one := policy.Acceptance{
		Rule: "pod-restart", Object: "Deployment.apps/prod/web", Release: "shop", Environment: "prod",
		Digest: "sha256:0123456789abcdef0123456789abcdef", Reason: "announced", By: "Jo", Until: "2027-01-31",
	}
	text, err := policy.AddAccepted("a.yaml", "", []policy.Acceptance{one})
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.validate(t, text); err != nil {
		t.Error(err)
	}
	for _, field := range []string{"rule", "object", "digest", "reason", "by", "until"} {
		without := regexp.MustCompile("(?m)^[- ] "+field+": .*\n").ReplaceAllString(text, "")
		without = strings.Replace(without, "accepted:\n  ", "accepted:\n- ", 1)
		if without == text || schema.validate(t, without) == nil || check(without) == nil {
			t.Errorf("an acceptance without %s is taken:\n%s", field, without)
		}
	}
	wrong := strings.Replace(text, "2027-01-31", "soon", 1)
	if schema.validate(t, wrong) == nil || check(wrong) == nil {
		t.Error("an acceptance until soon is taken")
	}
}

// definition is a JSON Schema of docs.
type definition struct {
	Properties map[string]any `json:"properties"`
	Defs       map[string]struct {
		Properties map[string]any `json:"properties"`
	} `json:"$defs"`
	compiled *jsonschema.Schema
}

func newSchema(t *testing.T, name string) *definition {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	d := new(definition)
	if err := json.Unmarshal(text, d); err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	if d.compiled, err = compiler.Compile("schema.json"); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *definition) validate(t *testing.T, text string) error {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return d.compiled.Validate(value)
}

// sameFields compares the fields that the error about an unknown field lists with those of
// a schema.
func sameFields(t *testing.T, what string, err error, properties map[string]any) {
	t.Helper()
	if err == nil {
		t.Errorf("%s takes an unknown field", what)
		return
	}
	m := regexp.MustCompile(`unknown field "unknown" in ` + what + `; valid are (.*)`).FindStringSubmatch(err.Error())
	if m == nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	got := strings.Split(m[1], ", ")
	slices.Sort(got)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(properties)), got); diff != "" {
		t.Errorf("%s: -schema +read:\n%s", what, diff)
	}
}

// The example in the documentation is a policy without mistakes.
func TestExample(t *testing.T) {
	f := read(t, example(t))
	if len(f.Overrides) == 0 || len(f.Hide) == 0 || len(f.OwnRules) == 0 || len(f.Workloads) == 0 || len(f.Labels) == 0 || len(f.Flags) == 0 {
		t.Errorf("the example does not show everything: %+v", f)
	}
}

func example(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	code, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("docs/policy.md has no example")
	}
	return code
}
