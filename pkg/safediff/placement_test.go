package safediff

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
)

const (
	placedWeb = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: demo}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {nodeSelector: {disk: ssd}, containers: [{name: web, image: "web:%d"}]}}
---
`
	oneNode = "apiVersion: v1\nkind: Node\nmetadata: {name: a, labels: {disk: hdd}}\n---\n"
	webPod  = `
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-1, namespace: demo, uid: r, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: u, controller: true}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web-1-x, namespace: demo, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-1, uid: r, controller: true}]}
spec: {nodeName: %q}
---
`
)

// No node can hold the pods of before either. If they run all the same, somebody has changed
// the nodes, and this upgrade is the first to hang; if they wait for a node, it is nothing new.
func TestNodesOfRunningPods(t *testing.T) {
	const why = "no node can hold its pods: 0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector"
	live := stored(fmt.Sprintf(placedWeb, 1)) + oneNode
	for _, c := range []struct{ name, cluster, finding, notice string }{
		{name: "they run", cluster: live + fmt.Sprintf(webPod, "a"), finding: why},
		{name: "they wait", cluster: live + fmt.Sprintf(webPod, ""), notice: why + "; nor could it hold the previous pods"},
		{name: "nothing is known of nodes", cluster: strings.TrimSuffix(live, oneNode) + fmt.Sprintf(webPod, "a")},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, err := Compare(context.Background(), Manifest{"old.yaml", fmt.Sprintf(placedWeb, 1)}, Manifest{"new.yaml", fmt.Sprintf(placedWeb, 2)},
				Options{Namespace: "demo", Release: change.Release{Name: "shop"}, Look: clusterOf(t, c.cluster)})
			if err != nil {
				t.Fatal(err)
			}
			finding, notice := "", ""
			for _, f := range set.Changes[0].Findings {
				if f.Rule == "pod-unschedulable" {
					finding = f.Message
				}
			}
			for _, n := range set.Unchecked {
				if strings.HasPrefix(n.Reason, "no node") {
					notice = n.Reason
				}
			}
			if diff := cmp.Diff([]string{c.finding, c.notice}, []string{finding, notice}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// That nodes could not be read is told only where pods are counted by them.
func TestNodesUnread(t *testing.T) {
	const reason = "no permission to list nodes"
	agent := strings.ReplaceAll(strings.ReplaceAll(placedWeb, "Deployment", "DaemonSet"), "name: web,", "name: agent,")
	for _, c := range []struct {
		name, manifest string
		want           bool
	}{
		{"a Deployment", placedWeb, false},
		{"a DaemonSet", agent, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			look := clusterOf(t, stored(fmt.Sprintf(c.manifest, 1)))
			set, err := Compare(context.Background(), Manifest{"old.yaml", fmt.Sprintf(c.manifest, 1)}, Manifest{"new.yaml", fmt.Sprintf(c.manifest, 2)},
				Options{Namespace: "demo", Look: func(ctx context.Context, wanted []cluster.Wanted) (*cluster.State, error) {
					state, err := look(ctx, wanted)
					state.Unread = []cluster.Gap{{Kind: "Node", Reason: reason}}
					return state, err
				}})
			if err != nil {
				t.Fatal(err)
			}
			said := false
			for _, n := range set.Unchecked {
				said = said || strings.Contains(n.Reason, reason)
			}
			if said != c.want {
				t.Errorf("said: %v, want %v", said, c.want)
			}
		})
	}
}
