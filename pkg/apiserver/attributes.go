package apiserver

import (
	"cmp"
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/user"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Decoded reads an object of the server's own kinds with its defaults, in the internal version; nil if
// it does not fit, or if its version is not served.
func (s *Server) Decoded(o *manifest.Object) runtime.Object {
	value, err := o.Value()
	if err != nil {
		return nil
	}
	r := s.request(o)
	if !r.known || s.unserved(r.gvk) != "" {
		return nil
	}
	object, _, err := r.decode(r.located(value))
	if err != nil {
		return nil
	}
	return object
}

// Defined reports whether a kind is one of Kubernetes' own, or its definition is at hand.
func (s *Server) Defined(gk schema.GroupKind) bool {
	_, own := s.kinds[gk]
	return own || s.facts.Definitions.of(gk) != (definitionPair{})
}

// Prepare gives a new object of the server's own kinds what the API server gives it between mutating and
// validating admission.
func (s *Server) Prepare(gk schema.GroupKind, object runtime.Object) {
	fillSystemFields(object)
	s.admitCreate(object)
	s.kinds[gk].strategy.PrepareForCreate(context.Background(), object)
}

// Stores returns the object that is stored in the end, and the one in whose place; both are nil if
// that is not known.
func (r *Result) Stores() (object, live runtime.Object) {
	if r.stored != nil {
		return r.stored, r.live
	}
	if custom, is := r.New.(*unstructured.Unstructured); is {
		return custom, r.Old
	}
	return nil, nil
}

// Refuse says that admission refuses what the result stores: nothing is.
func (r *Result) Refuse(refused []change.FieldError) {
	r.Outcome.Refused = refused
	if r.live != nil && len(refused) > 0 {
		r.New, r.NewFields, r.stored, r.merged = nil, nil, nil, r.stored
	}
}

// Attributes is the request by which Helm creates an object, or stores it in the place of live, as
// admission sees it.
func (s *Server) Attributes(o *manifest.Object, exists bool, object, live runtime.Object) admission.Attributes {
	return s.attributes(s.requestFor(o, exists), object, live)
}

// attributes is a request that creates an object, or stores it in the place of live.
func (s *Server) attributes(r request, object, live runtime.Object) admission.Attributes {
	operation := admission.Create
	var options runtime.Object = &metav1.CreateOptions{}
	if live != nil {
		operation, options = admission.Update, &metav1.UpdateOptions{}
	}
	return admission.NewAttributesRecord(object, live, r.gvk, r.ref.Namespace, r.ref.Name, s.resourceOf(r), "", operation, options, false, HelmUser())
}

// resourceOf returns the resource of a request, and notes in which versions it is served.
func (s *Server) resourceOf(r request) schema.GroupVersionResource {
	resource := cmp.Or(r.resource, guessed(r.gvk))
	s.learn(r, resource)
	return r.gvk.GroupVersion().WithResource(resource)
}

// HelmUser is who asks for what Helm does: a user who may do everything.
func HelmUser() user.Info {
	return &user.DefaultInfo{Name: "helm", Groups: []string{user.SystemPrivilegedGroup, user.AllAuthenticated}}
}

// Resource returns the resource of one of the server's own kinds.
func (s *Server) Resource(gvk schema.GroupVersionKind) schema.GroupVersionResource {
	r := request{gvk: gvk}
	r.kind, r.known = s.kinds[gvk.GroupKind()]
	return s.resourceOf(r)
}

// ResourceName is the plural of a kind in URLs.
func (s *Server) ResourceName(gvk schema.GroupVersionKind) string {
	return cmp.Or(s.kinds[gvk.GroupKind()].resource, guessed(gvk))
}

// guessed is the plural that a kind has most likely.
func guessed(gvk schema.GroupVersionKind) string {
	plural, _ := meta.UnsafeGuessKindToResource(gvk)
	return plural.Resource
}

// Deletion is the request by which Helm deletes an object, as admission sees it: there is an old
// object and no new one (AdmissionToValidateObjectDeleteFunc in k8s.io/apiserver/pkg/registry/rest;
// deleteResource in helm.sh/helm/v3/pkg/kube). It is nil if the object is not known.
func (s *Server) Deletion(o *manifest.Object, stored *Result) admission.Attributes {
	object := stored.stored
	if object == nil {
		custom, is := stored.Old.(*unstructured.Unstructured)
		if !is {
			return nil
		}
		object = custom
	}
	r := s.installed(o)
	policy := metav1.DeletePropagationBackground
	return admission.NewAttributesRecord(nil, object, r.gvk, r.ref.Namespace, r.ref.Name, s.resourceOf(r), "",
		admission.Delete, &metav1.DeleteOptions{PropagationPolicy: &policy}, false, HelmUser())
}
