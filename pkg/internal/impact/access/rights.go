package access

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/auth/rbac/validation"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// RightsRules are about what running programs may ask the API server for.
func RightsRules() []rule.Rule {
	return []rule.Rule{{
		ID: "rights-lost", Risk: change.Outage,
		Why: "a program that keeps running still asks the API server for what it was allowed before, and is denied (Covers in k8s.io/component-helpers/auth/rbac/validation compares the rules): " +
			"a controller stops working although its pods look healthy",
		Fix: "keep the role, binding, token and identity of the account while pods run as it, or stop those pods first",
		Find: func(u *upgrade.Upgrade) []rule.Found {
			return slices.Concat(rightsLost(u), identitiesLost(u), tokensLost(u))
		},
	}, {
		ID: "power-bound", Risk: change.Exposure, Kinds: []string{"RoleBinding", "ClusterRoleBinding"},
		Why:  "the role grants everything, or lets its holders obtain more than it names; somebody else gets it now",
		Fix:  "bind a role that names what the subject needs",
		Find: powerBound,
	}}
}

// scoped are rules of RBAC and the namespace in which they hold; "" for all of them.
type scoped struct {
	namespace string
	rules     []rbacv1.PolicyRule
	// binding and role are where they come from; role is nil for one that is not of the
	// release, of which unknown is the name.
	binding, role *upgrade.Object
	unknown       string
	// parts are the roles of the release that the role takes in.
	parts []*upgrade.Object
}

// rightsOf lists what the bindings of the release give a ServiceAccount at a moment.
func rightsOf(u *upgrade.Upgrade, account manifest.Identity, m upgrade.Moment) []scoped {
	var list []scoped
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Ref().Group != rbacv1.GroupName || o.Ref().Kind != "RoleBinding" && o.Ref().Kind != "ClusterRoleBinding" || o.Idle() {
			continue
		}
		side := o.Standing(m)
		if m == upgrade.Before && o.Change != nil {
			side = o.Change.Before()
		}
		if side == nil {
			continue
		}
		value, err := side.Value()
		if err != nil || !bindsAccount(value, side.Ref.Namespace, account) {
			continue
		}
		s := scoped{namespace: side.Ref.Namespace, binding: o}
		id := manifest.Identity{Group: rbacv1.GroupName, Kind: untyped.Text(value, "roleRef", "kind"), Name: untyped.Text(value, "roleRef", "name")}
		if id.Kind == "Role" {
			id.Namespace = side.Ref.Namespace
		}
		if s.role = u.Object(id); s.role == nil {
			s.unknown = id.Kind + " " + id.Name
			if id.Kind == "ClusterRole" {
				s.fillKnown(u, id.Name, m)
			}
		} else if !s.fill(u, m) {
			continue
		}
		list = append(list, s)
	}
	return list
}

// fill reads the rules of the role; false if it is not there. Of one that takes in others only
// those of the release are known, besides its name.
func (s *scoped) fill(u *upgrade.Upgrade, m upgrade.Moment) bool {
	grant := u.GrantOf(s.role, m)
	if grant == nil {
		return false
	}
	if grant.Aggregated {
		s.unknown = s.role.Ref().Kind + " " + s.role.Ref().Name
	}
	s.rules, s.parts = grant.Rules, grant.Parts
	return true
}

// aggregatedTo begins the labels of ClusterRoles that Kubernetes' own roles take in. Each of these
// takes in the ones behind it (plugin/pkg/auth/authorizer/rbac/bootstrappolicy in
// k8s.io/kubernetes).
const aggregatedTo = "rbac.authorization.k8s.io/aggregate-to-"

// fillKnown reads what ClusterRoles of the release add to one of Kubernetes' own.
func (s *scoped) fillKnown(u *upgrade.Upgrade, name string, m upgrade.Moment) {
	order := []string{"admin", "edit", "view"}
	parts := order[max(0, slices.Index(order, name)):]
	selectors := make([]metav1.LabelSelector, 0, len(parts))
	for _, part := range parts {
		selectors = append(selectors, metav1.LabelSelector{MatchLabels: map[string]string{aggregatedTo + part: "true"}})
	}
	if slices.Contains(order, name) {
		grant := u.TakenIn(selectors, m)
		s.rules, s.parts = grant.Rules, grant.Parts
	}
}

// bindsAccount reports whether a ServiceAccount is among the subjects of a binding, by itself or by a
// group of its namespace.
func bindsAccount(binding map[string]any, namespace string, account manifest.Identity) bool {
	return slices.ContainsFunc(untyped.Maps(binding, "subjects"), func(s map[string]any) bool {
		switch name := untyped.Text(s, "name"); untyped.Text(s, "kind") {
		case "ServiceAccount":
			return name == account.Name && cmp.Or(untyped.Text(s, "namespace"), namespace) == account.Namespace
		case "Group":
			return name == "system:serviceaccounts" || name == "system:authenticated" || name == "system:serviceaccounts:"+account.Namespace
		case "User":
			return name == "system:serviceaccount:"+account.Namespace+":"+account.Name
		default:
			return false
		}
	})
}

// accountOf returns the ServiceAccount of the pods of a workload. One that is not named any
// more stays: its deprecated twin keeps it.
func accountOf(u *upgrade.Upgrade, w *upgrade.Workload, m upgrade.Moment) manifest.Identity {
	id := manifest.Identity{Kind: "ServiceAccount", Namespace: w.Ref().Namespace, Name: "default"}
	read := func(o *manifest.Object) string {
		spec := untyped.Map(u.Template(o), "spec")
		return cmp.Or(untyped.Text(spec, "serviceAccountName"), untyped.Text(spec, "serviceAccount"))
	}
	if m == upgrade.After {
		id.Name = cmp.Or(read(w.Standing(upgrade.After)), read(w.Old), id.Name)
	} else {
		id.Name = cmp.Or(read(w.Old), id.Name)
	}
	return id
}

// rightsMove reports whether something changes because of which a program may ask for less.
func rightsMove(u *upgrade.Upgrade) bool {
	return u.Any(func(o *upgrade.Object) bool {
		if !o.Done() {
			return false
		}
		rbac := o.Ref().Group == rbacv1.GroupName && o.Change.Op != change.Create
		return rbac || o.Change.Op == change.Update && slices.ContainsFunc(o.Change.Edits, func(e change.Edit) bool {
			return len(e.Path) > 0 && strings.HasPrefix(e.Path[len(e.Path)-1].Field, "serviceAccount")
		})
	})
}

// rightsLost tells because of what workloads that stay may ask the API server for less.
func rightsLost(u *upgrade.Upgrade) []rule.Found {
	if !rightsMove(u) {
		return nil
	}
	var found []rule.Found
	for i := range u.Objects {
		w := stays(u, &u.Objects[i])
		if w == nil {
			continue
		}
		was, is := accountOf(u, w, upgrade.Before), accountOf(u, w, upgrade.After)
		before, after := rightsOf(u, was, upgrade.Before), rightsOf(u, is, upgrade.After)
		for k := range before {
			b := &before[k]
			missing := b.missing(after)
			// With another image the program may need less. That it needs nothing at all is rare.
			if len(missing) == 0 || len(after) > 0 && otherImages(w) && was == is {
				continue
			}
			on := b.blamed(w, was != is)
			if on == nil {
				continue
			}
			found = append(found, rule.Found{
				On: on, Message: fmt.Sprintf("%s runs as ServiceAccount %s and may no longer %s", w.Ref(), is.Name, rule.Shortened(missing)),
				Paths:    rule.Edits(on.Change, "rules", "aggregationRule", "labels", "subjects", "roleRef", "serviceAccountName", "serviceAccount"),
				Evidence: []change.Evidence{{What: "may no longer", Objects: []manifest.Ref{w.Ref(), b.binding.Ref()}, Names: missing}},
			})
		}
	}
	return found
}

// missing lists what the rights after do not give that these do.
func (s *scoped) missing(after []scoped) []string {
	var rules []rbacv1.PolicyRule
	known := s.unknown == ""
	for i := range after {
		if a := &after[i]; a.namespace == "" || a.namespace == s.namespace {
			rules = append(rules, a.rules...)
			known = known || a.unknown == s.unknown
		}
	}
	var list []string
	if !known {
		list = append(list, "do what "+s.unknown+" allows")
	}
	if covered, uncovered := validation.Covers(rules, s.rules); !covered {
		for _, r := range uncovered {
			if text := permissionText(r); !slices.Contains(list, text) {
				list = append(list, text)
			}
		}
	}
	slices.Sort(list)
	return list
}

// permissionText says what a rule allows.
func permissionText(r rbacv1.PolicyRule) string {
	what := slices.Clone(r.Resources)
	for i := range what {
		if len(r.APIGroups) > 0 && r.APIGroups[0] != "" {
			what[i] += "." + r.APIGroups[0]
		}
	}
	text := strings.Join(r.Verbs, ", ") + " " + strings.Join(append(what, r.NonResourceURLs...), ", ")
	if len(r.ResourceNames) > 0 {
		text += " " + strings.Join(r.ResourceNames, ", ")
	}
	return text
}

// blamed returns the object because of which rights go: the workload that runs as another
// account, the binding, the role, or one that it takes in; nil if none of them changes.
func (s *scoped) blamed(w *upgrade.Workload, moves bool) *upgrade.Object {
	switch {
	case moves && w.Done():
		return w.Object
	case s.binding.Does(change.Delete, change.Update) && (s.binding.Goes() || s.binding.Edited("subjects") || s.binding.Edited("roleRef")):
		return s.binding
	case s.role != nil && (s.role.Goes() || s.role.Edited("rules") || s.role.Edited("aggregationRule")) && s.role.Done():
		return s.role
	}
	for _, part := range append(s.parts, s.role) {
		if part != nil && part.Does(change.Delete, change.Update) {
			return part
		}
	}
	return nil
}

// otherImages reports whether the containers of a workload have other images than before.
func otherImages(w *upgrade.Workload) bool {
	return w.Change != nil && slices.ContainsFunc(w.Change.Edits, func(e change.Edit) bool {
		return len(e.Path) > 0 && (e.Path[len(e.Path)-1].Field == "image" || e.Path[len(e.Path)-1].Keys != nil)
	})
}
