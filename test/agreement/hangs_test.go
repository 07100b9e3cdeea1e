package agreement

import (
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Of a rollout it is asked whether it comes to an end, and if not, why.
func TestHangs(t *testing.T) {
	created := &Hang{Old: 2, Why: []string{"FailedCreate: Error creating: pods are forbidden"}}
	for _, c := range []struct {
		name     string
		rule     string
		happened *Hang
		hook     bool
		agree    int
		missed   int
		alarm    int
	}{
		{name: "nothing hangs", agree: 1},
		{name: "it hangs, and nothing was said", happened: created, missed: 1},
		{name: "it hangs as it was said", rule: "pods-refused", happened: created, agree: 1},
		{name: "it hangs for another reason", rule: "volume-held", happened: created, missed: 1},
		{name: "it was said, and does not hang", rule: "quota-hangs-rollout", alarm: 1},
		{name: "it was said, and only a kubelet could show it", rule: "volume-held"},
		{name: "it hung before", happened: &Hang{Before: true}},
		{name: "a hook hangs, and with it Helm", rule: "pods-refused", happened: created, hook: true, agree: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			said := change.Change{Ref: manifest.Ref{Group: "apps", Version: "v1", Kind: "Deployment", Namespace: "demo", Name: "web"}}
			if c.rule != "" {
				said.Findings = []change.Finding{{Rule: c.rule, Hangs: c.hook}}
			}
			if c.hook {
				said.Hook = &change.Hook{Runs: true}
			}
			ready := 2
			u := &Upgrade{Resources: []Resource{{
				APIVersion: "apps/v1", Kind: "Deployment", Namespace: "demo", Name: "web", Verdict: "unchanged", Hangs: c.happened,
				Pods: &Pods{Before: 2, After: 2, MinReady: &ready, ReadyBefore: &ready},
			}}}
			u.Upgrade.OK = !c.hook
			var score Score
			score.Add(&change.Set{Changes: []change.Change{said}}, u)
			if got := *tally(&score.Tallies, Hangs); got.Agree != c.agree || got.Missed != c.missed || got.Alarm != c.alarm {
				t.Errorf("%+v", got)
			}
			if got := *tally(&score.Tallies, Fails); got.Missed+got.Alarm > 0 {
				t.Errorf("whether the upgrade fails: %+v", got)
			}
		})
	}
}
