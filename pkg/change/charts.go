package change

import "slices"

// Charts is what a pull request does to the charts in it: each of them, with each of
// its value sets.
type Charts struct {
	// Base names what is compared with, such as a branch and a commit.
	Base   string
	Charts []Chart
	// Policy is what the pull request does to the policy by which it is judged; nil if it
	// leaves that as it is.
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
	// Note is one clause about a chart that is not judged as others are; "" for none.
	Note string
	// Cases are its value sets. A chart that goes has none, a library, and one that has a
	// Failure of its own.
	Cases   []Case
	Failure *Failure
}

// Failure is why something could not be judged, in one sentence, and what to do about it,
// "" if nobody knows.
type Failure struct{ Reason, Hint string }

// Case is a chart with one of its value sets, for one version of Kubernetes.
type Case struct {
	// Values is the file that holds the values; "" for those of the chart itself.
	Values string
	// KubeVersion is the version of Kubernetes that was asked for, if several were; or "".
	KubeVersion string
	Set         Set
	// FailOn is what makes this one fail the run.
	FailOn FailOn
	// Failure is set of a case that could not be judged, of which Set holds nothing.
	Failure *Failure
}

// With tells a case of a chart from others, as the rest of a sentence; "" if the chart has
// only one.
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

// NotJudged is the verdict of several things of which one could not be judged. It is
// worse than any of a Set.
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

// ExitCode returns the process's exit code. A chart that comes or goes is a change.
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

// Verdict is the worst verdict of all value sets of the chart. A chart that comes or goes
// is a change.
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

// All returns the sets of all charts, as far as they could be judged.
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

// Settle takes what one set alone cannot know out of the remarks: an entry of the
// policy is idle if it had nothing to do in any of them. What is left of these is said
// in the first one.
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

// Hidden sums up what noise hides in all of them.
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

// Breaks returns the rules that have found what only a new major version may bring (semver.org, 8):
// what the API server refuses, what loses data, and what an installed release has
// under another name; and the digests of these findings.
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

// Differs returns a digest of each change in what two charts render, apart from what
// comes out differently each time.
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
	default: // an object of which the very name rotates comes and goes each time
		return !slices.ContainsFunc(s.Rotating, func(r Rotation) bool {
			return len(r.Paths) == 0 && r.Ref.Kind == c.Ref.Kind && r.Ref.Namespace == c.Ref.Namespace
		})
	}
}
