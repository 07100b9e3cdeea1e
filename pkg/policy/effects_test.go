package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

func TestEffects(t *testing.T) {
	finding := func(rule string, class change.Risk) change.Finding {
		return change.Finding{Rule: rule, Risk: class, Message: rule}
	}
	set := func(c change.Change) *change.Set {
		c.Ref = manifest.Ref{Kind: "Deployment", Name: "web"}
		c.Edits = []change.Edit{{}}
		return &change.Set{Changes: []change.Change{c}}
	}
	now := set(change.Change{Findings: []change.Finding{
		finding("switched", change.Restart), finding("taken", change.Restart), finding("other", change.Restart), finding("same", change.Restart),
		finding("twice", change.Stale), finding("twice", change.Stale), finding("own", change.Exposure),
	}})
	then := set(change.Change{
		Findings: []change.Finding{
			finding("other", change.Stale), finding("same", change.Restart), finding("twice", change.Stale),
			finding("twice", change.Restart), finding("new", change.Restart),
		},
		Off: []change.Finding{finding("switched", change.Restart)},
		Accepted: []change.Accepted{
			{Finding: finding("taken", change.Restart), By: "Jo", Until: "2999-12-31", Reason: "announced"},
		},
	})
	then.Changes[0].Edits[0].Noise = "stamp"
	of := func(rule, what string, fails, would bool) change.Effect {
		return change.Effect{What: rule + " of Deployment web " + what, Fails: fails, Would: would}
	}
	want := []change.Effect{
		of("switched", "fails the run (restart); it would be switched off", true, false),
		of("taken", "fails the run (restart); it would be accepted, by Jo until 2999-12-31: announced", true, false),
		of("other", "fails the run (restart); it would not fail it (stale)", true, false),
		of("twice", "does not fail the run (stale); it would fail it (restart)", false, true),
		of("own", "does not fail the run (exposure); it would not be found", false, false),
		of("new", "is not found; it would fail it (restart)", false, true),
		{What: "the filter stamp hides 0 edits or objects; it would hide 1"},
	}
	fails := change.FailOn{string(change.Restart)}
	if diff := cmp.Diff(want, Effects(now, then, fails, fails)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := Effects(now, now, fails, fails); len(got) > 0 {
		t.Errorf("by one policy twice: %v", got)
	}
	none := Effects(now, now, fails, change.FailOn{})
	if len(none) != 4 || !none[0].Fails || none[0].Would {
		t.Errorf("with nothing to fail for: %v", none)
	}
}
