package risk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// budgetRules are about who may evict pods.
func budgetRules() []Rule {
	return []Rule{
		{
			ID: "evictions-blocked", Risk: change.Stuck,
			Why: "a disruption budget that asks for all pods lets none be evicted, and the API server evicts no pod that two budgets select: " +
				"draining the node of one, as every upgrade of the cluster does, never comes to an end",
			Fix: "let one budget select the pods and spare one of them (maxUnavailable: 1), and run more than one where that must not be noticed",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				messages := make([]string, 0, len(c.Outcome.Barred))
				for _, b := range c.Outcome.Barred {
					messages = append(messages, barred(b))
				}
				paths := editsOf(c, "spec")
				if c.Outcome.PodSpec != nil {
					paths = slices.Concat(editsOf(c, "replicas"), editsOf(c, "labels"))
				}
				return strings.Join(messages, "; "), paths, len(messages) > 0
			},
		},
		{
			ID: "budget-selects-nothing", Risk: change.Exposure,
			Why: "a disruption budget protects the pods that it selects by their labels; all others may be evicted at once",
			Fix: "let the selector of the budget name labels that the pods have",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				messages := make([]string, 0, len(c.Outcome.Unguarded))
				for _, u := range c.Outcome.Unguarded {
					message := fmt.Sprintf("PodDisruptionBudget %s selects no pod", u.Budget.Name)
					if len(u.Workloads) > 0 {
						message += fmt.Sprintf(" any more, and those of %s are without one", names(u.Workloads))
					}
					messages = append(messages, message)
				}
				return strings.Join(messages, "; "), slices.Concat(editsOf(c, "selector"), editsOf(c, "labels")), len(messages) > 0
			},
		},
	}
}

func barred(b change.Barred) string {
	if b.Asked > 0 {
		return fmt.Sprintf("PodDisruptionBudget %s asks for %d of %s of %s", b.Budgets[0].Name, b.Asked, pods(b.Asked), names(b.Workloads))
	}
	budgets := make([]string, 0, len(b.Budgets))
	for _, ref := range b.Budgets {
		budgets = append(budgets, ref.Name)
	}
	return fmt.Sprintf("PodDisruptionBudgets %s select the same pods, those of %s", strings.Join(budgets, " and "), names(b.Workloads))
}

func names(refs []manifest.Ref) string {
	list := make([]string, 0, len(refs))
	for _, ref := range refs {
		list = append(list, ref.String())
	}
	return strings.Join(list, ", ")
}
