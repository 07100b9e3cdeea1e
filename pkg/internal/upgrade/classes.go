package upgrade

import (
	"fmt"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
)

// needsClass reports whether a volume is to be made by a StorageClass that goes. Claims that are
// there keep the volumes that they have, and a volume of the release that names the class serves a
// claim without it (syncUnboundClaim in k8s.io/kubernetes/pkg/controller/volume/persistentvolume).
func (u *Upgrade) needsClass(from, class *Object, at fieldpath.Path) bool {
	if untyped.Text(Value(class.Old), "provisioner") == "kubernetes.io/no-provisioner" {
		return false
	}
	if u.Any(func(o *Object) bool {
		return o.Ref().GroupKind() == "PersistentVolume" && untyped.Text(Value(o.Standing(After)), "spec", "storageClassName") == class.Ref().Name
	}) {
		return false
	}
	template := slices.ContainsFunc(at, func(e fieldpath.Element) bool { return e.Field == "ephemeral" })
	return template || from.Change != nil && starts(from.Change)
}

// unpulled notes that a Secret goes with which images are pulled.
func (u *Upgrade) unpulled(from, secret *Object) {
	doubt := change.Doubt{Hides: change.Stuck, Reason: fmt.Sprintf(
		"%s still names it in imagePullSecrets: whether the registry gives the images to pods that start without it was not judged", from.Ref())}
	if len(u.makers(secret.Ref().Name, from, secret)) > 0 {
		doubt.Never = true // something may make it anew
	}
	u.links.Notes = append(u.links.Notes, Note{secret, doubt})
}
