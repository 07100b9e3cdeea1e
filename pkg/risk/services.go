package risk

import (
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// serviceRules are about who is reached through a Service.
func serviceRules() []Rule {
	return []Rule{{
		ID: "service-selects-nothing", Risk: change.Downtime, Kinds: []string{"Service"},
		Why: "a Service follows its selector at once; until pods with the new labels are ready, it leads nowhere",
		Fix: "let the pods carry the new labels one release before the Service selects them",
		When: func(c *change.Change) (string, []fieldpath.Path, bool) {
			s := c.Outcome.Selects
			if s == nil || s.Before == 0 || s.During > 0 {
				return "", nil, false
			}
			message := "no pods carry the labels of its new selector"
			if s.After > 0 {
				message = "no pods carry the labels of its new selector until the new ones are ready"
			}
			return message, []fieldpath.Path{fieldpath.Fields("spec", "selector")}, true
		},
	}}
}
