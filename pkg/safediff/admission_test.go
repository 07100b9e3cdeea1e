package safediff

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// TestPoliciesTellNoSecret holds that what a policy says of a Secret, or by a parameter that is
// one, is not repeated: it may hold the value.
func TestPoliciesTellNoSecret(t *testing.T) {
	const value = "aHVudGVyMg=="
	policy := `---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-passwords}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: ["*"], resources: [secrets]}
  validations:
    - {expression: "false", messageExpression: "'not ' + string(object.data.password)"}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-passwords}
spec: {policyName: no-passwords, validationActions: [ACTION]}
`
	for action, says := range map[string]string{"Deny": "ValidatingAdmissionPolicy 'no-passwords' with binding 'no-passwords' denied request", "Warn": "Validation failed for ValidatingAdmissionPolicy 'no-passwords'"} {
		cluster := Manifest{Text: strings.Replace(policy, "ACTION", action, 1)}
		secret := "apiVersion: v1\nkind: Secret\nmetadata: {name: login}\ndata: {password: VALUE}\n"
		set, err := Compare(t.Context(), Manifest{Text: strings.Replace(secret, "VALUE", "eA==", 1)}, Manifest{Text: strings.Replace(secret, "VALUE", value, 1)},
			Options{Namespace: "demo", Release: change.Release{Name: "shop", Namespace: "demo"}, Cluster: []Manifest{cluster}})
		if err != nil {
			t.Fatal(err)
		}
		told, err := json.Marshal([]any{set.Changes[0].Findings, set.Changes[0].Outcome.Refused, set.Unchecked})
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(told), `\u0027`, "'")
		if !strings.Contains(text, says) || strings.Contains(text, value) || strings.Contains(text, "hunter2") {
			t.Errorf("%s: %s", action, text)
		}
	}
}

// TestMutatingPoliciesTellNoSecret holds the same of a policy that fails to change a Secret.
func TestMutatingPoliciesTellNoSecret(t *testing.T) {
	cluster := `apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: broken}
spec:
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [UPDATE], resources: [secrets]}
  mutations:
    - patchType: JSONPatch
      jsonPatch: {expression: '[JSONPatch{op: "remove", path: "/data/" + string(object.data.password)}]'}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: broken}
spec: {policyName: broken}
`
	const secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: login}\ndata: {password: VALUE}\n"
	set, err := Compare(t.Context(), Manifest{Text: strings.Replace(secret, "VALUE", "eA==", 1)}, Manifest{Text: strings.Replace(secret, "VALUE", "aHVudGVyMg==", 1)},
		Options{Namespace: "demo", Release: change.Release{Name: "shop", Namespace: "demo"}, Cluster: []Manifest{{Text: cluster}}})
	if err != nil {
		t.Fatal(err)
	}
	const says = "MutatingAdmissionPolicy 'broken' with binding 'broken' denied request"
	if refused := set.Changes[0].Outcome.Refused; len(refused) != 1 || refused[0].Message != says {
		t.Errorf("refused: %v", refused)
	}
}

// TestWebhooksAreOneNotice holds that webhooks are named that are asked about what changes, or
// about new pods, and no others.
func TestWebhooksAreOneNotice(t *testing.T) {
	webhook := func(name, resource, operation, more string) string {
		return "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: " + name + "}\nwebhooks:\n" +
			"- {name: " + name + ".example.com, sideEffects: None, admissionReviewVersions: [v1], clientConfig: {url: 'https://example.com'}, " + more +
			"rules: [{apiGroups: ['*'], apiVersions: ['*'], operations: [" + operation + "], resources: [" + resource + "]}]}\n---\n"
	}
	cluster := webhook("a", "configmaps", "UPDATE", "") + webhook("b", "configmaps", "CREATE", "") + webhook("c", "secrets", "UPDATE", "") + webhook("d", "pods", "CREATE", "") +
		webhook("e", "configmaps", "UPDATE", "namespaceSelector: {matchLabels: {team: other}}, ") + webhook("f", "configmaps", "UPDATE", "namespaceSelector: {matchLabels: {team: shop}}, ") +
		webhook("g", "configmaps", "UPDATE", "objectSelector: {matchLabels: {tier: x}}, ") +
		"apiVersion: v1\nkind: Namespace\nmetadata: {name: demo, labels: {team: shop}}\n"
	old := fmt.Sprintf(web, 1, "x") + settings
	const begin, end = "admission webhooks look at what changes, and may reject it or change it: ", "; --dry-run=server asks them, except about pods"
	for updated, want := range map[string]string{
		old: "",
		fmt.Sprintf(web, 1, "x") + strings.Replace(settings, "a: b", "a: c", 1): begin + "a.example.com; f.example.com" + end,
		fmt.Sprintf(web, 1, "z") + settings:                                     begin + "d.example.com" + end,
	} {
		set, err := Compare(t.Context(), Manifest{Text: old}, Manifest{Text: updated},
			Options{Namespace: "demo", Release: change.Release{Name: "shop", Namespace: "demo"}, Cluster: []Manifest{{Text: cluster}}})
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, n := range set.Unchecked {
			if strings.HasPrefix(n.Reason, begin) {
				said = append(said, n.Reason)
				if n.Hides != change.Rejected || !n.Never {
					t.Errorf("the notice hides %q", n.Hides)
				}
			}
		}
		if said := strings.Join(said, ""); said != want {
			t.Errorf("said %q, want %q", said, want)
		}
	}
}

// TestQuotaOfOthers holds that what others use of a quota is left for them.
func TestQuotaOfOthers(t *testing.T) {
	const quota = `
apiVersion: v1
kind: ResourceQuota
metadata: {name: pods, namespace: demo}
spec: {hard: {pods: "10"}}
status: {hard: {pods: "10"}, used: {pods: "8"}}
---
`
	for replicas, want := range map[int]string{4: "", 5: "not all of its pods come: with what else counts, that is pods 11, of pods 10 in ResourceQuota pods"} {
		set, err := Compare(t.Context(), Manifest{Text: fmt.Sprintf(web, 2, "x")}, Manifest{Text: fmt.Sprintf(web, replicas, "x")}, Options{
			Namespace: "demo", Release: change.Release{Name: "shop", Namespace: "demo"}, Look: clusterOf(t, stored(fmt.Sprintf(web, 2, "x"))+quota),
		})
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, f := range set.Changes[0].Findings {
			if f.Rule == "quota-too-small" {
				said = append(said, f.Message)
			}
		}
		if said := strings.Join(said, ""); said != want {
			t.Errorf("%d replicas: said %q, want %q", replicas, said, want)
		}
	}
}
