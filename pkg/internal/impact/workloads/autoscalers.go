package workloads

import (
	"fmt"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// AutoscalerRules are about numbers of pods on which an autoscaler and a manifest both decide.
func AutoscalerRules() []rule.Rule {
	return []rule.Rule{{
		ID: "replicas-contested", Risk: change.Restart,
		Why:  "if both the manifest and an autoscaler set the number of pods, each upgrade undoes the autoscaler's work: pods are stopped and started again; server-side apply fails with a conflict instead",
		Fix:  "leave the number to one of the two: take replicas out of the manifest, or the autoscaler out of the chart",
		Find: replicasContested,
	}}
}

// replicasContested tells where from now on an autoscaler and a manifest both decide how many
// pods a workload has: a merge sets the manifest's number back in every upgrade, server-side
// apply is refused once the autoscaler has scaled.
func replicasContested(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for _, s := range u.Scalings() {
		on := s.Workload
		if s.AutoscalerBegins {
			on = s.Autoscaler
		}
		if !s.Begins || !on.Done() {
			continue
		}
		workload, autoscaler, replicas := s.Workload.New.Ref, s.Autoscaler.New.Ref, upgrade.Replicas(s.Workload.New)
		f := rule.Found{
			On: on, Paths: rule.Edits(on.Change, "replicas"),
			Message: fmt.Sprintf("every upgrade sets the replicas of %s/%s to %d, whatever %s %s has made of them",
				workload.Kind, workload.Name, replicas, autoscaler.Kind, autoscaler.Name),
			Evidence: []change.Evidence{{What: "both say how many pods there are", Objects: []manifest.Ref{autoscaler, workload}, Count: replicas}},
		}
		if u.Refuses {
			f.Message = fmt.Sprintf("the manifest sets the replicas of %s/%s to %d: once %s %s has scaled it, every upgrade is refused",
				workload.Kind, workload.Name, replicas, autoscaler.Kind, autoscaler.Name)
			f.Evidence[0].What += ", and one is refused"
		}
		found = append(found, f)
	}
	return found
}
