package live_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/safe-diff/helm-safe-diff/pkg/live"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/test/answers"
)

func check(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestObjects(t *testing.T) {
	c := serve(t)
	c.add("v1 services Service prod/web", `{"metadata":{"managedFields":[{"manager":"helm"}]},"spec":{"ports":[{"port":80}]}}`)
	c.add("v1 secrets Secret prod/key", `{"data":{"key":"c2VjcmV0"}}`)
	state := c.read(live.Options{}, want("v1 Service prod/web"), want("v1 Service prod/gone"), want("v1 Secret prod/key"),
		want("v1 Gadget prod/a"), want("old.example/v1 Gizmo prod/b"), want("v1 ConfigMap x"),
		want("v1 ConfigMap prod/../secrets"), live.Wanted{Ref: manifest.Ref{Version: "v1", Kind: "ConfigMap", Namespace: "prod"}})
	check(t, "objects", []string{
		`ConfigMap ../secrets: "../secrets" cannot be the name of something in the cluster: it may not contain '/'`,
		"ConfigMap x: ConfigMap lives in a namespace, and none is given",
		"Gadget a: the cluster does not serve Gadget of v1",
		"Gizmo b: the cluster does not serve Gizmo of old.example/v1",
		"Secret key: there",
		"Service gone: none",
		"Service web: there",
	}, told(state))
	value, known := state.Object(want("v1 Service prod/web").Ref)
	check(t, "the Service", map[string]any{
		"apiVersion": "v1", "kind": "Service",
		"metadata": map[string]any{"name": "web", "namespace": "prod", "managedFields": []any{map[string]any{"manager": "helm"}}},
		"spec":     map[string]any{"ports": []any{map[string]any{"port": int64(80)}}},
	}, value)
	check(t, "known", true, known)
	check(t, "unserved", true, state.Objects[want("v1 Gadget prod/a").Ref.Identity()].Unserved)
	check(t, "requests", []string{
		"/api/v1", "/api/v1/namespaces/prod/secrets/key", "/api/v1/namespaces/prod/services/gone", "/api/v1/namespaces/prod/services/web",
		"/apis/old.example", "/apis/old.example/v1",
	}, c.requests())
}

// What an object is does not depend on the version in which it is written down.
func TestVersionThatIsNotServed(t *testing.T) {
	c := serve(t)
	c.at("/apis/shop.example", func(w http.ResponseWriter, _ *http.Request) {
		answers.Reply(w, metav1.APIGroup{Versions: []metav1.GroupVersionForDiscovery{{Version: "v3"}, {Version: "v1"}}})
	})
	c.at("/apis/shop.example/v3", func(w http.ResponseWriter, _ *http.Request) { answers.Reply(w, resourceList("gadgets=Gadget")) })
	c.add("shop.example/v1 widgets Widget prod/a")
	state := c.read(live.Options{}, want("shop.example/v2 Widget prod/a"), want("shop.example/v2 Widget prod/b"), want("shop.example/v2 Gizmo prod/c"))
	check(t, "objects", []string{"Gizmo c: the cluster does not serve Gizmo of shop.example/v2", "Widget a: there", "Widget b: none"}, told(state))
	for _, o := range state.Objects {
		check(t, "unserved", true, o.Unserved)
	}
	check(t, "version", any("shop.example/v1"), state.Objects[want("shop.example/v1 Widget prod/a").Ref.Identity()].Value["apiVersion"])
}

func TestWhatIsListed(t *testing.T) {
	const ns = "/namespaces/prod/"
	ofPods := []string{"/api/v1" + ns + "pods", "/apis/policy/v1" + ns + "poddisruptionbudgets"}
	scales, keda := "/apis/autoscaling/v2"+ns+"horizontalpodautoscalers", "/apis/keda.sh/v1alpha1"+ns+"scaledobjects"
	revisions := "/apis/apps/v1" + ns + "controllerrevisions"
	pvcs, classes := "/api/v1"+ns+"persistentvolumeclaims", "/apis/storage.k8s.io/v1/storageclasses"
	for _, test := range []struct {
		wanted live.Wanted
		lists  []string
	}{
		{want("v1 ConfigMap prod/a"), nil},
		{want("shop.example/v1 Deployment prod/a"), nil}, // of the same name, and none
		{want("v1 Pod prod/a"), ofPods},
		{want("batch/v1 Job prod/a"), ofPods},
		{want("batch/v1 CronJob prod/a"), nil}, // it says itself what runs
		{want("v1 ReplicationController prod/a"), append([]string{scales, keda}, ofPods...)},
		{want("apps/v1 ReplicaSet prod/a"), append([]string{scales, keda}, ofPods...)},
		{want("apps/v1 Deployment prod/a"), append([]string{scales, keda, "/apis/apps/v1" + ns + "replicasets", "/api/v1" + ns + "resourcequotas"}, ofPods...)},
		{want("apps/v1 StatefulSet prod/a"), append([]string{scales, keda, revisions, pvcs, classes}, ofPods...)},
		{want("apps/v1 DaemonSet prod/a"), append([]string{revisions, "/api/v1/nodes"}, ofPods...)},
		{want("v1 PersistentVolumeClaim prod/a"), []string{pvcs, classes}},
		{gone("v1 PersistentVolumeClaim prod/a"), []string{pvcs, classes, "/api/v1" + ns + "pods"}},
	} {
		c := serve(t)
		state := c.read(live.Options{}, test.wanted)
		var lists []string
		for _, request := range c.requests() {
			if list, found := strings.CutSuffix(request, "?limit=500"); found {
				lists = append(lists, list)
			}
		}
		slices.Sort(test.lists)
		check(t, test.wanted.Ref.String()+": lists", test.lists, lists)
		check(t, test.wanted.Ref.String()+": gaps", []live.Gap(nil), state.Unread)
	}
}

// What is sent meets the limits and quotas of its namespace, and the policies and webhooks of
// the cluster.
func TestWhatIsListedForWhatIsSent(t *testing.T) {
	c := serve(t)
	c.servesMore()
	sent := want("v1 ConfigMap prod/a")
	sent.Sent = true
	check(t, "gaps", []live.Gap(nil), c.read(live.Options{}, sent).Unread)
	var lists []string
	for _, request := range c.requests() {
		if list, found := strings.CutSuffix(request, "?limit=500"); found {
			lists = append(lists, list)
		}
	}
	const group = "/apis/admissionregistration.k8s.io/"
	check(t, "lists", []string{
		"/api/v1/namespaces/prod/limitranges", "/api/v1/namespaces/prod/resourcequotas",
		group + "v1/mutatingwebhookconfigurations", group + "v1/validatingadmissionpolicies", group + "v1/validatingadmissionpolicybindings",
		group + "v1/validatingwebhookconfigurations",
		group + "v1beta1/mutatingadmissionpolicies", group + "v1beta1/mutatingadmissionpolicybindings", // where they are served
	}, lists)
}

// Parameters are read of policies that may be asked about what is sent, and none from Secrets.
func TestParameters(t *testing.T) {
	const group = "admissionregistration.k8s.io/v1 "
	policy := func(c *cluster, name, resource, kind, from string) {
		c.add(group+"validatingadmissionpolicies ValidatingAdmissionPolicy "+name, fmt.Sprintf(
			`{"spec":{"paramKind":{"apiVersion":"v1","kind":%q},"matchConstraints":{"resourceRules":[{"resources":[%q]}]}}}`, kind, resource))
		c.add(group+"validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding "+name, fmt.Sprintf(`{"spec":{"policyName":%q,"paramRef":{%s}}}`, name, from))
	}
	c := serve(t)
	c.servesMore()
	c.add("v1 configmaps ConfigMap prod/here")
	c.add("v1 configmaps ConfigMap rules/there")
	c.add("v1 configmaps ConfigMap prod/other")
	policy(c, "a", "services", "ConfigMap", `"name":"here"`)
	policy(c, "b", "services", "ConfigMap", `"name":"there","namespace":"rules"`)
	policy(c, "c", "deployments", "ConfigMap", `"name":"other"`)
	policy(c, "d", "services", "Secret", `"name":"key"`)
	sent := want("v1 Service prod/a")
	sent.Sent = true
	state := c.read(live.Options{}, sent)
	var names []string
	for _, o := range found(state) {
		if strings.Contains(o, "ConfigMap") {
			names = append(names, o)
		}
	}
	check(t, "parameters", []string{"v1 ConfigMap here", "v1 ConfigMap there"}, names)
	check(t, "gaps", []live.Gap{{Kind: "Secret", Namespace: "prod", Reason: "the parameters of an admission policy are not read from Secrets"}}, state.Unread)
}

// What only some clusters serve is listed there, and missed nowhere else.
func TestClusterWithoutKEDA(t *testing.T) {
	c := serve(t)
	c.at("/apis/keda.sh/v1alpha1", http.NotFound)
	c.at("/apis/keda.sh/v1alpha1/namespaces/prod/scaledobjects", forbid)
	check(t, "gaps", []live.Gap(nil), c.read(live.Options{}, want("apps/v1 Deployment prod/a")).Unread)
	if slices.ContainsFunc(c.requests(), func(r string) bool { return strings.Contains(r, "scaledobjects") }) {
		t.Error("what is not served was listed")
	}
}

func TestSurroundings(t *testing.T) {
	c := serve(t)
	c.add("v1 pods Pod prod/web-1", `{"metadata":{"managedFields":[1],"annotations":{"a":"b","kubectl.kubernetes.io/last-applied-configuration":"{}"}},"spec":{"nodeName":"n"}}`)
	c.add("v1 pods Pod test/other")
	c.add("v1 nodes Node one", `{"status":{"images":[1],"phase":"x"}}`)
	c.add("apps/v1 daemonsets DaemonSet prod/web")
	state := c.read(live.Options{}, want("apps/v1 DaemonSet prod/web"))
	check(t, "around", []map[string]any{
		{"apiVersion": "v1", "kind": "Node", "metadata": map[string]any{"name": "one"}, "status": map[string]any{"phase": "x"}},
		{
			"apiVersion": "v1", "kind": "Pod", "spec": map[string]any{"nodeName": "n"},
			"metadata": map[string]any{"name": "web-1", "namespace": "prod", "annotations": map[string]any{"a": "b"}},
		},
	}, state.Surroundings)
}

// A claim that pods mount need not be of the release.
func TestMountedClaims(t *testing.T) {
	for _, mounts := range []bool{false, true} {
		c := serve(t)
		c.add("v1 persistentvolumeclaims PersistentVolumeClaim prod/data")
		w := want("apps/v1 Deployment prod/web")
		w.Mounts = mounts
		var around []string
		if mounts {
			around = []string{"v1 PersistentVolumeClaim data"}
		}
		check(t, "around", around, found(c.read(live.Options{}, w)))
	}
}

// What is missing to list objects of all namespaces is not the permission for a kind
// that lives in none.
func TestMissingPermissionInAllNamespaces(t *testing.T) {
	c := serve(t)
	for _, scope := range []string{"Namespaced", "Cluster"} {
		plural := strings.ToLower(scope)
		c.add("apiextensions.k8s.io/v1 customresourcedefinitions CustomResourceDefinition "+plural+".shop.example",
			fmt.Sprintf(`{"spec":{"group":"shop.example","scope":%q,"names":{"plural":%q,"kind":%q},"versions":[{"name":"v1","served":true,"storage":true}]}}`, scope, plural, scope))
		c.at("/apis/shop.example/v1/"+plural, forbid)
	}
	const definition = "apiextensions.k8s.io/v1 CustomResourceDefinition "
	check(t, "gaps", []live.Gap{
		{Kind: "Cluster", Reason: "no permission to list cluster.shop.example"},
		{Kind: "Namespaced", Reason: "no permission to list namespaced.shop.example in all namespaces"},
	}, c.read(live.Options{}, gone(definition+"cluster.shop.example"), gone(definition+"namespaced.shop.example")).Unread)
}

// What makes pods that look for a node asks which nodes there are.
func TestNodesForPods(t *testing.T) {
	c := serve(t)
	c.add("v1 nodes Node one")
	check(t, "around", 0, len(c.read(live.Options{}, want("apps/v1 Deployment prod/web")).Surroundings))
	placing := want("apps/v1 Deployment prod/web")
	placing.Places = true
	check(t, "around one that makes pods", 1, len(c.read(live.Options{}, placing).Surroundings))
	set := want("apps/v1 StatefulSet prod/web")
	set.Places = true
	c.add("storage.k8s.io/v1 storageclasses StorageClass fast")
	check(t, "around a StatefulSet", 2, len(c.read(live.Options{}, set).Surroundings))
}

// The volumes of pods that look for a node are read, to know which nodes can reach them. Without
// nodes, or without the permission, nothing is asked and nothing is said.
func TestVolumesForPods(t *testing.T) {
	c := serve(t)
	c.add("v1 persistentvolumeclaims PersistentVolumeClaim prod/data", `{"spec":{"volumeName":"v"}}`)
	c.add("v1 persistentvolumeclaims PersistentVolumeClaim prod/data-db-0", `{"spec":{"volumeName":"w"}}`)
	c.add("v1 persistentvolumeclaims PersistentVolumeClaim prod/other", `{"spec":{"volumeName":"x"}}`)
	for _, name := range []string{"v", "w", "x"} {
		c.add("v1 persistentvolumes PersistentVolume " + name)
	}
	c.add("apps/v1 deployments Deployment prod/web", `{"spec":{"template":{"spec":{"volumes":[{"name":"data","persistentVolumeClaim":{"claimName":"data"}}]}}}}`)
	c.add("apps/v1 statefulsets StatefulSet prod/db", `{"spec":{"volumeClaimTemplates":[{"metadata":{"name":"data"}}]}}`)
	web, db := want("apps/v1 Deployment prod/web"), want("apps/v1 StatefulSet prod/db")
	web.Places, web.Mounts, db.Places = true, true, true
	read := func() (names []string) {
		state := c.read(live.Options{}, web, db)
		check(t, "gaps", []live.Gap(nil), state.Unread)
		for _, o := range state.Surroundings {
			if o["kind"] == "PersistentVolume" {
				names = append(names, o["metadata"].(map[string]any)["name"].(string))
			}
		}
		return names
	}
	check(t, "without nodes", []string(nil), read())
	c.add("v1 nodes Node one")
	check(t, "with nodes", []string{"v", "w"}, read())
	c.at("/api/v1/persistentvolumes/v", func(w http.ResponseWriter, _ *http.Request) { answers.Refuse(w, 403, "Forbidden", "no") })
	check(t, "without the permission", []string{"w"}, read())
}

// A Service that asks for a port of the nodes may find it with one of any namespace.
func TestServiceSurroundings(t *testing.T) {
	c := serve(t)
	c.add("v1 services Service prod/web")
	c.add("v1 services Service test/other")
	check(t, "around", 0, len(c.read(live.Options{}, want("v1 Service prod/web")).Surroundings))
	asking := want("v1 Service prod/web")
	asking.Asks = true
	check(t, "around one that asks", 2, len(c.read(live.Options{}, asking).Surroundings))
}

func TestPaging(t *testing.T) {
	c := serve(t)
	for i := range 1201 {
		c.add(fmt.Sprintf("v1 pods Pod prod/p%04d", i))
	}
	state := c.read(live.Options{}, want("batch/v1 Job prod/a"))
	check(t, "pods", 1201, len(state.Surroundings))
	var pages []string
	for _, request := range c.requests() {
		if _, query, found := strings.Cut(request, "/pods?"); found {
			pages = append(pages, query)
		}
	}
	check(t, "pages", []string{"continue=1000&limit=500", "continue=500&limit=500", "limit=500"}, pages)
}

// A list that changes much while it is read is read again, at once.
func TestPagesThatExpire(t *testing.T) {
	c := serve(t)
	for i := range 501 {
		c.add(fmt.Sprintf("v1 pods Pod prod/p%04d", i))
	}
	const path = "/api/v1/namespaces/prod/pods"
	c.at(path, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("continue") != "" {
			answers.Refuse(w, 410, "Expired", "the provided continue parameter is too old")
			return
		}
		list, _ := c.list(r.URL)
		answers.Reply(w, list)
	})
	state := c.read(live.Options{}, want("batch/v1 Job prod/a"))
	check(t, "pods", 501, len(state.Surroundings))
	check(t, "gaps", []live.Gap(nil), state.Unread)
}

// A server that goes round in circles does not take the program along.
func TestPagesWithoutEnd(t *testing.T) {
	for _, last := range []http.HandlerFunc{
		func(w http.ResponseWriter, _ *http.Request) {
			answers.Reply(w, map[string]any{"metadata": map[string]any{"continue": "x"}})
		},
		func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("continue") != "" {
				answers.Refuse(w, 410, "Expired", "too old")
				return
			}
			answers.Reply(w, map[string]any{"metadata": map[string]any{"continue": "x"}})
		},
	} {
		c := serve(t)
		c.at("/api/v1/namespaces/prod/pods", last)
		check(t, "gaps", 1, len(c.read(live.Options{}, want("batch/v1 Job prod/a")).Unread))
	}
}

// The limit that the user asks for holds.
func TestRequestsPerSecond(t *testing.T) {
	c := serve(t)
	var wanted []live.Wanted
	for i := range 10 {
		wanted = append(wanted, want(fmt.Sprintf("v1 Service prod/s%d", i)))
	}
	reader, err := live.New(&rest.Config{Host: c.server.URL, QPS: 50, Burst: 1}, live.Options{})
	if err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	if _, err := reader.Read(t.Context(), wanted); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(started); took < 10*time.Second/50 { // 11 requests, the first at once
		t.Errorf("it took only %s", took)
	}
	reader, err = live.New(&rest.Config{Host: c.server.URL, QPS: 0.01, Burst: 1}, live.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := reader.Read(ctx, wanted); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
}

func TestVolumesOfClaimsThatGo(t *testing.T) {
	policy := func(deleted, scaled string) string {
		return `{"spec":{"volumeClaimTemplates":[{"metadata":{"name":"data"}}],` +
			`"persistentVolumeClaimRetentionPolicy":{"whenDeleted":"` + deleted + `","whenScaled":"` + scaled + `"}}}`
	}
	for _, test := range []struct {
		wanted live.Wanted
		policy string
		found  []string
	}{
		{gone("apps/v1 StatefulSet prod/db"), policy("Delete", "Retain"), []string{"v1 PersistentVolume v-0", "v1 PersistentVolume v-1"}},
		{want("apps/v1 StatefulSet prod/db"), policy("Delete", "Retain"), nil},
		{want("apps/v1 StatefulSet prod/db"), policy("Retain", "Delete"), []string{"v1 PersistentVolume v-0", "v1 PersistentVolume v-1"}},
		{gone("apps/v1 StatefulSet prod/db"), policy("Retain", "Retain"), nil},
		{gone("v1 PersistentVolumeClaim prod/free"), policy("", ""), []string{"v1 PersistentVolume v-free"}},
		{want("v1 PersistentVolumeClaim prod/free"), policy("", ""), nil},
		{gone("v1 Namespace prod"), policy("", ""), []string{"v1 PersistentVolume v-0", "v1 PersistentVolume v-1", "v1 PersistentVolume v-free"}},
	} {
		c := serve(t)
		c.add("apps/v1 statefulsets StatefulSet prod/db", test.policy)
		for claim, volume := range map[string]string{"data-db-0": "v-0", "data-db-1": "v-1", "free": "v-free", "data-db-x": "v-x", "log-db-0": "v-log"} {
			if (claim == "data-db-x" || claim == "log-db-0") && test.wanted.Ref.Kind == "Namespace" {
				continue
			}
			c.add("v1 persistentvolumeclaims PersistentVolumeClaim prod/"+claim, `{"spec":{"volumeName":"`+volume+`"}}`)
			c.add("v1 persistentvolumes PersistentVolume " + volume)
		}
		var volumes []string
		for _, line := range found(c.read(live.Options{}, test.wanted)) {
			if strings.Contains(line, "PersistentVolume ") {
				volumes = append(volumes, line)
			}
		}
		check(t, fmt.Sprint(test.wanted, test.policy), test.found, volumes)
	}
}

func TestDefinitions(t *testing.T) {
	c := serve(t)
	c.add("apiextensions.k8s.io/v1 customresourcedefinitions CustomResourceDefinition widgets.shop.example")
	c.add("shop.example/v1 widgets Widget prod/a")
	c.add("shop.example/v1 shelves Shelf top")
	// A namespace that was guessed for want of the definition does no harm.
	state := c.read(live.Options{}, want("shop.example/v1 Widget prod/a"), want("shop.example/v1 Widget prod/b"), want("shop.example/v1 Shelf prod/top"))
	check(t, "objects", []string{"Shelf top: there", "Widget a: there", "Widget b: none"}, told(state))
	check(t, "around", []string{"apiextensions.k8s.io/v1 CustomResourceDefinition widgets.shop.example"}, found(state))
	check(t, "requests", []string{
		"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/shelves.shop.example",
		"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.shop.example",
		"/apis/shop.example/v1", "/apis/shop.example/v1/namespaces/prod/widgets/a", "/apis/shop.example/v1/namespaces/prod/widgets/b",
		"/apis/shop.example/v1/shelves/top",
	}, c.requests())
}

const bareLists = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

func TestDefinitionThatGoes(t *testing.T) {
	c := serve(t)
	c.add("apiextensions.k8s.io/v1 customresourcedefinitions CustomResourceDefinition widgets.shop.example",
		`{"spec":{"group":"shop.example","names":{"plural":"widgets","kind":"Widget"},"versions":[
			{"name":"v0","served":false,"storage":false},{"name":"v2","served":true,"storage":false},{"name":"v1","served":true,"storage":true}]}}`)
	c.add("shop.example/v1 widgets Widget prod/a", `{"spec":{"size":1}}`)
	c.add("shop.example/v1 widgets Widget test/b", `{"spec":{"size":1}}`)
	state := c.read(live.Options{}, gone("apiextensions.k8s.io/v1 CustomResourceDefinition widgets.shop.example"))
	check(t, "around", []map[string]any{
		{"apiVersion": "shop.example/v1", "kind": "Widget", "metadata": map[string]any{"name": "a", "namespace": "prod"}},
		{"apiVersion": "shop.example/v1", "kind": "Widget", "metadata": map[string]any{"name": "b", "namespace": "test"}},
	}, state.Surroundings)
	check(t, "accepted", bareLists, c.accepted["/apis/shop.example/v1/widgets"])
}

func TestNamespaceThatGoes(t *testing.T) {
	c := serve(t)
	c.add("v1 namespaces Namespace prod")
	c.add("v1 secrets Secret prod/key", `{"data":{"key":"c2VjcmV0"},"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"c2VjcmV0"}}}`)
	c.add("v1 pods Pod prod/web", `{"spec":{}}`)
	c.add("v1 persistentvolumeclaims PersistentVolumeClaim prod/data", `{"spec":{"volumeName":"v"}}`)
	state := c.read(live.Options{}, gone("v1 Namespace prod"))
	meta := func(name string) map[string]any { return map[string]any{"name": name, "namespace": "prod"} }
	check(t, "around", []map[string]any{
		{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta("data"), "spec": map[string]any{"volumeName": "v"}},
		{"apiVersion": "v1", "kind": "Pod", "metadata": meta("web")},
		{"apiVersion": "v1", "kind": "Secret", "metadata": meta("key")},
	}, state.Surroundings)
	check(t, "accepted", bareLists, c.accepted["/api/v1/namespaces/prod/secrets"])
	check(t, "gaps", []live.Gap(nil), state.Unread)
}

func TestMissingPermissions(t *testing.T) {
	c := serve(t)
	c.add("v1 services Service prod/web")
	for _, path := range []string{
		"/apis/apps/v1/namespaces/prod/deployments/web", "/apis/apps/v1/namespaces/prod/replicasets", "/api/v1/namespaces/prod/pods",
		"/api/v1/nodes", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.shop.example", "/apis/shop.example/v1/shelves/top",
		"/apis/storage.k8s.io/v1",
	} {
		c.at(path, forbid)
	}
	state := c.read(live.Options{}, want("apps/v1 Deployment prod/web"), want("apps/v1 DaemonSet prod/agent"), want("v1 Service prod/web"),
		want("shop.example/v1 Widget prod/a"), want("shop.example/v1 Widget prod/b"), want("shop.example/v1 Shelf top"),
		want("storage.k8s.io/v1 StorageClass fast"))
	check(t, "objects", []string{
		"DaemonSet agent: none",
		`Deployment web: no permission to get deployments.apps in namespace "prod"`,
		"Service web: there",
		"Shelf top: no permission to get shelves.shop.example",
		"StorageClass fast: what the cluster serves of storage.k8s.io/v1 could not be read: no permission to get /apis/storage.k8s.io/v1",
		"Widget a: none",
		"Widget b: none",
	}, told(state))
	check(t, "gaps", []live.Gap{
		{Kind: "CustomResourceDefinition", Reason: "no permission to get customresourcedefinitions.apiextensions.k8s.io"},
		{Kind: "Node", Reason: "no permission to list nodes"},
		{Kind: "Pod", Namespace: "prod", Reason: `no permission to list pods in namespace "prod"`},
		{Kind: "ReplicaSet", Namespace: "prod", Reason: `no permission to list replicasets.apps in namespace "prod"`},
	}, state.Unread)
}

// An extension of the API server that is down takes only its own objects along.
func TestPartialDiscovery(t *testing.T) {
	c := serve(t)
	c.add("v1 services Service prod/web")
	c.at("/apis/shop.example/v1", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "service unavailable", http.StatusServiceUnavailable)
	})
	c.at("/apis/odd.example/v1", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) })
	c.at("/apis/policy/v1/namespaces/prod/poddisruptionbudgets", http.NotFound)
	state := c.read(live.Options{}, want("v1 Service prod/web"), want("shop.example/v1 Widget prod/a"), want("odd.example/v1 Odd prod/a"),
		want("v1 Pod prod/a"))
	check(t, "objects", []string{
		"Odd a: what the cluster serves of odd.example/v1 could not be read: the answer is no list of resources",
		"Pod a: none",
		"Service web: there",
		"Widget a: what the cluster serves of shop.example/v1 could not be read: the cluster answers 503 Service Unavailable",
	}, told(state))
	check(t, "gaps", []live.Gap{
		{Kind: "PodDisruptionBudget", Namespace: "prod", Reason: "the cluster does not serve poddisruptionbudgets of policy/v1"},
	}, state.Unread)
}

// A 404 that is not the API server's word about the object is no proof that there
// is none.
func TestNotFoundByAProxy(t *testing.T) {
	c := serve(t)
	c.at("/api/v1/namespaces/prod/services/web", http.NotFound)
	check(t, "objects", []string{"Service web: the cluster answers 404 Not Found"}, told(c.read(live.Options{}, want("v1 Service prod/web"))))
}

func TestTroubles(t *testing.T) {
	const path = "/api/v1/namespaces/prod/services/web"
	cut := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"apiVersion":`))
	}
	hangUp := func(w http.ResponseWriter, _ *http.Request) {
		if connection, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = connection.Close()
		}
	}
	busy := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "0")
		answers.Refuse(w, 429, "TooManyRequests", "too many requests, please try again later")
	}
	broken := func(w http.ResponseWriter, _ *http.Request) {
		answers.Refuse(w, 500, "InternalError", "etcdserver:\n  leader changed")
	}
	for _, test := range []struct {
		name    string
		answer  http.HandlerFunc
		times   int // how often there is trouble
		said    string
		queries int // 0 if net/http may repeat some on its own
	}{
		{"busy for a while", busy, 9, "there", 10},
		{"busy", busy, 99, "the cluster is too busy (429 Too Many Requests)", 11},
		{"broken once", broken, 1, "there", 2},
		{"broken", broken, 99, "the cluster answers 500 Internal Server Error: etcdserver: leader changed", 3},
		{"cut once", cut, 1, "there", 2},
		{"cut", cut, 99, "the connection to the cluster was cut", 3},
		{"hung up", hangUp, 99, "the connection to the cluster was cut", 0},
		{"no object", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("[]")) }, 99, "the answer of the cluster is no object", 1},
		{"unknown", func(w http.ResponseWriter, _ *http.Request) { answers.Refuse(w, 401, "Unauthorized", "Unauthorized") }, 99,
			"the cluster does not accept the credentials (401 Unauthorized)", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := serve(t)
			c.add("v1 services Service prod/web")
			c.add("v1 services Service prod/other")
			var count atomic.Int32
			c.at(path, func(w http.ResponseWriter, r *http.Request) {
				if int(count.Add(1)) <= test.times {
					test.answer(w, r)
					return
				}
				answers.Reply(w, map[string]any{"kind": "Service"})
			})
			state := c.read(live.Options{}, want("v1 Service prod/web"), want("v1 Service prod/other"))
			check(t, "objects", []string{"Service other: there", "Service web: " + test.said}, told(state))
			if test.queries > 0 {
				check(t, "queries", test.queries, int(count.Load()))
			}
		})
	}
}

// The server says for how long to wait, and that is waited.
func TestRetryAfter(t *testing.T) {
	c := serve(t)
	var times []time.Time
	c.at("/api/v1/namespaces/prod/services/web", func(w http.ResponseWriter, _ *http.Request) {
		if times = append(times, time.Now()); len(times) == 1 {
			w.Header().Set("Retry-After", "1")
			answers.Refuse(w, 429, "TooManyRequests", "")
			return
		}
		answers.Reply(w, map[string]any{"kind": "Service"})
	})
	check(t, "objects", []string{"Service web: there"}, told(c.read(live.Options{}, want("v1 Service prod/web"))))
	if len(times) != 2 || times[1].Sub(times[0]) < time.Second {
		t.Errorf("asked at %v", times)
	}
}

func TestUnreachable(t *testing.T) {
	c := serve(t)
	c.server.Close()
	state := c.read(live.Options{}, want("v1 Service prod/web"), want("apps/v1 Deployment prod/web"), want("batch/v1 Job prod/a"))
	const why = "the cluster cannot be reached: connect: connection refused"
	check(t, "objects", []string{
		"Deployment web: what the cluster serves of apps/v1 could not be read: " + why,
		"Job a: what the cluster serves of batch/v1 could not be read: " + why,
		"Service web: what the cluster serves of v1 could not be read: " + why,
	}, told(state))
	check(t, "gaps", []live.Gap{
		{Kind: "HorizontalPodAutoscaler", Namespace: "prod", Reason: why},
		{Kind: "Pod", Namespace: "prod", Reason: why},
		{Kind: "PodDisruptionBudget", Namespace: "prod", Reason: why},
		{Kind: "ReplicaSet", Namespace: "prod", Reason: why},
		{Kind: "ResourceQuota", Namespace: "prod", Reason: why},
		{Kind: "ScaledObject", Namespace: "prod", Reason: "what the cluster serves of keda.sh/v1alpha1 could not be read: " + why},
	}, state.Unread)
}

// hang does not answer until the client has gone.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// An extension that hangs is given up after a few requests, and costs only its own
// objects.
func TestExtensionThatHangs(t *testing.T) {
	c := serve(t)
	wanted := []live.Wanted{want("v1 Service prod/web")}
	c.add("v1 services Service prod/web")
	for i := range 100 {
		wanted = append(wanted, want(fmt.Sprintf("shop.example/v1 Widget prod/w%d", i)))
		c.at(fmt.Sprintf("/apis/shop.example/v1/namespaces/prod/widgets/w%d", i), hang)
	}
	// What does answer has to do so within this time on a busy machine, too.
	state := c.read(live.Options{Timeout: 2 * time.Second, Parallel: 4}, wanted...)
	for _, w := range wanted[1:] {
		check(t, w.Ref.Name, "the cluster does not answer in time", state.Objects[w.Ref.Identity()].Unread)
	}
	check(t, "the Service", "", state.Objects[wanted[0].Ref.Identity()].Unread)
	if asked := len(c.requests()); asked > 15 {
		t.Errorf("%d requests were sent", asked)
	}
}

// A cluster that hangs is given up as a whole.
func TestClusterThatHangs(t *testing.T) {
	var count atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { count.Add(1); hang(w, r) }))
	defer server.Close()
	reader, err := live.New(&rest.Config{Host: server.URL}, live.Options{Timeout: 50 * time.Millisecond, Parallel: 4})
	if err != nil {
		t.Fatal(err)
	}
	var wanted []live.Wanted
	for i := range 100 {
		wanted = append(wanted, want(fmt.Sprintf("g%d.example/v1 Widget prod/w", i)))
	}
	state, err := reader.Read(t.Context(), wanted)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wanted {
		check(t, w.Ref.Group, "what the cluster serves of "+w.Ref.APIVersion()+" could not be read: the cluster does not answer in time",
			state.Objects[w.Ref.Identity()].Unread)
	}
	if asked := count.Load(); asked > 8 {
		t.Errorf("%d requests were sent", asked)
	}
}

func TestCancel(t *testing.T) {
	c := serve(t)
	c.add("v1 services Service prod/web")
	hanging := make(chan struct{}, 1)
	c.at("/api/v1/namespaces/prod/services/web", func(w http.ResponseWriter, r *http.Request) {
		hanging <- struct{}{}
		hang(w, r)
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	reader := c.reader(live.Options{})
	go func() {
		_, err := reader.Read(ctx, []live.Wanted{want("v1 Service prod/web")})
		ended <- err
	}()
	<-hanging
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Read goes on although its context has ended")
	}
}

// A discovery that was cancelled is made again by the next who wants to read.
func TestReadAfterCancel(t *testing.T) {
	c := serve(t)
	c.add("v1 services Service prod/web")
	reader := c.reader(live.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := reader.Read(ctx, []live.Wanted{want("v1 Service prod/web")}); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	state, err := reader.Read(t.Context(), []live.Wanted{want("v1 Service prod/web")})
	if err != nil {
		t.Fatal(err)
	}
	check(t, "objects", []string{"Service web: there"}, told(state))
}

func TestSameResultEachTime(t *testing.T) {
	c := serve(t)
	var wanted []live.Wanted
	for i := range 50 {
		c.add(fmt.Sprintf("apps/v1 deployments Deployment prod/d%d", i))
		c.add(fmt.Sprintf("v1 pods Pod prod/p%d", i))
		c.add(fmt.Sprintf("v1 pods Pod test/p%d", i))
		wanted = append(wanted, want(fmt.Sprintf("apps/v1 Deployment prod/d%d", i)), want(fmt.Sprintf("batch/v1 Job test/j%d", i)),
			want(fmt.Sprintf("shop.example/v1 Widget test/w%d", i)))
	}
	c.at("/apis/policy/v1/namespaces/test/poddisruptionbudgets", forbid)
	c.at("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.shop.example", forbid)
	first := c.read(live.Options{}, wanted...)
	check(t, "gaps", 2, len(first.Unread))
	check(t, "around", 100, len(first.Surroundings))
	for range 7 {
		check(t, "the state", first, c.read(live.Options{}, wanted...))
	}
}

func TestManyObjects(t *testing.T) {
	c := serve(t)
	var wanted []live.Wanted
	var now, most atomic.Int32
	for i := range 2000 {
		wanted = append(wanted, want(fmt.Sprintf("v1 ConfigMap prod/c%d", i)))
		c.at(fmt.Sprintf("/api/v1/namespaces/prod/configmaps/c%d", i), func(w http.ResponseWriter, _ *http.Request) {
			n := now.Add(1)
			defer now.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			answers.Reply(w, map[string]any{"kind": "ConfigMap"})
		})
	}
	var mu sync.Mutex
	var steps []int
	state := c.read(live.Options{Parallel: 8, Progress: func(done, total int) {
		mu.Lock()
		defer mu.Unlock()
		steps = append(steps, done)
		check(t, "total", 2000, total)
	}}, wanted...)
	for _, w := range wanted {
		if value, known := state.Object(w.Ref); !known || value == nil {
			t.Fatalf("%s was not read", w.Ref)
		}
	}
	if most.Load() > 8 {
		t.Errorf("%d requests at a time", most.Load())
	}
	check(t, "steps of progress", 2000, len(steps))
	check(t, "steps of progress in order", true, slices.IsSorted(steps))
	check(t, "requests", 2001, len(c.requests()))
}
