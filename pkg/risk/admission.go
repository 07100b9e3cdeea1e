package risk

import (
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
)

// NamesInVain begins the reason why a Pod is rejected that names an object which does not exist.
const NamesInVain = "it names an object that does not exist: "

// admissionRefusals are refusals of what admission asks besides the object itself.
func admissionRefusals() []rule.Rule {
	return []rule.Rule{
		{
			ID: "policy-denies", Risk: change.Rejected,
			Why:  "admission policies look at each object that Helm creates or updates; if one denies an object, or fails to change it, the upgrade fails",
			Fix:  "make the object comply with the policy; or change the policy, or its binding, one upgrade earlier: Helm applies policies last",
			When: refusedAs("Denied"),
		},
		{
			ID: "deletion-refused", Risk: change.Rejected,
			Why: "an admission policy can deny a deletion: Helm 4 then fails once it has applied everything else, and Helm 3 goes on without a word; " +
				"both fail if they uninstall, or if they delete a hook before they run it",
			Fix:  "let the policy allow the deletion before this upgrade; or keep the object (helm.sh/resource-policy: keep)",
			When: refusedAs(upgrade.Undeletable),
			Remedy: func(c *change.Change) string {
				if c.Hook != nil {
					return "let the policy allow Helm to delete the hook, before this upgrade"
				}
				return ""
			},
			Instead: "let the policy allow the deletion first",
		},
		{
			ID: "limits-exceeded", Risk: change.Rejected,
			Why: "the LimitRanges and ResourceQuotas of a namespace apply to each pod and claim created in it; Helm applies them before pods and claims",
			Fix: "keep the object within the limits of its namespace, or change the limits",
			When: refusedFor(func(e change.FieldError) bool {
				return strings.HasPrefix(e.Message, "violates LimitRange ") || strings.HasPrefix(e.Message, "violates ResourceQuota ")
			}),
		},
		{
			ID: "namespace-missing", Risk: change.Rejected,
			Why: "the API server creates nothing in a namespace that does not exist (NamespaceLifecycle); Helm runs pre-upgrade hooks before it creates the Namespaces of the release, " +
				"and creates no Namespace that is a hook for another event",
			Fix:  "create the Namespace before this upgrade; or make it a hook, too, for the same event and with a lower helm.sh/hook-weight; or run the hook after the upgrade (post-upgrade)",
			When: refusedAs("NoNamespace"),
		},
		{
			ID: "pod-forbidden", Risk: change.Rejected, Kinds: []string{"Pod"},
			Why: "the API server rejects a Pod whose ServiceAccount, PriorityClass or RuntimeClass does not exist when the Pod is created, and the upgrade fails; " +
				"Helm creates RuntimeClasses after Pods",
			Fix:  "create what the Pod names before this upgrade, or let the Pod name something else",
			When: refusedFor(func(e change.FieldError) bool { return strings.HasPrefix(e.Message, NamesInVain) }),
		},
		{
			ID: "priority-default-taken", Risk: change.Rejected, Kinds: []string{"PriorityClass"},
			Why:  "only one PriorityClass may be the global default; if the present one leaves the release, Helm deletes it after the new one is created",
			Fix:  "remove globalDefault from the present one, one upgrade earlier",
			When: refusedFor(func(e change.FieldError) bool { return e.Field == "globalDefault" && e.Type == "Forbidden" }),
		},
	}
}
