package safediff

import (
	"context"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/risk"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// together judges what no object shows by itself, once each has been judged: what a rejected
// object keeps Helm from doing, what goes with a Namespace, and what is only called something
// else. Then all is known that rules between objects ask for. The error is that of ctx.
func (j *judge) together(ctx context.Context, u *upgrade.Upgrade) (err error) {
	between := func(about string, judge func(*upgrade.Upgrade)) {
		j.betweenObjects(about, func() { judge(u) })
	}
	between("what aggregated ClusterRoles come to allow", j.aggregations)
	between("autoscalers that ask for more pods than there may be", j.overscaled)
	between("addresses and node ports that two Services ask for", j.serviceAllocations)
	between("what pods name outside of the release", func(u *upgrade.Upgrade) { j.ahead, err = j.lookAhead(ctx, u) })
	if err != nil {
		return err
	}
	between("Namespaces that are not there yet", j.withoutNamespace)
	between("what Pod Security says of hooks", j.hookSecurity)
	between("what hooks need when they run", j.hookNeeds)
	between("Pods that admission rejects", j.barePods)
	between("quotas that are exceeded", j.exceeded)
	between("PriorityClasses that would be a second default", j.priorities)
	between("deletions that are refused", j.undeleted)
	stop(j.steps(u.Objects), u.Objects, j.opts.ServerSide)
	between("what goes with a Namespace", j.emptyNamespaces)
	between("custom resources that are stored while their definition changes", j.storedObjects)
	between("objects that are only called something else", j.renames)
	between("autoscalers beside a number of pods", j.churns)
	between("autoscalers that come, go or change", j.resized)
	between("what objects name outside of the release", func(u *upgrade.Upgrade) { u.Elsewhere, err = j.lookOutside(ctx, u.Outside(), u.Owned()) })
	between("pods that contradict their class", j.contradictions)
	between("pods that name what is not there", namesInVain)
	between("workloads whose new pods are refused from now on", j.overruled)
	between("webhooks that are asked about the pods that answer them", j.ownPods)
	between("why pods are replaced", restartCauses)
	between("Jobs that may be gone by now", j.mayRunAgain)
	between("which ports and addresses close", closedPortNotices)
	between("webhooks that Helm's own record meets", webhookNotices)
	between("what changes that nobody can judge", func(u *upgrade.Upgrade) {
		for _, note := range append(u.Altered(), risk.Notes(u)...) {
			note.On.Unchecked = append(note.On.Unchecked, note.Doubt)
		}
	})
	between("what objects name of each other", func(u *upgrade.Upgrade) {
		for _, note := range u.Links().Notes {
			note.On.Unchecked = append(note.On.Unchecked, note.Doubt)
		}
	})
	return err
}

// lookOutside asks the cluster about objects that are not the release's; nil if there
// is none to ask.
func (j *judge) lookOutside(ctx context.Context, open []upgrade.Outside, owned []upgrade.Owned) (*cluster.State, error) {
	if !j.asked || j.opts.Look == nil || len(open)+len(owned) == 0 {
		return nil, nil
	}
	wanted := make([]cluster.Wanted, 0, len(open))
	for _, o := range open {
		if ref, servable := upgrade.Servable(o.To); servable {
			wanted = append(wanted, cluster.Wanted{Ref: ref})
		}
	}
	for _, o := range owned {
		for _, owner := range o.Owners {
			if ref := owner.Ref; j.server.Builtin(ref.Group, ref.Kind) {
				if !j.server.Namespaced(ref.Group, ref.Kind) {
					ref.Namespace = ""
				}
				wanted = append(wanted, cluster.Wanted{Ref: ref})
			}
		}
	}
	return j.opts.Look(ctx, wanted)
}

// steps are the objects in the order in which Helm takes them up.
func (j *judge) steps(objects []upgrade.Object) []diff.Step {
	return diff.Steps(pairsOf(objects), j.events(), j.opts.Release.Helm)
}

func pairsOf(objects []upgrade.Object) []diff.Pair {
	pairs := make([]diff.Pair, len(objects))
	for i := range objects {
		pairs[i] = objects[i].Pair
	}
	return pairs
}

// stop marks the changes that Helm never reaches because an earlier object is rejected.
// A refused update does not keep it from the next object, a refused creation does;
// nothing is deleted after either, and nothing at all happens after what Helm
// finds out beforehand or in a hook (update in helm.sh/helm/v3/pkg/kube), be it that the
// hook does not come to its end. What cannot be deleted keeps it from nothing that it does in
// the same phase: Helm 4 goes on with other deletions, and both run all hooks of an event before they
// delete any that has succeeded.
func stop(steps []diff.Step, objects []upgrade.Object, serverSide bool) {
	stopped, failed, last := upfront(objects), false, diff.Never
	met := map[int]bool{}
	for _, step := range steps {
		failed = failed && step.Phase != diff.PreHooks
		c, unreached := objects[step.Pair].Change, stopped || failed && step.Phase > diff.Apply || step.Phase > last
		if c == nil {
			objects[step.Pair].Unreached = unreached
			continue
		}
		refused := len(c.Outcome.Refused) > 0
		if !met[step.Pair] { // a hook of two events is refused at the first
			objects[step.Pair].Unreached, met[step.Pair] = unreached, true
		}
		c.Outcome.Unreached = !refused && unreached
		switch {
		case stopped, step.Phase > last:
		case undeletable(&objects[step.Pair], step.Phase):
			last = step.Phase
		case refused:
			failed = true
			stopped = step.Phase == diff.PreHooks || c.Op == change.Create || unfound(c)
		case hangs(&objects[step.Pair], serverSide):
			stopped = true
		}
	}
}

// upfront reports whether Helm finds out beforehand that it cannot make the upgrade.
func upfront(objects []upgrade.Object) bool {
	for i := range objects {
		if c := objects[i].Change; c != nil && c.Outcome.Upfront {
			return true
		}
	}
	return false
}

// undeletable reports whether Helm fails because of what it cannot delete, at the end of the phase: of the
// release, or of hooks that have succeeded.
func undeletable(o *upgrade.Object, phase diff.Phase) bool {
	if len(o.Change.Outcome.Refused) > 0 {
		return phase == diff.Remove && upgrade.Undeleted(o.Change)
	}
	return o.Left != ""
}

// hangs reports whether Helm waits in vain for a hook: for its end, or that what is there of
// it is gone. Server-side apply does not mind what is being deleted.
func hangs(o *upgrade.Object, serverSide bool) bool {
	unplaced := o.Awaited() && slices.ContainsFunc(o.Obstacles, func(b rollout.Obstacle) bool { return b.Kind == rollout.NoNode || b.Kind == rollout.Gated })
	return len(o.Missing) > 0 || o.Endless != "" || o.Awaited() && o.Barred != "" || unplaced || len(o.Holders) > 0 && !serverSide
}

// unfound reports whether Helm does not find an object that is there, because its
// version is no longer served: it then tries to create it.
func unfound(c *change.Change) bool {
	return !c.Outcome.Upfront && slices.ContainsFunc(c.Outcome.Refused, func(e change.FieldError) bool { return e.Type == "NotFound" })
}

// emptyNamespaces judges as deleted what is in a Namespace that the upgrade
// deletes, even if the manifests keep it there.
func (j *judge) emptyNamespaces(u *upgrade.Upgrade) {
	objects := u.Objects
	going := map[string]bool{}
	for i := range objects {
		if c := objects[i].Change; c != nil && c.Ref.Kind == "Namespace" && c.Ref.Group == "" && c.Op == change.Delete && upgrade.Done(c) {
			going[c.Ref.Name] = true
		}
	}
	if len(going) == 0 {
		return
	}
	for i := range objects {
		p := &objects[i]
		switch {
		case !going[p.Ref().Namespace]:
		case p.Old == nil:
			p.Unchecked = append(p.Unchecked, change.Doubt{
				Reason: "the upgrade deletes the Namespace of this object as soon as it has made it", Hides: change.DataLoss,
			})
		case !diff.IsHook(p.Old):
			gone := j.guarded(diff.Pair{Old: p.Old}, func() upgrade.Object { return j.removal(p.Old) })
			gone.Pair, gone.Phase, gone.Turn, gone.Hook = p.Pair, p.Phase, p.Turn, p.Hook
			*p = gone
		}
	}
}
