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

// resourcePolicyRules are about the annotation by which Helm leaves an object where it is.
func resourcePolicyRules() []rule.Rule {
	return showing(policyEvidence, []rule.Rule{
		{
			ID: "keep-removed", Risk: change.Exposure,
			Why:  "the object is no longer kept: an upgrade whose chart does not contain it deletes it",
			Fix:  "leave helm.sh/resource-policy: keep on the object",
			When: keepRemoved,
		},
		{
			ID: "resource-policy-unknown", Risk: change.Unapplied,
			Why:  "an upgrade keeps an object only if helm.sh/resource-policy is exactly keep; an uninstall keeps every object that has the annotation, whatever its value",
			Fix:  "write helm.sh/resource-policy: keep, or leave the annotation out",
			When: policyUnknown,
		},
	})
}

func policyOf(o *manifest.Object) (policy string, set bool) {
	if o == nil {
		return "", false
	}
	return o.Annotation(manifest.ResourcePolicyAnnotation)
}

func policyEvidence(c *change.Change) []change.Evidence {
	before, _ := policyOf(c.Old)
	after, _ := policyOf(c.New)
	return []change.Evidence{{What: "resource policy before", Names: []string{before}}, {What: "resource policy after", Names: []string{after}}, {What: string(c.Op)}}
}

func keepRemoved(c *change.Change) (string, []fieldpath.Path, bool) {
	if _, has := policyOf(c.New); has || c.Op != change.Update || c.Hook != nil || c.Old == nil || c.New == nil || !c.Old.Kept() {
		return "", nil, false
	}
	message := "it is no longer kept (helm.sh/resource-policy): the next upgrade without it deletes it"
	if lost := goesWith(c.Ref); lost != "" {
		message += ", and " + lost
	}
	return message, rule.Edits(c, manifest.ResourcePolicyAnnotation), true
}

// goesWith says what is deleted with an object of a kind; "" if that is the object alone.
func goesWith(ref manifest.Ref) string {
	if !rule.OfKubernetes(ref.Group) {
		return ""
	}
	return map[string]string{
		"PersistentVolumeClaim":    "with it its volume, unless the reclaim policy is Retain",
		"Namespace":                "everything in it",
		"CustomResourceDefinition": "all objects of its kind",
	}[ref.Kind]
}

// policyUnknown tells of a policy that Helm does not read as its author may mean it: where
// this upgrade brings it, and where an object goes all the same, or stays without a word.
func policyUnknown(c *change.Change) (string, []fieldpath.Path, bool) {
	before, had := policyOf(c.Old)
	after, has := policyOf(c.New)
	switch {
	case c.Hook != nil, upgrade.Undeleted(c):
		return "", nil, false
	case has && !manifest.Keeps(after) && (!had || before != after):
		return fmt.Sprintf("helm.sh/resource-policy is %q, which an upgrade does not read as keep: it deletes the object once the chart no longer has it", after),
			rule.Edits(c, manifest.ResourcePolicyAnnotation), true
	case c.New != nil, !had, manifest.Keeps(before):
		return "", nil, false
	case c.Op == change.Delete && !strings.EqualFold(strings.TrimSpace(before), "delete"):
		return fmt.Sprintf("it is deleted although helm.sh/resource-policy is %q: an upgrade reads only keep, to the letter", before), nil, true
	case c.Op == change.Keep:
		if _, told := c.Old.Outlives(); !told {
			return fmt.Sprintf("it stays in the cluster, and Helm does not say so: helm.sh/resource-policy is %q", before), nil, true
		}
	}
	return "", nil, false
}
