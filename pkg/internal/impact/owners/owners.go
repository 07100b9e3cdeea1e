package owners

import (
	"fmt"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// OwnerRules are about objects that the garbage collector deletes, since none of their owners
// is there.
func OwnerRules() []rule.Rule {
	const (
		why = "the garbage collector deletes an object as soon as it sees that none of its owners exists, by name and UID; Helm does not notice, and the next upgrade does not bring it back"
		fix = "leave metadata.ownerReferences out of the chart; objects of the release are deleted with it anyway"
	)
	return []rule.Rule{
		{ID: "owner-missing-data", Risk: change.DataLoss, Why: why, Fix: fix, Find: ownerless(true)},
		{ID: "owner-missing", Risk: change.Outage, Why: why, Fix: fix, Find: ownerless(false)},
	}
}

// ownerless tells of objects without an owner that is there (attemptToDeleteItem in
// k8s.io/kubernetes/pkg/controller/garbagecollector), of those that hold data or of others.
func ownerless(data bool) func(*upgrade.Upgrade) []rule.Found {
	return func(u *upgrade.Upgrade) []rule.Found {
		var found []rule.Found
		for _, o := range u.Owned() {
			if holdsData(u, o.Ref()) != data {
				continue
			}
			refs, says := []manifest.Ref{o.Ref()}, ""
			for i := range o.Owners {
				owner := &o.Owners[i]
				p := u.Present(*owner)
				if p == upgrade.OwnerThere || unresolved(u, owner.Ref) {
					says = ""
					break
				}
				refs, says = append(refs, owner.Ref), collected(owner, p)
			}
			if says == "" {
				continue
			}
			found = append(found, rule.Found{
				On: o.Object, Message: says, Paths: []fieldpath.Path{fieldpath.Fields("metadata", "ownerReferences")},
				Evidence: []change.Evidence{{What: "owners that are not there", Objects: refs}},
			})
		}
		return found
	}
}

func collected(owner *upgrade.Owner, p upgrade.Presence) string {
	who := fmt.Sprintf("%s %s", owner.Kind, owner.Name)
	switch p {
	case upgrade.OwnerMissing:
		return "the garbage collector deletes it: its owner " + who + " is not there"
	case upgrade.OwnerOtherUID:
		return "the garbage collector deletes it: the " + who + " that is there has a different UID"
	default:
		return fmt.Sprintf("the garbage collector deletes it, unless %s with the UID %s is there", who, owner.UID)
	}
}

// unresolved reports whether the garbage collector cannot look for an owner, and leaves the
// object alone: the kind is none of Kubernetes' own.
func unresolved(u *upgrade.Upgrade, owner manifest.Ref) bool {
	return rule.OfKubernetes(owner.Group) && !u.Builtin(owner.Group, owner.Kind)
}

// holdsData reports whether objects of a kind are, or hold, what is not in the chart.
func holdsData(u *upgrade.Upgrade, ref manifest.Ref) bool {
	row := owningOf(ref)
	return row != nil && row.risk == change.DataLoss || slices.Contains([]string{
		"PersistentVolumeClaim", "PersistentVolume", "Secret", "ConfigMap", "Namespace", "CustomResourceDefinition.apiextensions.k8s.io",
	}, ref.GroupKind()) && u.Builtin(ref.Group, ref.Kind)
}
