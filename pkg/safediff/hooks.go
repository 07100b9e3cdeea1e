package safediff

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/reference"
	"github.com/safe-diff/helm-safe-diff/pkg/risk"
)

const leftUnlessCollected = "the delete policy of the hook leaves its object in the cluster, and the next one cannot be made: " +
	"whether Kubernetes has collected it by now (ttlSecondsAfterFinished) is not known"

const remadeCustom = "Helm deletes it and makes it anew each time that it runs the hook: what its operator deletes with it was not judged"

// leftOver reports whether what an earlier run of a hook has left is in the way of this
// one (execHook in helm.sh/helm/v3/pkg/action). Without a look at the cluster it is
// there if the hook has run, as the installed release has it, and its policies leave it
// when it succeeds: without that the release would have failed. value is what the
// cluster has, if that is known.
func (j *judge) leftOver(p diff.Pair, value map[string]any, known bool) (left bool, unclear []change.Doubt) {
	switch {
	case !action.Lasts(p.New):
		return false, nil
	case known:
		return value != nil, nil
	case j.Exists(p.New.Ref) != "":
		return true, nil
	case p.Old == nil || !diff.IsHook(p.Old) || !j.Ran(p.Old) || !action.IsDefinition(p.Old.Ref) && slices.Contains(p.Old.HookDeletePolicies(), "hook-succeeded"):
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
	if !j.ServerSide {
		because := cmp.Or(j.Exists(p.New.Ref), "an earlier run has left it")
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
	if err != nil || !j.remakes(p.New) || !j.Stands(p) {
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
	custom := !j.Server.Builtin(ref.Group, ref.Kind) && !j.owner(ref)
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
	stored, err := j.Server.Stored(c.Old, j.InVersion(c.Old.Ref))
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
	if action.Lasts(p.New) && !j.ServerSide {
		c.Op = change.Update
		return apiserver.Result{Outcome: change.Outcome{Refused: []change.FieldError{{Type: "AlreadyExists", Message: "already exists: the installed release has it"}}}}, nil
	}
	if action.Lasts(p.New) {
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
	if !core && (ref.Group != "networking.k8s.io" || ref.Kind != "Ingress") && !j.owner(ref) && j.Server.Builtin(ref.Group, ref.Kind) {
		return false
	}
	events := o.HookEvents()
	return ref.Name != "" && !action.Lasts(o) && j.Operation != change.Install &&
		slices.ContainsFunc(j.Events(), func(event string) bool { return slices.Contains(events, event) })
}

// owner reports whether objects of a kind make pods that go on running.
func (j *judge) owner(ref manifest.Ref) bool {
	_, makes := j.Rollout.PodTemplate(ref.Group, ref.Kind)
	return makes && ref.Kind != "Pod" && !upgrade.Ends(ref)
}

// hookNeeds finds out what the pods of hooks name and is not there when they run, and
// which claims cannot be made again since pods use them: Helm then waits in vain.
func (j *judge) hookNeeds(u *upgrade.Upgrade) {
	for i := range u.Objects {
		switch o := &u.Objects[i]; {
		case o.Change != nil && len(o.Change.Outcome.Refused) > 0: // it is not made
		case o.Awaited():
			j.admission.AbsentFor(u, o)
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
	names := upgrade.References(o.New, j.Rollout)
	o.New.Forget()
	for _, r := range names {
		to := u.Object(r.To)
		if r.Optional || to == nil || to == o || r.Use != reference.ToStart && r.Use != reference.InEnv {
			continue
		}
		there, because := u.ThereFor(o, to)
		key := ""
		if there != nil && upgrade.Lacks(there, r) && (to.New == nil || there == to.Old && !to.New.SameText(to.Old)) {
			key, because = r.Key, "the key comes with this "+string(cmp.Or(j.Operation, change.Upgrade))+", after the hook has run"
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
		o.BecomesChange()
	}
	j.forbidden(o)
}

// endless notes that a hook that Helm waits for never ends. One that has run and was so before
// is none of this upgrade's making.
func (j *judge) endless(o *upgrade.Object) {
	because, at := upgrade.Endless(o.New)
	o.New.Forget()
	if because != "" && j.HasRun(o.Old) && upgrade.Awaits(o.Old.Ref) {
		if before, _ := upgrade.Endless(o.Old); before != "" {
			because = ""
		}
	}
	if because != "" {
		o.Endless, o.EndlessAt = because, at
		o.BecomesChange()
	}
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
	compares := j.Operation != change.Install && j.Operation != change.Uninstall
	var runs []change.HookRun
	for at, event := range j.Events() {
		for _, i := range diff.Hooks(action.Pairs(objects), event, j.Release.Helm) {
			p := &objects[i]
			c := changes[p.New]
			if failed[at] || c != nil && !upgrade.Done(c) {
				break
			}
			_, owner := j.Rollout.PodTemplate(p.New.Ref.Group, p.New.Ref.Kind)
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
