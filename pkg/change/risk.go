package change

import (
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Risk is a class of harm, not a score.
type Risk string

// The classes, worst first.
const (
	Rejected  Risk = "rejected"  // the API server, its admission or Helm rejects: the upgrade fails
	DataLoss  Risk = "data-loss" // stored data, or the only copy of some state, is lost or out of reach
	Outage    Risk = "outage"    // requests are not served until somebody acts
	Stuck     Risk = "stuck"     // a rollout, hook or binding cannot finish
	Unapplied Risk = "unapplied" // the cluster will not hold what the manifest says
	Policy    Risk = "policy"    // a pull request changes the rules by which it is judged
	Downtime  Risk = "downtime"  // requests are not served for a while
	Restart   Risk = "restart"   // pods are replaced, others keep serving
	Stale     Risk = "stale"     // configuration changes, running pods keep the old one
	Exposure  Risk = "exposure"  // permissions or network access widen, or a protection ends
	Version   Risk = "version"   // the version of a chart promises less than what changes
)

// Risks returns all classes, worst first.
func Risks() []Risk {
	return []Risk{Rejected, DataLoss, Outage, Stuck, Unapplied, Policy, Downtime, Restart, Stale, Exposure, Version}
}

// Compare orders risks, worst first.
func (r Risk) Compare(s Risk) int {
	return slices.Index(Risks(), r) - slices.Index(Risks(), s)
}

// JoinRisks lists classes for a sentence.
func JoinRisks(risks []Risk) string {
	names := make([]string, len(risks))
	for i, r := range risks {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}

// Accepted is a finding that somebody knows of and has accepted.
type Accepted struct {
	Finding
	// By says who accepted it, Reason why. Until is the last day on which that holds.
	By, Reason, Until string
}

// Finding is something a human should look at before the upgrade.
type Finding struct {
	// Rule is the ID of the rule that found it.
	Rule string
	Risk Risk
	// Was is the class that the rule gives, if a policy gives another one.
	Was Risk
	// Paths are the fields that cause the finding. An edit of one of them is never hidden.
	Paths []fieldpath.Path
	// Message is one clause about exactly this change.
	Message string
	// Hint is one clause that says what to do instead; "" if nothing is known.
	Hint string
	// Evidence is what makes the finding true. The digest covers all of it.
	Evidence []Evidence
	// Breaks says that only a new major version of a chart may bring this, whatever the class.
	Breaks bool
	// Behind are digests of what a finding about a whole Set comes from; nil for a finding
	// about its own change.
	Behind []string
	// Rolling says that pods are replaced and that none is missing at any moment.
	Rolling bool `json:",omitempty"`
	// Unstarted are the objects whose pods do not start because of this.
	Unstarted []manifest.Ref `json:",omitempty"`
	// Hangs says that a rollout, or the run of a hook, cannot finish because of this.
	Hangs bool `json:",omitempty"`
	// Lasts is the least number of seconds for which the finding is true; 0 if that is not
	// known. The message says it, too.
	Lasts int `json:",omitempty"`
}
