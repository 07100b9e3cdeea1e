package live

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// resource is a kind as the cluster serves it.
type resource struct {
	name       string // in paths and permissions, such as "deployments"
	namespaced bool
}

// catalogue is what the cluster serves of one group and version, or which versions it
// serves of a group, the preferred one first.
type catalogue struct {
	kinds    map[string]resource
	versions []string
	reason   string // why that is not known, one clause; "" if it is
}

// discovered remembers what was asked about groups and versions. The zero value
// knows nothing yet.
type discovered struct {
	mu    sync.Mutex
	known map[endpoint]func() catalogue
}

// catalogue returns what the cluster serves of a group and version, or of a group. It
// is asked once, when somebody first wants to know.
func (r *Reader) catalogue(ctx context.Context, e endpoint) catalogue {
	r.kinds.mu.Lock()
	if r.kinds.known == nil {
		r.kinds.known = map[endpoint]func() catalogue{}
	}
	once, found := r.kinds.known[e]
	if !found {
		once = sync.OnceValue(func() catalogue {
			c := r.discover(ctx, e)
			if ctx.Err() != nil {
				r.forget(e) // the next to ask may have more time
			}
			return c
		})
		r.kinds.known[e] = once
	}
	r.kinds.mu.Unlock()
	return once()
}

// versions returns in which versions the cluster serves a group, the preferred one
// first; nil if that could not be read. The core group has only one.
func (r *Reader) versions(ctx context.Context, group string) []string {
	if group == "" {
		return nil
	}
	return r.catalogue(ctx, endpoint{group: group}).versions
}

// forget makes the next one who wants to know ask again.
func (r *Reader) forget(e endpoint) {
	r.kinds.mu.Lock()
	defer r.kinds.mu.Unlock()
	delete(r.kinds.known, e)
}

// discover asks what the cluster serves of a group and version, or of a group. A group
// that is not there is one without kinds.
func (r *Reader) discover(ctx context.Context, e endpoint) catalogue {
	o := r.get(ctx, request{endpoint: e, path: e.path()})
	switch {
	case o.status == http.StatusNotFound:
		return catalogue{}
	case !o.ok():
		return catalogue{reason: fmt.Sprintf("what the cluster serves of %s could not be read: %s", e, reason(o, "get "+e.path()))}
	}
	var list struct {
		Resources []metav1.APIResource              `json:"resources"` // of an APIResourceList
		Versions  []metav1.GroupVersionForDiscovery `json:"versions"`  // of an APIGroup
	}
	if err := json.Unmarshal(o.body, &list); err != nil {
		return catalogue{reason: fmt.Sprintf("what the cluster serves of %s could not be read: the answer is no list of resources", e)}
	}
	c := catalogue{kinds: map[string]resource{}}
	for _, res := range list.Resources {
		if !strings.Contains(res.Name, "/") { // else a subresource, such as deployments/scale
			c.kinds[res.Kind] = resource{name: res.Name, namespaced: res.Namespaced}
		}
	}
	for _, v := range list.Versions {
		c.versions = append(c.versions, v.Version)
	}
	return c
}

// path returns where the API server serves a group and version, or a group.
func (e endpoint) path() string {
	switch {
	case e.group == "":
		return "/api/" + e.version // the core group, which has no name
	case e.version == "":
		return "/apis/" + e.group
	default:
		return "/apis/" + e.group + "/" + e.version
	}
}

// String returns the group and version as a manifest writes them, or the group alone.
func (e endpoint) String() string {
	switch {
	case e.group == "":
		return e.version
	case e.version == "":
		return e.group
	default:
		return e.group + "/" + e.version
	}
}
