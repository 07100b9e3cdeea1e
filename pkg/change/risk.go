package change

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// Risk is a class of harm, not a score.
type Risk string

// The classes, worst first.
const (
	Rejected Risk = "rejected"  // the API server refuses; the upgrade stops half-way
	DataLoss Risk = "data-loss" // stored data, or the only copy of some state, goes
	Downtime Risk = "downtime"  // at some moment no pod serves
	Stuck    Risk = "stuck"     // the rollout cannot finish
	Restart  Risk = "restart"   // pods are replaced, others keep serving
	Stale    Risk = "stale"     // configuration changed but running pods keep the old one
	Exposure Risk = "exposure"  // permissions or reach widen
	Version  Risk = "version"   // the version of a chart promises less than what changes
)

// Risks returns all classes, worst first.
func Risks() []Risk {
	return []Risk{Rejected, DataLoss, Downtime, Stuck, Restart, Stale, Exposure, Version}
}

// DefaultFailOn returns the classes that fail a run unless the user says otherwise.
func DefaultFailOn() []Risk { return []Risk{Rejected, DataLoss, Downtime, Stuck, Restart} }

// ParseRisks reads a comma-separated list of classes; "none" and "" are the empty
// list. The error lists the valid names.
func ParseRisks(list string) ([]Risk, error) {
	risks := []Risk{}
	if strings.TrimSpace(list) == "none" {
		return risks, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		risk := Risk(strings.TrimSpace(name))
		if !slices.Contains(Risks(), risk) {
			return nil, fmt.Errorf("unknown risk %q; valid are %s, or none alone", risk, joinRisks(Risks()))
		}
		if !slices.Contains(risks, risk) {
			risks = append(risks, risk)
		}
	}
	slices.SortFunc(risks, Risk.Compare)
	return risks, nil
}

// Compare orders risks, worst first.
func (r Risk) Compare(s Risk) int {
	return slices.Index(Risks(), r) - slices.Index(Risks(), s)
}

func joinRisks(risks []Risk) string {
	names := make([]string, len(risks))
	for i, r := range risks {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}

// Accepted is a finding that somebody knows of and goes on all the same.
type Accepted struct {
	Finding
	// By is who, Reason why, Until the last day on which that holds.
	By, Reason, Until string
}

// Finding is something a human should look at before the upgrade.
type Finding struct {
	// Rule is the ID of the rule that found it.
	Rule string
	Risk Risk
	// Was is the class that the rule gives it, where a policy gives it another one.
	Was Risk
	// Paths are the fields that cause it; an edit of one of them is never hidden.
	Paths []fieldpath.Path
	// Message is one clause about this very change.
	Message string
	// Hint is one clause that says what to do instead; "" if nothing is known.
	Hint string
	// Behind are digests of what a finding about a whole Set comes from; nil for one
	// that is about its own change.
	Behind []string
}
