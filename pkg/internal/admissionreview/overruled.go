package admissionreview

import (
	"cmp"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/admission"
	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Overruled notes workloads that stay as they are and whose new pods are refused from now on, by limits,
// quotas, policies or a pod security level that the upgrade brings or takes away. Admission does not look at pods that
// run.
func (a *Review) Overruled(u *upgrade.Upgrade) {
	var coming []*upgrade.Object
	for i := range u.Objects {
		o := &u.Objects[i]
		comes := o.Does(change.Create, change.Update) && !o.Idle() && o.New != nil && (guarding(o.New) || o.Ref().GroupKind() == "Namespace")
		if comes || o.Goes() && guarding(o.Old) { // what goes may have filled in what another one asks for
			coming = append(coming, o)
		}
	}
	if len(coming) == 0 {
		return
	}
	for i := range u.Objects {
		o := &u.Objects[i]
		if !stays(u, o) || podsJudged(o) {
			continue
		}
		if why := a.refusedSince(o); why != "" {
			by := guardOf(coming, why, o.Ref().Namespace)
			by.Overrules = append(by.Overrules, upgrade.Overruled{Workload: o.Ref(), Why: why})
			if o.Ref().Kind != "CronJob" {
				by.Unchecked = append(by.Unchecked, change.Doubt{
					Reason: "new pods of " + o.Ref().String() + " are refused from now on, for example when a node is drained: they violate " + why,
				})
			}
		}
		o.Old.Forget()
	}
}

// stays reports whether an object is a workload that was there before and goes on making pods.
func stays(u *upgrade.Upgrade, o *upgrade.Object) bool {
	isCronJob := o.Ref().GroupKind() == "CronJob.batch"
	return o.Hook == nil && o.Old != nil && (u.RunsPods(o.Ref()) || isCronJob) && (!upgrade.Ends(o.Ref()) || isCronJob)
}

// podsJudged reports whether the pods of a workload are judged already, since new ones are made in this upgrade,
// or it makes none.
func podsJudged(o *upgrade.Object) bool {
	c := o.Change
	if c == nil {
		return false
	}
	p := c.Outcome.Pods
	return o.Goes() || p != nil && (p.Blocked() || p.Replaced || p.Desired > p.Before || c.Ref.Kind == "CronJob")
}

// refusedSince says why the pods of a workload are refused after the upgrade, if they were not before.
func (a *Review) refusedSince(o *upgrade.Object) string {
	template, after := a.template(o.Old), o.Standing(upgrade.After)
	if template == nil || a.template(after) == nil || upgrade.Replicas(after) == 0 {
		return ""
	}
	was := admission.PodMaker{Ref: o.Ref(), Template: template, Object: apiserver.Typed(o.Old.Ref, upgrade.Value(o.Old))}
	is := admission.PodMaker{Ref: o.Ref(), Template: a.template(after), Object: apiserver.Typed(after.Ref, upgrade.Value(after))}
	refuses := func(g *admission.Guards, m admission.PodMaker) string {
		if o.Ref().Kind == "CronJob" {
			return cmp.Or(g.Between(m, 0), g.Pods(m))
		}
		return g.Pods(m)
	}
	if refuses(a.guards.early, was) == "" {
		if why := refuses(a.guards.after, is); why != "" {
			return why
		}
	}
	n := &a.namespaces
	if n.guard.Refusal(n.before[o.Ref().Namespace], was.Template) != "" {
		return ""
	}
	return n.guard.Refusal(n.after[o.Ref().Namespace], is.Template)
}

// guardOf is that of some guards which refuses pods of a namespace: the one that is named, else one of its kind.
func guardOf(coming []*upgrade.Object, why, namespace string) *upgrade.Object {
	kind, rest, _ := strings.Cut(why, " ")
	name, _, _ := strings.Cut(rest, " ")
	for _, fits := range []func(ref manifest.Ref) bool{
		func(ref manifest.Ref) bool {
			return ref.Kind == kind && ref.Name == name && (ref.Namespace == "" || ref.Namespace == namespace)
		},
		func(ref manifest.Ref) bool { return strings.HasPrefix(ref.Kind, kind) && ref.Namespace == "" },
		func(ref manifest.Ref) bool {
			return kind == "PodSecurity" && ref.Kind == "Namespace" && ref.Name == namespace
		},
		func(ref manifest.Ref) bool { return ref.Namespace == namespace },
	} {
		if i := slices.IndexFunc(coming, func(o *upgrade.Object) bool { return fits(o.Ref()) }); i >= 0 {
			return coming[i]
		}
	}
	return coming[0]
}
