package controlplane

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/live"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// inCluster is what TestLive reads.
const inCluster = `
apiVersion: v1
kind: Namespace
metadata: {name: prod}
---
apiVersion: v1
kind: Namespace
metadata: {name: ci}
---
apiVersion: v1
kind: Secret
metadata:
  name: key
  namespace: prod
  annotations: {kubectl.kubernetes.io/last-applied-configuration: hidden}
stringData: {key: hidden}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: prod}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}]}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.live.example}
spec:
  group: live.example
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
---
apiVersion: live.example/v1
kind: Widget
metadata: {name: one, namespace: prod}
spec: {size: 1}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: prod}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.down.example}
spec:
  group: down.example
  version: v1
  groupPriorityMinimum: 100
  versionPriority: 100
  service: {namespace: prod, name: nobody}
  insecureSkipTLSVerify: true
`

// TestLive reads from a real API server: as an administrator, as a ServiceAccount
// with the roles of docs/rbac.md, and as one that nobody has allowed anything.
func TestLive(t *testing.T) {
	l := startLab(t)
	if err := l.Apply(t.Context(), inCluster+"---\n"+documentedRoles(t), "prod"); err != nil {
		t.Fatal(err)
	}
	secret, deployment := toRead("", "v1", "Secret", "prod", "key"), toRead("apps", "v1", "Deployment", "prod", "web")
	set, widget := toRead("apps", "v1", "StatefulSet", "prod", "none"), toRead("live.example", "v1", "Widget", "prod", "one")
	down, gone := toRead("down.example", "v1", "Down", "prod", "x"), toRead("policy", "v1beta1", "PodSecurityPolicy", "", "x")
	// As a release that was installed years ago has it: the kind is served, that version is not.
	old := toRead("policy", "v1beta1", "PodDisruptionBudget", "prod", "web")
	namespace, definition := toRead("", "v1", "Namespace", "", "prod"), toRead("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "", "widgets.live.example")
	const unread = "Down x: what the cluster serves of down.example/v1 could not be read: the cluster answers 503 Service Unavailable"
	const budget = "PodDisruptionBudget web: there"
	const unserved = "PodSecurityPolicy x: the cluster does not serve PodSecurityPolicy of policy/v1beta1"

	admin := readAs(t, l.Config, "", secret, deployment, set, widget, down, gone, old)
	hold(t, []string{"Deployment web: there", unread, budget, unserved, "Secret key: there", "StatefulSet none: none", "Widget one: there"}, admin)
	for _, kind := range []string{"CustomResourceDefinition", "ReplicaSet", "StorageClass"} {
		if !slices.ContainsFunc(admin.Surroundings, func(o map[string]any) bool { return o["kind"] == kind }) {
			t.Errorf("around is no %s", kind)
		}
	}

	namespace.Goes, definition.Goes = true, true
	going := readAs(t, l.Config, "", namespace, definition)
	hold(t, []string{"CustomResourceDefinition widgets.live.example: there", "Namespace prod: there"}, going)
	if said := fmt.Sprint(going.Surroundings); strings.Contains(said, "hidden") || strings.Contains(said, "size") ||
		!strings.Contains(said, "kind:Secret") || !strings.Contains(said, "kind:Widget") {
		t.Errorf("around is %s", said)
	}

	ci := readAs(t, l.Config, "ci", secret, deployment, set, gone, old)
	hold(t, []string{"Deployment web: there", budget, unserved, "Secret key: there", "StatefulSet none: none"}, ci)

	nobody := readAs(t, l.Config, "nobody", secret, widget, set)
	forbidden := func(what string) string { return "no permission to " + what + ` in namespace "prod"` }
	hold(t, []string{
		"Secret key: " + forbidden("get secrets"), "StatefulSet none: " + forbidden("get statefulsets.apps"),
		"Widget one: " + forbidden("get widgets.live.example"),
		"around, CustomResourceDefinition: no permission to get customresourcedefinitions.apiextensions.k8s.io",
		"around, ControllerRevision: " + forbidden("list controllerrevisions.apps"),
		"around, HorizontalPodAutoscaler: " + forbidden("list horizontalpodautoscalers.autoscaling"),
		"around, PersistentVolumeClaim: " + forbidden("list persistentvolumeclaims"),
		"around, Pod: " + forbidden("list pods"),
		"around, PodDisruptionBudget: " + forbidden("list poddisruptionbudgets.policy"),
		"around, StorageClass: no permission to list storageclasses.storage.k8s.io",
	}, nobody)
}

// TestDocumentedRole has the program judge as the ServiceAccount of docs/rbac.md, and as
// an administrator: the account must be told no less, and hit on nothing forbidden.
func TestDocumentedRole(t *testing.T) {
	l := withShop(t)
	const account = "apiVersion: v1\nkind: Namespace\nmetadata: {name: ci}\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: ci, namespace: ci}\n---\n"
	if err := l.Apply(t.Context(), account+documentedRoles(t), "prod"); err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(l.Config)
	if err != nil {
		t.Fatal(err)
	}
	request, err := client.CoreV1().ServiceAccounts("ci").CreateToken(t.Context(), "ci", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ci := kubeconfigFor(t, l, l.Config.Host, request.Status.Token)
	for _, c := range commands() {
		if c.args[0] == "release" {
			continue // half of it is in a namespace that the account has nothing to do with
		}
		admin, got := c.run(t, l.Kubeconfig, nil), c.run(t, ci, nil)
		if got.code != c.code || len(got.unchecked) > 0 || got.report != admin.report {
			t.Errorf("%s ends with %d, says %q, and leaves unchecked %q (-administrator +account):\n%s",
				c.name, got.code, got.stderr, got.unchecked, cmp.Diff(admin.report, got.report))
		}
	}
}

// documentedRoles returns the roles of docs/rbac.md and their bindings.
func documentedRoles(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/rbac.md")
	if err != nil {
		t.Fatal(err)
	}
	var documents []string
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		documents = append(documents, block[1])
	}
	return strings.Join(documents, "---\n")
}

func toRead(group, version, kind, namespace, name string) cluster.Wanted {
	return cluster.Wanted{Ref: manifest.Ref{Group: group, Version: version, Kind: kind, Namespace: namespace, Name: name}}
}

// readAs reads objects as a ServiceAccount of the namespace ci; as an
// administrator if account is "".
func readAs(t *testing.T, config *rest.Config, account string, wanted ...cluster.Wanted) *cluster.State {
	t.Helper()
	config = rest.CopyConfig(config)
	if account != "" {
		config.Impersonate = rest.ImpersonationConfig{
			UserName: "system:serviceaccount:ci:" + account,
			Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:ci", "system:authenticated"},
		}
	}
	reader, err := live.New(config, live.Options{})
	if err != nil {
		t.Fatal(err)
	}
	state, err := reader.Read(t.Context(), wanted)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// hold compares what could be read, and what could not, with what is expected.
func hold(t *testing.T, expected []string, state *cluster.State) {
	t.Helper()
	var said []string
	for id, o := range state.Objects {
		line := id.Kind + " " + id.Name + ": "
		switch {
		case o.Unread != "":
			line += o.Unread
		case o.Value == nil:
			line += "none"
		default:
			line += "there"
		}
		said = append(said, line)
	}
	for _, gap := range state.Unread {
		said = append(said, "around, "+gap.Kind+": "+gap.Reason)
	}
	slices.Sort(said)
	slices.Sort(expected)
	if diff := cmp.Diff(expected, said); diff != "" {
		t.Errorf("what was read (-want +got):\n%s", diff)
	}
}
