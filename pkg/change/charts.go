package change

import "slices"

// Charts is what a pull request does to the charts in it: each chart with each of its value
// sets.
type Charts struct {
	// Base names the base of the comparison, such as a branch and a commit.
	Base   string
	Charts []Chart
	// Policy is what the pull request does to the policy by which it is judged; nil if it does
	// not change the policy.
	Policy *Case
	// PolicyDigest is the digest by which the new policy can be approved; "" if there is
	// nothing to approve.
	PolicyDigest string
}

// Chart is one chart of a pull request.
type Chart struct {
	// Path is its folder, as a user would name it.
	Path string
	// Old and New are its versions; "" on the side that does not have the chart.
	Old, New string
	// Note is one clause about a chart that is judged in a special way; "" for none.
	Note string
	// Cases are its value sets. A chart that is removed, a library chart, and a chart with its
	// own Failure have none.
	Cases   []Case
	Failure *Failure
}

// Failure is why something could not be judged, in one sentence. Hint says what to do about
// it; "" if nobody knows.
type Failure struct{ Reason, Hint string }

// Case is a chart with one of its value sets, for one version of Kubernetes.
type Case struct {
	// Values is the file that holds the values; "" for those of the chart itself.
	Values string
	// KubeVersion is the version of Kubernetes that was asked for, if there were several; else
	// "".
	KubeVersion string
	Set         Set
	// FailOn is what makes this case fail the run.
	FailOn FailOn
	// Failure is set if the case could not be judged. Set is then empty.
	Failure *Failure
}

// With distinguishes a case of a chart from the others, as the rest of a sentence; "" if
// the chart has only one.
func (c *Case) With() string {
	with := ""
	if c.Values != "" {
		with = " with " + c.Values
	}
	if c.KubeVersion != "" {
		with += " on Kubernetes " + c.KubeVersion
	}
	return with
}

// NotJudged is the verdict of several things if one of them could not be judged. It is
// worse than any verdict of a Set.
const NotJudged Verdict = "error"

// Verdict is the worst verdict of all charts.
func (c *Charts) Verdict() Verdict {
	verdict := Nothing
	if c.Policy != nil {
		verdict = c.Policy.Set.Verdict(c.Policy.FailOn)
	}
	for i := range c.Charts {
		verdict = worse(verdict, c.Charts[i].Verdict())
	}
	return verdict
}

// ExitCode returns the process's exit code. A chart that is added or removed is a change.
func (c *Charts) ExitCode(detailed bool) int {
	code := ExitSafe
	if len(c.Failures()) > 0 {
		return ExitError
	}
	if c.Policy != nil {
		code = c.Policy.Set.ExitCode(c.Policy.FailOn, detailed)
	}
	for i := range c.Charts {
		one := &c.Charts[i]
		if one.Old == "" || one.New == "" {
			code = max(code, changedIf(detailed))
		}
		for j := range one.Cases {
			code = max(code, one.Cases[j].Set.ExitCode(one.Cases[j].FailOn, detailed))
		}
	}
	return code
}

func changedIf(detailed bool) int {
	if detailed {
		return ExitChanged
	}
	return ExitSafe
}

// Verdict is the worst verdict of all value sets of the chart. A chart that is added or
// removed is a change.
func (c *Chart) Verdict() Verdict {
	verdict := Nothing
	switch {
	case c.Failed():
		return NotJudged
	case c.Old == "" || c.New == "":
		verdict = Changes
	}
	for i := range c.Cases {
		verdict = worse(verdict, c.Cases[i].Set.Verdict(c.Cases[i].FailOn))
	}
	return verdict
}

func worse(a, b Verdict) Verdict {
	if b.Compare(a) < 0 {
		return b
	}
	return a
}

// Failed reports whether the chart, or a case of it, could not be judged.
func (c *Chart) Failed() bool {
	return c.Failure != nil || slices.ContainsFunc(c.Cases, func(one Case) bool { return one.Failure != nil })
}

// Failures lists why charts and cases could not be judged, each reason once.
func (c *Charts) Failures() []Failure {
	var list []Failure
	add := func(f *Failure) {
		if f != nil && !slices.Contains(list, *f) {
			list = append(list, *f)
		}
	}
	for i := range c.Charts {
		add(c.Charts[i].Failure)
		for j := range c.Charts[i].Cases {
			add(c.Charts[i].Cases[j].Failure)
		}
	}
	return list
}

// All returns the sets of all charts that could be judged.
func (c *Charts) All() []*Set {
	var sets []*Set
	for i := range c.Charts {
		for j := range c.Charts[i].Cases {
			if one := &c.Charts[i].Cases[j]; one.Failure == nil {
				sets = append(sets, &one.Set)
			}
		}
	}
	return sets
}

// Versions reports whether charts were judged for several versions of Kubernetes.
func (c *Charts) Versions() bool {
	return slices.ContainsFunc(c.Charts, func(chart Chart) bool {
		return slices.ContainsFunc(chart.Cases, func(one Case) bool { return one.KubeVersion != "" })
	})
}

// Settle removes remarks that one set alone cannot decide: an entry of the policy is idle
// only if it had no effect in any set. The first set keeps the remarks that remain.
func (c *Charts) Settle() {
	sets := c.All()
	idle := map[Remark]int{}
	for _, set := range sets {
		for _, r := range set.Remarks {
			if r.Idle {
				idle[r]++
			}
		}
	}
	for i, set := range sets {
		set.Remarks = slices.DeleteFunc(slices.Clone(set.Remarks), func(r Remark) bool {
			return r.Idle && (i > 0 || idle[r] < len(sets))
		})
	}
}

// Hidden sums up what noise hides in all sets.
func (c *Charts) Hidden() Ledger {
	sum := Ledger{ByFilter: map[string]int{}}
	for _, set := range c.All() {
		hidden := set.Summary().Hidden
		sum.Edits += hidden.Edits
		sum.Objects += hidden.Objects
		for filter, n := range hidden.ByFilter {
			sum.ByFilter[filter] += n
		}
	}
	return sum
}

// Breaks returns the rules that found what only a new major version may bring (semver.org,
// 8), and the digests of these findings: what the API server refuses, what loses data, and
// what an installed release has under another name.
func (s *Set) Breaks() (rules, digests []string) {
	for i := range s.Changes {
		for j := range s.Changes[i].Findings {
			f := &s.Changes[i].Findings[j]
			if !f.Breaks && f.Risk != Rejected && f.Risk != DataLoss {
				continue
			}
			digests = append(digests, s.Changes[i].Digest(f))
			if !slices.Contains(rules, f.Rule) {
				rules = append(rules, f.Rule)
			}
		}
	}
	return rules, digests
}

// Differs returns a digest of each change in what two charts render, without what is
// different in each rendering.
func (s *Set) Differs() []string {
	var digests []string
	for i := range s.Changes {
		if s.differs(&s.Changes[i]) {
			digests = append(digests, s.Changes[i].Digest(&Finding{}))
		}
	}
	return digests
}

func (s *Set) differs(c *Change) bool {
	switch {
	case c.Op == Publish || c.Op == Amend || c.Op == Configure:
		return false
	case len(c.Edits) > 0:
		return slices.ContainsFunc(c.Edits, func(e Edit) bool { return !e.Rotates })
	default: // an object whose name rotates is deleted and created each time
		return !slices.ContainsFunc(s.Rotating, func(r Rotation) bool {
			return len(r.Paths) == 0 && r.Ref.Kind == c.Ref.Kind && r.Ref.Namespace == c.Ref.Namespace
		})
	}
}
