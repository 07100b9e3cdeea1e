package safediff

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/edits"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Why something that rotates may not rotate in the next upgrade.
const (
	unlessLookedUp = "rendered without a cluster: lookup found nothing"
	unlessMade     = "lookup cannot find yet what this upgrade is the first to make"
)

// rotating compares the new side with what came out when it was rendered once more,
// and returns what differs: the fields of each object that rotate, or none where the
// object's name does. Objects that came out the same are not in it. Without a second
// rendering it is what the caller knows.
func (in *input) rotating(known []change.Rotation) (map[*manifest.Object][]fieldpath.Path, error) {
	found := map[*manifest.Object][]fieldpath.Path{}
	if len(in.again) == 0 {
		for i := range known {
			for _, o := range in.Updated {
				if r := &known[i]; len(r.Paths) > 0 && o.Ref.Identity() == r.Ref.Identity() {
					found[o] = r.Paths
				}
			}
		}
		return found, nil
	}
	for _, p := range diff.Pairs(in.again, in.Updated) {
		switch {
		case p.New == nil || p.New.IsTest() || p.Old != nil && p.Old.SameText(p.New):
			continue // no upgrade makes a test
		case p.Old == nil:
			found[p.New] = nil
			continue
		}
		list, err := edits.Of(p.Old, p.New)
		p.Forget()
		if err != nil {
			return nil, err
		}
		for i := range list {
			found[p.New] = append(found[p.New], list[i].Path)
		}
	}
	return found, nil
}

// turn marks the edits that are about nothing but what rotates. What is in a
// larger part of the object that is on one side only is none of them.
func turn(list []change.Edit, rotating []fieldpath.Path) {
	for i := range list {
		list[i].Rotates = slices.ContainsFunc(rotating, func(p fieldpath.Path) bool {
			return len(list[i].Path) >= len(p) && list[i].Path.Overlaps(p)
		})
	}
}

// rotations lists what rotates, by object, once it is known what becomes of pods.
func rotations(pairs []diff.Pair, rotating map[*manifest.Object][]fieldpath.Path, set *change.Set, again Again) []change.Rotation {
	if len(rotating) == 0 {
		return nil
	}
	changes := make(map[*manifest.Object]*change.Change, len(set.Changes))
	for i := range set.Changes {
		changes[set.Changes[i].New] = &set.Changes[i]
	}
	var list []change.Rotation
	unless := ""
	for _, p := range pairs {
		paths, rotates := rotating[p.New]
		if !rotates {
			continue
		}
		c := changes[p.New]
		list = append(list, change.Rotation{Ref: p.New.Ref, Paths: paths, Restarts: c != nil && restarted(c, paths)})
		switch {
		case again.LooksUp && again.Offline:
			unless = unlessLookedUp
		case again.LooksUp && c != nil && first(c, paths):
			unless = unlessMade
		}
	}
	for i := range list {
		list[i].Unless = unless
	}
	slices.SortStableFunc(list, func(a, b change.Rotation) int { return a.Ref.Compare(b.Ref) })
	return list
}

// restarted reports whether pods are replaced because of some of the fields.
func restarted(c *change.Change, paths []fieldpath.Path) bool {
	pods := c.Outcome.Pods
	return c.Op == change.Update && pods != nil && pods.Replaced && slices.ContainsFunc(pods.Causes, func(cause fieldpath.Path) bool {
		return slices.ContainsFunc(paths, cause.Overlaps)
	})
}

// first reports whether this upgrade is the first to make some of the fields, so that
// no template could have looked them up.
func first(c *change.Change, paths []fieldpath.Path) bool {
	return len(paths) > 0 && (c.Old == nil || slices.ContainsFunc(c.Edits, func(e change.Edit) bool {
		return !e.Old.Present() && slices.ContainsFunc(paths, e.Path.Overlaps)
	}))
}
