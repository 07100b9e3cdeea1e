package safediff

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const claimAndService = `apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80}]
`

// Replacing sends every object, changed or not: what the cluster has written into
// a claim may not go, what it has given to a Service stays.
func TestReplace(t *testing.T) {
	for _, replace := range []bool{false, true} {
		set, err := Compare(context.Background(), Manifest{"old.yaml", claimAndService}, Manifest{"new.yaml", claimAndService}, Options{Namespace: "demo", Replace: replace})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i := range set.Changes {
			got = append(got, set.Changes[i].Ref.String()+": "+set.Changes[i].Outcome.Refused[0].Field)
		}
		var want []string
		if replace {
			want = []string{"PersistentVolumeClaim demo/data: spec"}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("replace %t, -want +got:\n%s", replace, diff)
		}
	}
}

const ranHook = `apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations: {helm.sh/hook: "pre-install,pre-upgrade"}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: main, image: "migrate:1"}]}
`

const noHook = `apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: main, image: "migrate:1"}]}
`

// What a hook has left behind is in the way, unless Helm is told to take it.
func TestTakeOwnership(t *testing.T) {
	for _, take := range []bool{false, true} {
		set, err := Compare(context.Background(), Manifest{"old.yaml", ranHook}, Manifest{"new.yaml", noHook}, Options{Namespace: "demo", TakeOwnership: take})
		if err != nil || len(set.Changes) != 1 {
			t.Fatal(err, set.Changes)
		}
		if refused := len(set.Changes[0].Outcome.Refused) > 0; refused == take {
			t.Errorf("--take-ownership %t: refused %v", take, set.Changes[0].Outcome.Refused)
		}
	}
}

// With --force Helm sends every object, and an autoscaled workload falls to what its manifest
// says, also if nothing in that changes.
func TestForceResetsWhatIsAutoscaled(t *testing.T) {
	const text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {%sselector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: a, image: a}]}}}\n---\n" +
		"apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec: {minReplicas: 4, maxReplicas: 9, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n"
	for replicas, want := range map[string]int{"": 1, "replicas: 1, ": 1, "replicas: 4, ": 0} {
		for _, force := range []bool{false, true} {
			m := Manifest{Text: fmt.Sprintf(text, replicas)}
			set, err := Compare(t.Context(), m, m, Options{Namespace: "demo", Replace: force})
			if err != nil {
				t.Fatal(err)
			}
			got := 0
			for i := range set.Changes {
				got += len(set.Changes[i].Findings)
			}
			if force && got != want || !force && got != 0 {
				t.Errorf("manifest {%s}, --force %v: %d findings, want %d", replicas, force, got, want)
			}
		}
	}
}
