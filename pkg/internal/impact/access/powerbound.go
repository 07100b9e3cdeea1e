package access

import (
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/exposure"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// powerBound tells of subjects that come to a role of the release which was powerful before.
// What a role that is new allows is told of the role.
func powerBound(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Ref().Group != rbacv1.GroupName || !o.Does(change.Create, change.Update) || o.New == nil || o.Idle() {
			continue
		}
		value, err := o.New.Value()
		if err != nil {
			continue
		}
		id := manifest.Identity{Group: rbacv1.GroupName, Kind: untyped.Text(value, "roleRef", "kind"), Name: untyped.Text(value, "roleRef", "name")}
		if id.Kind == "Role" {
			id.Namespace = o.Ref().Namespace
		}
		role := u.Object(id)
		if role == nil || role.Old == nil || role.Standing(upgrade.After) == nil {
			continue
		}
		fresh := freshSubjects(o)
		rules, err := role.Old.Value()
		if err != nil || len(fresh) == 0 {
			continue
		}
		if powers := exposure.Powers(rules); len(powers) > 0 {
			found = append(found, rule.Found{
				On: o, Message: fmt.Sprintf("%s gets %s %s, which %s", rule.Shortened(fresh), id.Kind, id.Name, rule.Shortened(powers)), Paths: rule.Edits(o.Change, "subjects", "roleRef"),
				Evidence: []change.Evidence{{What: "gets a powerful role", Objects: []manifest.Ref{role.Ref()}, Names: fresh}},
			})
		}
	}
	return found
}

// freshSubjects names the subjects that a binding gives its role from now on.
func freshSubjects(o *upgrade.Object) []string {
	read := func(side *manifest.Object) []string {
		if side == nil {
			return nil
		}
		value, err := side.Value()
		if err != nil {
			return nil
		}
		var list []string
		for _, s := range untyped.Maps(value, "subjects") {
			name := untyped.Text(s, "name")
			if namespace := untyped.Text(s, "namespace"); namespace != "" {
				name = namespace + "/" + name
			}
			list = append(list, untyped.Text(s, "kind")+" "+name)
		}
		return list
	}
	before := read(o.Change.Before())
	return slices.DeleteFunc(read(o.New), func(name string) bool { return slices.Contains(before, name) })
}
