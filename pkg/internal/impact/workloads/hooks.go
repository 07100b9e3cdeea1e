package workloads

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/impact/access"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// HookRules are about what hooks do, and when: which of them Helm runs, what it deletes
// before that, and what is in the cluster at that moment.
func HookRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "hook-needs-later", Risk: change.Stuck, Kinds: []string{"Job", "Pod"}, Hangs: rule.Always,
			Why:    "the hook's pods cannot start without what they refer to; Helm waits for the hook until its timeout, then the upgrade fails",
			Fix:    "make what it needs a hook, too, for the same event and with a lower helm.sh/hook-weight; or run the hook after the upgrade (post-upgrade)",
			Remedy: needsRemedy,
			Find: func(u *upgrade.Upgrade) []rule.Found {
				return slices.DeleteFunc(neededLater(u), func(f rule.Found) bool { return len(f.On.Change.Outcome.Refused) > 0 })
			},
		},
		{
			ID: "hook-never-ends", Risk: change.Stuck, Kinds: []string{"Job", "Pod"}, Hangs: rule.Always,
			Why: "Helm waits until a Job that is a hook completes or fails, and until a Pod succeeds or fails (waitForPodSuccess in helm.sh/helm/v3/pkg/kube), " +
				"at most until its timeout; then the upgrade fails",
			Fix: "let the Pod have restartPolicy: Never or OnFailure; remove suspend: true and parallelism: 0 from the Job",
			Remedy: func(c *change.Change) string {
				if c.Ref.Kind == "Pod" {
					return "let the Pod have restartPolicy: Never or OnFailure"
				}
				return "remove suspend: true and parallelism: 0 from the Job"
			},
			Find: endless,
		},
		{
			ID: "hook-claim-in-use", Risk: change.Stuck, Kinds: []string{"PersistentVolumeClaim"},
			Why:  "a claim is not deleted while pods use it: Helm waits until its timeout, then the upgrade fails; with server-side apply Helm does not wait, and new pods do not start",
			Fix:  "remove the annotation helm.sh/hook from the claim, and let Helm take it over (try --take-ownership); or leave its upgrade events out",
			Find: claimsHeld,
		},
		{
			ID: "hook-deletes-data", Risk: change.DataLoss, Kinds: []string{"PersistentVolumeClaim", "PersistentVolume", "Namespace", "StatefulSet"},
			Why:  "before Helm runs a hook it deletes what the last run created (before-hook-creation, the default), data included; helm.sh/resource-policy has no effect on hooks",
			Fix:  "remove the annotation helm.sh/hook from the object, and let Helm take it over (--take-ownership); or leave its upgrade events out, so that only an installation creates it",
			Find: hooksLosing,
		},
		{
			ID: "hook-made-anew", Risk: change.Downtime,
			Why:  "before Helm runs a hook it deletes what the last run created (before-hook-creation, the default); nothing serves until it is created again; a token is bound to the UID of its ServiceAccount (Validate in k8s.io/kubernetes/pkg/serviceaccount), and the kubelet renews it only after most of an hour",
			Fix:  "remove the annotation helm.sh/hook from the object, and let Helm take it over (--take-ownership); then it updates it",
			Find: hooksAnew,
		},
		{
			ID: "hook-not-made-again", Risk: change.Outage,
			Why:  "before Helm runs a hook it deletes what the last run created (before-hook-creation, the default); if the API server then rejects the new one, neither is there",
			Fix:  "correct what is rejected before this upgrade; or remove the annotation helm.sh/hook from the object, and let Helm take it over (try --take-ownership): then what is there stays",
			Find: hooksGone,
		},
	}
}

// HookEventRules are about hooks that run no longer, and about what Helm does once they have run.
func HookEventRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "hook-not-deleted", Risk: change.Rejected,
			Why:  "Helm deletes hooks with the delete policy hook-succeeded once all hooks of the event have succeeded; if a policy denies that, the upgrade fails at that point",
			Fix:  "let the policy allow Helm to delete the hook; or take hook-succeeded out of its delete policies",
			Find: hooksLeft,
		},
		{
			ID: "hook-event-unknown", Risk: change.Unapplied,
			Why:  "if helm.sh/hook holds one word that is not a hook event, Helm silently skips the whole object",
			Fix:  "correct the word; crd-install is from Helm 2: put definitions into the crds directory of the chart",
			Find: eventsUnknown,
		},
		{
			ID: "hook-no-longer-runs", Risk: change.Stale,
			Why:  "what the hook did in every upgrade, such as a migration, does not happen in this one",
			Fix:  "keep the event of the hook, or make sure that something else does its work",
			Find: hooksDropped,
		},
	}
}

// HookPods returns the rule about a hook that the API server refuses for what it names.
func HookPods() []rule.Rule {
	return []rule.Rule{{
		ID: "hook-pod-forbidden", Risk: change.Rejected, Kinds: []string{"Pod"},
		Why:    "the API server rejects a Pod whose ServiceAccount or class does not exist, and the upgrade fails with its hook",
		Fix:    "make what it names a hook, too, for the same event and with a lower helm.sh/hook-weight; or run the hook after the upgrade (post-upgrade)",
		Remedy: needsRemedy,
		Find: func(u *upgrade.Upgrade) []rule.Found {
			return slices.DeleteFunc(neededLater(u), func(f rule.Found) bool { return len(f.On.Change.Outcome.Refused) == 0 })
		},
	}}
}

// needsRemedy is what to do about a hook that runs after the upgrade already.
func needsRemedy(c *change.Change) string {
	if c.Hook == nil || slices.ContainsFunc(c.Hook.Events, func(event string) bool { return strings.HasPrefix(event, "pre-") }) {
		return ""
	}
	return "keep what it needs in the release, or make a hook of that, too, of the same event and with a lower helm.sh/hook-weight"
}

func neededLater(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Change == nil || o.Change.Outcome.Unreached {
			continue
		}
		for _, m := range o.Missing {
			what := m.To.String()
			if m.Key != "" {
				what = "key " + m.Key + " of " + what
			}
			found = append(found, rule.Found{
				On: o, Message: fmt.Sprintf("it names %s, which is not there when the hook runs: %s", what, m.Because), Paths: []fieldpath.Path{m.Path},
				Evidence:  []change.Evidence{{What: "not there when the hook runs", Objects: []manifest.Ref{o.Ref(), m.To}, Names: []string{m.Key, m.Because}}},
				Unstarted: []manifest.Ref{o.Ref()},
			})
		}
	}
	return found
}

// hooksLeft tells of hooks that Helm does not get deleted once they have succeeded.
func hooksLeft(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		if o := &u.Objects[i]; o.Left != "" && o.Done() {
			found = append(found, rule.Found{
				On: o, Message: "Helm cannot delete it once it has succeeded: " + o.Left,
				Evidence: []change.Evidence{{What: "not deleted", Objects: []manifest.Ref{o.Ref()}, Names: []string{o.Left}}},
			})
		}
	}
	return found
}

func endless(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Endless == "" || !o.Done() {
			continue
		}
		found = append(found, rule.Found{
			On: o, Message: "Helm waits in vain for its end: " + o.Endless, Paths: []fieldpath.Path{o.EndlessAt},
			Evidence: []change.Evidence{{What: "never ends", Objects: []manifest.Ref{o.Ref()}, Names: []string{o.EndlessAt.String()}}},
		})
	}
	return found
}

func claimsHeld(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if len(o.Holders) == 0 || !o.Anew() || !o.Done() {
			continue
		}
		f := rule.Found{
			On: o, Message: fmt.Sprintf("Helm waits until the claim is gone, and the pods of %s use it", rule.Names(o.Holders)), Hangs: true,
			Evidence: []change.Evidence{{What: "in use by", Objects: o.Holders}},
		}
		if u.ServerSide {
			f.Message = fmt.Sprintf("the claim goes as soon as the pods of %s are gone, and new ones do not start until an upgrade makes it again", rule.Names(o.Holders))
			f.Hangs, f.Unstarted = false, o.Holders
		}
		found = append(found, f)
	}
	return found
}

func hooksLosing(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !o.Cleared() {
			continue
		}
		c := o.Change
		if c.Outcome.Loss != nil && c.Outcome.Loss.Spared {
			continue
		}
		lost := map[string]string{
			"PersistentVolumeClaim": "its volume goes with it unless the reclaim policy is Retain, and a new claim begins empty",
			"PersistentVolume":      "the volume is deleted",
			"Namespace":             "everything in it is deleted with it",
		}[o.Ref().Kind]
		if o.Ref().Kind == "StatefulSet" && untyped.Text(upgrade.Spec(c.Old), "persistentVolumeClaimRetentionPolicy", "whenDeleted") == "Delete" {
			lost = "its claims are deleted with it"
		}
		if lost == "" {
			continue
		}
		if l := c.Outcome.Loss; l != nil && len(l.What) > 0 {
			lost = strings.Join(l.What, ", ")
		}
		how := ", and makes it anew: "
		switch {
		case len(c.Outcome.Refused) > 0:
			how = ", and the API server rejects the new one: "
		case len(o.Holders) > 0:
			how = ": "
		}
		found = append(found, rule.Found{On: o, Message: "Helm deletes it before it runs the hook" + how + lost, Evidence: rule.LossEvidence(c)})
	}
	return found
}

func hooksGone(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		ref := o.Ref()
		if !o.Cleared() || len(o.Change.Outcome.Refused) == 0 || !upgrade.IsService(ref) && ref.Kind != "Ingress" && !u.RunsPods(ref) {
			continue
		}
		what := "requests are no longer served"
		switch {
		case u.RunsPods(ref):
			what = "its pods are deleted with it"
		case ref.Kind == "Ingress":
			what = "requests are no longer routed"
		}
		found = append(found, rule.Found{On: o, Message: "Helm deletes it before it runs the hook, and the API server rejects the new one: " + what, Evidence: rule.LossEvidence(o.Change)})
	}
	return found
}

func hooksAnew(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	only := endpointsOnly(u)
	for i := range u.Objects {
		o := &u.Objects[i]
		if !o.Anew() || !o.Done() {
			continue
		}
		f := rule.Found{On: o, Message: "Helm deletes it before it runs the hook, and makes it anew", Evidence: rule.PodEvidence(o.Change)}
		switch p := o.Change.Outcome.Pods; {
		case p != nil && p.AllDown:
			f.Message += ": none of its pods is ready meanwhile"
			if len(only[o]) > 0 {
				f.Message += ", and " + rule.Services(only[o], "has", "have") + " no endpoints"
				f.Evidence = append(f.Evidence, change.Evidence{What: "without endpoints", Objects: only[o]})
			}
		case upgrade.IsService(o.Ref()):
			f.Message += ", with a new address: requests are not served meanwhile"
		case o.Ref().Kind == "Ingress":
			f.Message += ": requests are not routed meanwhile"
		case len(access.DeniedWithout(u, o)) > 0:
			denied := access.DeniedWithout(u, o)
			f.Message += ": the pods of " + rule.Names(denied) + " are denied until the kubelet renews their token"
			f.Evidence = []change.Evidence{{What: "pods with a token of the old account", Objects: denied}}
		default:
			continue
		}
		if len(f.Evidence) == 0 {
			f.Evidence = rule.LossEvidence(o.Change)
		}
		found = append(found, f)
	}
	return found
}

func eventsUnknown(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.New == nil || o.Change == nil || len(o.New.UnknownEvents()) == 0 || o.Old != nil && len(o.Old.UnknownEvents()) > 0 {
			continue
		}
		f := rule.Found{
			On: o, Message: fmt.Sprintf("Helm leaves it out: %s in helm.sh/hook is none of its events", upgrade.Unknown(o.New)), Paths: rule.Edits(o.Change, manifest.HookAnnotation),
			Evidence: []change.Evidence{{What: "no event of Helm", Names: o.New.UnknownEvents()}},
		}
		var naming []manifest.Ref
		for _, by := range u.Naming(o.Ref().Identity()) {
			naming = append(naming, by.Ref())
		}
		if len(naming) > 0 {
			f.Message += "; " + rule.Names(naming) + " names it"
			f.Evidence = append(f.Evidence, change.Evidence{What: "named by", Objects: naming})
		}
		found = append(found, f)
	}
	return found
}

// hooksDropped tells of hooks with pods that ran to their end in an upgrade to the installed release, as
// its manifest has it, and do not in this one. One that comes for the same event is taken
// for what follows it.
func hooksDropped(u *upgrade.Upgrade) []rule.Found {
	if u.Operation != "" && u.Operation != change.Upgrade {
		return nil
	}
	comes := map[string]bool{}
	for i := range u.Objects {
		if o := &u.Objects[i]; o.Awaited() && (o.Old == nil || len(ranAt(u, o.Old)) == 0) {
			comes[o.Ref().Kind] = true
		}
	}
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Old == nil || o.Change == nil || o.Runs() || !upgrade.Awaits(o.Ref()) || comes[o.Ref().Kind] {
			continue
		}
		events := ranAt(u, o.Old)
		if len(events) == 0 || o.New != nil && (!diff.IsHook(o.New) || len(o.New.UnknownEvents()) > 0) {
			continue
		}
		message := fmt.Sprintf("it ran as a hook of %s, and is no longer in the chart", strings.Join(events, ", "))
		if o.New != nil {
			message = fmt.Sprintf("it ran as a hook of %s, and is one of %s now, which an upgrade does not run", strings.Join(events, ", "), strings.Join(o.New.HookEvents(), ", "))
		}
		found = append(found, rule.Found{
			On: o, Message: message, Paths: rule.Edits(o.Change, manifest.HookAnnotation),
			Evidence: []change.Evidence{{What: "no longer a hook of", Names: events}},
		})
	}
	return found
}

// ranAt returns the events of this operation at which Helm runs a hook.
func ranAt(u *upgrade.Upgrade, o *manifest.Object) []string {
	return slices.DeleteFunc(slices.Clone(u.Events), func(event string) bool { return !slices.Contains(o.HookEvents(), event) })
}
