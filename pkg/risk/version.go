package risk

import (
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
)

// versionRules are about the version of a chart that is about to be published, and
// what those who have the old one make of it. They look at a whole Set, so no row
// has a When: Published asks them.
func versionRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "version-not-major", Risk: change.Version,
			Why: "whoever follows a version range such as ^1.4.0 gets a change that breaks installed releases without asking for it",
			Fix: "raise the major version (of 0.x, the minor), or keep the change compatible",
		},
		{
			ID: "version-unchanged", Risk: change.Version,
			Why: "a version that is published stays as it is in repositories and caches: some will render the old chart, some the new one",
			Fix: "raise the version in Chart.yaml",
		},
	}
}

// Published asks the version rules: what they find of a chart that goes from one
// version to another while set is what an upgrade does.
func Published(old, updated string, set *change.Set) ([]change.Finding, error) {
	from, err := semver.NewVersion(old)
	if err != nil {
		return nil, fmt.Errorf("the version %q of the old chart is none of semver.org", old)
	}
	to, err := semver.NewVersion(updated)
	if err != nil {
		return nil, fmt.Errorf("the version %q of the new chart is none of semver.org", updated)
	}
	rules := versionRules()
	finding := func(r *rule.Rule, message string, behind []string) change.Finding {
		return change.Finding{Rule: r.ID, Risk: r.Risk, Message: message, Hint: r.Fix, Behind: behind}
	}
	var findings []change.Finding
	if broken, behind := set.Breaks(); len(broken) > 0 && !breaking(from, to) {
		findings = append(findings, finding(&rules[0], fmt.Sprintf("%s → %s is no new major version, and breaks what is installed (%s)", old, updated, strings.Join(broken, ", ")), behind))
	}
	if from.Equal(to) && from.Metadata() == to.Metadata() {
		if behind := set.Differs(); len(behind) > 0 {
			findings = append(findings, finding(&rules[1], "the version stays "+old+", and what the chart renders does not", behind))
		}
	}
	return findings, nil
}

// breaking reports whether a version may break what the one before has promised
// (semver.org, 8 and 9). Of 0.x the number behind the leading zeros counts, as in
// ranges with a caret: ^0.2.3 ends before 0.3.0.
func breaking(from, to *semver.Version) bool {
	switch {
	case from.Prerelease() != "" && !from.Equal(to):
		return true // it has promised nothing
	case from.Major() != to.Major():
		return to.Major() > from.Major()
	case from.Major() > 0:
		return false
	case from.Minor() != to.Minor():
		return to.Minor() > from.Minor()
	default:
		return from.Minor() == 0 && to.Patch() > from.Patch()
	}
}
