package workloads

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/reference"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// PodRules are about workloads without a ready pod, and the Services that have no endpoints
// without them.
func PodRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "pods-all-down", Risk: change.Downtime,
			Why:    "all pods of the workload are gone at the same time; nothing serves until new ones are ready",
			Fix:    "let the strategy replace pods one by one, with maxUnavailable below their number",
			Remedy: oneByOne, Find: down(allDown),
		},
		{
			ID: "pods-not-replaced", Risk: change.Outage,
			Why:  "all pods of the workload are deleted, and the API server rejects the new ones or they do not start: nothing serves until somebody fixes that",
			Fix:  "fix what keeps the new pods from starting (the other findings name it); if it is the Pod Security level of the namespace, change that first (pod-security.kubernetes.io/enforce)",
			Find: down(notReplaced),
		},
		{
			ID: "scaled-to-zero", Risk: change.Outage,
			Why:  "the workload is left without any pod",
			Fix:  "leave at least one replica, or take the workload out of the release if it is meant to go",
			Find: down(toZero),
		},
		{
			ID: "workload-deleted", Risk: change.Outage,
			Why:     "the workload is deleted together with its pods",
			Fix:     "if another workload takes over, let both run for one release before the old one goes; annotate it with helm.sh/resource-policy: keep if it is to stay",
			Instead: rule.KeepFirst + " if it is to stay",
			Find:    down(podsDeleted),
		},
	}
}

// oneByOne says how pods are replaced without all of them going at once, by what makes them go.
func oneByOne(c *change.Change) string {
	const harmless = "; otherwise upgrade when a downtime does no harm"
	p := c.Outcome.Pods
	switch {
	case c.Ref.Kind == "Deployment" && strings.Contains(p.How, "Recreate"):
		return "use strategy RollingUpdate if old and new pods may run at the same time" + harmless
	case c.Ref.Kind == "Deployment" && strings.Contains(p.How, "rolling update"):
		return "set maxSurge: 1 and maxUnavailable: 0, so that a new pod is ready before an old one stops"
	case c.Ref.Kind == "StatefulSet" && p.Before == 1:
		return "run more than one replica if the program can" + harmless
	default:
		return ""
	}
}

// down makes a finding of each workload that goes down and of which says has something to
// say, without naming the Services.
func down(says func(d fall) string) func(*upgrade.Upgrade) []rule.Found {
	return func(u *upgrade.Upgrade) []rule.Found {
		var found []rule.Found
		only, unstarted := endpointsOnly(u), unstarted(u)
		for i := range u.Objects {
			o := &u.Objects[i]
			if o.Change == nil || o.Change.Outcome.Pods == nil || !o.Change.Outcome.Pods.AllDown {
				continue
			}
			without := ""
			if len(only[o]) > 0 {
				without = ", and " + rule.Services(only[o], "has", "have") + " no endpoints"
			}
			message := says(fall{o.Change, without, unstarted[o.Ref()], u.Scaled[o.Ref().Identity()] && !u.Asked})
			if message == "" {
				continue
			}
			f := rule.Found{On: o, Message: message, Evidence: rule.PodEvidence(o.Change)}
			if o.Change.Op == change.Update {
				f.Paths = o.Change.Outcome.Pods.Causes
			}
			if o.Change.Op == change.Update && !unstarted[o.Ref()] {
				f.Lasts = downFor(o.Change.Outcome.Pods)
			}
			if len(only[o]) > 0 {
				f.Evidence = append(f.Evidence, change.Evidence{What: "without endpoints", Objects: only[o]})
			}
			found = append(found, f)
		}
		return found
	}
}

// fall is a workload that goes down.
type fall struct {
	*change.Change
	// without names the Services that have no endpoints then; "" for none.
	without string
	// unstarted says that none of the new pods starts, for a reason that another finding tells.
	unstarted bool
	// scaled says that an autoscaler keeps at least as many pods as are known.
	scaled bool
}

// unstarted are the workloads whose new pods are created and do not start.
func unstarted(u *upgrade.Upgrade) map[manifest.Ref]bool {
	list := map[manifest.Ref]bool{}
	for _, b := range u.Links().Broken {
		if b.Use == reference.ToStart || b.Use == reference.InEnv {
			list[b.From] = true
		}
	}
	for o := range u.Misuses() {
		list[o.Ref()] = true
	}
	for i := range u.Objects {
		for _, b := range u.Objects[i].Obstacles {
			if b.Kind.Starts() || b.Kind == rollout.NoNode || b.Kind == rollout.NoNodeBeside || b.Kind == rollout.NoNodeBesideOthers {
				continue // that hangs on the nodes: Pods.Unplaced
			}
			list[u.Objects[i].Ref()] = true
		}
	}
	return list
}

func allDown(d fall) string {
	p := d.Outcome.Pods
	if d.Op != change.Update || p.Desired == 0 || p.Refused != "" || p.Rejected || p.Unplaced || d.unstarted {
		return ""
	}
	message := "no pod is ready" + rule.AtLeast(" for ", downFor(p)) + " while they are replaced" + rule.How(p) + d.without
	if rule.Rotates(d.Change, p.Causes) {
		message += rule.ForNothing
	}
	return message
}

// downFor is the least number of seconds for which no pod is ready; 0 if that is not known, or if
// no new pod becomes ready.
func downFor(p *change.Pods) int {
	if p.Takes == nil || p.Blocked() {
		return 0
	}
	return p.Takes.Down
}

func notReplaced(d fall) string {
	switch p := d.Outcome.Pods; {
	case d.Op != change.Update || p.Desired == 0:
		return ""
	case p.Refused != "" || p.Rejected:
		return "its pods are deleted, and no new ones come" + d.without
	case p.Unplaced || d.unstarted:
		return "its pods are deleted, and no new ones start" + d.without
	default:
		return ""
	}
}

func toZero(d fall) string {
	if d.Op != change.Update || d.Outcome.Pods.Desired != 0 {
		return ""
	}
	before := rule.Pods(d.Outcome.Pods.Before)
	if d.scaled {
		before = "at least " + before
	}
	return fmt.Sprintf("scaled from %s to none", before) + d.without
}

func podsDeleted(d fall) string {
	if d.Op != change.Delete || d.Renamed != nil {
		return ""
	}
	return "its pods are deleted with it" + d.without
}

// endpointsOnly returns for each workload that goes down the Services that have no others.
func endpointsOnly(u *upgrade.Upgrade) map[*upgrade.Object][]manifest.Ref {
	only := map[*upgrade.Object][]manifest.Ref{}
	for _, t := range u.Traffic() {
		if t.Goes() {
			continue
		}
		for _, w := range t.During {
			if w.Ends || !w.Down() || slices.ContainsFunc(slices.Concat(t.During, t.After), func(o *upgrade.Workload) bool { return o != w && !o.Ends && !o.Down() }) {
				continue
			}
			only[w.Object] = append(only[w.Object], t.New.Ref)
		}
	}
	return only
}
