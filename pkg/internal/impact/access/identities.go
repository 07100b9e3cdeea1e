package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/exposure"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

const (
	automount = "automountServiceAccountToken"
	// azureUse is the label without which pods get no identity in Azure
	// (https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html).
	azureUse = "azure.workload.identity/use"
)

// stays reports whether an object runs pods on both sides of the upgrade, or starts them in
// time, as a CronJob does.
func stays(u *upgrade.Upgrade, o *upgrade.Object) *upgrade.Workload {
	w := u.PodsOf(o)
	if w == nil || w.Hook != nil {
		return nil
	}
	if w.Ref().Kind == "CronJob" && w.Old != nil && w.Standing(upgrade.After) != nil {
		return w
	}
	if w.Before == nil || w.After == nil || w.Ends {
		return nil
	}
	return w
}

// podSpec returns where the pod spec of a workload is.
func podSpec(u *upgrade.Upgrade, w *upgrade.Workload) fieldpath.Path {
	path, _ := u.Rollout.PodTemplate(w.Ref().Group, w.Ref().Kind)
	return fieldpath.Fields(path...).Child(fieldpath.Field("spec"))
}

// accountAt returns a ServiceAccount of the release at a moment; nil if the release has none of
// the name.
func accountAt(u *upgrade.Upgrade, id manifest.Identity, m upgrade.Moment) map[string]any {
	o := u.Object(id)
	if o == nil {
		return nil
	}
	return upgrade.Value(o.Standing(m))
}

// identityMoves reports whether an object changes because of which pods may have no identity in
// the cloud any more. Others are not decoded.
func identityMoves(o *upgrade.Object) bool {
	if !o.Does(change.Update) {
		return false
	}
	if o.Ref().Group == "" && o.Ref().Kind == "ServiceAccount" {
		return o.Edited("metadata", "annotations")
	}
	spec := o.Change.Outcome.PodSpec
	if spec == nil {
		return false
	}
	moving := []fieldpath.Path{
		spec.Child(fieldpath.Field("serviceAccountName")), spec.Child(fieldpath.Field("serviceAccount")),
		spec[:len(spec)-1].Join(fieldpath.Fields("metadata", "labels", azureUse)),
	}
	return slices.ContainsFunc(o.Change.Edits, func(e change.Edit) bool { return slices.ContainsFunc(moving, e.Path.Overlaps) })
}

// identitiesLost tells of workloads whose pods have no identity in the cloud any more.
func identitiesLost(u *upgrade.Upgrade) []rule.Found {
	if !u.Any(identityMoves) {
		return nil
	}
	var found []rule.Found
	for i := range u.Objects {
		w := stays(u, &u.Objects[i])
		if w == nil {
			continue
		}
		was, name := identityAt(u, w, upgrade.Before)
		is, _ := identityAt(u, w, upgrade.After)
		if was == "" || is != "" {
			continue
		}
		on := w.Object
		account := accountOf(u, w, upgrade.After)
		path := fieldpath.Fields("metadata", "annotations", name)
		if sa := u.Object(account); sa != nil && sa.Does(change.Update) && sa.Edited("metadata", "annotations", name) {
			on = sa
		} else if !w.Done() {
			continue
		} else {
			path = podSpec(u, w)
		}
		found = append(found, rule.Found{
			On: on, Message: fmt.Sprintf("%s runs as ServiceAccount %s and loses its cloud identity %s (%s)", w.Ref(), account.Name, was, name), Paths: []fieldpath.Path{path},
			Evidence: []change.Evidence{{What: "no identity in the cloud", Objects: []manifest.Ref{w.Ref()}, Names: []string{was}}},
		})
	}
	return found
}

// identityAt returns as what the pods of a workload act in the cloud at a moment, and the
// annotation that says so.
func identityAt(u *upgrade.Upgrade, w *upgrade.Workload, m upgrade.Moment) (identity, annotation string) {
	account := accountAt(u, accountOf(u, w, m), m)
	for _, name := range exposure.Identities() {
		value := untyped.Text(account, "metadata", "annotations", name)
		if value == "" || strings.HasSuffix(name, "tenant-id") {
			continue
		}
		if strings.HasPrefix(name, "azure.") {
			if untyped.Text(u.Template(w.Standing(m)), "metadata", "labels", azureUse) != "true" {
				continue
			}
		}
		return value, name
	}
	return "", ""
}

// tokensLost tells of workloads that may ask the API server for something, and get no token for
// that any more.
func tokensLost(u *upgrade.Upgrade) []rule.Found {
	if !u.Any(func(o *upgrade.Object) bool { return o.Does(change.Update) && len(rule.Edits(o.Change, automount)) > 0 }) {
		return nil
	}
	var found []rule.Found
	for i := range u.Objects {
		w := stays(u, &u.Objects[i])
		if w == nil || !tokenAt(u, w, upgrade.Before) || tokenAt(u, w, upgrade.After) {
			continue
		}
		account := accountOf(u, w, upgrade.After)
		rights := rightsOf(u, account, upgrade.After)
		on := w.Object
		path := podSpec(u, w).Child(fieldpath.Field(automount))
		if sa := u.Object(account); sa != nil && sa.Does(change.Update) && sa.Edited(automount) {
			on, path = sa, fieldpath.Fields(automount)
		}
		if len(rights) == 0 || !on.Done() {
			continue
		}
		found = append(found, rule.Found{
			On: on, Message: fmt.Sprintf("%s runs as ServiceAccount %s, which has rights in the release, and no longer gets its token", w.Ref(), account.Name),
			Paths:    []fieldpath.Path{path},
			Evidence: []change.Evidence{{What: "no token", Objects: []manifest.Ref{w.Ref(), rights[0].binding.Ref()}}},
		})
	}
	return found
}

// tokenAt reports whether the pods of a workload have a token of their ServiceAccount: one that
// is mounted by itself, or one of a projected volume for the API server.
func tokenAt(u *upgrade.Upgrade, w *upgrade.Workload, m upgrade.Moment) bool {
	template := u.Template(w.Standing(m))
	for _, volume := range untyped.Maps(template, "spec", "volumes") {
		for _, source := range untyped.Maps(volume, "projected", "sources") {
			if token, is := source["serviceAccountToken"].(map[string]any); is && untyped.Text(token, "audience") == "" {
				return true
			}
		}
	}
	if mounted, said := untyped.At(template, "spec", automount).(bool); said {
		return mounted
	}
	mounted, said := accountAt(u, accountOf(u, w, m), m)[automount].(bool)
	return mounted || !said
}

// DeniedWithout lists the workloads whose pods go on with a token of a ServiceAccount that is made
// anew, and that has rights in the release.
func DeniedWithout(u *upgrade.Upgrade, account *upgrade.Object) []manifest.Ref {
	id := account.Ref().Identity()
	if account.Ref().GroupKind() != "ServiceAccount" || len(rightsOf(u, id, upgrade.After)) == 0 {
		return nil
	}
	later := account.Change.Hook != nil && !slices.ContainsFunc(account.Change.Hook.Events, func(event string) bool { return strings.HasPrefix(event, "pre-") })
	var denied []manifest.Ref
	for i := range u.Objects {
		w := stays(u, &u.Objects[i])
		if w == nil || w.Ref().Kind == "CronJob" || accountOf(u, w, upgrade.After) != id || !tokenAt(u, w, upgrade.After) {
			continue
		}
		if later || u.KeepsPods(w.Object) {
			denied = append(denied, w.Ref())
		}
	}
	return denied
}
