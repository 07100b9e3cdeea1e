package safediff

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

const (
	apartWeb = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: demo}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: host, labelSelector: {matchLabels: {app: %s}}}]}}
      containers: [{name: web, image: "web:1"}]
---
`
	hostA       = "apiVersion: v1\nkind: Node\nmetadata: {name: a, labels: {host: a}}\n---\n"
	dbPod       = "apiVersion: v1\nkind: Pod\nmetadata: {name: db-0, namespace: demo, labels: {app: db}, ownerReferences: [{apiVersion: apps/v1, kind: %s, name: db, uid: d, controller: true}]}\nspec: {nodeName: %q}\n---\n"
	localVolume = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: pv}\nspec: {capacity: {storage: 1Gi}, nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: host, operator: In, values: [%s]}]}]}}}\n---\n"
)

// Pods of others that the cluster was seen to run keep new pods from their nodes.
func TestPodsOfOthers(t *testing.T) {
	const why = "its new pods find no node beside those of %s db: 0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules (podAntiAffinity, topologyKey host)"
	live := stored(fmt.Sprintf(apartWeb, "nobody")) + hostA
	for _, c := range []struct{ name, cluster, finding, notice string }{
		{name: "of a DaemonSet", cluster: live + fmt.Sprintf(dbPod, "DaemonSet", "a"), finding: fmt.Sprintf(why, "DaemonSet")},
		{name: "of a StatefulSet of others", cluster: live + fmt.Sprintf(dbPod, "StatefulSet", "a"), notice: fmt.Sprintf(why, "StatefulSet") + "; StatefulSet db is not of the release, and its pods may go"},
		{name: "of a Job", cluster: live + fmt.Sprintf(dbPod, "Job", "a")},
		{name: "on no node", cluster: live + fmt.Sprintf(dbPod, "DaemonSet", "")},
		{name: "with other labels", cluster: live + strings.ReplaceAll(fmt.Sprintf(dbPod, "DaemonSet", "a"), "app: db", "app: other")},
	} {
		t.Run(c.name, func(t *testing.T) {
			finding, notice := placementOf(t, fmt.Sprintf(apartWeb, "nobody"), fmt.Sprintf(apartWeb, "db"), c.cluster, "pods-excluded-by-others", "its new pods")
			if diff := cmp.Diff([]string{c.finding, c.notice}, []string{finding, notice}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// placementOf judges an upgrade, and returns what a rule says of the first object, and the notice
// that begins with some words.
func placementOf(t *testing.T, old, updated, live, rule, begins string) (finding, notice string) {
	t.Helper()
	set, err := Compare(context.Background(), Manifest{"old.yaml", old}, Manifest{"new.yaml", updated},
		Options{Namespace: "demo", Release: change.Release{Name: "shop"}, Look: clusterOf(t, live)})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range set.Changes[0].Findings {
		if f.Rule == rule {
			finding = f.Message
		}
	}
	for _, n := range set.Unchecked {
		if strings.HasPrefix(n.Reason, begins) {
			notice = n.Reason
		}
	}
	return finding, notice
}

// The volume of a claim that the cluster has bound says which nodes can reach it.
func TestVolumesOfTheCluster(t *testing.T) {
	mounting := strings.ReplaceAll(placedWeb, "nodeSelector: {disk: ssd}, ", "volumes: [{name: data, persistentVolumeClaim: {claimName: data}}], ")
	written := "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: demo}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n---\n"
	bound := strings.Replace(stored(written), "spec: {", "spec: {volumeName: pv, ", 1)
	for _, c := range []struct{ name, volume, finding string }{
		{"elsewhere", fmt.Sprintf(localVolume, "b"), "no node can hold its pods: 0/1 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity (volume pv)"},
		{"there", fmt.Sprintf(localVolume, "a"), ""},
		{"unknown", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			state := stored(fmt.Sprintf(mounting, 1)) + bound + hostA + c.volume + fmt.Sprintf(webPod, "a")
			finding, notice := placementOf(t, written+fmt.Sprintf(mounting, 1), written+fmt.Sprintf(mounting, 2), state, "pod-unschedulable", "no node")
			if diff := cmp.Diff([]string{c.finding, ""}, []string{finding, notice}); diff != "" {
				t.Error(diff)
			}
		})
	}
}
