package change

import "slices"

// Verdict sums a Set up in one word.
type Verdict string

// The verdicts.
const (
	Risky     Verdict = "risky"     // there is a finding in the fail-on list
	Changed   Verdict = "changed"   // something visible changes
	Unchanged Verdict = "unchanged" // nothing but noise changes
)

// Summary holds the counts that every report prints, so that reports cannot
// disagree.
type Summary struct {
	Ops map[Op]int
	// Renamed counts the objects that are created and are renamed ones.
	Renamed int
	// Unchanged counts the objects that the upgrade leaves as they are, those
	// hidden as noise included.
	Unchanged int
	// Risks counts objects per class: an object counts once in each class that
	// it has a finding of.
	Risks map[Risk]int
	// Fails says that some object is refused, Upfront that Helm finds that out
	// before it changes anything. Made and Unreached count the other changes,
	// those that are made all the same and those that are not.
	Fails, Upfront  bool
	Made, Unreached int
	Hidden          Ledger
	// Off counts the findings of rules that the policy switches off, per rule.
	Off map[string]int
	// Accepted counts the findings that somebody has accepted, per rule.
	Accepted map[string]int
}

// Ledger counts what noise hides.
type Ledger struct {
	Edits   int // hidden edits
	Objects int // objects of which nothing is left to show
	// ByFilter counts the hidden edits, and objects without edits, per filter.
	ByFilter map[string]int
}

func (l *Ledger) count(edits []Edit) {
	for i := range edits {
		if filter := edits[i].Noise; filter != "" {
			l.Edits++
			l.ByFilter[filter]++
		}
	}
}

// Summary counts what is in the set.
func (s *Set) Summary() Summary {
	sum := Summary{
		Ops:       map[Op]int{},
		Risks:     map[Risk]int{},
		Off:       map[string]int{},
		Accepted:  map[string]int{},
		Hidden:    Ledger{ByFilter: map[string]int{}},
		Unchanged: s.Same,
	}
	for i := range s.Changes {
		c := &s.Changes[i]
		sum.Fails = sum.Fails || len(c.Outcome.Refused) > 0
		sum.Upfront = sum.Upfront || c.Outcome.Upfront
		switch {
		case c.Hidden() || len(c.Outcome.Refused) > 0 || c.Op == Keep:
		case c.Outcome.Unreached:
			sum.Unreached++
		default:
			sum.Made++
		}
		sum.Hidden.count(c.Edits)
		if c.Renamed != nil && c.Op == Create {
			sum.Renamed++
			sum.Hidden.count(c.Renamed.Edits)
		}
		if len(c.Edits) == 0 && c.Noise != "" {
			sum.Hidden.ByFilter[c.Noise]++
		}
		if c.Hidden() {
			sum.Hidden.Objects++
			sum.Unchanged++
		} else {
			sum.Ops[c.Op]++
		}
		for _, risk := range c.Risks() {
			sum.Risks[risk]++
		}
		for j := range c.Off {
			sum.Off[c.Off[j].Rule]++
		}
		for j := range c.Accepted {
			sum.Accepted[c.Accepted[j].Rule]++
		}
	}
	return sum
}

// Risks returns the classes of the change's findings, worst first, each once.
func (c *Change) Risks() []Risk {
	risks := make([]Risk, 0, len(c.Findings))
	for i := range c.Findings {
		if !slices.Contains(risks, c.Findings[i].Risk) {
			risks = append(risks, c.Findings[i].Risk)
		}
	}
	slices.SortFunc(risks, Risk.Compare)
	return risks
}

// Verdict judges the set: risky if a finding is of one of the classes in failOn.
func (s *Set) Verdict(failOn []Risk) Verdict {
	verdict := Unchanged
	for i := range s.Changes {
		c := &s.Changes[i]
		for j := range c.Findings {
			if slices.Contains(failOn, c.Findings[j].Risk) {
				return Risky
			}
		}
		if !c.Hidden() {
			verdict = Changed
		}
	}
	return verdict
}

// Exit codes; 1 is for a run that could not do its work.
const (
	ExitSafe    = 0
	ExitError   = 1
	ExitChanged = 2
	ExitRisky   = 3
)

// ExitCode returns the process's exit code for a verdict. detailed tells changes
// that are not risky from no changes, as helm-diff's --detailed-exitcode does.
func (v Verdict) ExitCode(detailed bool) int {
	switch {
	case v == Risky:
		return ExitRisky
	case v == Changed && detailed:
		return ExitChanged
	default:
		return ExitSafe
	}
}
