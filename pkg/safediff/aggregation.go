package safediff

import (
	"reflect"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

const (
	aggregationConflict = `Apply failed with 1 conflict: conflict with "clusterrole-aggregation-controller": .rules`
	aggregationUnknown  = "its rules are those of other roles as soon as there is one that it takes in, and then server-side apply refuses what the manifest says of them: that was not judged"
)

// aggregations refuses ClusterRoles that were aggregated and whose manifests write rules. These
// are the controller's from the first role on that it takes in (clusterrole-aggregation in
// k8s.io/kubernetes/pkg/controller/clusterroleaggregation), so that server-side apply
// is a conflict in each upgrade, whether anything changes or not. A look at the cluster
// tells by itself.
func (j *judge) aggregations(u *upgrade.Upgrade) {
	objects := u.Objects
	if !j.ServerSide || j.ForceConflicts || j.Replace || j.Operation == change.Install {
		return
	}
	for i := range objects {
		p := &objects[i]
		if p.Old == nil || p.New == nil || !isClusterRole(p.New) || !p.Old.MayHold("aggregationRule") || j.Looked(p.New.Ref) {
			continue
		}
		was, is := rewritten(p)
		if was == nil {
			continue
		}
		taken := u.TakenIn(was.AggregationRule.ClusterRoleSelectors, upgrade.Before)
		if len(taken.Parts) == 1 && reflect.DeepEqual(taken.Rules, is.Rules) {
			continue // nothing differs
		}
		if len(taken.Rules) == 0 {
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

// rewritten returns both sides of a ClusterRole that was aggregated and writes rules; nil for others.
func rewritten(p *upgrade.Object) (was, is *rbacv1.ClusterRole) {
	was, is = upgrade.ClusterRole(p.Old), upgrade.ClusterRole(p.New)
	value, _ := p.New.Value()
	if _, written := value["rules"]; !written || was == nil || was.AggregationRule == nil || is == nil {
		return nil, nil
	}
	return was, is
}

func isClusterRole(o *manifest.Object) bool {
	return o.Ref.Kind == "ClusterRole" && o.Ref.Group == rbacv1.GroupName
}
