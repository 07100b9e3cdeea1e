package admissionreview

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/admission"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// hookRuns is what is known of the hooks of an upgrade before any object is judged.
type hookRuns struct {
	pairs []diff.Pair
	// events are those of the operation, the one before it first.
	events []string
	// ran reports whether a hook of the installed release has run.
	ran func(*manifest.Object) bool
	// asked says that the cluster has told what is there, waits that Helm waits for new pods.
	asked, waits bool
	// helm is the major version of Helm.
	helm int
}

// hookRuns returns that.
func (a *Review) hookRuns(pairs []diff.Pair) hookRuns {
	return hookRuns{pairs: pairs, events: a.Events(), ran: a.Ran, asked: a.Asked, waits: a.Release.Waits, helm: a.Release.Helm}
}

// hooks are those of the first or the second event, in Helm's order.
func (r *hookRuns) hooks(event int) []*manifest.Object {
	if event >= len(r.events) {
		return nil
	}
	var list []*manifest.Object
	for _, i := range diff.Hooks(r.pairs, r.events[event], r.helm) {
		list = append(list, r.pairs[i].New)
	}
	return list
}

// left reports whether a hook of the installed release is in the cluster: it has run, and Helm
// does not delete it when it succeeds. A cluster that was asked for its kind has told.
func (r *hookRuns) left(o *manifest.Object, unread map[string]bool) bool {
	return r.ran(o) && !slices.Contains(o.HookDeletePolicies(), action.HookSucceeded) && (!r.asked || unread[o.Ref.Kind])
}

// meet notes which guards each hook of an event meets, and returns those that are there when all
// have run. first are those that the first of them meets, made of list.
func (g *guards) meet(hooks, list []*manifest.Object, first *admission.Guards, of func([]*manifest.Object) *admission.Guards) []*manifest.Object {
	met := first
	for _, o := range hooks {
		if _, known := g.atHook[o]; !known { // of both events the first counts
			g.atHook[o] = met
		}
		if guarding(o) {
			list = append(without(list, o), o)
			met = of(list)
			met.Used(g.early)
		}
	}
	for _, o := range hooks {
		if guarding(o) && slices.Contains(o.HookDeletePolicies(), action.HookSucceeded) {
			list = without(list, o)
		}
	}
	return list
}

// without returns a list without the object of that name.
func without(list []*manifest.Object, o *manifest.Object) []*manifest.Object {
	return slices.DeleteFunc(slices.Clone(list), func(other *manifest.Object) bool { return other.Ref.Identity() == o.Ref.Identity() })
}

// keptGuards are the guards among some objects that are hooks, which Helm leaves in the cluster
// when the upgrade deletes what left the release.
func (a *Review) keptGuards(list []*manifest.Object) []*manifest.Object {
	hooks := map[manifest.Identity]bool{}
	for _, o := range slices.Concat(a.Old, a.Updated) {
		hooks[o.Ref.Identity()] = diff.IsHook(o) && guarding(o)
	}
	for _, o := range a.Old {
		if !diff.IsHook(o) {
			delete(hooks, o.Ref.Identity())
		}
	}
	return slices.DeleteFunc(slices.Clone(list), func(o *manifest.Object) bool { return !hooks[o.Ref.Identity()] })
}
