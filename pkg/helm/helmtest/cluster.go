package helmtest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/version"

	"github.com/safe-diff/helm-safe-diff/test/answers"
)

// KubeVersion is the version that a cluster says it is, unless told otherwise.
const KubeVersion = "v1.36.2+k3s1"

// ClusterUID is the UID of the namespace kube-system.
const ClusterUID = "c1a57e40-0000-4000-8000-000000000001"

// Cluster is a server that holds Secrets, ConfigMaps and the records of releases.
type Cluster struct {
	server *httptest.Server

	mu       sync.Mutex
	secrets  []corev1.Secret
	configs  []corev1.ConfigMap
	requests []string
	writes   []string
	version  string
}

// Start starts a cluster. The caller stops it with Close.
func Start() *Cluster {
	c := &Cluster{version: KubeVersion}
	c.server = httptest.NewServer(http.HandlerFunc(c.serve))
	return c
}

// Serve starts a cluster with the given releases for the time of a test, and
// fails the test if anybody tries to write to it.
func Serve(t testing.TB, releases ...Release) *Cluster {
	t.Helper()
	c := Start()
	t.Cleanup(func() {
		c.Close()
		if w := c.Writes(); len(w) > 0 {
			t.Errorf("the cluster was written to: %q", w)
		}
	})
	for _, r := range releases {
		if err := c.Install(r); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// Close stops the cluster.
func (c *Cluster) Close() { c.server.Close() }

// Install stores a release.
func (c *Cluster) Install(r Release) error {
	rel, err := r.Render()
	if err != nil {
		return err
	}
	secret, err := secretOf(rel)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.secrets = append(c.secrets, secret)
	return nil
}

// AddConfigMap stores an object that templates can look up.
func (c *Cluster) AddConfigMap(config corev1.ConfigMap) {
	c.mu.Lock()
	defer c.mu.Unlock()
	config.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}
	c.configs = append(c.configs, config)
}

// SetVersion makes the cluster say that it is of a version, such as v1.30.1.
func (c *Cluster) SetVersion(v string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version = v
}

// Writes returns the requests that would have written something. All of them
// were refused.
func (c *Cluster) Writes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.writes)
}

// Requests returns all requests, "GET /version" for one.
func (c *Cluster) Requests() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.requests)
}

// WriteKubeconfig writes a kubeconfig for the cluster into dir and returns its
// path. Its context is named "test".
func (c *Cluster) WriteKubeconfig(dir string) (string, error) {
	path := filepath.Join(dir, "kubeconfig")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: test
clusters: [{name: test, cluster: {server: %q}}]
contexts: [{name: test, context: {cluster: test, user: test}}]
users: [{name: test, user: {}}]
`, c.server.URL)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// serve answers one request.
func (c *Cluster) serve(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	request := r.Method + " " + r.URL.Path
	c.requests = append(c.requests, request)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		c.writes = append(c.writes, request)
		answers.Refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "this cluster is for reading only")
		return
	}
	if found, ok := c.discovery(r.URL.Path); ok {
		answers.Reply(w, found)
		return
	}
	part := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(part) < 5 || part[0] != "api" || part[2] != "namespaces" {
		answers.Refuse(w, http.StatusNotFound, "NotFound", "there is nothing at "+r.URL.Path)
		return
	}
	var name string
	if len(part) > 5 {
		name = part[5]
	}
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		answers.Refuse(w, http.StatusBadRequest, "BadRequest", "this label selector cannot be read")
		return
	}
	switch part[4] {
	case "secrets":
		answer(w, "Secret", c.secrets, part[3], name, selector, func(s corev1.Secret) metav1.ObjectMeta { return s.ObjectMeta })
	case "configmaps":
		answer(w, "ConfigMap", c.configs, part[3], name, selector, func(m corev1.ConfigMap) metav1.ObjectMeta { return m.ObjectMeta })
	default:
		answers.Refuse(w, http.StatusNotFound, "NotFound", "there is nothing at "+r.URL.Path)
	}
}

// discovery answers what the cluster is and which kinds it knows.
func (c *Cluster) discovery(path string) (any, bool) {
	switch path {
	case "/version":
		part := strings.Split(strings.TrimPrefix(c.version, "v"), ".")
		return version.Info{Major: part[0], Minor: part[1], GitVersion: c.version}, true
	case "/api":
		return metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}}, true
	case "/apis":
		v := metav1.GroupVersionForDiscovery{GroupVersion: "apps/v1", Version: "v1"}
		return metav1.APIGroupList{
			TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"},
			Groups:   []metav1.APIGroup{{Name: "apps", Versions: []metav1.GroupVersionForDiscovery{v}, PreferredVersion: v}},
		}, true
	case "/api/v1/namespaces/kube-system":
		return metav1.PartialObjectMetadata{
			TypeMeta: metav1.TypeMeta{Kind: "Namespace", APIVersion: "v1"}, ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: ClusterUID},
		}, true
	case "/api/v1":
		return resources("v1", "ConfigMap", "Secret", "Service"), true
	case "/apis/apps/v1":
		return resources("apps/v1", "DaemonSet", "Deployment", "StatefulSet"), true
	}
	return nil, false
}

func resources(groupVersion string, kinds ...string) metav1.APIResourceList {
	list := metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: groupVersion}
	for _, kind := range kinds {
		list.APIResources = append(list.APIResources, metav1.APIResource{
			Name: strings.ToLower(kind) + "s", Kind: kind, Namespaced: true, Verbs: metav1.Verbs{"get", "list"},
		})
	}
	return list
}

// answer replies with the named object, or with the list of those that the
// selector picks.
func answer[T any](w http.ResponseWriter, kind string, all []T, namespace, name string, selector labels.Selector, meta func(T) metav1.ObjectMeta) {
	items := []T{}
	for _, object := range all {
		m := meta(object)
		if m.Namespace != namespace || !selector.Matches(labels.Set(m.Labels)) {
			continue
		}
		if m.Name == name {
			answers.Reply(w, object)
			return
		}
		items = append(items, object)
	}
	if name != "" {
		answers.Refuse(w, http.StatusNotFound, "NotFound", fmt.Sprintf("%ss %q not found", strings.ToLower(kind), name))
		return
	}
	answers.Reply(w, map[string]any{"apiVersion": "v1", "kind": kind + "List", "items": items})
}
