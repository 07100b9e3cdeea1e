package risk

import (
	"fmt"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// budgetRules are about who may evict pods.
func budgetRules() []Rule {
	return []Rule{{
		ID: "evictions-blocked", Risk: change.Stuck,
		Why: "a disruption budget that asks for all pods lets none be evicted: draining the node of one, as every upgrade of the cluster does, waits for ever",
		Fix: "let the budget spare one pod (maxUnavailable: 1), and run more than one where that must not be noticed",
		When: func(c *change.Change) (string, []fieldpath.Path, bool) {
			messages := make([]string, 0, len(c.Outcome.Barred))
			for _, b := range c.Outcome.Barred {
				names := make([]string, 0, len(b.Workloads))
				for _, w := range b.Workloads {
					names = append(names, w.String())
				}
				messages = append(messages, fmt.Sprintf("PodDisruptionBudget %s asks for %d of %s of %s", b.Budget.Name, b.Asked, pods(b.Asked), strings.Join(names, ", ")))
			}
			return strings.Join(messages, "; "), editsOf(c, "spec"), len(messages) > 0
		},
	}}
}
