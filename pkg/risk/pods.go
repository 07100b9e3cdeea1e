package risk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// podRules are about running pods.
func podRules() []Rule {
	return slices.Concat(downtimeRules(), goneRules(), stuckRules(), restartRules())
}

// stuckRules are about rollouts that do not come to an end.
func stuckRules() []Rule {
	return []Rule{{
		ID: "quota-hangs-rollout", Risk: change.Stuck, Kinds: []string{"Deployment"},
		Why: "the strategy waits for a new pod before it takes an old one away, and the quota lets no new one in",
		Fix: "make room in the quota, or let the strategy take a pod away first (maxUnavailable)",
		When: func(c *change.Change) (string, []fieldpath.Path, bool) {
			p := c.Outcome.Pods
			if p == nil || p.Stuck == "" {
				return "", nil, false
			}
			return p.Stuck, p.Causes, true
		},
	}, {
		ID: "pods-refused", Risk: change.Stuck,
		Why: "the object is accepted, and each pod that is made for it is refused: the rollout hangs, and what goes does not come back",
		Fix: "let the pods keep to the level that their namespace enforces, or give the namespace another (pod-security.kubernetes.io/enforce)",
		When: func(c *change.Change) (string, []fieldpath.Path, bool) {
			p := c.Outcome.Pods
			if p == nil || p.Refused == "" {
				return "", nil, false
			}
			return "new pods are refused: they violate " + p.Refused, p.Causes, true
		},
	}, {
		ID: "volume-held", Risk: change.Stuck, Kinds: []string{"Deployment"},
		Why: "a new pod waits for the volume that an old one holds, and the strategy keeps the old one until the new one is ready",
		Fix: "let the strategy take the old pod away first (Recreate), or use a volume that several nodes may mount (ReadWriteMany)",
		When: func(c *change.Change) (string, []fieldpath.Path, bool) {
			p := c.Outcome.Pods
			if p == nil || p.Volume == "" {
				return "", nil, false
			}
			return p.Volume, p.Causes, true
		},
	}}
}

// downtimeRules are about updates after which nothing serves for a while.
func downtimeRules() []Rule {
	return []Rule{
		{
			ID: "pods-all-down", Risk: change.Downtime,
			Why: "all pods of the workload are gone at the same time, and nothing serves until the new ones are ready",
			Fix: "run more than one replica and let the strategy replace them one by one (RollingUpdate with maxUnavailable below the replicas)",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				p := c.Outcome.Pods
				if c.Op != change.Update || p == nil || !p.AllDown || p.Desired == 0 {
					return "", nil, false
				}
				message := "no pod is ready while they are replaced" + how(p) + without(p)
				if p.Refused != "" {
					message = "its pods go, and no new ones come" + without(p)
				}
				if rotate(c, p.Causes) {
					message += forNothing
				}
				return message, p.Causes, true
			},
		},
		{
			ID: "scaled-to-zero", Risk: change.Downtime,
			Why: "the workload keeps no pod at all",
			Fix: "leave at least one replica, or take the workload out of the release if it is meant to go",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				p := c.Outcome.Pods
				if c.Op != change.Update || p == nil || !p.AllDown || p.Desired != 0 {
					return "", nil, false
				}
				return fmt.Sprintf("scaled from %s to none", pods(p.Before)) + without(p), p.Causes, true
			},
		},
	}
}

// goneRules are about workloads that go.
func goneRules() []Rule {
	return []Rule{
		{
			ID: "workload-deleted", Risk: change.Downtime,
			Why:     "the workload leaves the release, and its pods go with it",
			Fix:     "if another workload takes over, let both run for one release before the old one goes; annotate it with helm.sh/resource-policy: keep if it is to stay",
			Instead: keepFirst + " if it is to stay",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				p := c.Outcome.Pods
				if c.Op != change.Delete || c.Renamed != nil || p == nil || !p.AllDown {
					return "", nil, false
				}
				return "its pods are deleted with it" + without(p), nil, true
			},
		},
		{
			ID: "object-becomes-hook", Risk: change.Downtime,
			Why: "an object that becomes a hook leaves the release: Helm deletes it with its pods, and the hook makes it anew",
			Fix: "give the hook another name, so that the object of the release can go in its own time",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				p := c.Outcome.Pods
				if c.Op != change.Recreate || p == nil || !p.AllDown {
					return "", nil, false
				}
				return "Helm deletes it and the hook makes it anew", nil, true
			},
		},
	}
}

func restartRules() []Rule {
	return []Rule{
		{
			ID: "replicas-removed", Risk: change.Restart, Kinds: []string{"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"},
			Why: "a field that leaves the manifest is not left as it is: the API server fills in 1, and the other pods go, even if an autoscaler brings them back",
			Fix: "keep the number for one release more; where an autoscaler takes over, take the field out once Helm no longer owns it",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				p, path := c.Outcome.Pods, fieldpath.Fields("spec", "replicas")
				removed := slices.ContainsFunc(c.Edits, func(e change.Edit) bool { return e.Path.String() == path.String() && !e.New.Present() })
				if p == nil || !removed || p.Before <= p.Desired || p.Desired < 1 {
					return "", nil, false
				}
				return fmt.Sprintf("scaled from %d to %d, since the manifest no longer says how many", p.Before, p.Desired), []fieldpath.Path{path}, true
			},
		},
		{
			ID: "replicas-contested", Risk: change.Restart,
			Why: "where the manifest says how many pods a workload has and an autoscaler does, too, each upgrade undoes what the autoscaler has done: pods are stopped, and started again; server-side apply is refused instead",
			Fix: "leave the number to one of the two: take replicas out of the manifest, or the autoscaler out of the chart",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				messages := make([]string, 0, len(c.Outcome.Contested))
				for i := range c.Outcome.Contested {
					messages = append(messages, contested(&c.Outcome.Contested[i]))
				}
				return strings.Join(messages, "; "), editsOf(c, "replicas"), len(messages) > 0
			},
		},
		{
			ID: "rotating-restart", Risk: change.Restart,
			Why: "what the pod template is made of comes out differently each time the chart is rendered, so that an upgrade replaces the pods even if it changes nothing",
			Fix: "give the chart the value that it would make up (a password, a certificate), or let it look up and keep the one in the cluster; take the time out of the pod template",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				p := c.Outcome.Pods
				if c.Op != change.Update || p == nil || !p.Replaced || p.AllDown || !rotate(c, p.Causes) {
					return "", nil, false
				}
				return affected(p) + how(p) + forNothing, p.Causes, true
			},
		},
		{
			ID: "pod-restart", Risk: change.Restart,
			Why: "running pods are replaced; their connections break and their caches are cold",
			Fix: "upgrade when a restart does no harm, or leave the pod template as it is",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				p := c.Outcome.Pods
				if c.Op != change.Update || p == nil || !p.Replaced || p.AllDown || rotate(c, p.Causes) {
					return "", nil, false
				}
				return affected(p) + how(p), p.Causes, true
			},
		},
	}
}

func contested(c *change.Contested) string {
	if c.Refused {
		return fmt.Sprintf("the manifest sets the replicas of %s/%s to %d: once %s %s has scaled it, every upgrade is refused",
			c.Workload.Kind, c.Workload.Name, c.Replicas, c.Autoscaler.Kind, c.Autoscaler.Name)
	}
	return fmt.Sprintf("every upgrade sets the replicas of %s/%s to %d, whatever %s %s has made of them",
		c.Workload.Kind, c.Workload.Name, c.Replicas, c.Autoscaler.Kind, c.Autoscaler.Name)
}

// forNothing ends a message about pods that are replaced because of what rotates.
const forNothing = ", because of what rotates"

// rotate reports whether all the fields are there on both sides and differ for nothing
// but that the chart gives them another value each time.
func rotate(c *change.Change, fields []fieldpath.Path) bool {
	return len(fields) > 0 && !slices.ContainsFunc(fields, func(field fieldpath.Path) bool {
		rotates := false
		for i := range c.Edits {
			e := &c.Edits[i]
			if !e.Path.Overlaps(field) {
				continue
			}
			if !e.Rotates || !e.Old.Present() || !e.New.Present() {
				return true
			}
			rotates = true
		}
		return !rotates
	})
}

func affected(p *change.Pods) string {
	switch {
	case p.Affected < 0:
		return "its pods are replaced"
	case p.Before > p.Affected:
		return fmt.Sprintf("%d of %d pods are replaced", p.Affected, p.Before)
	case p.Affected == 1:
		return "its pod is replaced"
	default:
		return fmt.Sprintf("%d pods are replaced", p.Affected)
	}
}

func pods(n int) string {
	switch {
	case n < 0:
		return "its pods"
	case n == 1:
		return "1 pod"
	default:
		return fmt.Sprintf("%d pods", n)
	}
}

// without names the Services that have no endpoints without these pods.
func without(p *change.Pods) string {
	if len(p.Only) == 0 {
		return ""
	}
	return ", and Service " + strings.Join(p.Only, ", ") + " leads nowhere"
}

func how(p *change.Pods) string {
	if p.How == "" {
		return ""
	}
	return " (" + p.How + ")"
}
