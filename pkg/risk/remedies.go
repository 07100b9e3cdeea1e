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
	if len(old) == 0 || len(old) != len(updated) || otherwiseRefused(c) {
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
			steps = append(steps, fmt.Sprintf("kubectl patch pvc %s -n NAMESPACE -p '{\"spec\":{\"resources\":{\"requests\":{\"storage\":%q}}}}'",
				strings.Join(claims(c, old[i].name), " "), updated[i].storage))
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

// claims names the claims that a StatefulSet has made of a template, and counts those that
// are too many to name.
func claims(c *change.Change, template string) []string {
	replicas := 1
	if p := c.Outcome.Pods; p != nil && p.Before >= 0 {
		replicas = p.Before
	}
	var list []string
	for i := range min(replicas, maxClaims) {
		list = append(list, fmt.Sprintf("%s-NAME-%d", template, i))
	}
	if replicas > maxClaims {
		list = append(list, fmt.Sprintf("… %s-NAME-%d", template, replicas-1))
	}
	return list
}
