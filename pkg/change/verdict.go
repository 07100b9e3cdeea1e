package change

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Verdict sums up an upgrade in one word.
type Verdict string

// The verdicts. The first one that is true applies.
const (
	Fails     Verdict = "fails"     // the upgrade will not succeed, accepted or not
	Risky     Verdict = "risky"     // a finding in --fail-on, other than pods that roll with none missing
	Undecided Verdict = "undecided" // something that fails may be hidden in an object that changes
	Rolls     Verdict = "rolls"     // the worst finding is a rolling restart with no pod missing
	Changes   Verdict = "changes"   // changes, none of them in --fail-on
	Nothing   Verdict = "nothing"   // nothing happens in the cluster
)

// Verdicts returns all verdicts, worst first.
func Verdicts() []Verdict { return []Verdict{Fails, Risky, Undecided, Rolls, Changes, Nothing} }

// Compare orders verdicts, worst first.
func (v Verdict) Compare(w Verdict) int {
	return slices.Index(Verdicts(), v) - slices.Index(Verdicts(), w)
}

// Verdict judges the set by what fails a run.
func (s *Set) Verdict(failOn FailOn) Verdict {
	switch {
	case s.Fails():
		return Fails
	case s.any(func(f *Finding) bool { return failOn.Fails(f) && !f.rolls() }):
		return Risky
	case len(s.Undecided(failOn)) > 0:
		return Undecided
	case s.rolls():
		return Rolls
	case slices.ContainsFunc(s.Changes, func(c Change) bool { return c.touches() && !c.Hidden() }):
		return Changes
	default:
		return Nothing
	}
}

// Fails reports whether the upgrade will not succeed: something is rejected, a hook hangs,
// or a rollout hangs while Helm waits for it. It makes no difference whether somebody has
// accepted that, or whether a policy switches the rule off.
func (s *Set) Fails() bool {
	for i := range s.Changes {
		c := &s.Changes[i]
		if len(c.Outcome.Refused) > 0 || s.hangs(c) {
			return true
		}
		for j := range c.Findings {
			if c.Findings[j].Risk == Rejected {
				return true
			}
		}
		for j := range c.Accepted {
			if c.Accepted[j].Risk == Rejected {
				return true
			}
		}
	}
	return false
}

// Stops reports whether an upgrade fails at this change: it is rejected, or Helm waits for
// something of it that cannot finish.
func (s *Set) Stops(c *Change) bool {
	return len(c.Outcome.Refused) > 0 || s.hangs(c) || slices.ContainsFunc(c.Findings, func(f Finding) bool { return f.Risk == Rejected })
}

// hangs reports whether Helm waits for something of a change that cannot finish.
func (s *Set) hangs(c *Change) bool {
	waited := s.Release.For(c.Ref) || c.Hook != nil && c.Hook.Runs
	found := slices.Concat(c.Findings, c.Off)
	for i := range c.Accepted {
		found = append(found, c.Accepted[i].Finding)
	}
	return slices.ContainsFunc(found, func(f Finding) bool { return f.Hangs && waited || slices.ContainsFunc(f.Unstarted, s.runsHook) })
}

// runsHook reports whether an object is a hook that runs pods.
func (s *Set) runsHook(ref manifest.Ref) bool {
	return slices.ContainsFunc(s.Hooks, func(h HookRun) bool { return h.Pods && h.Ref == ref })
}

// touches reports whether Helm does something that matters for a verdict.
func (c *Change) touches() bool { return c.Op != Amend && c.Op != Leave }

// Undecided returns the notices about objects that change and that may hide something as
// bad as what fails the run.
func (s *Set) Undecided(failOn FailOn) []Notice {
	changing := map[manifest.Ref]bool{}
	for i := range s.Changes {
		if c := &s.Changes[i]; !c.Hidden() && c.Op != Leave {
			changing[c.Ref] = true
		}
	}
	var list []Notice
	for i := range s.Unchecked {
		n := &s.Unchecked[i]
		if !n.Never && failOn.asBad(n) && (n.All && len(changing) > 0 || changing[n.Ref]) {
			list = append(list, *n)
		}
	}
	return list
}

// rolls reports whether the worst findings are rolling restarts.
func (s *Set) rolls() bool {
	return s.any((*Finding).rolls) && !s.any(func(f *Finding) bool { return f.Risk.Compare(Restart) <= 0 && !f.rolls() })
}

// rolls reports whether the finding is a rolling restart in which no pod is missing.
func (f *Finding) rolls() bool { return f.Rolling && f.Risk == Restart }

func (s *Set) any(is func(*Finding) bool) bool {
	for i := range s.Changes {
		for j := range s.Changes[i].Findings {
			if is(&s.Changes[i].Findings[j]) {
				return true
			}
		}
	}
	return false
}

// Failing counts the objects with findings that fail the run: per class, and per rule if
// the rule is named and its class is not.
func (s *Set) Failing(failOn FailOn) (classes map[Risk]int, rules map[string]int) {
	classes, rules = map[Risk]int{}, map[string]int{}
	for i := range s.Changes {
		counted := map[string]bool{}
		for j := range s.Changes[i].Findings {
			f := &s.Changes[i].Findings[j]
			switch {
			case failOn.Names(f.Risk) && !counted[string(f.Risk)]:
				counted[string(f.Risk)] = true
				classes[f.Risk]++
			case !failOn.Names(f.Risk) && failOn.Fails(f) && !counted[f.Rule]:
				counted[f.Rule] = true
				rules[f.Rule]++
			}
		}
	}
	return classes, rules
}

// Exit codes. 1 is for a run that could not do its work.
const (
	ExitSafe    = 0
	ExitError   = 1
	ExitChanged = 2
	ExitRisky   = 3
)

// ExitCode returns the process's exit code. detailed distinguishes changes that do not fail
// the run from no changes, as helm-diff's --detailed-exitcode does.
func (s *Set) ExitCode(failOn FailOn, detailed bool) int {
	switch {
	case s.any(failOn.Fails), failOn.Undecided() && len(s.Undecided(failOn)) > 0:
		return ExitRisky
	case detailed && slices.ContainsFunc(s.Changes, func(c Change) bool { return c.touches() && !c.Hidden() }):
		return ExitChanged
	default:
		return ExitSafe
	}
}
