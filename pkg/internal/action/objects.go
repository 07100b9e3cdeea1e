package action

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Objects are the manifests of both sides of an upgrade, and what is known of the cluster besides.
type Objects struct {
	Old, Updated []*manifest.Object
	// Cluster are the objects that are known to be in the cluster, Unread the kinds of which not all
	// could be read.
	Cluster []*manifest.Object
	Unread  map[string]bool
}

// After lists what is in the cluster when the upgrade is over, as far as it is known.
func (o *Objects) After() []*manifest.Object {
	if len(o.Cluster) == 0 {
		return o.Updated
	}
	touched := map[manifest.Identity]bool{}
	for _, own := range slices.Concat(o.Old, o.Updated) {
		touched[own.Ref.Identity()] = true
	}
	others := slices.DeleteFunc(slices.Clone(o.Cluster), func(other *manifest.Object) bool { return touched[other.Ref.Identity()] })
	return slices.Concat(o.Updated, others)
}
