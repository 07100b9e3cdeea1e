package data

import (
	"fmt"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// DefaultClassRules are about claims that leave it to the cluster how their volume is made.
func DefaultClassRules() []rule.Rule {
	return []rule.Rule{{
		ID: "default-class-gone", Risk: change.Stuck, Hangs: rule.AwaitsPods,
		Why: "a claim without storageClassName gets the default StorageClass when it is made, or once there is one (DefaultStorageClass in k8s.io/kubernetes/plugin/pkg/admission, " +
			"assignDefaultStorageClass in its pkg/controller/volume/persistentvolume): without one no volume is made for it, and it stays Pending, as do the pods that mount it",
		Fix:  "mark another StorageClass as the default (storageclass.kubernetes.io/is-default-class), or let the claim name its class",
		Find: defaultClassGone,
	}}
}

// defaultMarks are the annotations that make a StorageClass the default (IsDefaultAnnotation in
// k8s.io/kubernetes/pkg/volume/util).
var defaultMarks = []string{"storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"} //nolint:gochecknoglobals // a constant table

// isDefaultClass reports whether an object is a StorageClass for claims that name none.
func isDefaultClass(o *manifest.Object) bool {
	return o != nil && o.Ref.GroupKind() == "StorageClass.storage.k8s.io" && slices.ContainsFunc(defaultMarks, func(mark string) bool {
		is, _ := o.Annotation(mark)
		return is == "true"
	})
}

// defaultClassGone tells of claims without a class that are made when the default class of the
// release is no longer the default, and no other is known to be.
func defaultClassGone(u *upgrade.Upgrade) []rule.Found {
	class := lostDefault(u)
	if class == nil {
		return nil
	}
	how := fmt.Sprintf("StorageClass %s is no longer the default", class.Ref().Name)
	if class.Goes() {
		how = fmt.Sprintf("StorageClass %s, which was the default, is deleted", class.Ref().Name)
	}
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.New == nil || !o.Done() || o.Idle() || o.Runs() && o.Turn < class.Turn { // the class is the default as long as that hook runs
			continue
		}
		if claim := classless(u, o); claim != "" {
			found = append(found, rule.Found{
				On: o, Message: claim + " names no StorageClass, and " + how,
				Evidence: []change.Evidence{{What: "a claim without a class, and what was the default", Objects: []manifest.Ref{o.Ref(), class.Ref()}}},
			})
		}
	}
	return found
}

// lostDefault returns the StorageClass of the release that was the default and is so no more; nil if
// none is, or if another one is the default when the upgrade is over. A class by which volumes are made
// by hand makes none.
func lostDefault(u *upgrade.Upgrade) *upgrade.Object {
	var lost *upgrade.Object
	for i := range u.Objects {
		o := &u.Objects[i]
		if isDefaultClass(o.Standing(upgrade.After)) {
			return nil
		}
		if isDefaultClass(o.Old) && o.Does(change.Update, change.Delete) && untyped.Text(upgrade.Value(o.Old), "provisioner") != "kubernetes.io/no-provisioner" {
			lost = o
		}
	}
	if lost == nil || slices.ContainsFunc(u.Cluster, func(o *manifest.Object) bool { return isDefaultClass(o) && u.Object(o.Ref.Identity()) == nil }) {
		return nil
	}
	if u.Any(func(o *upgrade.Object) bool { // a volume without a class serves a claim without one
		volume := o.Standing(upgrade.After)
		return volume != nil && volume.Ref.GroupKind() == "PersistentVolume" && untyped.Text(upgrade.Spec(volume), "storageClassName") == ""
	}) {
		return nil
	}
	return lost
}

// classless says which claim without a class the upgrade makes because of an object: the object itself,
// or one for each new pod; "" if none.
func classless(u *upgrade.Upgrade, o *upgrade.Object) string {
	c := o.Change
	comes := c.Op == change.Create || c.Op == change.Recreate || o.Anew()
	more := c.Outcome.Pods != nil && c.Outcome.Pods.Desired > max(c.Outcome.Pods.Before, 0)
	switch value := upgrade.Value(o.New); {
	case o.Ref().GroupKind() == "PersistentVolumeClaim":
		if comes && leavesClass(value) {
			return "it"
		}
		return ""
	case o.Ref().GroupKind() == "StatefulSet.apps" && (comes || more):
		for _, t := range untyped.Maps(value, "spec", "volumeClaimTemplates") {
			if leavesClass(t) {
				return "volumeClaimTemplate " + untyped.Text(t, "metadata", "name")
			}
		}
	}
	if !rule.MakesPods(c) {
		return ""
	}
	for _, v := range untyped.Maps(u.Template(o.New), "spec", "volumes") {
		if t := untyped.Map(v, "ephemeral", "volumeClaimTemplate"); t != nil && leavesClass(t) {
			return "ephemeral volume " + untyped.Text(v, "name")
		}
	}
	return ""
}

// leavesClass reports whether a claim, or the template of one, leaves its class to the cluster. An
// empty name is the name of no class.
func leavesClass(claim map[string]any) bool {
	spec := untyped.Map(claim, "spec")
	_, written := spec["storageClassName"].(string)
	return !written && untyped.Text(spec, "volumeName") == "" && untyped.Text(claim, "metadata", "annotations", "volume.beta.kubernetes.io/storage-class") == ""
}
