package upgrade

import (
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Owned is an object that gets owners in this upgrade: the garbage collector deletes it once
// none of them is there.
type Owned struct {
	*Object
	Owners []Owner
}

// Owner is one that an object names in its ownerReferences: in its own namespace, or in none.
type Owner struct {
	manifest.Ref
	UID string
}

// Owned returns the objects that come with owners, or get others.
func (u *Upgrade) Owned() []Owned {
	var list []Owned
	for i := range u.Objects {
		o := &u.Objects[i]
		if !o.Does(change.Create, change.Update, change.Recreate) || o.Idle() || o.New == nil || !o.New.MayHold("ownerReferences") {
			continue
		}
		owners := ownersOf(o.New)
		if o.Old != nil && o.Change.Op == change.Update && (len(ownersOf(o.Old)) > 0 && !o.Edited("metadata", "ownerReferences") || !o.Change.Outcome.Changed) {
			continue // it has lived with them
		}
		if len(owners) > 0 {
			list = append(list, Owned{o, owners})
		}
	}
	return list
}

func ownersOf(o *manifest.Object) []Owner {
	value, err := o.Value()
	if err != nil {
		return nil
	}
	var owners []Owner
	for _, entry := range untyped.Maps(value, "metadata", "ownerReferences") {
		group, version, found := strings.Cut(untyped.Text(entry, "apiVersion"), "/")
		if !found {
			group, version = "", group
		}
		owners = append(owners, Owner{UID: untyped.Text(entry, "uid"), Ref: manifest.Ref{
			Group: group, Version: version, Kind: untyped.Text(entry, "kind"), Namespace: o.Ref.Namespace, Name: untyped.Text(entry, "name"),
		}})
	}
	return owners
}

// Presence is what is known of an owner.
type Presence int

// What may be known of an owner.
const (
	OwnerUnknown  Presence = iota
	OwnerThere             // it is there when the upgrade is over
	OwnerMissing           // nothing of that name is
	OwnerOtherUID          // one of that name is there, and it is not the one that is meant
)

// Present tells whether an owner is there when the upgrade is over. Of an object of the
// release the manifests do not tell which UID it has, nor does the chart know.
func (u *Upgrade) Present(owner Owner) Presence {
	own := u.Object(owner.Identity())
	everywhere := owner.Ref
	everywhere.Namespace = ""
	if own == nil {
		own = u.Object(everywhere.Identity())
	}
	if own != nil && (own.Goes() || own.Standing(After) == nil) {
		return OwnerMissing
	}
	for _, ref := range []manifest.Ref{owner.Ref, everywhere} {
		value, known := u.Found(ref)
		if !known {
			value, known = u.Elsewhere.Object(ref)
		}
		if p := sameUID(value, owner.UID); known && p != OwnerMissing {
			return p
		}
		for _, o := range u.Cluster {
			if o.Ref.Identity() == ref.Identity() {
				value, err := o.Value()
				if p := sameUID(value, owner.UID); err == nil && p != OwnerMissing {
					return p
				}
			}
		}
	}
	if _, known := u.Elsewhere.Object(owner.Ref); known && u.Elsewhere != nil && own == nil {
		return OwnerMissing
	}
	return OwnerUnknown
}

func sameUID(value map[string]any, uid string) Presence {
	is := untyped.Text(value, "metadata", "uid")
	switch {
	case value == nil:
		return OwnerMissing
	case is == "":
		return OwnerUnknown
	case is == uid:
		return OwnerThere
	default:
		return OwnerOtherUID
	}
}
