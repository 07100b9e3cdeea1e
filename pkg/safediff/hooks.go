package safediff

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

const leftUnlessCollected = "the delete policy of the hook leaves its object in the cluster, and the next one cannot be made: " +
	"whether Kubernetes has collected it by now (ttlSecondsAfterFinished) is not known"

// lasts reports whether an object is a hook that Helm makes without deleting first what
// an earlier run has left.
func lasts(o *manifest.Object) bool {
	return diff.IsHook(o) && o.Ref.Name != "" && !slices.Contains(o.HookDeletePolicies(), "before-hook-creation")
}

// leftOver reports whether what an earlier run of a hook has left is in the way of this
// one (execHook in helm.sh/helm/v3/pkg/action). Without a look at the cluster it is
// there if the hook has run, as the installed release has it, and its policies leave it
// when it succeeds: without that the release would have failed. value is what the
// cluster has, if that is known.
func (j *judge) leftOver(p diff.Pair, value map[string]any, known bool) (left bool, unclear []string) {
	switch {
	case !lasts(p.New):
		return false, nil
	case known:
		return value != nil, nil
	case p.Old == nil || !diff.IsHook(p.Old) || !j.ran(p.Old) || slices.Contains(p.Old.HookDeletePolicies(), "hook-succeeded"):
		return false, nil
	case specOf(p.Old)["ttlSecondsAfterFinished"] != nil:
		return false, []string{leftUnlessCollected}
	default:
		return true, nil
	}
}

// remake judges a hook whose object is there already. A three-way merge has no part in
// hooks, and Helm fails to create it; server-side apply makes of it what the hook says.
func (j *judge) remake(p diff.Pair, value map[string]any) (apiserver.Result, error) {
	if !j.opts.ServerSide {
		return apiserver.Result{Outcome: change.Outcome{Refused: []change.FieldError{{Type: "AlreadyExists", Message: "already exists: an earlier run has left it"}}}}, nil
	}
	old := p.Old
	if old == nil {
		old = p.New
	}
	result, err := j.update(old, p.New, value)
	result.New = nil // that its pods go is what hooks are for
	return result, err
}

// hooks lists the hooks that Helm comes to: of a refused object it ends before those
// behind it.
func (j *judge) hooks(pairs []diff.Pair, set *change.Set) []change.HookRun {
	changes := make(map[*manifest.Object]*change.Change, len(set.Changes))
	failed := [2]bool{} // before the hooks of an event are all done
	for i := range set.Changes {
		c := &set.Changes[i]
		changes[c.New] = c
		failed[0] = failed[0] || c.Outcome.Upfront
		failed[1] = failed[1] || len(c.Outcome.Refused) > 0
	}
	compares := j.opts.Operation != change.Install && j.opts.Operation != change.Uninstall
	var runs []change.HookRun
	for at, event := range j.events() {
		for _, i := range diff.Hooks(pairs, event) {
			p := pairs[i]
			c := changes[p.New]
			if failed[at] || c != nil && !done(c) {
				break
			}
			_, owner := j.rollout.PodTemplate(p.New.Ref.Group, p.New.Ref.Kind)
			ref := p.New.Ref
			if ref.Name == "" {
				ref.Name = p.New.GenerateName + "*"
			}
			runs = append(runs, change.HookRun{
				Ref: ref, Event: event, Pods: owner,
				New: compares && (p.Old == nil || !diff.IsHook(p.Old)), Edited: c != nil && c.Op != change.Create && !c.Hidden(),
			})
		}
	}
	return runs
}
