package safediff

import (
	"context"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/admissionreview"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/closedports"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/definitions"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/impact/guards"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/renames"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/restartcause"
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
	between("autoscalers that ask for more pods than there may be", j.autoscaling.Overscaled)
	between("addresses and node ports that two Services ask for", j.serviceAllocations)
	between("what pods name outside of the release", func(u *upgrade.Upgrade) { err = j.admission.LookAhead(ctx, u) })
	if err != nil {
		return err
	}
	between("Namespaces that are not there yet", j.admission.WithoutNamespace)
	between("what Pod Security says of hooks", j.admission.HookSecurity)
	between("what hooks need when they run", j.hookNeeds)
	between("Pods that admission rejects", j.admission.BarePods)
	between("quotas that are exceeded", j.admission.Exceeded)
	between("PriorityClasses that would be a second default", j.admission.Priorities)
	between("deletions that are refused", j.admission.Undeleted)
	stop(j.Steps(u.Objects), u.Objects, j.ServerSide)
	between("what goes with a Namespace", j.emptyNamespaces)
	between("custom resources that are stored while their definition changes", func(u *upgrade.Upgrade) { definitions.Stored(&j.Action, u) })
	between("objects that are only called something else", func(u *upgrade.Upgrade) { renames.Join(&j.Action, u) })
	between("autoscalers beside a number of pods", j.autoscaling.Churns)
	between("autoscalers that come, go or change", j.autoscaling.Resized)
	between("what objects name outside of the release", func(u *upgrade.Upgrade) { u.Elsewhere, err = j.LookOutside(ctx, u.Outside(), u.Owned()) })
	between("pods that contradict their class", j.admission.Contradictions)
	between("pods that name what is not there", admissionreview.NamesInVain)
	between("workloads whose new pods are refused from now on", j.admission.Overruled)
	between("webhooks that are asked about the pods that answer them", j.admission.OwnPods)
	between("why pods are replaced", restartcause.Write)
	between("Jobs that may be gone by now", j.mayRunAgain)
	between("which ports and addresses close", closedports.Notice)
	between("webhooks that Helm's own record meets", admissionreview.WebhookNotices)
	between("what changes that nobody can judge", func(u *upgrade.Upgrade) {
		for _, note := range append(u.Altered(), risk.Notes(u)...) {
			note.On.Unchecked = append(note.On.Unchecked, note.Doubt)
		}
	})
	between("policies of other APIs", func(u *upgrade.Upgrade) {
		for _, note := range guards.Unread(u) {
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
