package risk

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// maxClaims is how many claims a remedy names.
const maxClaims = 6

// forStatefulSet is the remedy for a StatefulSet of which anything but the claims is refused.
func forStatefulSet(c *change.Change) string {
	if remedy := clearRollingUpdate(c); remedy != "" {
		return remedy
	}
	if before, after, known := selection(c); !known || selects(after.selector, before.labels) {
		return ""
	}
	if untyped.Text(upgrade.Spec(c.Old), "persistentVolumeClaimRetentionPolicy", "whenDeleted") == "Delete" {
		return "keep the selector"
	}
	return "keep the selector; or delete the StatefulSet with its pods, but not its claims: kubectl delete statefulset NAME -n NAMESPACE; then upgrade"
}

// clearRollingUpdate is the remedy for a StatefulSet that is to have another strategy, and keeps
// the fields of the old one: Helm sends nothing of what no manifest says, and the API server does
// not allow them (ValidateStatefulSetSpec in k8s.io/kubernetes/pkg/apis/apps/validation).
func clearRollingUpdate(c *change.Change) string {
	if len(c.Outcome.Refused) == 0 || slices.ContainsFunc(c.Outcome.Refused, func(e change.FieldError) bool { return e.Field != "spec.updateStrategy.rollingUpdate" }) {
		return ""
	}
	strategy := untyped.Map(upgrade.Spec(c.New), "updateStrategy")
	if strategy["rollingUpdate"] != nil {
		return ""
	}
	return fmt.Sprintf("take away what the cluster has in rollingUpdate and the chart does not mention: kubectl patch statefulset NAME -n NAMESPACE --type merge "+
		"-p '{\"spec\":{\"updateStrategy\":{\"type\":%q,\"rollingUpdate\":null}}}'; with three-way merge updateStrategy.rollingUpdate: null in the chart does so, too", untyped.Text(strategy, "type"))
}

// growClaims is the remedy for a StatefulSet whose claims are to grow and of whose templates
// nothing else changes: the claims by name, then the StatefulSet without its pods.
func growClaims(c *change.Change) string {
	old, updated := templates(c.Old), templates(c.New)
	if len(old) == 0 || len(old) != len(updated) || otherwiseRefused(c) || !onlyGrow(c) {
		return ""
	}
	var steps []string
	for i := range old {
		if old[i].name != updated[i].name {
			return ""
		}
		before, errBefore := resource.ParseQuantity(old[i].storage)
		after, errAfter := resource.ParseQuantity(updated[i].storage)
		switch {
		case errBefore != nil || errAfter != nil || after.Cmp(before) < 0:
			return "" // a claim does not shrink
		case after.Cmp(before) > 0:
			names := claims(c, old[i].name)
			if names == "" {
				return ""
			}
			steps = append(steps, fmt.Sprintf("kubectl patch pvc %s -n NAMESPACE -p '{\"spec\":{\"resources\":{\"requests\":{\"storage\":%q}}}}'", names, updated[i].storage))
		}
	}
	if len(steps) == 0 {
		return ""
	}
	return "if the StorageClass allows expansion, let the claims grow: " + strings.Join(steps, ", ") +
		"; then delete the StatefulSet but not its pods: kubectl delete statefulset NAME -n NAMESPACE --cascade=orphan; then upgrade"
}

// otherwiseRefused reports whether anything but the claims is refused.
func otherwiseRefused(c *change.Change) bool {
	return slices.ContainsFunc(c.Outcome.Refused, func(e change.FieldError) bool { return e.Field != "spec.volumeClaimTemplates" && e.Field != "spec" })
}

// onlyGrow reports whether nothing of the claim templates differs but how much they ask for.
func onlyGrow(c *change.Change) bool {
	return !slices.ContainsFunc(c.Edits, func(e change.Edit) bool {
		return e.Path.Under("spec", "volumeClaimTemplates") && !strings.HasSuffix(e.Path.String(), ".spec.resources.requests.storage")
	})
}

// claimTemplate is what of a claim template matters to its size.
type claimTemplate struct{ name, storage string }

// templates returns the claim templates of a StatefulSet.
func templates(o *manifest.Object) []claimTemplate {
	if o == nil {
		return nil
	}
	value, err := o.Value()
	if err != nil {
		return nil
	}
	var list []claimTemplate
	for _, t := range untyped.Maps(value, "spec", "volumeClaimTemplates") {
		one := claimTemplate{untyped.Text(t, "metadata", "name"), untyped.Text(t, "spec", "resources", "requests", "storage")}
		if !rule.Plain(one.name) {
			return nil // nothing that anybody should paste into a shell
		}
		list = append(list, one)
	}
	return list
}

// claims names the claims that a StatefulSet has made of a template, as words for a shell; "" if it
// is not known which there are.
func claims(c *change.Change, template string) string {
	spec := upgrade.Spec(c.Old)
	replicas, first := whole(spec["replicas"], 1), whole(untyped.At(spec, "ordinals", "start"), 0)
	if p := c.Outcome.Pods; p != nil && p.Before >= 0 {
		replicas = p.Before
	}
	if replicas > maxClaims {
		return fmt.Sprintf("$(seq -f %s-NAME-%%.0f %d %d)", template, first, first+replicas-1)
	}
	var list []string
	for i := range replicas {
		list = append(list, fmt.Sprintf("%s-NAME-%d", template, first+i))
	}
	return strings.Join(list, " ")
}

// whole reads a number of a manifest.
func whole(value any, otherwise int) int {
	switch n := value.(type) {
	case int64:
		return int(n)
	case float64:
		return int(n)
	default:
		return otherwise
	}
}
