package live_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/safe-diff/helm-safe-diff/pkg/live"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/test/answers"
)

// served is what the cluster of these tests serves: of a group and version, the
// resources and their kinds. A kind in capitals at the end lives in no namespace.
var served = map[string]string{
	"/api/v1": "pods=Pod persistentvolumeclaims=PersistentVolumeClaim resourcequotas=ResourceQuota limitranges=LimitRange services=Service secrets=Secret " +
		"configmaps=ConfigMap serviceaccounts=ServiceAccount replicationcontrollers=ReplicationController nodes=Node! persistentvolumes=PersistentVolume! namespaces=Namespace!",
	"/apis/apps/v1": "deployments=Deployment statefulsets=StatefulSet daemonsets=DaemonSet replicasets=ReplicaSet " +
		"controllerrevisions=ControllerRevision deployments/scale=Scale",
	"/apis/batch/v1":                "jobs=Job cronjobs=CronJob",
	"/apis/policy/v1":               "poddisruptionbudgets=PodDisruptionBudget",
	"/apis/autoscaling/v2":          "horizontalpodautoscalers=HorizontalPodAutoscaler",
	"/apis/keda.sh/v1alpha1":        "scaledobjects=ScaledObject",
	"/apis/networking.k8s.io/v1":    "ingresses=Ingress networkpolicies=NetworkPolicy",
	"/apis/storage.k8s.io/v1":       "storageclasses=StorageClass!",
	"/apis/apiextensions.k8s.io/v1": "customresourcedefinitions=CustomResourceDefinition!",
	"/apis/shop.example/v1":         "widgets=Widget shelves=Shelf!",
}

// servesMore adds what only some clusters serve: all the kinds that select by labels.
func (c *cluster) servesMore() {
	for path, resources := range map[string]string{
		"/apis/admissionregistration.k8s.io/v1beta1": "mutatingadmissionpolicies=MutatingAdmissionPolicy! mutatingadmissionpolicybindings=MutatingAdmissionPolicyBinding!",
		"/apis/admissionregistration.k8s.io/v1": "mutatingwebhookconfigurations=MutatingWebhookConfiguration! validatingwebhookconfigurations=ValidatingWebhookConfiguration! " +
			"validatingadmissionpolicies=ValidatingAdmissionPolicy! validatingadmissionpolicybindings=ValidatingAdmissionPolicyBinding!",
		"/apis/rbac.authorization.k8s.io/v1": "clusterroles=ClusterRole! roles=Role",
		"/apis/scheduling.k8s.io/v1":         "priorityclasses=PriorityClass!",
		"/apis/node.k8s.io/v1":               "runtimeclasses=RuntimeClass!",
		"/apis/monitoring.coreos.com/v1": "alertmanagers=Alertmanager podmonitors=PodMonitor probes=Probe prometheuses=Prometheus servicemonitors=ServiceMonitor " +
			"thanosrulers=ThanosRuler",
		"/apis/monitoring.coreos.com/v1alpha1":       "prometheusagents=PrometheusAgent",
		"/apis/operator.victoriametrics.com/v1beta1": "vmagents=VMAgent vmalerts=VMAlert vmpodscrapes=VMPodScrape vmservicescrapes=VMServiceScrape",
		"/apis/gateway.networking.k8s.io/v1":         "gateways=Gateway",
		"/apis/trust.cert-manager.io/v1alpha1":       "bundles=Bundle!",
		"/apis/external-secrets.io/v1":               "clusterexternalsecrets=ClusterExternalSecret! clustersecretstores=ClusterSecretStore!",
		"/apis/grafana.integreatly.org/v1beta1": "grafanaalertrulegroups=GrafanaAlertRuleGroup grafanacontactpoints=GrafanaContactPoint grafanadashboards=GrafanaDashboard " +
			"grafanadatasources=GrafanaDatasource grafanafolders=GrafanaFolder grafanalibrarypanels=GrafanaLibraryPanel grafanamutetimings=GrafanaMuteTiming " +
			"grafananotificationpolicies=GrafanaNotificationPolicy grafananotificationtemplates=GrafanaNotificationTemplate",
	} {
		c.served[path] = resources
	}
}

// cluster is an API server for GET requests. Anything else fails the test.
type cluster struct {
	t      testing.TB
	server *httptest.Server

	mu       sync.Mutex
	served   map[string]string           // what served says, and more
	objects  map[string]map[string]any   // by path
	instead  map[string]http.HandlerFunc // by path: what answers there
	asked    []string                    // paths with their queries
	accepted map[string]string           // by path: the header Accept
}

func serve(t testing.TB) *cluster {
	t.Helper()
	c := &cluster{t: t, served: maps.Clone(served), objects: map[string]map[string]any{}, instead: map[string]http.HandlerFunc{}, accepted: map[string]string{}}
	c.server = httptest.NewServer(c)
	t.Cleanup(c.server.Close)
	return c
}

// add stores objects given as "apiVersion resource Kind namespace/name", with what
// their JSON has besides.
func (c *cluster) add(object string, more ...string) {
	part := strings.Fields(object)
	apiVersion, resource, kind := part[0], part[1], part[2]
	namespace, name, found := strings.Cut(part[3], "/")
	if !found {
		namespace, name = "", part[3]
	}
	value := map[string]any{}
	for _, text := range more {
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			c.t.Fatal(err)
		}
	}
	metadata, _ := value["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
		value["metadata"] = metadata
	}
	metadata["name"] = name
	base := "/apis/" + apiVersion
	if !strings.Contains(apiVersion, "/") {
		base = "/api/" + apiVersion
	}
	if namespace != "" {
		metadata["namespace"] = namespace
		base += "/namespaces/" + namespace
	}
	value["apiVersion"], value["kind"] = apiVersion, kind
	c.objects[base+"/"+resource+"/"+name] = value
}

func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	asked := r.URL.Path
	if r.URL.RawQuery != "" {
		asked += "?" + r.URL.RawQuery
	}
	c.asked = append(c.asked, asked)
	c.accepted[r.URL.Path] = r.Header.Get("Accept")
	instead := c.instead[r.URL.Path]
	object := c.objects[r.URL.Path]
	c.mu.Unlock()
	if r.Method != http.MethodGet {
		c.t.Errorf("the cluster was sent %s %s", r.Method, r.URL)
	}
	resources, isVersion := c.served[r.URL.Path]
	versions := c.versions(r.URL.Path)
	list, isList := c.list(r.URL)
	switch {
	case instead != nil:
		instead(w, r)
	case object != nil:
		answers.Reply(w, object)
	case isVersion:
		answers.Reply(w, resourceList(resources))
	case len(versions) > 0:
		answers.Reply(w, metav1.APIGroup{Versions: versions})
	case isList:
		answers.Reply(w, list)
	case c.servesAbove(r.URL.Path):
		answers.Refuse(w, 404, metav1.StatusReasonNotFound, "not found")
	default:
		http.Error(w, "404 page not found", http.StatusNotFound)
	}
}

// list returns the page of a list that an address asks for; items lack apiVersion
// and kind, as they do in a real cluster.
func (c *cluster) list(address *url.URL) (map[string]any, bool) {
	resource := address.Path[strings.LastIndex(address.Path, "/")+1:]
	base := strings.TrimSuffix(address.Path, "/"+resource)
	if i := strings.Index(base, "/namespaces/"); i >= 0 {
		base = base[:i]
	}
	if !strings.Contains(" "+c.served[base], " "+resource+"=") {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var paths []string
	for path := range c.objects {
		inAll := !strings.Contains(address.Path, "/namespaces/") && strings.HasPrefix(path, base) && strings.Contains(path, "/"+resource+"/")
		if strings.HasPrefix(path, address.Path+"/") || inAll {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	from, _ := strconv.Atoi(address.Query().Get("continue"))
	to := len(paths)
	if limit, _ := strconv.Atoi(address.Query().Get("limit")); limit > 0 {
		to = min(to, from+limit)
	}
	items := []any{}
	for _, path := range paths[from:to] {
		item := map[string]any{}
		for key, value := range c.objects[path] {
			if key != "apiVersion" && key != "kind" {
				item[key] = value
			}
		}
		items = append(items, item)
	}
	metadata := map[string]any{}
	if to < len(paths) {
		metadata["continue"] = strconv.Itoa(to)
	}
	return map[string]any{"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items}, true
}

// versions returns the versions of the group at a path, the oldest name first.
func (c *cluster) versions(path string) []metav1.GroupVersionForDiscovery {
	var list []metav1.GroupVersionForDiscovery
	for _, at := range slices.Sorted(maps.Keys(c.served)) {
		if version, found := strings.CutPrefix(at, path+"/"); found && !strings.Contains(version, "/") {
			list = append(list, metav1.GroupVersionForDiscovery{Version: version})
		}
	}
	return list
}

func (c *cluster) servesAbove(path string) bool {
	for group := range c.served {
		if strings.HasPrefix(path, group+"/") {
			return true
		}
	}
	return false
}

func resourceList(resources string) metav1.APIResourceList {
	var list metav1.APIResourceList
	for _, resource := range strings.Fields(resources) {
		name, kind, _ := strings.Cut(resource, "=")
		kind, global := strings.CutSuffix(kind, "!")
		list.APIResources = append(list.APIResources, metav1.APIResource{Name: name, Kind: kind, Namespaced: !global})
	}
	return list
}

// at lets something else answer at a path.
func (c *cluster) at(path string, answer http.HandlerFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.instead[path] = answer
}

// requests returns what was asked, in order of the alphabet.
func (c *cluster) requests() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(slices.Values(c.asked))
}

// reader returns a Reader for the cluster that loses no time.
func (c *cluster) reader(options live.Options) *live.Reader {
	c.t.Helper()
	options.Pause = time.Millisecond
	reader, err := live.New(&rest.Config{Host: c.server.URL}, options)
	if err != nil {
		c.t.Fatal(err)
	}
	return reader
}

// read reads from the cluster.
func (c *cluster) read(options live.Options, wanted ...live.Wanted) *live.State {
	c.t.Helper()
	state, err := c.reader(options).Read(c.t.Context(), wanted)
	if err != nil {
		c.t.Fatal(err)
	}
	return state
}

// want returns an object given as "apiVersion Kind namespace/name".
func want(object string) live.Wanted {
	part := strings.Fields(object)
	ref := manifest.Ref{Version: part[0], Kind: part[1], Name: part[2]}
	if group, version, found := strings.Cut(part[0], "/"); found {
		ref.Group, ref.Version = group, version
	}
	if namespace, name, found := strings.Cut(part[2], "/"); found {
		ref.Namespace, ref.Name = namespace, name
	}
	return live.Wanted{Ref: ref}
}

// gone returns such an object that the upgrade deletes.
func gone(object string) live.Wanted {
	w := want(object)
	w.Goes = true
	return w
}

// told returns what a state says of the objects, one line each: "there", "none" or
// the reason why it is not known.
func told(state *live.State) []string {
	var lines []string
	for id, o := range state.Objects {
		said := o.Unread
		switch {
		case said == "" && o.Value == nil:
			said = "none"
		case said == "":
			said = "there"
		case o.Value != nil:
			said += ", and yet it has a value"
		}
		lines = append(lines, fmt.Sprintf("%s %s: %s", id.Kind, id.Name, said))
	}
	slices.Sort(lines)
	return lines
}

// found returns what is around, one line each.
func found(state *live.State) []string {
	var lines []string
	for _, o := range state.Surroundings {
		metadata, _ := o["metadata"].(map[string]any)
		lines = append(lines, fmt.Sprint(o["apiVersion"], " ", o["kind"], " ", metadata["name"]))
	}
	return lines
}

func forbid(w http.ResponseWriter, _ *http.Request) {
	answers.Refuse(w, 403, metav1.StatusReasonForbidden, "forbidden: User \"ci\" cannot do this")
}
