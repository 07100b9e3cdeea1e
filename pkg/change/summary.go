package change

import "slices"

// Summary holds the counts that every report prints, so that reports cannot disagree.
type Summary struct {
	Ops map[Op]int
	// Renamed counts the created objects that are renamed ones.
	Renamed int
	// Unchanged counts the objects that the upgrade does not change, including those hidden as
	// noise.
	Unchanged int
	// Risks counts objects per class. An object counts once in each class for which it has a
	// finding.
	Risks map[Risk]int
	// Fails says that an object is rejected, Upfront that Helm finds this before it changes
	// anything. Made counts the other changes that are made anyway, Unreached those that are
	// not.
	Fails, Upfront  bool
	Made, Unreached int
	Hidden          Ledger
	// Off counts the findings of rules that the policy switches off, per rule.
	Off map[string]int
	// Accepted counts the findings that somebody has accepted, per rule. AcceptedRisks and
	// OffRisks count, per class, the objects with accepted findings and the objects with
	// findings of switched-off rules.
	Accepted                map[string]int
	AcceptedRisks, OffRisks map[Risk]int
	// Rolling counts the workloads whose pods are replaced with none missing.
	Rolling int
}

// Ledger counts what noise hides.
type Ledger struct {
	Edits   int // hidden edits
	Objects int // objects with nothing left to show
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
		Ops:           map[Op]int{},
		Risks:         map[Risk]int{},
		Off:           map[string]int{},
		Accepted:      map[string]int{},
		AcceptedRisks: map[Risk]int{},
		OffRisks:      map[Risk]int{},
		Hidden:        Ledger{ByFilter: map[string]int{}},
		Unchanged:     s.Same,
	}
	for i := range s.Changes {
		c := &s.Changes[i]
		sum.Fails = sum.Fails || len(c.Outcome.Refused) > 0
		sum.Upfront = sum.Upfront || c.Outcome.Upfront
		switch {
		case c.Hidden() || len(c.Outcome.Refused) > 0 || c.Op == Keep || c.Op == Leave:
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
		switch {
		case c.Hidden():
			sum.Hidden.Objects++
			sum.Unchanged++
		case c.Op == Leave:
			sum.Unchanged++
		default:
			sum.Ops[c.Op]++
		}
		for _, risk := range c.Risks() {
			sum.Risks[risk]++
		}
		sum.aside(c)
	}
	return sum
}

// aside counts what never fails a run, whatever its class, and what rolls.
func (sum *Summary) aside(c *Change) {
	off, accepted := map[Risk]bool{}, map[Risk]bool{}
	for j := range c.Off {
		sum.Off[c.Off[j].Rule]++
		off[c.Off[j].Risk] = true
	}
	for j := range c.Accepted {
		sum.Accepted[c.Accepted[j].Rule]++
		accepted[c.Accepted[j].Risk] = true
	}
	for risk := range off {
		sum.OffRisks[risk]++
	}
	for risk := range accepted {
		sum.AcceptedRisks[risk]++
	}
	if slices.ContainsFunc(c.Findings, func(f Finding) bool { return f.rolls() }) {
		sum.Rolling++
	}
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
