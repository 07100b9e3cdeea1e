package workloads

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// RestartRules are about workloads whose pods are replaced while others keep serving.
func RestartRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "rotating-restart", Risk: change.Restart,
			Why:  "the pod template differs each time the chart is rendered, so every upgrade replaces the pods even if nothing else changes",
			Fix:  "pass the value that the chart would generate (a password, a certificate), or let the chart look up the one in the cluster; take timestamps out of the pod template",
			Find: restarts(true),
		},
		{
			ID: "pod-restart", Risk: change.Restart,
			Why:  "running pods are replaced; their connections break and their caches are cold",
			Fix:  "upgrade when a restart does no harm, or leave the pod template as it is",
			Find: restarts(false),
		},
	}
}

// restarts finds workloads whose pods are replaced and not all down at once: for what the chart
// makes up each time, or for something else.
func restarts(rotating bool) func(*upgrade.Upgrade) []rule.Found {
	return func(u *upgrade.Upgrade) []rule.Found {
		var found []rule.Found
		unstarted := unstarted(u)
		for i := range u.Objects {
			o := &u.Objects[i]
			c := o.Change
			if c == nil || c.Op != change.Update || c.Outcome.Pods == nil {
				continue
			}
			p := c.Outcome.Pods
			if !p.Replaced || p.AllDown || rule.Rotates(c, p.Causes) != rotating {
				continue
			}
			message := replaced(p)
			if unstarted[o.Ref()] || p.Unplaced && !slices.ContainsFunc(o.Obstacles, rollout.Obstacle.Partial) {
				message = stopped(c)
			}
			if rotating {
				message += rule.ForNothing
			}
			found = append(found, rule.Found{On: o, Message: message, Paths: p.Causes, Evidence: rule.PodEvidence(c)})
		}
		return found
	}
}

// replaced says how many pods are replaced.
func replaced(p *change.Pods) string {
	switch {
	case p.Affected < 0:
		return "its pods are replaced" + rule.How(p)
	case p.Before > p.Affected:
		return fmt.Sprintf("%d of %d pods %s replaced", p.Affected, p.Before, rule.Form(p.Affected, "is", "are")) + rule.How(p)
	case p.Affected == 1:
		return "its pod is replaced" + rule.How(p)
	default:
		return fmt.Sprintf("%d pods are replaced", p.Affected) + rule.How(p)
	}
}

// stopped says the same of a rollout of which the first new pods do not become ready: no more old
// ones go than the strategy spares before it waits for these (reconcileOldReplicaSets in
// k8s.io/kubernetes/pkg/controller/deployment, updateStatefulSet in .../statefulset,
// rollingUpdate in .../daemon).
func stopped(c *change.Change) string {
	p := c.Outcome.Pods
	if c.Ref.Group != appsv1.GroupName {
		return replaced(p) // by a controller whose strategy is not known
	}
	const stops = "the rollout stops at its first new pods"
	if p.Before != p.Desired || p.Before <= 0 || p.Fewest < 0 || p.Affected != p.Before && !p.Unplaced {
		return stops + rule.How(p)
	}
	gone := p.Before - p.Fewest
	if gone == 0 {
		return stops + ", and " + rule.Form(p.Before, "the old one stays", "all old ones stay") + rule.How(p)
	}
	goes, stays := rule.Form(gone, "goes", "go"), rule.Form(p.Fewest, "stays", "stay")
	return fmt.Sprintf("%s: %d of %d old ones %s, %d %s", stops, gone, p.Before, goes, p.Fewest, stays) + rule.How(p)
}
