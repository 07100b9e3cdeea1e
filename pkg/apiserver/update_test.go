package apiserver

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The cases in testdata/cases hold the judgement as a whole; these hold what a
// user reads when the API server refuses, word for word.
func TestRefusals(t *testing.T) {
	const pod = `template: {metadata: {labels: {app: web}}, spec: {restartPolicy: %s, containers: [{name: web, image: "web:1"}]}}`
	always, never := strings.Replace(pod, "%s", "Always", 1), strings.Replace(pod, "%s", "Never", 1)
	for _, c := range []struct{ name, old, edit, to, want string }{
		{
			"the template of a Job", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: x}\nspec: {" + never + "}\n",
			"web:1", "web:2", "spec.template: Invalid value: field is immutable",
		},
		{
			"the selector of a Deployment",
			"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {selector: {matchLabels: {app: web}}, " + always + "}\n",
			"matchLabels: {app: web}", "matchLabels: {app: api}",
			"spec.template.metadata.labels: Invalid value: `selector` does not match template `labels`; spec.selector: Invalid value: field is immutable",
		},
		{
			"the claim templates of a StatefulSet",
			"apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: x}\nspec: {serviceName: x, selector: {matchLabels: {app: web}}, " +
				always + ", volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]}\n",
			"1Gi", "2Gi", "spec.volumeClaimTemplates: Invalid value: field is immutable",
		},
		{
			"a claim that shrinks",
			"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: x}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}}\n",
			"2Gi", "1Gi", "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity",
		},
		{
			"a claim that grows though its class does not allow it",
			"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: x}\nspec: {storageClassName: fixed, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n",
			"1Gi", "2Gi",
			"only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
		},
		{
			"the role of a binding",
			"apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: x}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: a}\n",
			"name: a}", "name: b}", "roleRef: Invalid value: field is immutable",
		},
		{
			"a number where text must be",
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {port: \"80\"}\n",
			`"80"`, "80", "patch: Invalid value: json: cannot unmarshal number into Go struct field ConfigMap.data of type string",
		},
		{
			"an immutable Secret, and nothing of what it holds",
			"apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nimmutable: true\nstringData: {password: hunter1}\n",
			"hunter1", "hunter2", "data: Forbidden: field is immutable when `immutable` is set",
		},
		{
			"a Secret of numbers, and nothing of what it holds",
			"apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {password: \"1234\"}\n",
			`"1234"`, "1234", "patch: Invalid value: the object does not fit its type; are all values text?",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t, "")
			old := parse(t, s, c.old)[0]
			result := updateText(t, s, old, strings.Replace(c.old, c.edit, c.to, 1))
			var got []string
			for _, e := range result.Outcome.Refused {
				got = append(got, e.String())
			}
			if diff := cmp.Diff(c.want, strings.Join(got, "; ")); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnOldManifestThatIsInvalidTodayIsStillAFact(t *testing.T) {
	s := newServer(t, "")
	text := "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: x}\nspec: {minAvailable: 1, maxUnavailable: 1}\n"
	result := updateText(t, s, parse(t, s, text)[0], strings.Replace(text, ", maxUnavailable: 1", "", 1))
	if !result.Outcome.Changed || len(result.Outcome.Refused) > 0 {
		t.Errorf("changed %t, refused %v", result.Outcome.Changed, result.Outcome.Refused)
	}
}

func TestEmulationDecidesByVersion(t *testing.T) {
	text := `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: x}
spec:
  serviceName: x
  updateStrategy: {rollingUpdate: {maxUnavailable: 1}}
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "web:1"}]}}
`
	for version, changed := range map[string]bool{"1.36": false, "1.37": true} {
		s := newServer(t, version)
		result := updateText(t, s, parse(t, s, text)[0], strings.Replace(text, "maxUnavailable: 1", "maxUnavailable: 2", 1))
		if result.Outcome.Changed != changed {
			t.Errorf("%s: maxUnavailable of a StatefulSet changed: %t, want %t", version, result.Outcome.Changed, changed)
		}
	}
}

func TestTheSameInputIsJudgedTheSame(t *testing.T) {
	s := newServer(t, "")
	text := "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {type: NodePort, ports: [{name: a, port: 80}, {name: b, port: 81}]}\n"
	first := updateText(t, s, parse(t, s, text)[0], strings.Replace(text, "NodePort", "LoadBalancer", 1))
	for range 8 {
		again := updateText(t, s, parse(t, s, text)[0], strings.Replace(text, "NodePort", "LoadBalancer", 1))
		if diff := cmp.Diff(first.NewFields, again.NewFields); diff != "" {
			t.Fatal(diff)
		}
	}
}
