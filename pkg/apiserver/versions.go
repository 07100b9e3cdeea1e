package apiserver

import (
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
)

// APIVersions returns what a cluster of the server's version serves that has nothing
// installed, in order: each version as "apps/v1", and each kind in it as
// "apps/v1/Deployment". That is what discovery tells Helm (GetVersionSet in
// helm.sh/helm/v3/pkg/action).
func (s *Server) APIVersions() []string {
	served := map[string]bool{}
	for _, known := range []*runtime.Scheme{legacyscheme.Scheme, scheme.Scheme} {
		for gvk := range known.AllKnownTypes() {
			if gvk.Version == runtime.APIVersionInternal || known != legacyscheme.Scheme && legacyscheme.Scheme.IsGroupRegistered(gvk.Group) {
				continue
			}
			object, err := known.New(gvk)
			if err != nil {
				continue
			}
			if _, is := object.(metav1.ObjectMetaAccessor); is && s.offers(gvk, object) {
				version := gvk.GroupVersion().String()
				served[version], served[version+"/"+gvk.Kind] = true, true
			}
		}
	}
	return slices.Sorted(maps.Keys(served))
}

// offers reports whether the server serves a kind of its own, of which an object is at
// hand, in a version. What was removed when is written in the types of k8s.io/api.
func (s *Server) offers(gvk schema.GroupVersionKind, object runtime.Object) bool {
	if alpha(gvk.Version) {
		return false
	}
	if api, ok := object.(interface{ APILifecycleRemoved() (major, minor int) }); ok {
		if _, removed := api.APILifecycleRemoved(); s.minor >= removed {
			return false
		}
	}
	if api, ok := object.(interface{ APILifecycleIntroduced() (major, minor int) }); ok {
		_, introduced := api.APILifecycleIntroduced()
		unstable := !stable(gvk.Version) && gvk.GroupVersion() != lastBeta()
		return s.minor >= introduced && (!unstable || introduced < betaOffByDefault)
	}
	return true
}
