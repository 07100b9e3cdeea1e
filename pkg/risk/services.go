package risk

import (
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// serviceRules are about who is reached through a Service.
func serviceRules() []Rule {
	return []Rule{
		{
			ID: "service-selects-nothing", Risk: change.Downtime, Kinds: []string{"Service"},
			Why:  "a Service follows its selector at once; without pods that carry its labels it leads nowhere",
			Fix:  "let the pods carry the new labels one release before the Service selects them",
			When: selectsNothing,
		},
		{
			ID: "service-deleted", Risk: change.Downtime, Kinds: []string{"Service"},
			Why: "clients reach pods by the name of their Service; without it these run on, and nobody finds them",
			Fix: "keep the Service until no client, in the release or outside of it, uses the name",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				fires := c.Op == change.Delete && c.Outcome.Selects != nil && c.Renamed == nil
				return "clients that know it by its name no longer reach the pods, which stay", nil, fires
			},
		},
		{
			ID: "service-loses-pods", Risk: change.Downtime,
			Why: "the pods no longer carry the labels by which a Service selects them, so that it leads nowhere",
			Fix: "keep the labels that the Service selects, or let it select others that the pods have before and after",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				p := c.Outcome.Pods
				if p == nil || len(p.Left) == 0 {
					return "", nil, false
				}
				return "Service " + strings.Join(p.Left, ", ") + " selects none of the new pods", p.Causes, true
			},
		},
	}
}

func selectsNothing(c *change.Change) (string, []fieldpath.Path, bool) {
	s := c.Outcome.Selects
	var message string
	switch {
	case s == nil || s.Before == 0 || c.Op == change.Delete:
		return "", nil, false
	case s.During == 0 && s.After > 0:
		message = "no pods carry the labels of its new selector until the new ones are ready"
	case s.During == 0:
		message = "no pods carry the labels of its new selector"
	case s.After == 0:
		message = "no pods carry the labels of its new selector once the upgrade is over"
	default:
		return "", nil, false
	}
	return message, []fieldpath.Path{fieldpath.Fields("spec", "selector")}, true
}
