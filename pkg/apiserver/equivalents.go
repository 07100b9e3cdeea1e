package apiserver

import (
	"sync"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
)

// equivalents are the versions of the kinds that were asked about. A policy or webhook with matchPolicy:
// Equivalent that names one version is asked about requests in all others, too (the API server
// registers each version that it installs: RegisterKindFor in k8s.io/apiserver/pkg/endpoints).
type equivalents struct {
	mu    sync.Mutex
	known map[schema.GroupKind]bool
	runtime.EquivalentResourceRegistry
}

func newEquivalents() *equivalents {
	return &equivalents{known: map[schema.GroupKind]bool{}, EquivalentResourceRegistry: runtime.NewEquivalentResourceRegistry()}
}

// Interfaces are what admission plugins ask about kinds.
func (s *Server) Interfaces() admission.ObjectInterfaces {
	scheme := legacyscheme.Scheme
	return &admission.RuntimeObjectInterfaces{
		ObjectCreater: maker{scheme}, ObjectTyper: scheme, ObjectDefaulter: scheme, ObjectConvertor: converter{scheme}, EquivalentResourceMapper: s.equivalents,
	}
}

// learn notes the versions in which the server serves the kind of a request.
func (s *Server) learn(r request, resource string) {
	s.equivalents.mu.Lock()
	defer s.equivalents.mu.Unlock()
	gk := r.gvk.GroupKind()
	if s.equivalents.known[gk] {
		return
	}
	s.equivalents.known[gk] = true
	for _, version := range s.versions(r) {
		s.equivalents.RegisterKindFor(version.WithResource(resource), "", version.WithKind(r.gvk.Kind))
	}
}

// versions are those in which the server serves the kind of a request. How a webhook converts custom resources
// is not known, and without that no other version can be shown to a policy.
func (s *Server) versions(r request) []schema.GroupVersion {
	var list []schema.GroupVersion
	if r.custom == nil {
		for _, version := range legacyscheme.Scheme.VersionsForGroupKind(r.gvk.GroupKind()) {
			if version.Version != runtime.APIVersionInternal && s.unserved(version.WithKind(r.gvk.Kind)) == "" {
				list = append(list, version)
			}
		}
		return list
	}
	spec := &r.custom.crd.Spec
	if spec.Conversion != nil && spec.Conversion.Strategy == apiextensionsv1.WebhookConverter {
		return []schema.GroupVersion{r.gvk.GroupVersion()}
	}
	for i := range spec.Versions {
		if spec.Versions[i].Served {
			list = append(list, schema.GroupVersion{Group: spec.Group, Version: spec.Versions[i].Name})
		}
	}
	return list
}

// maker makes custom resources, too.
type maker struct{ runtime.ObjectCreater }

// New implements runtime.ObjectCreater.
func (c maker) New(kind schema.GroupVersionKind) (runtime.Object, error) {
	if legacyscheme.Scheme.Recognizes(kind) {
		return c.ObjectCreater.New(kind)
	}
	custom := &unstructured.Unstructured{}
	custom.SetGroupVersionKind(kind)
	return custom, nil
}

// converter converts custom resources, too: without a webhook, only the version changes (strategy None).
type converter struct{ runtime.ObjectConvertor }

// Convert implements runtime.ObjectConvertor.
func (c converter) Convert(in, out, about any) error {
	from, is := in.(*unstructured.Unstructured)
	to, are := out.(*unstructured.Unstructured)
	if !is || !are {
		return c.ObjectConvertor.Convert(in, out, about)
	}
	version := to.GetAPIVersion()
	to.Object = from.DeepCopy().Object
	to.SetAPIVersion(version)
	return nil
}
