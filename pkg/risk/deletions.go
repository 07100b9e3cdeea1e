package risk

import (
	"fmt"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// deletionRules are about state that goes with an object.
func deletionRules() []rule.Rule {
	const keep = "to keep it, kubectl annotate KIND NAME -n NAMESPACE helm.sh/resource-policy=keep; or put it back into the chart"
	return showing(rule.LossEvidence, []rule.Rule{
		{
			ID: "claim-deleted", Risk: change.DataLoss, Kinds: []string{"PersistentVolumeClaim"},
			Why: "the claim is deleted, and with the reclaim policy Delete also its volume and the data",
			Fix: keep, Instead: rule.KeepFirst, When: deleted("its volume goes with it unless the reclaim policy is Retain"),
		},
		{
			ID: "volume-deleted", Risk: change.DataLoss, Kinds: []string{"PersistentVolume"},
			Why:  "the volume is deleted, and its data can no longer be reached",
			Back: "it comes back without what is deleted with it",
			Fix:  rule.KeepFirst + ", or put it back into the chart", Instead: rule.KeepFirst, When: deleted("the volume is deleted"),
		},
		{
			ID: "namespace-deleted", Risk: change.DataLoss, Kinds: []string{"Namespace"},
			Why:  "everything in the namespace is deleted with it, including what the chart still contains and what others created there",
			Back: "it comes back with nothing in it but what the release holds",
			Fix:  keep, Instead: rule.KeepFirst, When: deleted("everything in it is deleted with it"),
		},
		{
			ID: "crd-deleted", Risk: change.DataLoss, Kinds: []string{"CustomResourceDefinition"},
			Why:  "all custom resources of the kind, in every namespace, are deleted with their definition",
			Back: "it comes back without the objects of its kind",
			Fix:  keep, Instead: rule.KeepFirst, When: deleted("all its custom resources are deleted with it, in every namespace"),
		},
		{
			ID: "statefulset-claims-deleted", Risk: change.DataLoss, Kinds: []string{"StatefulSet"},
			Why:     "the retention policy of the StatefulSet deletes its claims with it, or when it is scaled down",
			Fix:     "set persistentVolumeClaimRetentionPolicy to Retain in a release before this one",
			Instead: "set persistentVolumeClaimRetentionPolicy to Retain in the installed release first",
			Back:    "its deleted claims come back with empty volumes",
			When:    claimsDeleted,
		},
		{
			ID: "object-not-deleted", Risk: change.Unapplied,
			Why: "when the API server refuses a deletion, Helm 3 goes on and says so only with --debug: the object stays in the cluster and is no longer part of the release; " +
				"Helm 4 fails",
			Fix:   "let the policy allow the deletion before this upgrade; or keep the object (helm.sh/resource-policy: keep)",
			When:  notDeleted,
			Shows: notDeletedEvidence,
		},
	})
}

// notDeleted tells of an object that Helm does not get deleted, and goes on.
func notDeleted(c *change.Change) (string, []fieldpath.Path, bool) {
	return "it stays in the cluster: " + c.Outcome.Undeleted, nil, c.Outcome.Undeleted != ""
}

func notDeletedEvidence(c *change.Change) []change.Evidence {
	return []change.Evidence{{What: "not deleted", Names: []string{c.Outcome.Undeleted}}}
}

// gone reports whether an object goes, be it that it comes back as a hook. Of a hook that is
// made again hook-deletes-data tells.
func gone(c *change.Change) bool {
	return (c.Op == change.Delete || c.Op == change.Recreate) && !upgrade.Anew(c) && !upgrade.Undeleted(c)
}

func deleted(message string) func(*change.Change) (string, []fieldpath.Path, bool) {
	return func(c *change.Change) (string, []fieldpath.Path, bool) {
		message := losing(c, message)
		if c.Renamed != nil && !c.Renamed.Filled && c.Ref.Kind == "PersistentVolumeClaim" {
			message += "; " + c.Renamed.New.Name + " begins empty"
		}
		return message, nil, gone(c) && !spared(c)
	}
}

// losing says what is lost, in the words of the cluster if it was asked.
func losing(c *change.Change, otherwise string) string {
	if l := c.Outcome.Loss; l != nil && len(l.What) > 0 {
		return strings.Join(l.What, ", ")
	}
	return otherwise
}

// spared reports whether the cluster has been found to lose nothing.
func spared(c *change.Change) bool { return c.Outcome.Loss != nil && c.Outcome.Loss.Spared }

// claimsDeleted asks the retention policy in force: the old one when the whole
// StatefulSet goes, the new one when it is scaled down.
func claimsDeleted(c *change.Change) (string, []fieldpath.Path, bool) {
	if gone(c) {
		message := losing(c, "its claims are deleted with it")
		if c.Renamed != nil && c.Renamed.Claims != nil {
			message += "; " + emptyOnes(c.Renamed)
		}
		return message, nil,
			!c.Outcome.Orphans && retention(c.Old, "whenDeleted") == "Delete" && !spared(c)
	}
	p := c.Outcome.Pods
	if c.Op != change.Update || p == nil || len(c.Outcome.Refused) > 0 || p.Desired >= p.Before ||
		retention(c.New, "whenScaled") != "Delete" || spared(c) {
		return "", nil, false
	}
	message := fmt.Sprintf("scaled from %d to %d, the claims of the pods that go are deleted", p.Before, p.Desired)
	if l := c.Outcome.Loss; l != nil {
		message += ": " + strings.Join(l.What, ", ")
	}
	return message, []fieldpath.Path{fieldpath.Fields("spec", "replicas")}, true
}

func retention(o *manifest.Object, when string) string {
	value, err := o.Value()
	if err != nil {
		return ""
	}
	spec, _ := value["spec"].(map[string]any)
	policy, _ := spec["persistentVolumeClaimRetentionPolicy"].(map[string]any)
	does, _ := policy[when].(string)
	return does
}
