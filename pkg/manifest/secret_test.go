package manifest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIsSecret(t *testing.T) {
	for kind, want := range map[string]bool{
		"Secret": true, "secret": true, "SECRET": true, "Secrets": true, "sEcReTs": true, "SecretList": true, "Secret" + " ": true, "Secret\u200b": true,
		"ConfigMap": false, "SealedSecret": false, "ExternalSecret": false, "SecretStore": false, "SecretProviderClass": false, "": false,
	} {
		if got := IsSecret(kind); got != want {
			t.Errorf("IsSecret(%q) = %t", kind, got)
		}
	}
}

// What is shown of a Secret, and of what holds one. "hush" may not be in it.
func TestWithoutSecrets(t *testing.T) {
	for name, test := range map[string]struct{ object, want string }{
		"a Secret": {
			`{apiVersion: v1, kind: Secret, type: Opaque, immutable: true, metadata: {name: a, namespace: b, labels: {app: x}, annotations: {helm.sh/hook: pre-upgrade}}, data: {key: hush}}`,
			`{apiVersion: v1, kind: Secret, type: Opaque, immutable: true, metadata: {name: a, namespace: b, labels: {app: x}, annotations: {helm.sh/hook: pre-upgrade}}, data: {key: "***"}}`,
		},
		"a misspelt one of an odd group": {
			`{apiVersion: core/v1, kind: secrets, metadata: {name: a}, stringdata: {key: hush}, password: hush, list: [hush], deep: {a: {hush: hush}}, number: 4711}`,
			`{apiVersion: core/v1, kind: secrets, metadata: {name: a}, stringdata: {key: "***"}, password: "***", list: "***", deep: {a: "***"}, number: "***"}`,
		},
		"harmless fields that hold something else": {
			`{apiVersion: [hush], kind: Secret, type: {hush: hush}, immutable: hush, metadata: {name: {a: hush}, labels: {a: "hush !", b: {c: hush}}, annotations: {note: hush, helm.sh/hook: [hush]}, finalizers: ["hu sh", hush], ownerReferences: [{kind: ConfigMap, name: x, note: hush}], managedFields: [{f: hush}], creationtimestamp: hush}, data: hush}`,
			`{apiVersion: "***", kind: Secret, type: {hush: "***"}, immutable: "***", metadata: {name: {a: "***"}, labels: {a: "***", b: "***"}, annotations: {note: "***", helm.sh/hook: "***"}, finalizers: "***", ownerReferences: [{kind: ConfigMap, name: x, note: "***"}], managedFields: "***", creationtimestamp: "***"}, data: "***"}`,
		},
		"metadata that is none": {`{kind: Secret, metadata: hush, data: [hush]}`, `{kind: Secret, metadata: "***", data: "***"}`},
		"what is empty":         {`{kind: Secret, metadata: {}, data: {}, stringData: null}`, `{kind: Secret, metadata: {}, data: {}, stringData: null}`},
		"a list of Secrets": {
			`{apiVersion: v2, kind: SecretList, items: [{metadata: {name: a}, data: {k: hush}}, hush]}`,
			`{apiVersion: v2, kind: SecretList, items: [{metadata: {name: a}, data: {k: "***"}}, "***"]}`,
		},
		"a List in a custom resource": {
			`{kind: Bundle, spec: {objects: {kind: List, items: [{kind: ConfigMap, data: {k: v}}, {kind: Secret, data: {k: hush}}]}}}`,
			`{kind: Bundle, spec: {objects: {kind: List, items: [{kind: ConfigMap, data: {k: v}}, {kind: Secret, data: {k: "***"}}]}}}`,
		},
		"an object of Crossplane": {
			`{apiVersion: kubernetes.crossplane.io/v1alpha2, kind: Object, spec: {forProvider: {manifest: {apiVersion: v1, kind: Secret, metadata: {name: a, annotations: {n: hush}}, misspelt: hush}}}}`,
			`{apiVersion: kubernetes.crossplane.io/v1alpha2, kind: Object, spec: {forProvider: {manifest: {apiVersion: v1, kind: Secret, metadata: {name: a, annotations: {n: "***"}}, misspelt: "***"}}}}`,
		},
		"the template of a SealedSecret": {
			`{kind: SealedSecret, spec: {encryptedData: {k: AgB}, template: {type: Opaque, metadata: {labels: {a: b}}, data: {conf: hush}, more: hush}}}`,
			`{kind: SealedSecret, spec: {encryptedData: {k: AgB}, template: {type: Opaque, metadata: {labels: {a: b}}, data: {conf: "***"}, more: "***"}}}`,
		},
		"the template of an ExternalSecret": {
			`{kind: ExternalSecret, spec: {data: [{secretKey: a, remoteRef: {key: b}}], target: {name: t, template: {data: {url: "https://u:hush@h"}}}}}`,
			`{kind: ExternalSecret, spec: {data: [{secretKey: a, remoteRef: {key: b}}], target: {name: t, template: {data: {url: "***"}}}}}`,
		},
		"stringData of anything": {`{kind: Thing, spec: [{stringData: {k: hush}, other: v}]}`, `{kind: Thing, spec: [{stringData: {k: "***"}, other: v}]}`},
		"a reference to a Secret": {
			`{kind: HelmRelease, spec: {valuesFrom: [{kind: Secret, name: a, valuesKey: values.yaml, optional: true}], ref: {kind: Secret, name: b, password: hush}}}`,
			`{kind: HelmRelease, spec: {valuesFrom: [{kind: Secret, name: a, valuesKey: values.yaml, optional: true}], ref: {kind: Secret, name: b, password: "***"}}}`,
		},
		"a manifest as text": {
			`{kind: ConfigMap, data: {other: "kind: ConfigMap", s.yaml: "apiVersion: v1\nkind: Secret\nstringData:\n  k: hush\n", s.json: '{"kind": "Secret", "data": {"k": "hush"}}', t: "kind: Secret\ndata:\n  {{ range }}\n  k: hush", e: "\"k\\x69nd\": \"Secret\"\n\"data\": {\"k\": \"hush\"}\nnote: kind"}}`,
			`{kind: ConfigMap, data: {other: "kind: ConfigMap", s.yaml: "***", s.json: "***", t: "***", e: "***"}}`,
		},
		"text about Secrets": {
			`{kind: ConfigMap, data: {t: "which kind of secret is that?\n", u: "valuesFrom:\n- kind: Secret\n  name: a\n"}}`,
			`{kind: ConfigMap, data: {t: "which kind of secret is that?\n", u: "valuesFrom:\n- kind: Secret\n  name: a\n"}}`,
		},
		"the copy that kubectl keeps": {
			`{kind: Deployment, metadata: {annotations: {kubectl.kubernetes.io/last-applied-configuration: hush, a: b}}}`,
			`{kind: Deployment, metadata: {annotations: {kubectl.kubernetes.io/last-applied-configuration: "***", a: b}}}`,
		},
	} {
		value, want := decoded(t, test.object), decoded(t, test.want)
		kind, _ := value["kind"].(string)
		before, _ := json.Marshal(value)
		got := WithoutSecrets(value, Ref{Kind: kind})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
		if after, _ := json.Marshal(value); string(after) != string(before) {
			t.Errorf("%s: the value itself was changed", name)
		}
		if again := WithoutSecrets(got, Ref{Kind: kind}); !cmp.Equal(again, got) {
			t.Errorf("%s: twice is not once: %v", name, again)
		}
		if hidden := HiddenTexts(value, Ref{Kind: kind}); strings.Contains(test.object, "hush") &&
			!slices.ContainsFunc(hidden, func(s string) bool { return strings.Contains(s, "hush") }) {
			t.Errorf("%s: what is hidden is not found: %q", name, hidden)
		}
	}
}

func TestHiddenTexts(t *testing.T) {
	value := decoded(t, `{kind: Secret, data: {a: aHVzaA==, b: "not base64"}, pin: 4711, list: [x, {y: z}]}`)
	if diff := cmp.Diff([]string{"4711", "aHVzaA==", "hush", "not base64", "x", "z"}, HiddenTexts(value, Ref{Kind: "Secret"})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func decoded(t *testing.T, text string) map[string]any {
	t.Helper()
	value, err := decodeMap(text, Position{})
	if err != nil {
		t.Fatal(err)
	}
	return value
}
