package change_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

func found(name string, findings ...change.Finding) change.Change {
	return change.Change{Ref: manifest.Ref{Kind: "Deployment", Name: name}, Op: change.Update, Findings: findings}
}

func refused(c change.Change) change.Change {
	c.Outcome.Refused = []change.FieldError{{Message: "no"}}
	return c
}

func TestVerdict(t *testing.T) {
	rolling := change.Finding{Rule: "pod-restart", Risk: change.Restart, Rolling: true}
	missing := change.Finding{Rule: "pod-restart", Risk: change.Restart}
	stale := change.Finding{Rule: "config-not-seen", Risk: change.Stale}
	rejected := change.Finding{Rule: "job-immutable", Risk: change.Rejected}
	outage := change.Finding{Rule: "workload-deleted", Risk: change.Outage}
	stuck := change.Finding{Rule: "pods-refused", Risk: change.Stuck, Hangs: true}
	accepted := refused(found("a"))
	accepted.Accepted = []change.Accepted{{Finding: rejected}}
	hook := found("a", stuck)
	hook.Hook = &change.Hook{Runs: true}
	idle := found("a", stuck)
	idle.Hook = &change.Hook{}
	hidden := found("a")
	hidden.Noise = "no-effect"
	about := func(name string, hides change.Risk) change.Notice {
		return change.Notice{Ref: manifest.Ref{Kind: "Deployment", Name: name}, Reason: "r", Hides: hides}
	}
	never := change.Notice{Reason: "what a webhook decides", Hides: change.Rejected}
	of := func(kind string, f change.Finding) change.Change {
		c := found("a", f)
		c.Ref = manifest.Ref{Group: "batch", Version: "v1", Kind: kind, Namespace: "default", Name: "a"}
		return c
	}
	restarting, breaking := change.DefaultFailOn(), change.DefaultFailOnCharts()
	for name, tc := range map[string]struct {
		set    change.Set
		failOn change.FailOn
		want   change.Verdict
		code   int
	}{
		"nothing":                        {change.Set{}, restarting, change.Nothing, 0},
		"hidden":                         {change.Set{Changes: []change.Change{hidden}}, restarting, change.Nothing, 0},
		"changes":                        {change.Set{Changes: []change.Change{found("a")}}, restarting, change.Changes, 0},
		"a finding that does not fail":   {change.Set{Changes: []change.Change{found("a", stale)}}, restarting, change.Changes, 0},
		"an outage that does not fail":   {change.Set{Changes: []change.Change{found("a", outage)}}, change.FailOn{}, change.Changes, 0},
		"an outage":                      {change.Set{Changes: []change.Change{found("a", outage, rolling)}}, restarting, change.Risky, 3},
		"rolls, which fails":             {change.Set{Changes: []change.Change{found("a", rolling, stale)}}, restarting, change.Rolls, 3},
		"rolls, which does not":          {change.Set{Changes: []change.Change{found("a", rolling)}}, breaking, change.Rolls, 0},
		"a pod is missing":               {change.Set{Changes: []change.Change{found("a", missing)}}, restarting, change.Risky, 3},
		"one rolls, one misses a pod":    {change.Set{Changes: []change.Change{found("a", missing), found("b", rolling)}}, breaking, change.Changes, 0},
		"by the rule":                    {change.Set{Changes: []change.Change{found("a", stale)}}, change.FailOn{"config-not-seen"}, change.Risky, 3},
		"rejected":                       {change.Set{Changes: []change.Change{refused(found("a", rejected))}}, restarting, change.Fails, 3},
		"rejected, and nobody cares":     {change.Set{Changes: []change.Change{refused(found("a", rejected))}}, change.FailOn{}, change.Fails, 0},
		"rejected, and accepted":         {change.Set{Changes: []change.Change{accepted}}, restarting, change.Fails, 0},
		"stuck":                          {change.Set{Changes: []change.Change{found("a", stuck)}}, restarting, change.Risky, 3},
		"stuck while Helm waits":         {change.Set{Changes: []change.Change{found("a", stuck)}, Release: change.Release{Wait: change.Wait{Waits: true}}}, restarting, change.Fails, 3},
		"a Job that is not awaited":      {change.Set{Changes: []change.Change{of("Job", stuck)}, Release: change.Release{Wait: change.Wait{Waits: true}}}, restarting, change.Risky, 3},
		"a Job that is awaited":          {change.Set{Changes: []change.Change{of("Job", stuck)}, Release: change.Release{Wait: change.Wait{Waits: true, Jobs: true}}}, restarting, change.Fails, 3},
		"a Job, and Helm does not wait":  {change.Set{Changes: []change.Change{of("Job", stuck)}, Release: change.Release{Wait: change.Wait{Jobs: true}}}, restarting, change.Risky, 3},
		"a CronJob":                      {change.Set{Changes: []change.Change{of("CronJob", stuck)}, Release: change.Release{Wait: change.Wait{Waits: true, Jobs: true}}}, restarting, change.Risky, 3},
		"a hook hangs":                   {change.Set{Changes: []change.Change{hook}}, restarting, change.Fails, 3},
		"a hook would hang if it ran":    {change.Set{Changes: []change.Change{idle}}, restarting, change.Risky, 3},
		"undecided":                      {change.Set{Changes: []change.Change{found("a", rolling)}, Unchecked: []change.Notice{about("a", change.Rejected)}}, restarting, change.Undecided, 3},
		"undecided, rolls do not fail":   {change.Set{Changes: []change.Change{found("a")}, Unchecked: []change.Notice{about("a", change.Outage)}}, breaking, change.Undecided, 0},
		"undecided fails":                {change.Set{Changes: []change.Change{found("a")}, Unchecked: []change.Notice{about("a", change.Outage)}}, change.FailOn{"undecided"}, change.Undecided, 3},
		"it may hide nothing as bad":     {change.Set{Changes: []change.Change{found("a")}, Unchecked: []change.Notice{about("a", change.Stale)}}, restarting, change.Changes, 0},
		"an object that does not change": {change.Set{Changes: []change.Change{found("a")}, Unchecked: []change.Notice{about("b", change.Rejected)}}, restarting, change.Changes, 0},
		"what is never known":            {change.Set{Changes: []change.Change{found("a")}, Unchecked: []change.Notice{never}}, append(slices.Clone(restarting), "undecided"), change.Changes, 0},
	} {
		if got, code := tc.set.Verdict(tc.failOn), tc.set.ExitCode(tc.failOn, false); got != tc.want || code != tc.code {
			t.Errorf("%s: %s, exit %d; want %s, exit %d", name, got, code, tc.want, tc.code)
		}
	}
}

func TestParseFailOn(t *testing.T) {
	rules := []string{"pod-restart", "image-forbidden"}
	for list, want := range map[string]string{
		"none":                              "none",
		"breaking":                          "rejected,data-loss,outage,stuck,unapplied",
		"interrupting":                      "rejected,data-loss,outage,stuck,unapplied,downtime",
		"restarting":                        "rejected,data-loss,outage,stuck,unapplied,downtime,restart",
		"stale, rejected,stale":             "rejected,stale",
		"undecided,pod-restart,exposure":    "exposure,pod-restart,undecided",
		"breaking,policy,version,undecided": "rejected,data-loss,outage,stuck,unapplied,policy,version,undecided",
	} {
		got, err := change.ParseFailOn(list, rules)
		if err != nil || got.String() != want {
			t.Errorf("%q: %s, %v; want %s", list, got, err, want)
		}
	}
	for list, want := range map[string]string{
		"":              `unknown entry ""; valid are the classes rejected, data-loss, outage, stuck, unapplied, policy, downtime, restart, stale, exposure, version, the presets breaking, interrupting, restarting, undecided, the ID of a rule`,
		"outgae":        `unknown entry "outgae" (did you mean outage?)`,
		"braking":       "(did you mean breaking?)",
		"imageforbiden": "(did you mean image-forbidden?)",
		"stale,none":    `"none" is the whole list or no part of it: "stale,none"`,
	} {
		if _, err := change.ParseFailOn(list, rules); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %s", list, err, want)
		}
	}
}
