package upgrade

import (
	"reflect"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Grant is what a role allows at a moment.
type Grant struct {
	Rules []rbacv1.PolicyRule
	// Parts are the ClusterRoles of the release whose rules it takes in.
	Parts []*Object
	// Aggregated says that it takes in those of other releases, too.
	Aggregated bool
}

// GrantOf returns what a Role or ClusterRole allows at a moment; nil if it is not there. The rules
// of one that takes in others are theirs, whatever its manifest says
// (k8s.io/kubernetes/pkg/controller/clusterroleaggregation). They stay when it no longer takes in
// others, unless its manifest says something else of them.
func (u *Upgrade) GrantOf(o *Object, m Moment) *Grant { return u.grantOf(o, m, nil) }

func (u *Upgrade) grantOf(o *Object, m Moment, above []*Object) *Grant {
	side := o.roleAt(m)
	role := ClusterRole(side)
	if role == nil {
		return nil
	}
	if was := o.roleAt(Before); m == After && role.AggregationRule == nil && o.Old != nil && !writesRules(side) && !writesRules(was) {
		if old := ClusterRole(was); old != nil && old.AggregationRule != nil {
			return u.grantOf(o, Before, above)
		}
	}
	if role.AggregationRule == nil {
		return &Grant{Rules: role.Rules}
	}
	g := u.takenIn(role.AggregationRule.ClusterRoleSelectors, m, append(above, o))
	if len(g.Rules) == 0 && len(g.Parts) == 0 {
		g.Rules = role.Rules // the controller has nothing to write
	}
	return g
}

// TakenIn returns what ClusterRoles of the release allow that one of the selectors fits.
func (u *Upgrade) TakenIn(selectors []metav1.LabelSelector, m Moment) *Grant {
	return u.takenIn(selectors, m, nil)
}

func (u *Upgrade) takenIn(selectors []metav1.LabelSelector, m Moment, above []*Object) *Grant {
	g := &Grant{Aggregated: true}
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Ref().Group != rbacv1.GroupName || o.Ref().Kind != "ClusterRole" || o.Idle() || slices.Contains(above, o) {
			continue
		}
		role := ClusterRole(o.roleAt(m))
		if role == nil || !slices.ContainsFunc(selectors, func(s metav1.LabelSelector) bool {
			selector, err := metav1.LabelSelectorAsSelector(&s)
			return err == nil && selector.Matches(labels.Set(role.Labels))
		}) {
			continue
		}
		part := u.grantOf(o, m, append(above, o))
		g.Parts = append(append(g.Parts, o), part.Parts...)
		for _, r := range part.Rules {
			if !slices.ContainsFunc(g.Rules, func(other rbacv1.PolicyRule) bool { return reflect.DeepEqual(r, other) }) {
				g.Rules = append(g.Rules, r)
			}
		}
	}
	return g
}

// roleAt returns the manifest of a role at a moment; nil if it is not there. What comes under
// another name was there before.
func (o *Object) roleAt(m Moment) *manifest.Object {
	if m == Before && o.Change != nil {
		return o.Change.Before()
	}
	return o.Standing(m)
}

// writesRules reports whether a manifest says something of the rules of a role.
func writesRules(o *manifest.Object) bool {
	_, written := Value(o)["rules"]
	return written
}

// ClusterRole decodes a Role or ClusterRole; nil if it is not a valid one.
func ClusterRole(o *manifest.Object) *rbacv1.ClusterRole {
	role := &rbacv1.ClusterRole{}
	value := Value(o)
	if value == nil || runtime.DefaultUnstructuredConverter.FromUnstructured(value, role) != nil {
		return nil
	}
	return role
}
