package safediff

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// What a rollback does not bring back is asked of an upgrade and of nothing else.
func TestOneWay(t *testing.T) {
	const (
		boundClaim = `apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: demo}
spec:
  volumeName: pv-1
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 5Gi}}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv-1}
spec:
  capacity: {storage: 5Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  hostPath: {path: /tmp}
`
		claim = `apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 5Gi}}
`
		copied = claim + "  dataSource: {apiGroup: snapshot.storage.k8s.io, kind: VolumeSnapshot, name: nightly}\n"
		// No API server of today would make it, and there it is.
		policy = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {}
  ingress: [{ports: [{port: 80, endPort: 79}]}]
`
	)
	const migrateJob = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a:"
	immutable := "immutable: true\n" + settings
	for _, c := range []struct {
		name, old, updated, cluster string
		operation                   change.Operation
		want                        []string
	}{
		{name: "an upgrade", old: settings, updated: immutable, want: []string{"ConfigMap/settings: the rollback is rejected: immutable: Forbidden: field is immutable when `immutable` is set"}},
		{name: "a rollback", old: settings, updated: immutable, operation: change.Rollback},
		{name: "an uninstall", old: claim, operation: change.Uninstall},
		{name: "created", updated: claim},
		{name: "a claim that was made from a snapshot", old: copied, want: []string{"PersistentVolumeClaim/data: it comes back without what is on its volume now"}},
		{name: "a claim whose volume stays", old: claim, cluster: boundClaim,
			want: []string{"PersistentVolumeClaim/data: it comes back with an empty volume: volume pv-1 of 5Gi stays (reclaim policy Retain)"}},
		{name: "a claim that never had a volume", old: claim, cluster: strings.Split(strings.Replace(boundClaim, "  volumeName: pv-1\n", "", 1), "---\n")[0]},
		{name: "a claim that waits for its volume", old: claim, updated: strings.Replace(claim, "Once]", "Once]\n  storageClassName: slow", 1),
			cluster: strings.Replace(strings.Replace(ownClaim, "volumeName: pv-1, ", "", 1), "1Gi", "5Gi", 1)},
		{name: "what could not be made any more", old: policy,
			want: []string{"NetworkPolicy/web: it cannot be made again: spec.ingress[0].ports[0].endPort: Invalid value: 79: must be greater than or equal to `port`"}},
		{name: "an object that goes and can be made again", old: settings},
		{name: "a Job that is made anew, since somebody has deleted it", old: migrateJob + "1}]}}}\n", updated: migrateJob + "2}]}}}\n", cluster: boundClaim,
			want: []string{"Job/migrate: the rollback is rejected: spec.template: Invalid value: field is immutable"}},
		{name: "a ConfigMap that is made anew", old: settings, updated: strings.Replace(settings, "{a: b}", "{a: c}", 1), cluster: boundClaim},
		{name: "all of it fails before anything is changed", old: settings + claim, updated: immutable + "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, annotations: {a: 1}}\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			opts := Options{Namespace: "demo", Release: change.Release{Name: "shop", Namespace: "demo"}, Operation: c.operation}
			if c.cluster != "" {
				opts.Look = clusterOf(t, c.cluster)
			}
			set, err := Compare(context.Background(), Manifest{"old.yaml", c.old}, Manifest{"new.yaml", c.updated}, opts)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, n := range set.OneWay {
				got = append(got, n.Ref.Kind+"/"+n.Ref.Name+": "+n.Reason)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
