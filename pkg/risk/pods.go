package risk

import (
	"fmt"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/impact/workloads"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
)

// podRules are about running pods.
func podRules() []rule.Rule {
	return showing(rule.PodEvidence, goneRules(), stuckRules(), scaleRules(), workloads.RestartRules())
}

// stuckRules are about rollouts that do not come to an end.
func stuckRules() []rule.Rule {
	return []rule.Rule{{
		ID: "quota-hangs-rollout", Risk: change.Stuck, Kinds: []string{"Deployment", "DaemonSet"}, Hangs: rule.Always,
		Why: "the strategy waits for a new pod before it stops an old one, and the quota allows no further pod",
		Fix: "make room in the quota, or let the strategy take a pod away first (maxUnavailable)",
		When: func(c *change.Change) (string, []fieldpath.Path, bool) {
			p := c.Outcome.Pods
			if p == nil || p.Stuck == "" {
				return "", nil, false
			}
			return p.Stuck, p.Causes, true
		},
	}, {
		ID: "pods-refused", Risk: change.Stuck, Hangs: rule.WantsPods,
		Why: "the API server accepts the object and rejects each pod created for it: the rollout hangs, and pods that stop are not replaced",
		Fix: "make the pods comply with their namespace (pod security level, LimitRange, ResourceQuota, policies), or change that first",
		When: func(c *change.Change) (string, []fieldpath.Path, bool) {
			p := c.Outcome.Pods
			if p == nil || p.Refused == "" {
				return "", nil, false
			}
			return "new pods are refused: they violate " + p.Refused, p.Causes, true
		},
	}, {
		ID: "volume-held", Risk: change.Stuck, Kinds: []string{"Deployment"},
		// A ReadWriteOncePod volume lets no new pod start; with ReadWriteOnce that depends on the node.
		Hangs: func(c *change.Change) bool { return !c.Outcome.Pods.Replaced },
		Why:   "a new pod waits for the volume that an old one holds, and the strategy keeps the old one until the new one is ready; a ReadWriteOnce volume that could block every earlier rollout in the same way is a notice",
		Fix:   "let the strategy take the old pod away first (Recreate), or use a volume that several nodes may mount (ReadWriteMany)",
		When: func(c *change.Change) (string, []fieldpath.Path, bool) {
			p := c.Outcome.Pods
			if p == nil || p.Volume == "" {
				return "", nil, false
			}
			return p.Volume, p.Causes, true
		},
	}}
}

// goneRules are about workloads that go.
func goneRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "object-becomes-hook", Risk: change.Downtime,
			Why: "an object that becomes a hook leaves the release: Helm deletes it with its pods, and creates it again when it runs the hook",
			Fix: "give the hook another name, and let the object of the release go in an upgrade of its own",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				p := c.Outcome.Pods
				if c.Op != change.Recreate || upgrade.Anew(c) || p == nil || !p.AllDown {
					return "", nil, false
				}
				return "Helm deletes it and the hook makes it anew", nil, true
			},
		},
	}
}

func scaleRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "replicas-removed", Risk: change.Restart, Kinds: []string{"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"},
			Why: "if replicas is removed from the manifest, the API server sets it to 1; the other pods stop, even if an autoscaler starts them again",
			Fix: "keep the number for one release more; where an autoscaler takes over, take the field out once Helm no longer owns it",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				p, path := c.Outcome.Pods, fieldpath.Fields("spec", "replicas")
				removed := slices.ContainsFunc(c.Edits, func(e change.Edit) bool {
					return e.Path.String() == path.String() && (!e.New.Present() || e.New.Shown() == nil)
				})
				if p == nil || !removed || p.Before <= p.Desired || p.Desired < 1 {
					return "", nil, false
				}
				return fmt.Sprintf("scaled from %d to %d, since the manifest no longer says how many", p.Before, p.Desired), []fieldpath.Path{path}, true
			},
		},
	}
}
