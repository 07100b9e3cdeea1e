package cli

import (
	"fmt"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// What fails a run unless the user says otherwise: before an upgrade, and for a pull
// request that changes charts (change.DefaultFailOn, change.DefaultFailOnCharts).
const (
	failOnUpgrade = "restarting"
	failOnCharts  = "breaking,policy,version"
)

const failOnUsage = `what makes the exit code 3: classes, IDs of rules, breaking, interrupting, restarting, undecided; or "none"`

// parseFailOn reads the value of --fail-on, which may name the team's own rules, too.
func (a *app) parseFailOn(value string) (change.FailOn, error) {
	rules := knownToPolicy().Rules
	for _, own := range a.config.file.AllOwnRules() {
		rules = append(rules, own.ID)
	}
	failOn, err := change.ParseFailOn(value, rules)
	if err != nil {
		return nil, a.config.from("fail-on", fmt.Errorf("--fail-on: %w", err))
	}
	return failOn, nil
}

// failOnNames is what the shell offers for --fail-on.
func failOnNames() []string { return slices.Concat(change.FailOnNames(), knownToPolicy().Rules) }
