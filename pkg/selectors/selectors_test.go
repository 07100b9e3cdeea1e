package selectors_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/selectors"
)

func parse(t *testing.T, text string) *manifest.Object {
	t.Helper()
	if text == "" {
		return nil
	}
	objects, err := manifest.Parse(text, manifest.Options{Namespace: "demo", Namespaced: func(_, kind string) bool {
		return !strings.HasPrefix(kind, "Cluster") && !strings.Contains(kind, "Configuration") && kind != "Namespace"
	}})
	if err != nil || len(objects) != 1 {
		t.Fatalf("%d objects, %v, in\n%s", len(objects), err, text)
	}
	return objects[0]
}

const monitor = "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: m}\nspec: "

func service(namespace string) manifest.Ref {
	return manifest.Ref{Version: "v1", Kind: "Service", Namespace: namespace, Name: "web"}
}

// An object's label x goes from "old" to "new", while app stays "same".
func TestWatchers(t *testing.T) {
	const now, gone = "ServiceMonitor demo/m now selects it", "ServiceMonitor demo/m no longer selects it"
	for _, c := range []struct {
		name, old, updated string
		ref                manifest.Ref
		want               []string
	}{
		{"the old value", monitor + "{selector: {matchLabels: {x: old}}}", "=", service("demo"), []string{gone}},
		{"the new value", monitor + "{selector: {matchLabels: {x: new}}}", "=", service("demo"), []string{now}},
		{"another value", monitor + "{selector: {matchLabels: {x: other}}}", "=", service("demo"), nil},
		{"another label", monitor + "{selector: {matchLabels: {app: same}}}", "=", service("demo"), nil},
		{"and another label that does not fit", monitor + "{selector: {matchLabels: {x: old, app: no}}}", "=", service("demo"), nil},
		{"everything", monitor + "{selector: {}}", "=", service("demo"), nil},
		{"in", monitor + "{selector: {matchExpressions: [{key: x, operator: In, values: [old, new]}]}}", "=", service("demo"), nil},
		{"not in", monitor + "{selector: {matchExpressions: [{key: x, operator: NotIn, values: [new]}]}}", "=", service("demo"), []string{gone}},
		{"exists", monitor + "{selector: {matchExpressions: [{key: x, operator: Exists}]}}", "=", service("demo"), nil},
		{"does not exist", monitor + "{selector: {matchExpressions: [{key: x, operator: DoesNotExist}]}}", "=", service("demo"), nil},
		{"no operator", monitor + "{selector: {matchExpressions: [{key: x, operator: Is}]}}", "=", service("demo"), nil},
		{"a key that the text does not show", monitor + `{selector: {matchLabels: {"\x78": old}}}`, "=", service("demo"), []string{gone}},

		{"elsewhere", monitor + "{selector: {matchLabels: {x: old}}}", "=", service("prod"), nil},
		{"anywhere", monitor + "{namespaceSelector: {any: true}, selector: {matchLabels: {x: old}}}", "=", service("prod"), []string{gone}},
		{"in named namespaces", monitor + "{namespaceSelector: {matchNames: [prod]}, selector: {matchLabels: {x: old}}}", "=", service("prod"), []string{gone}},
		{"only in named namespaces", monitor + "{namespaceSelector: {matchNames: [prod]}, selector: {matchLabels: {x: old}}}", "=", service("demo"), nil},
		{"another kind", monitor + "{selector: {matchLabels: {x: old}}}", "=", manifest.Ref{Version: "v1", Kind: "Pod", Namespace: "demo"}, nil},

		{"the selector moves along", monitor + "{selector: {matchLabels: {x: old}}}", monitor + "{selector: {matchLabels: {x: new}}}", service("demo"), nil},
		{"the selector moves the other way", monitor + "{selector: {matchLabels: {x: new}}}", monitor + "{selector: {matchLabels: {x: old}}}", service("demo"), nil},
		{"the selector begins to ask", monitor + "{selector: {}}", monitor + "{selector: {matchLabels: {x: old}}}", service("demo"), []string{gone}},
		{"the selector asks for another label", monitor + "{selector: {matchLabels: {app: same}}}", monitor + "{selector: {matchLabels: {app: no}}}", service("demo"), nil},
		{"what selects comes", "", monitor + "{selector: {matchLabels: {x: new}}}", service("demo"), []string{now}},
		{"what selects goes", monitor + "{selector: {matchLabels: {x: old}}}", "", service("demo"), nil},

		{
			"the namespaces of a Prometheus",
			"apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: p}\nspec: {ruleNamespaceSelector: {matchLabels: {x: new}}}", "=",
			manifest.Ref{Version: "v1", Kind: "Namespace", Name: "jobs"}, []string{"Prometheus demo/p now selects it"},
		},
		{
			"the rules of a Prometheus",
			"apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: p}\nspec: {ruleSelector: {matchLabels: {x: new}}}", "=",
			manifest.Ref{Group: "monitoring.coreos.com", Version: "v1", Kind: "PrometheusRule", Namespace: "demo"}, []string{"Prometheus demo/p now selects it"},
		},
		{
			"a Service",
			"apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {selector: {x: old, app: same}}", "=",
			manifest.Ref{Version: "v1", Kind: "Pod", Namespace: "demo"}, []string{"Service demo/s no longer selects it"},
		},
		{
			"a peer of a NetworkPolicy in another namespace",
			"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: policy}\nspec: {podSelector: {}, egress: [{}, {to: [{podSelector: {matchLabels: {x: new}}}]}]}", "=",
			manifest.Ref{Version: "v1", Kind: "Pod", Namespace: "prod"}, []string{"NetworkPolicy demo/policy now selects it"},
		},
		{
			"one of two webhooks, in another order",
			"apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata: {name: w}\nwebhooks:\n" +
				"- {name: a, rules: [{apiGroups: [\"\"], resources: [services]}], objectSelector: {matchLabels: {x: old}}}\n- {name: b}\n",
			"apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata: {name: w}\nwebhooks:\n" +
				"- {name: b}\n- {name: a, rules: [{apiGroups: [\"*\"], resources: [\"*\"]}], objectSelector: {matchLabels: {x: new}}}\n",
			service("demo"), nil,
		},
		{
			"a webhook for another group",
			"apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata: {name: w}\nwebhooks:\n" +
				"- {name: a, rules: [{apiGroups: [apps], resources: [\"*\"]}], objectSelector: {matchLabels: {x: old}}}\n", "=", service("demo"), nil,
		},
		{
			"an admission policy's binding without rules",
			"apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {name: b, namespace: \"\"}\nspec: {matchResources: {objectSelector: {matchLabels: {x: old}}}}", "=",
			service("demo"), []string{"ValidatingAdmissionPolicyBinding demo/b no longer selects it"},
		},
		{
			"a role of several",
			"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: all}\naggregationRule: {clusterRoleSelectors: [{matchLabels: {z: z}}, {matchLabels: {x: old}}]}", "=",
			manifest.Ref{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRole", Name: "part"}, []string{"ClusterRole all no longer selects it"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := selectors.Pair{Old: parse(t, c.old)}
			if p.New = p.Old; c.updated != "=" {
				p.New = parse(t, c.updated)
			}
			before, after := map[string]string{"x": "old", "app": "same"}, map[string]string{"x": "new", "app": "same"}
			if diff := cmp.Diff(c.want, selectors.Of([]selectors.Pair{p}).Watchers(c.ref, "x", before, after)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// What the manifests say of an object counts, and not what the cluster has of it.
func TestTheFirstOfSeveralCounts(t *testing.T) {
	old, updated := parse(t, monitor+"{selector: {matchLabels: {x: old}}}"), parse(t, monitor+"{selector: {matchLabels: {x: new}}}")
	for name, first := range map[string]selectors.Pair{"changed": {Old: old, New: updated}, "gone": {Old: old}} {
		known := selectors.Of([]selectors.Pair{first, {Old: old, New: old}})
		if got := known.Watchers(service("demo"), "x", map[string]string{"x": "old"}, map[string]string{"x": "new"}); len(got) > 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestLabelReaders(t *testing.T) {
	const admission = "admissionregistration.k8s.io"
	every := []selectors.LabelReader{
		{Group: admission, Kind: "MutatingAdmissionPolicy", Everywhere: true}, {Group: admission, Kind: "MutatingAdmissionPolicyBinding", Everywhere: true},
		{Group: admission, Kind: "MutatingWebhookConfiguration", Everywhere: true},
		{Group: admission, Kind: "ValidatingAdmissionPolicy", Everywhere: true}, {Group: admission, Kind: "ValidatingAdmissionPolicyBinding", Everywhere: true},
		{Group: admission, Kind: "ValidatingWebhookConfiguration", Everywhere: true},
	}
	for kind, more := range map[string][]selectors.LabelReader{
		"ConfigMap": nil,
		"Service": {
			{Group: "monitoring.coreos.com", Kind: "ServiceMonitor", Everywhere: true},
			{Group: "operator.victoriametrics.com", Kind: "VMServiceScrape", Everywhere: true},
		},
		"Pod": {
			{Group: "networking.k8s.io", Kind: "NetworkPolicy", Everywhere: true}, // pods of other namespaces are among its peers
			{Group: "policy", Kind: "PodDisruptionBudget"},
			{Group: "monitoring.coreos.com", Kind: "PodMonitor", Everywhere: true},
			{Kind: "Service"},
			{Group: "operator.victoriametrics.com", Kind: "VMPodScrape", Everywhere: true},
		},
		"ClusterRole.rbac.authorization.k8s.io": {{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Everywhere: true}},
	} {
		want := append(slices.Clone(every), more...)
		slices.SortFunc(want, func(a, b selectors.LabelReader) int { return strings.Compare(a.Kind, b.Kind) })
		if diff := cmp.Diff(want, selectors.LabelReaders(kind)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", kind, diff)
		}
	}
}
