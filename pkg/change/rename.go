package change

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Rename joins an object that leaves the release and a new object that is the same under
// another name. To Helm and the API server, they are still two objects, and nothing that
// the cluster has for the old one passes to the new one.
type Rename struct {
	// Old and New are the two objects. Was is the old one as in its manifest.
	Old, New manifest.Ref
	Was      *manifest.Object
	// Edits are the differences between the two manifests other than names.
	Edits []Edit
	// Stays says that the old object is still in the cluster afterwards: it is kept, or the
	// upgrade fails before it is deleted.
	Stays bool
	// Claims is set for a workload whose new pods do not get the old volumes.
	Claims *Claims
	// Filled says that a new PersistentVolumeClaim does not begin with an empty volume.
	Filled bool
}

// Claims are the PersistentVolumeClaims of a renamed workload.
type Claims struct {
	// Behind names the claims that the old workload leaves, Empty the claims with which the
	// new one begins.
	Behind, Empty []string
	// Uncounted says that there may be others.
	Uncounted bool
}

// Before returns what the object was, also under another name; nil if there was none of its
// kind.
func (c *Change) Before() *manifest.Object {
	if c.Op == Create && c.Renamed != nil && c.Renamed.Old.Kind == c.Ref.Kind {
		return c.Renamed.Was
	}
	return c.Old
}

// Other returns the other half of a renamed object.
func (c *Change) Other() manifest.Ref {
	if c.Op == Create {
		return c.Renamed.Old
	}
	return c.Renamed.New
}

func (r *Rename) revealed() *Rename {
	if r == nil {
		return nil
	}
	shown := *r
	shown.Edits = slices.Clone(r.Edits)
	for i := range shown.Edits {
		shown.Edits[i].reveal()
	}
	return &shown
}
