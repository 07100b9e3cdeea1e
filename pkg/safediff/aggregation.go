package safediff

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

const (
	aggregationConflict = `Apply failed with 1 conflict: conflict with "clusterrole-aggregation-controller": .rules`
	aggregationUnknown  = "its rules are those of other roles as soon as there is one that it takes in, and then server-side apply refuses what the manifest says of them: that was not judged"
)

// aggregations refuses aggregated ClusterRoles whose manifests write rules. These are
// the controller's from the first role on that it takes in (clusterrole-aggregation in
// k8s.io/kubernetes/pkg/controller/clusterroleaggregation), so that server-side apply
// is a conflict in each upgrade, whether anything changes or not. A look at the cluster
// tells by itself.
func (j *judge) aggregations(u *upgrade.Upgrade) {
	objects := u.Objects
	if !j.opts.ServerSide || j.opts.ForceConflicts || j.opts.Replace || j.opts.Operation == change.Install {
		return
	}
	for i := range objects {
		p := &objects[i]
		if p.Old == nil || p.New == nil || !isClusterRole(p.New) || !p.New.MayHold("aggregationRule") || j.looked(p.New.Ref) {
			continue
		}
		role := clusterRole(p.New)
		value, _ := p.New.Value()
		if _, written := value["rules"]; !written || role == nil || role.AggregationRule == nil {
			continue
		}
		if !takesIn(role.AggregationRule.ClusterRoleSelectors, objects) {
			if p.Change == nil {
				p.Change = &change.Change{Ref: p.New.Ref, Op: change.Update, Old: p.Old, New: p.New, Noise: "no-effect"}
			}
			p.Unchecked = append(p.Unchecked, change.Doubt{Reason: aggregationUnknown, Hides: change.Rejected})
			continue
		}
		if p.Change == nil {
			p.Change = &change.Change{Ref: p.New.Ref, Op: change.Update, Old: p.Old, New: p.New}
		}
		p.Change.Outcome.Refused = []change.FieldError{{Type: "Conflict", Message: aggregationConflict}}
	}
}

func isClusterRole(o *manifest.Object) bool {
	return o.Ref.Kind == "ClusterRole" && o.Ref.Group == rbacv1.GroupName
}

// clusterRole decodes a ClusterRole; nil if it is not a valid one.
func clusterRole(o *manifest.Object) *rbacv1.ClusterRole {
	value, err := o.Value()
	role := &rbacv1.ClusterRole{}
	if err != nil || runtime.DefaultUnstructuredConverter.FromUnstructured(value, role) != nil {
		return nil
	}
	return role
}

// takesIn reports whether one of the selectors fits a role of the installed release
// that allows something.
func takesIn(selectors []metav1.LabelSelector, objects []upgrade.Object) bool {
	return slices.ContainsFunc(objects, func(p upgrade.Object) bool {
		if p.Old == nil || !isClusterRole(p.Old) {
			return false
		}
		role := clusterRole(p.Old)
		return role != nil && len(role.Rules) > 0 && slices.ContainsFunc(selectors, func(s metav1.LabelSelector) bool {
			selector, err := metav1.LabelSelectorAsSelector(&s)
			return err == nil && selector.Matches(labels.Set(role.Labels))
		})
	})
}
