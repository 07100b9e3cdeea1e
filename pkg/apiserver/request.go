package apiserver

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authentication/user"
	genericrequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	kjson "sigs.k8s.io/json"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// request is what the server knows of a request before it looks at the object:
// which kind in which version, and the strategy for it.
type request struct {
	kind
	known bool // the kind is one of the server's own, or its definition is at hand
	// custom is the version of a custom resource; nil for what is none, and
	// where its definition is not at hand.
	custom   *customVersion
	unserved *change.FieldError // why the server does not serve the custom resource
	late     bool               // Helm finds that out only when it comes to the object
	caveats  []change.Doubt     // what is not certain about its definition
	gvk      schema.GroupVersionKind
	ref      manifest.Ref
	ctx      context.Context //nolint:containedctx // a request of the API server is its context
}

// requestFor returns the request by which Helm applies an object. exists says
// that the release holds the object already.
func (s *Server) requestFor(o *manifest.Object, exists bool) request {
	r := s.request(o)
	if !r.known {
		s.define(&r, o, false, exists)
	}
	return r.inContext()
}

// installed returns the request by which an object of the installed release was
// applied.
func (s *Server) installed(o *manifest.Object) request {
	r := s.request(o)
	if !r.known {
		s.define(&r, o, true, true)
	}
	return r.inContext()
}

func (s *Server) request(o *manifest.Object) request {
	gvk := schema.GroupVersionKind{Group: o.Ref.Group, Version: o.Ref.Version, Kind: o.Ref.Kind}
	r := request{gvk: gvk, ref: o.Ref, late: len(o.HookEvents()) > 0}
	r.kind, r.known = s.kinds[gvk.GroupKind()]
	if r.ref.Name == "" && o.GenerateName != "" {
		r.ref.Name = o.GenerateName + "xxxxx"
	}
	return r
}

// inContext returns the request with what its strategy reads from the context.
func (r request) inContext() request {
	prefix := "apis"
	if r.gvk.Group == "" {
		prefix = "api"
	}
	ctx := genericrequest.WithNamespace(context.Background(), r.ref.Namespace)
	ctx = genericrequest.WithUser(ctx, &user.DefaultInfo{Name: "helm", Groups: []string{user.SystemPrivilegedGroup}})
	r.ctx = genericrequest.WithRequestInfo(ctx, &genericrequest.RequestInfo{
		IsResourceRequest: true, Verb: "patch", APIPrefix: prefix, APIGroup: r.gvk.Group, APIVersion: r.gvk.Version,
		Namespace: r.ref.Namespace, Resource: r.resource, Name: r.ref.Name,
	})
	return r
}

// decode turns a plain object into the API server's internal one, defaults
// filled in. Fields that the type does not know are dropped and listed.
func (r request) decode(value map[string]any) (object runtime.Object, ignored []string, err error) {
	if r.custom != nil {
		return r.custom.decode(value)
	}
	versioned, err := legacyscheme.Scheme.New(r.gvk)
	if err != nil {
		return nil, nil, err
	}
	err = runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(value, versioned, true)
	if strict, ok := runtime.AsStrictDecodingError(err); ok {
		for _, e := range strict.Errors() {
			ignored = append(ignored, e.Error())
		}
	} else if err != nil {
		return nil, nil, err
	}
	object, err = r.internal(versioned)
	return object, ignored, err
}

// internal defaults a versioned object and converts it. The argument must not be
// used afterwards.
func (r request) internal(versioned runtime.Object) (runtime.Object, error) {
	versioned.GetObjectKind().SetGroupVersionKind(r.gvk)
	legacyscheme.Scheme.Default(versioned)
	return legacyscheme.Scheme.UnsafeConvertToVersion(versioned,
		schema.GroupVersion{Group: r.gvk.Group, Version: runtime.APIVersionInternal})
}

// versioned returns a copy of an internal object in the version of the request.
func (r request) versioned(object runtime.Object) (runtime.Object, error) {
	return legacyscheme.Scheme.ConvertToVersion(object, r.gvk.GroupVersion())
}

// stored returns what a client sees of a stored object: the typed object, and
// its fields without status and bookkeeping.
func (r request) stored(object runtime.Object) (runtime.Object, map[string]any) {
	versioned, fields, err := r.seen(object)
	if err != nil {
		return versioned, nil
	}
	if _, custom := object.(*unstructured.Unstructured); !custom {
		forgetEmpty(fields)
		fillBytes(r.ref, fields)
	}
	return versioned, withoutBookkeeping(fields)
}

// fillBytes makes the bytes of a Secret or ConfigMap empty that are null: so they come back
// from where Kubernetes stores them. fields is changed.
func fillBytes(ref manifest.Ref, fields map[string]any) {
	if ref.Group != "" || ref.Kind != "Secret" && ref.Kind != "ConfigMap" {
		return
	}
	for _, field := range []string{"data", "binaryData"} {
		held, _ := fields[field].(map[string]any)
		for key, value := range held {
			if value == nil {
				held[key] = ""
			}
		}
	}
}

// forgetEmpty makes empty lists null. What Kubernetes stores as protobuf does not know
// the difference. fields is changed.
func forgetEmpty(fields map[string]any) {
	for name, value := range fields {
		switch v := value.(type) {
		case []any:
			if len(v) == 0 {
				fields[name] = nil
			}
			for _, item := range v {
				if m, is := item.(map[string]any); is {
					forgetEmpty(m)
				}
			}
		case map[string]any:
			forgetEmpty(v)
		}
	}
}

// seen returns what a client sees of a stored object, as a typed object and as
// plain values.
func (r request) seen(object runtime.Object) (versioned runtime.Object, fields map[string]any, err error) {
	if custom, ok := object.(*unstructured.Unstructured); ok {
		return custom, custom.Object, nil
	}
	if versioned, err = r.versioned(object); err != nil {
		return nil, nil, err
	}
	fields, err = runtime.DefaultUnstructuredConverter.ToUnstructured(versioned)
	return versioned, fields, err
}

// withoutBookkeeping returns an object without what the server keeps for itself.
// The argument stays as it is.
func withoutBookkeeping(object map[string]any) map[string]any {
	fields := copyMap(object)
	delete(fields, "status")
	metadata := copyMap(fields["metadata"])
	for _, name := range [...]string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"} {
		delete(metadata, name)
	}
	for _, name := range [...]string{"ownerReferences", "finalizers"} {
		if list, _ := metadata[name].([]any); len(list) == 0 {
			delete(metadata, name) // an empty list is none
		}
	}
	annotations := copyMap(metadata["annotations"])
	delete(annotations, "deprecated.daemonset.template.generation")
	if metadata["annotations"] = annotations; len(annotations) == 0 {
		delete(metadata, "annotations")
	}
	fields["metadata"] = metadata
	return fields
}

// wireError returns the error with which the server's JSON decoder refuses a
// value, which names the field; nil if it accepts it.
func (r request) wireError(value map[string]any) error {
	if r.custom != nil {
		return nil
	}
	versioned, err := legacyscheme.Scheme.New(r.gvk)
	if err != nil {
		return err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return kjson.UnmarshalCaseSensitivePreserveInts(text, versioned)
}

// owned returns a copy of an object as Helm sends it: with its marks of
// ownership, and with its namespace filled in.
func (s *Server) owned(r request, value map[string]any) map[string]any {
	metadata := copyMap(value["metadata"])
	if metadata["resourceVersion"] == "" || metadata["resourceVersion"] == "0" {
		delete(metadata, "resourceVersion") // which asks for nothing
	}
	metadata["labels"] = marked(value, "labels", map[string]string{manifest.ManagedByLabel: "Helm"})
	metadata["annotations"] = marked(value, "annotations", map[string]string{
		manifest.ReleaseNameAnnotation: s.facts.Release, manifest.ReleaseNamespaceAnnotation: s.facts.Namespace,
	})
	return r.placed(value, metadata)
}

// marked returns the object's labels or annotations with Helm's added, as Helm
// adds them: a null becomes "".
func marked(value map[string]any, field string, marks map[string]string) map[string]any {
	texts, _, _ := unstructured.NestedNullCoercingStringMap(value, "metadata", field)
	all := make(map[string]any, len(texts)+len(marks))
	for k, v := range texts {
		all[k] = v
	}
	for k, v := range marks {
		all[k] = v
	}
	return all
}

// located returns a copy of an object with its namespace filled in, as Helm
// reads it back from the stored release.
func (r request) located(value map[string]any) map[string]any {
	return r.placed(value, copyMap(value["metadata"]))
}

func (r request) placed(value, metadata map[string]any) map[string]any {
	if r.ref.Namespace != "" {
		metadata["namespace"] = r.ref.Namespace
	} else if r.known {
		delete(metadata, "namespace")
	}
	if r.ref.Name != "" {
		metadata["name"] = r.ref.Name
	}
	object := copyMap(value)
	object["metadata"] = metadata
	return object
}

func copyMap(value any) map[string]any {
	m, _ := value.(map[string]any)
	c := make(map[string]any, len(m)+2)
	for k, v := range m {
		c[k] = v
	}
	return c
}

// fillSystemFields gives an object what the server gives every new one. The
// values are made up but always the same ones, so that the judgement is, too.
func fillSystemFields(object runtime.Object) {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return
	}
	accessor.SetUID("00000000-0000-4000-8000-000000000000")
	accessor.SetCreationTimestamp(metav1.Unix(1, 0))
	accessor.SetResourceVersion("")
	accessor.SetSelfLink("")
	accessor.SetDeletionTimestamp(nil)
	accessor.SetDeletionGracePeriodSeconds(nil)
}

// decodeReason shortens a decoder's error to what it says about the object's
// shape.
func decodeReason(err error) string {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	reason, _, _ := strings.Cut(err.Error(), "\n")
	return reason
}
