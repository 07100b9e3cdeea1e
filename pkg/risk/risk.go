// Package risk is the table of all rules: what about a judged upgrade a human should look at,
// why, and what to do instead. It holds those about what becomes of one object; those between
// objects are in impact, those that compare what an object says in exposure.
//
// A rule is a row of a table that carries its own documentation. Whether a field
// may change at all is not for rules to say: the API server's own code has
// already rejected the change by then, and a rule only adds the remedy.
package risk

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/exposure"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/impact"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/impact/api"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/impact/owners"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Rules returns all rules in the order in which they are asked. Of the rules
// about a refusal only the first that fires counts, so the special ones come
// first.
func Rules() []rule.Rule {
	return slices.Concat(refusalRules(), impact.Rules(), podRules(), deletionRules(), resourcePolicyRules(), renameRules(), exposure.Rules(), versionRules(), policyRules(), valueRules())
}

// showing gives the rules of some tables the evidence of what they find, where they have none
// of their own.
func showing(evidence func(*change.Change) []change.Evidence, tables ...[]rule.Rule) []rule.Rule {
	rules := slices.Concat(tables...)
	for i := range rules {
		if rules[i].When != nil && rules[i].Shows == nil {
			rules[i].Shows = evidence
		}
	}
	return rules
}

// UnknownServers lists the webhooks of a change that are asked about Helm's own record from this
// upgrade on, by a server of which the release has nothing.
func UnknownServers(u *upgrade.Upgrade, o *upgrade.Object) []string {
	return api.UnknownServers(u, o)
}

// Server is a workload whose pods serve a webhook.
type Server = api.Server

// Servers lists the workloads that serve the webhooks of a configuration after the upgrade.
func Servers(u *upgrade.Upgrade, o *upgrade.Object) []Server { return api.Servers(u, o) }

// Notes lists what nobody can know of what an upgrade brings about between objects.
func Notes(u *upgrade.Upgrade) []upgrade.Note { return impact.Notes(u) }

// OwnsData reports whether data go with a custom resource that is deleted, as far as that is known
// of its kind.
func OwnsData(o *manifest.Object) bool { return owners.OwnsData(o) }
