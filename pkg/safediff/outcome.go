package safediff

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// outcome asks the API server about what Helm will do with the object.
func (j *judge) outcome(p diff.Pair, c *change.Change) (apiserver.Result, error) { //nolint:cyclop // one case for each thing that Helm does
	value, known := j.found(c.Ref)
	gone := known && value == nil
	switch {
	case c.Op == change.Keep:
		return apiserver.Result{}, nil
	case c.Op == change.Delete, c.Op == change.Recreate:
		if becomesHook(p) && c.Hook.Runs {
			if result, err := j.firstRun(p, c); err != nil || len(result.Outcome.Refused) > 0 {
				return result, err
			}
		}
		return j.server.Stored(p.Old, j.inVersion(p.Old.Ref))
	case diff.IsHook(p.New):
		if !c.Hook.Runs {
			return apiserver.Result{}, nil
		}
		left, unclear := j.leftOver(p, value, known)
		if left {
			return j.remake(p, value)
		}
		return j.runHook(p, c, unclear)
	case p.New.Ref.Name == "":
		return nameless(), nil
	case p.Old != nil && diff.IsHook(p.Old) && !known:
		c.Op = change.Create
		return j.adopt(p)
	case value != nil && (p.Old == nil || diff.IsHook(p.Old)):
		return j.takeOver(p.New, value, c)
	case p.Old == nil && !known && p.New.Kept() && j.opts.Operation == change.Rollback:
		if back := j.overKept(p.New); len(back) > 0 {
			c.Op = change.Update
			return apiserver.Result{Outcome: change.Outcome{Changed: true, Refused: back}}, nil
		}
		return j.create(p.New)
	case p.Old == nil && !known && !j.opts.TakeOwnership && j.opts.Operation != change.Rollback && j.exists(c.Ref) != "":
		c.Op = change.Create
		return unowned(j.exists(c.Ref)), nil
	case p.Old == nil, gone:
		c.Op, c.Old, c.Edits = change.Create, nil, nil
		result, err := j.create(p.New)
		if p.Old != nil && collects(p.Old) {
			result.Unchecked = append(result.Unchecked, change.Doubt{Reason: runsAgain})
		}
		return result, err
	default:
		result, err := j.update(p.Old, p.New, j.inVersion(p.New.Ref))
		if err == nil && len(result.Outcome.Refused) > 0 && collects(p.Old) {
			return collected(result, p.Old, value), nil
		}
		return result, err
	}
}

// takeOver judges an object that is not part of the release and that Helm finds in
// the cluster. It refuses to touch it unless it carries the marks of the release, or
// Helm is told to take it over; then it sends the difference between what is there
// and the manifest (existingResourceConflict in helm.sh/helm/v3/pkg/action).
func (j *judge) takeOver(o *manifest.Object, value map[string]any, c *change.Change) (apiserver.Result, error) {
	if back := j.overKept(o); len(back) > 0 {
		c.Op = change.Update
		return apiserver.Result{Outcome: change.Outcome{Changed: true, Refused: back}}, nil
	}
	reason := disowned(value, j.opts.Release.Name, j.opts.Release.Namespace)
	if reason == "" || j.opts.TakeOwnership {
		c.Op = change.Update
		result, err := j.update(o, o, j.inVersion(o.Ref))
		result.Assumed = nil // nobody knows what it was meant to be
		return result, err
	}
	c.Op = change.Create
	return apiserver.Result{Outcome: change.Outcome{Upfront: true, Refused: []change.FieldError{{
		Type: "AlreadyExists", Message: "exists and cannot be imported into the current release: " + reason,
	}}}}, nil
}

// overKept tells why a rollback over an object fails that is in the cluster and not in the
// manifest that Helm rolls back from, since it was kept: it merges with what is there for
// what was meant, and takes out of it whatever the manifest does not say, the version
// included that some kinds ask for. Server-side apply does not.
func (j *judge) overKept(o *manifest.Object) []change.FieldError {
	if j.opts.Operation != change.Rollback || j.opts.ServerSide {
		return nil
	}
	return j.server.BackKept(o, o, j.inVersion(o.Ref)).Refused
}

// update asks the API server about an update, and if it refuses that, whether it
// would refuse the new object also if there were none before.
func (j *judge) update(old, updated *manifest.Object, live map[string]any) (apiserver.Result, error) {
	result, err := j.server.Update(old, updated, live)
	if err != nil || len(result.Outcome.Refused) == 0 {
		return result, err
	}
	alone, err := j.server.Rejected(updated)
	for i := range result.Outcome.Refused {
		e := &result.Outcome.Refused[i]
		e.Itself = slices.ContainsFunc(alone, func(other change.FieldError) bool {
			undecoded := e.Field == "patch" && other.Field == "" && other.Message == e.Message
			return other.Field == e.Field || undecoded
		})
	}
	return result, err
}

// create asks the API server about a new object.
func (j *judge) create(o *manifest.Object) (apiserver.Result, error) {
	result, err := j.server.Admitting(j.guards.during(o).Mutator(), j.guards.installed.Mutator()).Create(o)
	for i := range result.Outcome.Refused {
		result.Outcome.Refused[i].Itself = true
	}
	return result, err
}

// nameless is what becomes of an object of the release whose name the API server
// is to generate: when Helm comes to it, it looks for it in the cluster and cannot.
// Only hooks are made without being looked for.
func nameless() apiserver.Result {
	return apiserver.Result{Outcome: change.Outcome{Refused: []change.FieldError{{
		Field: "metadata.name", Type: "Required", Message: "resource name may not be empty",
	}}}, Unchecked: []change.Doubt{{Reason: "Helm 3 finds out before it changes anything, Helm 4 when it comes to the object: which of the two will run is not known"}}}
}

// adopt judges an object that was a hook and is to become part of the release.
// Helm refuses to take over an object that does not carry its marks, which hooks
// do not (existingResourceConflict in helm.sh/helm/v3/pkg/action). A rollback does
// not look (performRollback there).
func (j *judge) adopt(p diff.Pair) (apiserver.Result, error) {
	result, err := j.create(p.New)
	if err != nil || !j.ran(p.Old) {
		return result, err
	}
	if j.opts.TakeOwnership || j.opts.Operation == change.Rollback {
		return j.update(p.Old, p.New, nil)
	}
	if slices.Contains(p.Old.HookDeletePolicies(), "hook-succeeded") {
		result.Unchecked = append(result.Unchecked, change.Doubt{
			Reason: "the object was a hook that deletes itself; if it is still there, Helm refuses to take it over", Hides: change.Rejected,
		})
		return result, nil
	}
	result.Outcome = change.Outcome{Upfront: true, Refused: []change.FieldError{{
		Type:    "AlreadyExists",
		Message: "exists and cannot be imported into the current release: invalid ownership metadata",
	}}}
	return result, nil
}

// ran reports whether a hook of the installed release has run. Hooks of an upgrade
// have not if the release was only installed so far; where that is not known, they
// have.
func (j *judge) ran(o *manifest.Object) bool {
	events := o.HookEvents()
	installed := slices.Contains(events, "pre-install") || slices.Contains(events, "post-install")
	upgraded := slices.Contains(events, "pre-upgrade") || slices.Contains(events, "post-upgrade")
	return installed || upgraded && (j.opts.Release.Revision != 1 || j.opts.Failed > 1)
}

// hook describes the object as a hook of the new side, or of the old side if it
// is gone there; nil if it is none.
func (j *judge) hook(p diff.Pair) *change.Hook {
	o := p.New
	if o == nil {
		o = p.Old
	}
	events := o.HookEvents()
	if len(events) == 0 {
		return nil
	}
	runs := p.New != nil &&
		slices.ContainsFunc(j.events(), func(event string) bool { return slices.Contains(events, event) })
	return &change.Hook{Events: events, Runs: runs}
}

// remade reports whether an object that becomes a hook is there after the upgrade.
// Helm deletes what left the release after it has run the hooks before the
// upgrade, and with it what these have made.
func (j *judge) remade(hook *change.Hook) bool {
	running := j.events()
	return hook.Runs && slices.Contains(hook.Events, running[len(running)-1])
}

// events are the hook events of this operation, the one before it first.
func (j *judge) events() []string {
	switch {
	case j.opts.NoHooks:
		return nil
	case j.opts.Operation == change.Install:
		return []string{"pre-install", "post-install"}
	case j.opts.Operation == change.Rollback:
		return []string{"pre-rollback", "post-rollback"}
	case j.opts.Operation == change.Uninstall:
		return []string{"pre-delete", "post-delete"}
	default:
		return []string{"pre-upgrade", "post-upgrade"}
	}
}
