package safediff

import (
	"cmp"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/noise"
	"github.com/safe-diff/helm-safe-diff/pkg/policy"
	"github.com/safe-diff/helm-safe-diff/pkg/risk"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// decide applies the policy to what the rules have found, and marks noise after that:
// what a finding points at is never noise, also where the finding is the team's own.
// The policy's conditions see objects as the server stores them.
func decide(set *change.Set, opts Options, server *apiserver.Server) {
	run := opts.Policy.Start(&set.Release).WithDefaults(func(o *manifest.Object) map[string]any {
		stored, err := server.Stored(o, nil)
		if err != nil {
			return nil
		}
		return stored.OldFields
	})
	filters := filters(run)
	for i := range set.Changes {
		c := &set.Changes[i]
		if opts.Operation != change.Install && fromCRDs(c.Ref, c.New, c.Old) {
			continue // shown because the user asked, and no part of the upgrade
		}
		run.Meets(c.Ref)
		run.Judge(c)
		noise.Mark(c, filters)
		if c.Renamed != nil && c.Op == change.Create {
			noise.Mark(&change.Change{Ref: c.Ref, Op: c.Op, Edits: c.Renamed.Edits}, filters)
		}
		if c.Noise == "" {
			c.Noise = run.Object(c)
		}
		run.Accept(c)
	}
	publish(set, opts.Versions, run)
	configure(set, opts, run)
	set.Remarks = run.Remarks()
	set.Unchecked = append(set.Unchecked, run.Unchecked()...)
}

// publish adds what is found of the chart's version, by what the policy has left of all
// other findings.
func publish(set *change.Set, v *Versions, run *policy.Run) {
	if v == nil {
		return
	}
	findings, err := risk.Published(v.Old, v.New, cmp.Or(v.By, set))
	c := change.Change{Ref: manifest.Ref{Version: "v2", Kind: "Chart", Name: v.Name}, Op: change.Publish, Findings: findings}
	if err != nil {
		set.Unchecked = append(set.Unchecked, change.Notice{Ref: c.Ref, Reason: "what its version promises is not known: " + err.Error(), Hides: change.Version})
	}
	if len(findings) == 0 {
		return
	}
	c.New = &manifest.Object{Ref: c.Ref, Source: v.Name + "/Chart.yaml"}
	run.Judge(&c)
	run.Accept(&c)
	set.Changes = append(set.Changes, c)
}

// configure adds what is found of the values that the user gives.
func configure(set *change.Set, opts Options, run *policy.Run) {
	findings := risk.Unread(opts.Dead, cmp.Or(opts.Release.OldChart, "the old chart"), cmp.Or(opts.Release.NewChart, "the new chart"))
	if len(findings) == 0 {
		return
	}
	ref := manifest.Ref{Version: "v1", Kind: "Values", Name: opts.Release.Name}
	c := change.Change{Ref: ref, Op: change.Configure, Findings: findings, New: &manifest.Object{Ref: ref}}
	run.Judge(&c)
	run.Accept(&c)
	set.Changes = append(set.Changes, c)
}

// filters returns the filters that are in force: those of the program, then those of
// the policy.
func filters(run *policy.Run) []noise.Filter {
	list := noise.Filters()
	for i := range list {
		f := &list[i]
		when, s := f.When, run.FilterSwitch(f.ID)
		switch {
		case s != nil && s.Off:
			f.When = func(c *change.Change, e *change.Edit) bool {
				if when(c, e) {
					run.Shows(s)
				}
				return false
			}
		case f.ID == "metadata-labels":
			f.When = func(c *change.Change, e *change.Edit) bool { return when(c, e) && !run.Acts(c.Ref, e.Path) }
		}
	}
	own := run.Hide()
	for i := range own {
		h := &own[i]
		list = append(list, noise.Filter{ID: h.ID, Why: h.Why, When: func(c *change.Change, e *change.Edit) bool { return run.Edit(h, c, e) }})
	}
	return list
}

// workloads returns the kinds of custom resources that run pods, those of the policy
// before those that the program knows.
func workloads(opts Options) []rollout.Workload {
	list := slices.Clone(opts.Workloads)
	if opts.Policy != nil {
		for _, w := range opts.Policy.Workloads {
			list = append(list, rollout.Workload{Group: w.Group, Kind: w.Kind, Template: w.Template, Replicas: w.Replicas, Jobs: w.Jobs})
		}
	}
	return slices.Concat(list, rollout.Workloads())
}
