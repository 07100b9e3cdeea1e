package workloads

import (
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// RefusedPodRules are about pods that the API server refuses.
func RefusedPodRules() []rule.Rule {
	return []rule.Rule{{
		ID: "hook-pods-refused", Risk: change.Stuck, Hangs: rule.MakesPods,
		Why:  "the API server accepts the hook's object and rejects every pod created for it: Helm waits until its timeout, then the upgrade fails",
		Fix:  "give the hook, too, what the limits, quotas and policies of the namespace ask for",
		Find: barredHooks,
	}, {
		ID: "quota-too-small", Risk: change.Stuck, Hangs: rule.MakesPods,
		Why:  "once a ResourceQuota is used up, further pods are rejected and the rollout does not finish",
		Fix:  "make room in the quota, in this upgrade or before it, or ask for less",
		Find: crowdedOut,
	}, {
		ID: "scheduled-pods-refused", Risk: change.Stuck,
		Kinds: []string{
			"LimitRange", "ResourceQuota", "Namespace", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding",
		},
		Why:  "the CronJob goes on creating Jobs, and the API server rejects each of their pods: what it does on schedule no longer happens",
		Fix:  "make the pods of the CronJob comply with what its namespace asks for from now on",
		Find: overruledSchedules,
	}}
}

// barredHooks tells of hooks whose pods are refused.
func barredHooks(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Barred == "" || o.Change == nil || !o.Done() {
			continue
		}
		found = append(found, rule.Found{
			On: o, Message: "its pods are refused: they violate " + o.Barred, Unstarted: []manifest.Ref{o.Ref()},
			Evidence: []change.Evidence{{What: "pods refused", Names: []string{o.Barred}}},
		})
	}
	return found
}

// crowdedOut tells of workloads whose pods do not fit into a quota, beside the others of the
// release.
func crowdedOut(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Crowded == "" || o.Change == nil || !o.Done() {
			continue
		}
		found = append(found, rule.Found{On: o, Message: "not all of its pods come: " + o.Crowded, Paths: rule.Edits(o.Change, "replicas", "resources"),
			Evidence: []change.Evidence{{What: "quota exceeded", Objects: []manifest.Ref{o.Ref()}, Names: []string{o.Crowded}}}})
	}
	return found
}

// overruledSchedules tells of CronJobs that stay as they are, and of which no later run has a pod.
func overruledSchedules(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		for _, w := range o.Overrules {
			if w.Workload.Kind == "CronJob" {
				found = append(found, rule.Found{
					On: o, Message: "later runs of " + w.Workload.String() + " have no pods: they violate " + w.Why, Unstarted: []manifest.Ref{w.Workload},
					Evidence: []change.Evidence{{What: "pods refused", Objects: []manifest.Ref{w.Workload}, Names: []string{w.Why}}},
				})
			}
		}
	}
	return found
}
