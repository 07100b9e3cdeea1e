package change

import "slices"

// Charts is what a pull request does to the charts in it: each of them, with each of
// its value sets.
type Charts struct {
	// Base names what is compared with, such as a branch and a commit.
	Base   string
	Charts []Chart
}

// Chart is one chart of a pull request.
type Chart struct {
	// Path is its folder, as a user would name it.
	Path string
	// Old and New are its versions; "" on the side that does not have the chart.
	Old, New string
	// Note is one clause about a chart that is not judged as others are; "" for none.
	Note string
	// Cases are its value sets. A chart that goes has none, and a library.
	Cases []Case
}

// Case is a chart with one of its value sets.
type Case struct {
	// Values is the file that holds the values; "" for those of the chart itself.
	Values string
	Set    Set
	// FailOn are the classes that make this one risky.
	FailOn []Risk
}

// Verdict is the worst verdict of all charts. A chart that comes or goes is a change.
func (c *Charts) Verdict() Verdict {
	verdict := Unchanged
	for i := range c.Charts {
		verdict = worse(verdict, c.Charts[i].Verdict())
	}
	return verdict
}

// Verdict is the worst verdict of all value sets of the chart.
func (c *Chart) Verdict() Verdict {
	verdict := Unchanged
	if c.Old == "" || c.New == "" {
		verdict = Changed
	}
	for i := range c.Cases {
		verdict = worse(verdict, c.Cases[i].Set.Verdict(c.Cases[i].FailOn))
	}
	return verdict
}

func worse(a, b Verdict) Verdict {
	order := []Verdict{Unchanged, Changed, Risky}
	if slices.Index(order, a) < slices.Index(order, b) {
		return b
	}
	return a
}

// All returns the sets of all charts.
func (c *Charts) All() []*Set {
	var sets []*Set
	for i := range c.Charts {
		for j := range c.Charts[i].Cases {
			sets = append(sets, &c.Charts[i].Cases[j].Set)
		}
	}
	return sets
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
			renamed := slices.Contains([]string{"statefulset-renamed", "claim-renamed", "workload-renamed", "service-renamed"}, f.Rule)
			if !renamed && f.Risk != Rejected && f.Risk != DataLoss {
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
	case c.Op == Publish:
		return false
	case len(c.Edits) > 0:
		return slices.ContainsFunc(c.Edits, func(e Edit) bool { return !e.Rotates })
	default: // an object of which the very name rotates comes and goes each time
		return !slices.ContainsFunc(s.Rotating, func(r Rotation) bool {
			return len(r.Paths) == 0 && r.Ref.Kind == c.Ref.Kind && r.Ref.Namespace == c.Ref.Namespace
		})
	}
}
