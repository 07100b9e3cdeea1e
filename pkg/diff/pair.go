// Package diff pairs the objects of two manifests as Helm does and lists the
// fields in which two objects differ. It knows nothing of what a kind means.
package diff

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Pair is one object on both sides; one of the two is nil if it stands on the
// other side only.
type Pair struct {
	Old, New *manifest.Object
	// Uninstalls says that the release goes as a whole: then the resource policy is read
	// otherwise.
	Uninstalls bool
}

// Forget keeps the memory small that a large release takes: what has been judged
// is needed again only by a report that shows whole objects.
func (p Pair) Forget() {
	if p.Old != nil {
		p.Old.Forget()
	}
	if p.New != nil {
		p.New.Forget()
	}
}

// Pairs matches the objects of two manifests by Helm's identity: name,
// namespace, group and kind. Of objects that share an identity within one manifest
// only the last is paired, as it is what stays of them; Duplicates names the others.
// Objects whose name the API server generates are matched in the order in which
// they stand there, hooks with hooks first. The order is that of the new manifest,
// followed by what only the old one holds.
func Pairs(old, updated []*manifest.Object) []Pair {
	if pairs := inStep(old, updated); pairs != nil {
		return pairs
	}
	old, _ = copies(old)
	updated, _ = copies(updated)
	waiting := make(map[key][]*manifest.Object, len(old))
	for _, o := range old {
		k := keyOf(o)
		waiting[k] = append(waiting[k], o)
	}
	take := func(k key) *manifest.Object {
		queue := waiting[k]
		if len(queue) == 0 {
			return nil
		}
		waiting[k] = queue[1:]
		return queue[0]
	}
	pairs := make([]Pair, 0, max(len(old), len(updated)))
	paired := make(map[*manifest.Object]bool, len(old))
	for _, n := range updated {
		partner := take(keyOf(n))
		paired[partner] = true
		pairs = append(pairs, Pair{Old: partner, New: n})
	}
	for i := range pairs {
		if pairs[i].Old != nil {
			continue
		}
		// An object that became a hook, or stopped being one, is still the
		// same object to the API server.
		k := keyOf(pairs[i].New)
		k.hook = !k.hook
		if partner := take(k); partner != nil {
			pairs[i].Old = partner
			paired[partner] = true
		}
	}
	for _, o := range old {
		if !paired[o] {
			pairs = append(pairs, Pair{Old: o})
		}
	}
	return pairs
}

// inStep pairs two manifests that have the same objects in the same order, as most upgrades
// have, and each of them once; nil if they have not.
func inStep(old, updated []*manifest.Object) []Pair {
	if len(old) != len(updated) {
		return nil
	}
	pairs, seen := make([]Pair, len(old)), make(map[key]bool, len(old))
	for i, o := range old {
		k := keyOf(o)
		if o.Ref.Name == "" || seen[k] || k != keyOf(updated[i]) {
			return nil
		}
		seen[k], pairs[i] = true, Pair{Old: o, New: updated[i]}
	}
	return pairs
}

type key struct {
	manifest.Identity
	generateName string
	hook         bool
}

func keyOf(o *manifest.Object) key {
	return key{o.Ref.Identity(), o.GenerateName, IsHook(o)}
}

// IsHook reports whether Helm treats the object as a hook.
func IsHook(o *manifest.Object) bool { return len(o.HookEvents()) > 0 }

// Duplicates returns the objects that share their identity with a later one of
// the same manifest. Helm applies such copies one after the other.
func Duplicates(objects []*manifest.Object) []*manifest.Object {
	_, earlier := copies(objects)
	return earlier
}

// copies parts the last copy of each object from those that stand before it.
func copies(objects []*manifest.Object) (last, earlier []*manifest.Object) {
	seen := make(map[key]bool, len(objects))
	last = make([]*manifest.Object, 0, len(objects))
	for _, o := range slices.Backward(objects) {
		k := keyOf(o)
		if o.Ref.Name != "" && seen[k] {
			earlier = append(earlier, o)
			continue
		}
		seen[k] = true
		last = append(last, o)
	}
	slices.Reverse(last)
	slices.Reverse(earlier)
	return last, earlier
}

// Ref names the object, as the new side has it if it is there.
func (p Pair) Ref() manifest.Ref {
	if p.New != nil {
		return p.New.Ref
	}
	return p.Old.Ref
}

// Op returns what Helm does with the object of a pair, provided that the cluster
// accepts it.
func (p Pair) Op() change.Op {
	switch {
	case p.Old == nil:
		return change.Create
	case p.New == nil:
		if p.kept() || IsHook(p.Old) {
			return change.Keep
		}
		return change.Delete
	case IsHook(p.New) && !IsHook(p.Old):
		return change.Recreate
	default:
		return change.Update
	}
}

// kept reports whether the resource policy leaves an object in the cluster that leaves the
// release.
func (p Pair) kept() bool {
	if p.Uninstalls {
		stays, _ := p.Old.Outlives()
		return stays
	}
	return p.Old.Kept()
}
