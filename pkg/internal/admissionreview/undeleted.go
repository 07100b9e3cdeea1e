package admissionreview

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/admission"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rollback"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Undeleted finds what Helm deletes and admission policies keep. Helm 3 goes on, and the object stays
// in the cluster; Helm 4 fails once it has deleted all else (update in helm.sh/helm/v3/pkg/kube and
// helm.sh/helm/v4/pkg/kube). Both fail in an uninstall, and where they delete a hook (deleteHookByPolicy
// in their pkg/action).
func (a *Review) Undeleted(u *upgrade.Upgrade) {
	if !a.guards.before.Policies() && !a.guards.applied.Policies() && !a.guards.early.Policies() && !a.guards.after.Policies() {
		return
	}
	for i := range u.Objects {
		o := &u.Objects[i]
		switch c := o.Change; {
		case c != nil && len(c.Outcome.Refused) > 0:
		case o.Runs():
			a.hookUndeleted(o)
		case c != nil && c.Op == change.Delete && o.Old != nil:
			a.objectUndeleted(o)
		}
	}
}

// objectUndeleted judges an object that leaves the release and whose deletion a policy denies. Helm
// deletes after it has applied the policies of the release, which the API server takes up within a
// second: what they say before and after has to be the same.
func (a *Review) objectUndeleted(o *upgrade.Object) {
	first, late := a.deletion(o.Old, a.guards.before), a.deletion(o.Old, a.guards.applied)
	switch {
	case first.why != "" && late.why != "":
		a.stay(o, first.why)
		return
	case first.why+late.why != "":
		o.Unchecked = append(o.Unchecked, change.Doubt{Hides: a.unlessDeleted(), Reason: "whether Helm can delete it is not known: " + first.why + late.why +
			", in a policy that this upgrade changes right before"})
	default:
		for _, text := range first.unclear {
			o.Unchecked = append(o.Unchecked, change.Doubt{Hides: a.unlessDeleted(), Reason: text})
		}
	}
	for _, text := range first.warnings {
		o.Unchecked = append(o.Unchecked, change.Doubt{Reason: text})
	}
}

// unlessDeleted is the class of an object that is not deleted: of what Helm 3 does, or else of the
// worst that Helm may do.
func (a *Review) unlessDeleted() change.Risk {
	if a.Release.Helm == 3 && a.Operation != change.Uninstall {
		return change.Unapplied
	}
	return change.Rejected
}

// stay notes that an object stays, and that Helm fails because of that if it does.
func (a *Review) stay(o *upgrade.Object, why string) {
	c := o.Change
	o.Obstacles, o.Unchecked = nil, nil
	if a.ServerSide || a.Release.Helm == 4 || a.Operation == change.Uninstall {
		c.Outcome = change.Outcome{Refused: []change.FieldError{{Type: upgrade.Undeletable, Message: why}}}
	} else {
		c.Op, c.Outcome = change.Keep, change.Outcome{Undeleted: why}
		if a.Release.Helm != 3 {
			o.Unchecked = []change.Doubt{{Hides: change.Rejected, Reason: "Helm 3 goes on when a deletion is denied, Helm 4 fails: which of the two will run is not known"}}
		}
	}
	o.Read, o.Rollback = rule.Read(c, a.Rules()), rollback.LeftOut(a.Action, o.Pair, c)
}

// hookUndeleted judges a hook that Helm deletes before it runs it, or when it has succeeded.
func (a *Review) hookUndeleted(o *upgrade.Object) {
	if action.IsDefinition(o.New.Ref) || o.New.Ref.Name == "" {
		return
	}
	guards := a.guards.during(o.New)
	if there := o.Old; !action.Lasts(o.New) && there != nil && (!diff.IsHook(there) || a.Stands(o.Pair)) {
		if d := a.deletion(there, guards); d.why != "" {
			o.BecomesChange()
			o.Change.Outcome = change.Outcome{Refused: []change.FieldError{{Type: upgrade.Undeletable, Message: "Helm deletes it before it runs the hook: " + d.why}}}
			o.Barred, o.Left = "", ""
			return
		}
	}
	if !slices.Contains(o.New.HookDeletePolicies(), action.HookSucceeded) {
		return
	}
	if d := a.deletion(o.New, guards); d.why != "" {
		o.BecomesChange()
		o.Left = d.why
	}
}

// deletion is what policies say when an object is deleted.
type deletion struct {
	why               string
	warnings, unclear []string
}

// deletion asks guards about an object as the cluster has it.
func (a *Review) deletion(o *manifest.Object, guards *admission.Guards) deletion {
	if !guards.MayAsk(o.Ref) {
		return deletion{}
	}
	defer o.Forget()
	stored, err := a.Server.Stored(o, a.InVersion(o.Ref))
	if err != nil || len(stored.Outcome.Refused) > 0 {
		return deletion{} // it is told elsewhere
	}
	why, warnings := guards.RefuseDeletion(o, &stored)
	return deletion{why, warnings, guards.UnclearDeletion(o, &stored)}
}
