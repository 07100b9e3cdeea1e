package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/policy"
	"github.com/safe-diff/helm-safe-diff/pkg/risk"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

// propose finds out what would be different by the policy that the working folder proposes.
// by compares by a policy. In a set that is judged alone the change of the policy is a change
// of its own.
func (a *app) propose(
	set *change.Set, opts *safediff.Options, failOn change.FailOn, r *reportOptions, by func(*policy.Policy) (change.Set, error),
) error {
	p := a.config.proposal
	if p == nil {
		return nil
	}
	if proposed := p.at(&a.config, opts.Policy.Place()); proposed != nil {
		other, err := by(proposed)
		if err != nil {
			return fmt.Errorf("judge by the policy that is proposed: %w", err)
		}
		would := r.failOn
		if proposed.FailOn != nil && !r.failOnGiven {
			would = proposed.FailOn
		}
		set.Proposed = policy.Effects(set, &other, failOn, would)
	}
	if !r.pull {
		p.amend(set, opts.Policy, set.Proposed)
	}
	return nil
}

// propose puts what the pull request does to its policy into what is said of its charts.
func (p *proposal) propose(charts *change.Charts, counts *policy.Policy, r *reportOptions) {
	if p == nil {
		return
	}
	var effects []change.Effect
	for i := range charts.Charts {
		for _, one := range charts.Charts[i].Cases {
			where := charts.Charts[i].Path + one.With()
			for _, e := range one.Set.Proposed {
				e.What = where + ": " + e.What
				effects = append(effects, e)
			}
		}
	}
	charts.Policy = &change.Case{FailOn: r.failOn}
	if counts.FailOn != nil && !r.failOnGiven {
		charts.Policy.FailOn = counts.FailOn
	}
	p.amend(&charts.Policy.Set, counts, effects)
	if !p.approved() && !p.clash && p.err == nil {
		charts.PolicyDigest = p.digest
	}
}

// at returns the proposed policy at a place; nil if it does not count anyway, or cannot be
// read.
func (p *proposal) at(c *config, place policy.Place) *policy.Policy {
	if p == nil || p.approved() || p.err != nil {
		return nil
	}
	proposed := config{file: p.file, accepted: p.accepted, hide: c.hide}
	return proposed.at(place)
}

// change returns the change of the policy, with the finding that says so, after counts:
// what of it the policy that counts leaves open. effects are what would be different.
func (p *proposal) change(counts *policy.Policy, effects []change.Effect) change.Change {
	rule := risk.PolicyChanged()
	file := p.first()
	ref := manifest.Ref{Kind: "Policy", Name: file}
	c := change.Change{
		Ref: ref, Op: change.Amend, New: &manifest.Object{Ref: ref, Source: file}, Edits: policy.Edits(&p.current, &p.proposed),
		Findings: []change.Finding{{Rule: rule.ID, Risk: rule.Risk, Message: p.message(effects), Hint: p.hint(), Behind: []string{p.digest}}},
	}
	counts.Start(&change.Release{}).Judge(&c)
	return c
}

// first is the file that a reader is to look at first.
func (p *proposal) first() string {
	for _, pair := range [][2]policy.Text{{p.current.Policy, p.proposed.Policy}, {p.current.Accepted, p.proposed.Accepted}} {
		old, updated := policy.Texts{Policy: pair[0]}, policy.Texts{Policy: pair[1]}
		switch {
		case old.Same(&updated):
		case updated.Policy.Path != "":
			return updated.Policy.Path
		default:
			return old.Policy.Path
		}
	}
	return configName
}

// message says how the two policies differ, and what that would do.
func (p *proposal) message(effects []change.Effect) string { //nolint:cyclop // a list of sentences
	parts := []string{}
	for _, pair := range [][2]policy.Text{{p.current.Policy, p.proposed.Policy}, {p.current.Accepted, p.proposed.Accepted}} {
		old, updated := policy.Texts{Policy: pair[0]}, policy.Texts{Policy: pair[1]}
		switch {
		case old.Same(&updated):
		case pair[0].Path == "":
			parts = append(parts, pair[1].Path+" is new")
		case pair[1].Path == "":
			parts = append(parts, pair[0].Path+" is gone")
		case pair[0].Path != pair[1].Path:
			parts = append(parts, fmt.Sprintf("%s takes the place of %s", pair[1].Path, pair[0].Path))
		default:
			parts = append(parts, pair[1].Path+" is different")
		}
	}
	text := fmt.Sprintf("%s, and the policy of %s counts: ", strings.Join(parts, ", "), p.ref)
	if p.err != nil {
		return text + "the new one cannot be read: " + strings.ReplaceAll(p.err.Error(), "\n", "; ")
	}
	fewer, more := 0, 0
	for _, e := range effects {
		switch {
		case e.Fails && !e.Would:
			fewer++
		case !e.Fails && e.Would:
			more++
		}
	}
	switch {
	case fewer > 0 && more > 0:
		return text + fmt.Sprintf("by the new one %s would no longer fail the run, and %s would newly fail it", findings(fewer), findings(more))
	case fewer > 0:
		return text + fmt.Sprintf("by the new one %s would no longer fail the run", findings(fewer))
	case more > 0:
		return text + fmt.Sprintf("by the new one %s would newly fail the run", findings(more))
	case len(effects) > 0:
		return text + "the new one makes a difference to findings that do not fail the run"
	default:
		return text + "the new one would make no difference to what is found here"
	}
}

func findings(n int) string {
	if n == 1 {
		return "1 finding"
	}
	return fmt.Sprintf("%d findings", n)
}

// hint says how the new policy comes to count.
func (p *proposal) hint() string {
	switch {
	case p.clash:
		return fmt.Sprintf("merge %s into this branch first: its policy has changed, too", p.ref)
	case p.err != nil:
		return "correct it"
	case p.given != "":
		return fmt.Sprintf("--approve-policy %s is for a different policy; "+
			"after a review by its owners this one counts with --approve-policy %s", p.given, p.digest)
	default:
		return "after a review by its owners it counts with --approve-policy " + p.digest
	}
}

// remarks says of each effect what it is, and where. An approved policy is told of, too.
func (p *proposal) remarks(effects []change.Effect) []change.Remark {
	if p.approved() {
		what := fmt.Sprintf("it is not the one of %s, and counts, since it was approved (%s)", p.ref, p.digest)
		return []change.Remark{{At: p.first(), What: what}}
	}
	list := make([]change.Remark, len(effects))
	for i := range effects {
		list[i] = change.Remark{At: p.first(), What: effects[i].What}
	}
	return list
}

// amend adds the change of the policy to a set that is judged alone.
func (p *proposal) amend(set *change.Set, counts *policy.Policy, effects []change.Effect) {
	set.Remarks = append(set.Remarks, p.remarks(effects)...)
	if !p.approved() {
		set.Changes = append(set.Changes, p.change(counts, effects))
		slices.SortStableFunc(set.Changes, change.Compare)
	}
}
