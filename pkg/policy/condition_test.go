package policy_test

import (
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/policy"
)

func replicas(old, updated any) change.Change {
	return change.Change{
		Ref: manifest.Ref{Group: "apps", Version: "v1", Kind: "Deployment", Namespace: "prod", Name: "web"}, Op: change.Update,
		Edits: []change.Edit{
			{Path: fieldpath.Fields("spec", "paused"), New: change.ValueOf(true)},
			{Path: fieldpath.Fields("spec", "replicas"), Old: change.ValueOf(old), New: change.ValueOf(updated)},
		},
	}
}

const ownRule = "ownRules: [{id: own, class: downtime, message: fewer, when: '%'}]\n"

func TestOwnRules(t *testing.T) {
	scaled := `edit.path == ".spec.replicas" && int(edit.new) < int(edit.old)`
	tests := []struct {
		when     string
		change   change.Change
		fires    bool
		paths    int
		unjudged string
	}{
		{scaled, replicas(int64(3), int64(2)), true, 1, ""},
		{scaled, replicas(int64(2), int64(3)), false, 0, ""},
		{scaled, replicas("3", int64(2)), true, 1, ""},
		{scaled, replicas("three", int64(2)), false, 0, "rule own of the policy (policy.yaml:1) could not be asked"},
		{`int(edit.new) < int(edit.old)`, replicas(int64(3), int64(2)), true, 1, "could not be asked"},
		{`change.edits.size() == 2 && change.namespace == "prod"`, replicas(int64(1), int64(2)), true, 0, ""},
		{`object == null && oldObject == null`, replicas(int64(1), int64(2)), true, 0, ""},
		{`change.pods.desired == 0`, replicas(int64(1), int64(2)), false, 0, "no such key: pods"},
		{`quantity("1Gi").isGreaterThan(quantity("1Mi"))`, replicas(int64(1), int64(2)), true, 0, ""},
		{`[1,2,3,4,5,6,7,8,9,10].all(a, ` + strings.Repeat("[1,2,3,4,5,6,7,8,9,10].all(b, ", 6) + "true" + strings.Repeat(")", 7), replicas(int64(1), int64(2)), false, 0, "cost"},
	}
	for _, tt := range tests {
		f := read(t, strings.Replace(ownRule, "%", tt.when, 1))
		run := f.For(policy.Place{}).Start(&change.Release{})
		run.Judge(&tt.change)
		if fires := len(tt.change.Findings) == 1; fires != tt.fires {
			t.Errorf("%s: fires: %v", tt.when, fires)
		} else if fires && len(tt.change.Findings[0].Paths) != tt.paths {
			t.Errorf("%s: points at %v", tt.when, tt.change.Findings[0].Paths)
		}
		unclear := run.Unchecked()
		switch {
		case tt.unjudged == "" && len(unclear) > 0, tt.unjudged != "" && len(unclear) != 1:
			t.Errorf("%s: unchecked %v, want %q", tt.when, unclear, tt.unjudged)
		case tt.unjudged != "" && !strings.Contains(unclear[0].Reason, tt.unjudged):
			t.Errorf("%s: unchecked: %s, want %q", tt.when, unclear[0].Reason, tt.unjudged)
		}
	}
}

func TestLongReason(t *testing.T) {
	f := read(t, strings.Replace(ownRule, "%", "has(edit.old) && int(edit.old) > 1", 1))
	c := replicas(strings.Repeat("a", 1<<20), int64(1))
	run := f.For(policy.Place{}).Start(&change.Release{})
	run.Judge(&c)
	if unclear := run.Unchecked(); len(unclear) != 1 || len(unclear[0].Reason) > 300 {
		t.Errorf("%d notices", len(unclear))
	}
}

// A switch whose condition cannot be evaluated does not switch: the finding stays.
func TestUnclearSwitch(t *testing.T) {
	f := read(t, "rules: {pod-restart: {to: off, when: 'object.metadata.labels.team == \"red\"'}}")
	c := replicas(int64(1), int64(2))
	c.Findings = []change.Finding{{Rule: "pod-restart", Risk: change.Restart}}
	run := f.For(policy.Place{}).Start(&change.Release{})
	run.Judge(&c)
	if len(c.Findings) != 1 || len(c.Off) != 0 || len(run.Unchecked()) != 1 {
		t.Errorf("findings %v, off %v, unchecked %v", c.Findings, c.Off, run.Unchecked())
	}
}

// Any text is either a policy or a list of mistakes.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		"failOn: [restart]\nflags: {a: [1, 2]}", "hide: [{id: a, values: '['}]", "a: &a [*a]\nhide: *a", "rules: {x: {to: off, when: a}}",
		"overrides: [{match: {release: '*'}, labels: [{kind: a, label: b}]}]", "workloads: {template: .a[0]}", "? [a]\n: b", "---\n---\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		file, err := policy.Read("p.yaml", text, known())
		if err == nil {
			file.For(policy.Place{Release: "a"}).Entries()
		}
	})
}

func TestHideNoSecret(t *testing.T) {
	f := read(t, "hide: [{id: all, values: '.*'}]")
	run := f.For(policy.Place{}).Start(&change.Release{})
	h := &run.Hide()[0]
	c := replicas(int64(1), int64(2))
	if !run.Edit(h, &c, &c.Edits[1]) {
		t.Error("a pattern for everything does not fit")
	}
	c.Edits[1].Old = change.ValueOf("a").AsSecret()
	if run.Edit(h, &c, &c.Edits[1]) {
		t.Error("a pattern fits a secret")
	}
	c = replicas(int64(1), int64(2))
	c.Outcome.Refused = []change.FieldError{{Message: "no"}}
	if run.Edit(h, &c, &c.Edits[1]) {
		t.Error("what is refused is hidden")
	}
}
