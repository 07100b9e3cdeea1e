package change_test

import (
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

func restart() (change.Change, change.Finding) {
	return change.Change{
		Ref: manifest.Ref{Group: "apps", Version: "v1", Kind: "Deployment", Namespace: "prod", Name: "web"}, Op: change.Update,
		Edits: []change.Edit{
			{Path: fieldpath.Fields("spec", "image"), Old: change.ValueOf("a"), New: change.ValueOf("b")},
			{Path: fieldpath.Fields("metadata", "labels", "x"), Old: change.ValueOf("a"), New: change.ValueOf("b"), Noise: "metadata-labels"},
			{Path: fieldpath.Fields("data", "key"), Old: change.ValueOf("a").AsSecret(), New: change.ValueOf("b").AsSecret()},
		},
		Outcome: change.Outcome{Changed: true, Pods: &change.Pods{Replaced: true, Before: 3, Desired: 3, Affected: 3, Fewest: 2}},
	}, change.Finding{Rule: "pod-restart", Risk: change.Restart, Message: "3 pods are replaced"}
}

// A different change has a different digest, and the same change has the same digest.
func TestDigest(t *testing.T) {
	c, f := restart()
	want := c.Digest(&f)
	for what, edit := range map[string]func(*change.Change, *change.Finding){
		"a hidden value":     func(c *change.Change, _ *change.Finding) { c.Edits[1].New = change.ValueOf("c") },
		"a secret":           func(c *change.Change, _ *change.Finding) { c.Edits[2].New = change.ValueOf("c").AsSecret() },
		"a revealed secret":  func(c *change.Change, _ *change.Finding) { c.Edits[2].New = c.Edits[2].New.Revealed() },
		"words":              func(_ *change.Change, f *change.Finding) { f.Message, f.Hint = "other words", "other advice" },
		"a version":          func(c *change.Change, _ *change.Finding) { c.Ref.Version = "v2" },
		"what others suffer": func(c *change.Change, _ *change.Finding) { c.Outcome.Unreached = true },
	} {
		c, f := restart()
		edit(&c, &f)
		if c.Digest(&f) != want {
			t.Errorf("%s makes another digest", what)
		}
	}
	behind := func(message string, digests ...string) string {
		c, f := restart()
		f.Message, f.Behind = message, digests
		return c.Digest(&f)
	}
	if of := behind("1 → 2", "a"); of == want || of == behind("1 → 3", "a") || of == behind("1 → 2", "a", "b") {
		t.Error("what is behind a finding about a whole Set is in its digest, and which versions it is about")
	}
	turning := func(value string) string {
		c, f := restart()
		c.Edits[0].New, c.Edits[0].Rotates = change.ValueOf(value), true
		return c.Digest(&f)
	}
	if turning("b") == want || turning("b") != turning("c") {
		t.Error("of what rotates, that it does is in the digest, and not the value")
	}
	seen := map[string]string{want: "nothing"}
	for what, edit := range map[string]func(*change.Change, *change.Finding){
		"the rule":      func(_ *change.Change, f *change.Finding) { f.Rule = "pods-all-down" },
		"the class":     func(_ *change.Change, f *change.Finding) { f.Risk = change.Downtime },
		"the name":      func(c *change.Change, _ *change.Finding) { c.Ref.Name = "api" },
		"the namespace": func(c *change.Change, _ *change.Finding) { c.Ref.Namespace = "test" },
		"the operation": func(c *change.Change, _ *change.Finding) { c.Op = change.Recreate },
		"a value":       func(c *change.Change, _ *change.Finding) { c.Edits[0].New = change.ValueOf("c") },
		"a type":        func(c *change.Change, _ *change.Finding) { c.Edits[0].New = change.ValueOf(int64(1)) },
		"no value":      func(c *change.Change, _ *change.Finding) { c.Edits[0].New = change.Value{} },
		"null":          func(c *change.Change, _ *change.Finding) { c.Edits[0].New = change.ValueOf(nil) },
		"a path":        func(c *change.Change, _ *change.Finding) { c.Edits[0].Path = fieldpath.Fields("spec", "command") },
		"no edit":       func(c *change.Change, _ *change.Finding) { c.Edits = c.Edits[1:] },
		"a shown edit":  func(c *change.Change, _ *change.Finding) { c.Edits[1].Noise = "" },
		"a secret gone": func(c *change.Change, _ *change.Finding) { c.Edits[2].New = change.Value{} },
		"all down":      func(c *change.Change, _ *change.Finding) { c.Outcome.Pods.AllDown = true },
		"more pods":     func(c *change.Change, _ *change.Finding) { c.Outcome.Pods.Affected = 4 },
		"a refusal":     func(c *change.Change, _ *change.Finding) { c.Outcome.Refused = []change.FieldError{{Field: "spec"}} },
		"a loss":        func(c *change.Change, _ *change.Finding) { c.Outcome.Loss = &change.Loss{What: []string{"a volume"}} },
	} {
		c, f := restart()
		edit(&c, &f)
		digest := c.Digest(&f)
		if other, taken := seen[digest]; taken {
			t.Errorf("%s makes the same digest as %s", what, other)
		}
		seen[digest] = what
	}
}

// The digest covers an object that is on one side only, except for Secret data.
func TestDigestOfObject(t *testing.T) {
	digest := func(text string) string {
		objects, err := manifest.Parse(text, manifest.Options{})
		if err != nil {
			t.Fatal(err)
		}
		c := change.Change{Ref: objects[0].Ref, Op: change.Create, New: objects[0]}
		return c.Digest(&change.Finding{Rule: "own", Risk: change.Exposure})
	}
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostNetwork: "
	const secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {"
	if digest(pod+"true}") == digest(pod+"false}") {
		t.Error("another Pod has the same digest")
	}
	if digest(secret+"key: a}") != digest(secret+"key: b}") {
		t.Error("a secret makes another digest")
	}
	if digest(secret+"key: a}") == digest(secret+"key: a, other: a}") {
		t.Error("another key of a Secret makes no other digest")
	}
}
