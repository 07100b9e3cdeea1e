package safediff

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// bare writes down that a budget selects no pods from now on: in the budget if that
// changes, else in the workloads whose pods it has lost.
func (w *ward) bare(b *budget) {
	if b.after == nil || len(b.after.crews) > 0 {
		return
	}
	c := w.changed(b)
	var left []*crew
	if b.before != nil {
		left = slices.DeleteFunc(slices.Clone(b.before.crews), func(of *crew) bool { return of.passing || of.after == nil })
	}
	switch {
	case c != nil && (len(left) > 0 || c.Op == change.Create && w.idle(b)):
		c.Outcome.Unguarded = append(c.Outcome.Unguarded, change.Unguarded{Budget: b.ref, Workloads: refsOf(left)})
		classify(c)
	case c == nil:
		for _, of := range left {
			if c := w.judged[of.at].change; c != nil && done(c) && regroups(c) {
				c.Outcome.Unguarded = append(c.Outcome.Unguarded, change.Unguarded{Budget: b.ref, Workloads: []manifest.Ref{of.ref}})
				classify(c)
			}
		}
	}
}

// idle reports whether a new budget finds no pods, as far as that can be known: the
// cluster was asked, and nothing is in the release of which an operator may make some.
func (w *ward) idle(b *budget) bool {
	if w.running[b.ref.Namespace] == nil || !slices.ContainsFunc(w.crews, func(of *crew) bool { return of.after != nil && !of.passing }) {
		return false
	}
	for _, p := range w.pairs {
		if p.New != nil && !w.server.Builtin(p.New.Ref.Group, p.New.Ref.Kind) {
			return false
		}
	}
	return !slices.ContainsFunc(w.cluster, func(o *manifest.Object) bool {
		return o.Ref.Namespace == b.ref.Namespace && w.picks(b.after.selector, o)
	})
}
