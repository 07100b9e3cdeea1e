package workloads

import (
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
)

// HeldRules are about workloads that get a new pod template which no pod is made from.
func HeldRules() []rule.Rule {
	return []rule.Rule{{
		ID: "template-held-back", Risk: change.Stale,
		Kinds: []string{"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController"},
		Why:   "Helm reports success, and running pods keep the old image, command or environment until somebody deletes them, lowers the partition, or resumes the rollout",
		Fix:   "delete the pods one by one when that does no harm, lower the partition, or resume the Deployment",
		When: func(c *change.Change) (string, []fieldpath.Path, bool) {
			p := c.Outcome.Pods
			if c.Op != change.Update || p == nil || !p.Held {
				return "", nil, false
			}
			var paths []fieldpath.Path
			for i := range c.Edits {
				if path := c.Edits[i].Path; path.Under("spec", "template", "spec") {
					paths = append(paths, path)
				}
			}
			return p.How, paths, len(paths) > 0
		},
	}}
}
