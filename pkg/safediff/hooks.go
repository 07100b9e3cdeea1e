package safediff

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/reference"
	"github.com/safe-diff/helm-safe-diff/pkg/risk"
)

const leftUnlessCollected = "the delete policy of the hook leaves its object in the cluster, and the next one cannot be made: " +
	"whether Kubernetes has collected it by now (ttlSecondsAfterFinished) is not known"

const remadeCustom = "Helm deletes it and makes it anew each time that it runs the hook: what its operator deletes with it was not judged"

// lasts reports whether an object is a hook that Helm makes without deleting first what
// an earlier run has left. A definition it never deletes.
func lasts(o *manifest.Object) bool {
	return diff.IsHook(o) && o.Ref.Name != "" && (isDefinition(o.Ref) || !slices.Contains(o.HookDeletePolicies(), "before-hook-creation"))
}

// isDefinition goes by the kind alone, as Helm does (deleteHookByPolicy in
// helm.sh/helm/v3/pkg/action).
func isDefinition(ref manifest.Ref) bool { return ref.Kind == "CustomResourceDefinition" }

// leftOver reports whether what an earlier run of a hook has left is in the way of this
// one (execHook in helm.sh/helm/v3/pkg/action). Without a look at the cluster it is
// there if the hook has run, as the installed release has it, and its policies leave it
// when it succeeds: without that the release would have failed. value is what the
// cluster has, if that is known.
func (j *judge) leftOver(p diff.Pair, value map[string]any, known bool) (left bool, unclear []change.Doubt) {
	switch {
	case !lasts(p.New):
		return false, nil
	case known:
		return value != nil, nil
	case j.exists(p.New.Ref) != "":
		return true, nil
	case p.Old == nil || !diff.IsHook(p.Old) || !j.ran(p.Old) || !isDefinition(p.Old.Ref) && slices.Contains(p.Old.HookDeletePolicies(), "hook-succeeded"):
		return false, nil
	case upgrade.Spec(p.Old)["ttlSecondsAfterFinished"] != nil:
		return false, []change.Doubt{{Reason: leftUnlessCollected, Hides: change.Rejected}}
	default:
		return true, nil
	}
}

// remake judges a hook whose object is there already. A three-way merge has no part in
// hooks, and Helm fails to create it; server-side apply makes of it what the hook says.
func (j *judge) remake(p diff.Pair, value map[string]any) (apiserver.Result, error) {
	if !j.opts.ServerSide {
		because := cmp.Or(j.exists(p.New.Ref), "an earlier run has left it")
		return apiserver.Result{Outcome: change.Outcome{Refused: []change.FieldError{{Type: "AlreadyExists", Message: "already exists: " + because}}}}, nil
	}
	old := p.Old
	if old == nil {
		old = p.New
	}
	result, err := j.update(old, p.New, value)
	result.New = nil // that its pods go is what hooks are for
	return result, err
}

// runHook judges a hook that Helm makes, and before that deletes what an earlier run has
// left of it. That its pods go is what hooks are for, but of some objects more goes.
func (j *judge) runHook(p diff.Pair, c *change.Change, unclear []change.Doubt) (apiserver.Result, error) {
	result, err := j.create(p.New)
	result.Unchecked = append(result.Unchecked, unclear...)
	result.New = nil
	if err != nil || !j.remakes(p.New) || !j.stands(p) {
		return result, err
	}
	ref := p.New.Ref
	if refused := immortal(ref); refused != nil {
		result.Outcome = change.Outcome{Refused: refused}
		return result, nil
	}
	if len(result.Outcome.Refused) > 0 { // what is there has been deleted by then
		c.Op = change.Recreate
		return result, nil
	}
	custom := !j.server.Builtin(ref.Group, ref.Kind) && !j.owner(ref)
	switch {
	case custom && p.Old != nil && risk.OwnsData(p.Old):
		c.Op = change.Recreate
		return result, nil
	case custom:
		result.Unchecked = append(result.Unchecked, change.Doubt{Reason: remadeCustom, Hides: change.DataLoss, Never: true})
		return result, nil
	}
	if c.Op = change.Recreate; c.Old == nil {
		c.Old = p.New // what somebody else has made goes, too
	}
	stored, err := j.server.Stored(c.Old, j.inVersion(c.Old.Ref))
	stored.Unchecked = append(stored.Unchecked, result.Unchecked...)
	return stored, err
}

// becomesHook reports whether an object of the installed release is a hook from now on.
func becomesHook(p diff.Pair) bool {
	return p.Old != nil && p.New != nil && !diff.IsHook(p.Old) && diff.IsHook(p.New)
}

// firstRun judges what an object of the release that becomes a hook is made of when the hook runs. What is
// there Helm deletes before, unless the delete policies leave that out.
func (j *judge) firstRun(p diff.Pair, c *change.Change) (apiserver.Result, error) {
	if lasts(p.New) && !j.opts.ServerSide {
		c.Op = change.Update
		return apiserver.Result{Outcome: change.Outcome{Refused: []change.FieldError{{Type: "AlreadyExists", Message: "already exists: the installed release has it"}}}}, nil
	}
	if lasts(p.New) {
		return apiserver.Result{}, nil
	}
	result, err := j.create(p.New)
	result.New = nil
	if len(result.Outcome.Refused) > 0 {
		c.Op = change.Recreate
	}
	return result, err
}

// remakes reports whether an object is a hook that this operation deletes and makes again,
// and of a kind with which more goes than its manifest: data, pods that serve, an address.
// That its manifest stays as it is makes no difference.
func (j *judge) remakes(o *manifest.Object) bool {
	ref := o.Ref
	core := ref.Group == "" && slices.Contains([]string{"PersistentVolumeClaim", "PersistentVolume", "Namespace", "Service"}, ref.Kind)
	if !core && (ref.Group != "networking.k8s.io" || ref.Kind != "Ingress") && !j.owner(ref) && j.server.Builtin(ref.Group, ref.Kind) {
		return false
	}
	events := o.HookEvents()
	return ref.Name != "" && !lasts(o) && j.opts.Operation != change.Install &&
		slices.ContainsFunc(j.events(), func(event string) bool { return slices.Contains(events, event) })
}

// owner reports whether objects of a kind make pods that go on running.
func (j *judge) owner(ref manifest.Ref) bool {
	_, makes := j.rollout.PodTemplate(ref.Group, ref.Kind)
	return makes && ref.Kind != "Pod" && !upgrade.Ends(ref)
}

// stands reports whether an earlier run of a hook, or somebody else, has left its object in the
// cluster.
func (j *judge) stands(p diff.Pair) bool {
	if value, known := j.found(p.New.Ref); known {
		return value != nil
	}
	return j.exists(p.New.Ref) != "" || p.Old != nil && diff.IsHook(p.Old) && j.ran(p.Old) && !slices.Contains(p.Old.HookDeletePolicies(), hookSucceeded)
}

// hookNeeds finds out what the pods of hooks name and is not there when they run, and
// which claims cannot be made again since pods use them: Helm then waits in vain.
func (j *judge) hookNeeds(u *upgrade.Upgrade) {
	for i := range u.Objects {
		switch o := &u.Objects[i]; {
		case o.Change != nil && len(o.Change.Outcome.Refused) > 0: // it is not made
		case o.Awaited():
			j.absentFor(u, o)
			j.missing(u, o)
			j.endless(o)
		case o.Anew() && o.Ref().Kind == "PersistentVolumeClaim":
			if o.Holders = u.Holders(o); len(o.Holders) > 0 {
				o.Change.Op = change.Delete // it is still there, on its way out, when the hook is made
			}
		}
	}
}

// missing notes what a hook that Helm waits for names in vain. A hook that stays as it is
// becomes a change by that.
func (j *judge) missing(u *upgrade.Upgrade, o *upgrade.Object) {
	names := upgrade.References(o.New, j.rollout)
	o.New.Forget()
	for _, r := range names {
		to := u.Object(r.To)
		if r.Optional || to == nil || to == o || r.Use != reference.ToStart && r.Use != reference.InEnv {
			continue
		}
		there, because := u.ThereFor(o, to)
		key := ""
		if there != nil && upgrade.Lacks(there, r) && (to.New == nil || there == to.Old && !to.New.SameText(to.Old)) {
			key, because = r.Key, "the key comes with this "+string(cmp.Or(j.opts.Operation, change.Upgrade))+", after the hook has run"
		}
		if there != nil && key == "" {
			continue
		}
		if maker := u.Maker(o, to, r); maker != "" {
			o.Unchecked = append(o.Unchecked, change.Doubt{Reason: fmt.Sprintf("%s names %s, which is not there when it runs; %s", "the hook", to.Ref(), maker), Hides: change.Stuck, Never: true})
			continue
		}
		o.Missing = append(o.Missing, upgrade.Missing{To: to.Ref(), Key: key, Path: r.Path, Because: because})
	}
	if len(o.Missing) > 0 {
		becomesChange(o)
	}
	j.forbidden(o)
}

// becomesChange makes a change of a hook that stays as it is, so that something can be told of it.
func becomesChange(o *upgrade.Object) {
	if o.Change == nil {
		o.Change = &change.Change{Ref: o.Ref(), Op: change.Update, Old: o.Old, New: o.New, Hook: o.Hook}
	}
}

// endless notes that a hook that Helm waits for never ends. One that has run and was so before
// is none of this upgrade's making.
func (j *judge) endless(o *upgrade.Object) {
	because, at := upgrade.Endless(o.New)
	o.New.Forget()
	if because != "" && j.hasRun(o.Old) && upgrade.Awaits(o.Old.Ref) {
		if before, _ := upgrade.Endless(o.Old); before != "" {
			because = ""
		}
	}
	if because != "" {
		o.Endless, o.EndlessAt = because, at
		becomesChange(o)
	}
}

// hasRun reports whether an object of the installed release is a hook that Helm has run at an
// event of this operation.
func (j *judge) hasRun(old *manifest.Object) bool {
	return old != nil && j.ran(old) && slices.ContainsFunc(j.events(), func(event string) bool { return slices.Contains(old.HookEvents(), event) })
}

// forbidden refuses a hook that is a bare Pod and names something without which the API
// server's admission admits none. For a Job it is its pods that are refused.
func (j *judge) forbidden(o *upgrade.Object) {
	for _, m := range o.Missing {
		if o.Ref().Kind == "Pod" && o.Change != nil && upgrade.AdmitsPods(m.To.Identity()) {
			o.Change.Outcome.Refused = append(o.Change.Outcome.Refused, change.FieldError{
				Type: "Forbidden", Message: fmt.Sprintf("it names %s, which is not there when the hook runs: %s", m.To, m.Because),
			})
		}
	}
}

// hooks lists the hooks that Helm comes to: of a refused object it ends before those
// behind it.
func (j *judge) hooks(objects []upgrade.Object, set *change.Set) []change.HookRun {
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
		for _, i := range diff.Hooks(pairsOf(objects), event, j.opts.Release.Helm) {
			p := &objects[i]
			c := changes[p.New]
			if failed[at] || c != nil && !upgrade.Done(c) {
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
