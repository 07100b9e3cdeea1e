package change

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Rename is what an object that leaves the release and one that comes into it are
// together: the same one under another name. To Helm and the API server they stay
// two, and nothing of what the cluster has of the old one passes on to the new.
type Rename struct {
	// Old and New are the two halves, Was the old one as its manifest has it.
	Old, New manifest.Ref
	Was      *manifest.Object
	// Edits tells in what the new manifest differs from the old one beyond names.
	Edits []Edit
	// Stays says that the old one is still in the cluster afterwards: it is kept, or
	// the upgrade fails before it is deleted.
	Stays bool
	// Claims is set for a workload whose volumes do not pass on.
	Claims *Claims
	// Filled says of a PersistentVolumeClaim that the new one does not begin with an
	// empty volume.
	Filled bool
}

// Claims are the PersistentVolumeClaims of a workload that is renamed.
type Claims struct {
	// Behind names those that the old workload leaves, Empty those with which the
	// new one begins.
	Behind, Empty []string
	// Uncounted says that there may be others.
	Uncounted bool
}

// Before returns what the object was, under another name too; nil if there was none of
// its kind.
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
