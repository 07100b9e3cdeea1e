package action

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// HookSucceeded is the delete policy of hooks that go when they have succeeded.
const HookSucceeded = "hook-succeeded"

// Events are the hook events of this operation, the one before it first.
func (a *Action) Events() []string {
	switch {
	case a.NoHooks:
		return nil
	case a.Operation == change.Install:
		return []string{"pre-install", "post-install"}
	case a.Operation == change.Rollback:
		return []string{"pre-rollback", "post-rollback"}
	case a.Operation == change.Uninstall:
		return []string{"pre-delete", "post-delete"}
	default:
		return []string{"pre-upgrade", "post-upgrade"}
	}
}

// Hook describes the object as a hook of the new side, or of the old side if it
// is gone there; nil if it is none.
func (a *Action) Hook(p diff.Pair) *change.Hook {
	o := p.New
	if o == nil {
		o = p.Old
	}
	events := o.HookEvents()
	if len(events) == 0 {
		return nil
	}
	runs := p.New != nil &&
		slices.ContainsFunc(a.Events(), func(event string) bool { return slices.Contains(events, event) })
	return &change.Hook{Events: events, Runs: runs}
}

// Ran reports whether a hook of the installed release has run. Hooks of an upgrade
// have not if the release was only installed so far; where that is not known, they
// have.
func (a *Action) Ran(o *manifest.Object) bool {
	events := o.HookEvents()
	installed := slices.Contains(events, "pre-install") || slices.Contains(events, "post-install")
	upgraded := slices.Contains(events, "pre-upgrade") || slices.Contains(events, "post-upgrade")
	return installed || upgraded && (a.Release.Revision != 1 || a.Failed > 1)
}

// HasRun reports whether an object of the installed release is a hook that Helm has run at an
// event of this operation.
func (a *Action) HasRun(old *manifest.Object) bool {
	return old != nil && a.Ran(old) && slices.ContainsFunc(a.Events(), func(event string) bool { return slices.Contains(old.HookEvents(), event) })
}

// Stands reports whether an earlier run of a hook, or somebody else, has left its object in the
// cluster.
func (a *Action) Stands(p diff.Pair) bool {
	if value, known := a.Found(p.New.Ref); known {
		return value != nil
	}
	return a.Exists(p.New.Ref) != "" || p.Old != nil && diff.IsHook(p.Old) && a.Ran(p.Old) && !slices.Contains(p.Old.HookDeletePolicies(), HookSucceeded)
}

// Lasts reports whether an object is a hook that Helm makes without deleting first what
// an earlier run has left. A definition it never deletes.
func Lasts(o *manifest.Object) bool {
	return diff.IsHook(o) && o.Ref.Name != "" && (IsDefinition(o.Ref) || !slices.Contains(o.HookDeletePolicies(), "before-hook-creation"))
}

// IsDefinition goes by the kind alone, as Helm does (deleteHookByPolicy in
// helm.sh/helm/v3/pkg/action).
func IsDefinition(ref manifest.Ref) bool { return ref.Kind == "CustomResourceDefinition" }

// Steps are the objects in the order in which Helm takes them up.
func (a *Action) Steps(objects []upgrade.Object) []diff.Step {
	return diff.Steps(Pairs(objects), a.Events(), a.Release.Helm)
}

// Pairs are the two sides of each object.
func Pairs(objects []upgrade.Object) []diff.Pair {
	pairs := make([]diff.Pair, len(objects))
	for i := range objects {
		pairs[i] = objects[i].Pair
	}
	return pairs
}
