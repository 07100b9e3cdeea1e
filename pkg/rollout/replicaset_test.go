package rollout

import (
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

const (
	replicaSetText = `
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}` + template

	replicationControllerText = `
apiVersion: v1
kind: ReplicationController
metadata: {name: web}
spec:
  replicas: 2
  selector: {app: web}` + template
)

func TestReplicaSetAndReplicationController(t *testing.T) {
	for kind, text := range map[string]string{"ReplicaSet": replicaSetText, "ReplicationController": replicationControllerText} {
		t.Run(kind, func(t *testing.T) {
			runSteps(t, text, Facts{}, []step{
				{"another template is for pods to come", nil, []string{newImage}, heldBack(2, keepsTemplate), ""},
				{"scaled up", nil, []string{"replicas: 2 => replicas: 3"}, change.Pods{Before: 2, Desired: 3, Fewest: 2}, ""},
				{"scaled to nothing", nil, []string{"replicas: 2 => replicas: 0"}, change.Pods{Before: 2, AllDown: true}, ""},
			})
		})
	}
}

func TestReplicationControllerSelector(t *testing.T) {
	const orphaned = "the selector no longer matches the running pods: they stay, orphaned, beside new ones"
	// In this order: the selector stands first in the text.
	edits := []string{"app: web => app: next", "app: web => app: next"}
	runSteps(t, replicationControllerText, Facts{}, []step{
		{"pods are let go of", nil, edits, kept(2, orphaned), ""},
		{
			"and outlive a scaling to nothing", nil, append(edits, "replicas: 2 => replicas: 0"),
			change.Pods{Before: 2, Fewest: 2, How: orphaned}, "",
		},
		{
			"a wider selector still matches",
			[]string{"app: web} => app: web, tier: a}", "labels: {app: web => labels: {tier: a, app: web"},
			[]string{"labels: {app: web => labels: {tier: a, app: web"},
			kept(2, ""), "",
		},
	})
}
