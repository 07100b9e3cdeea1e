package risk

import (
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
)

// PolicyChanged returns the rule about a change of the policy itself. No object makes it
// fire: whoever knows both policies asks it.
func PolicyChanged() rule.Rule {
	return rule.Rule{
		ID: "policy-changed", Risk: change.Policy,
		Why: "whoever changes the policy together with a chart decides how that chart is judged; the policy of the base counts until its owners approve",
		Fix: "ask the owners of the policy to review it",
	}
}

// policyRules are the rules about the policy itself.
func policyRules() []rule.Rule { return []rule.Rule{PolicyChanged()} }
