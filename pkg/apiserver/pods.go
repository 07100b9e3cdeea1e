package apiserver

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/storage/names"
	"k8s.io/kubernetes/pkg/api/legacyscheme"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// PodErrors is why the API server rejects a pod that a controller makes in a namespace; nil
// if it does not. It accepts templates of which it accepts no pod.
func (s *Server) PodErrors(pod *corev1.Pod, namespace string) []change.FieldError {
	value, err := runtime.DefaultUnstructuredConverter.ToUnstructured(pod)
	if err != nil {
		return nil
	}
	delete(value, "status")
	gvk := schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
	r := request{gvk: gvk, ref: manifest.Ref{Version: gvk.Version, Kind: gvk.Kind, Namespace: namespace, Name: pod.Name}}
	r.kind, r.known = s.kinds[gvk.GroupKind()]
	if r.ref.Name == "" {
		r.ref.Name = pod.GenerateName[:min(len(pod.GenerateName), names.MaxGeneratedNameLength)] + "xxxxx"
	}
	merging := *s                                           // a controller sends the whole object
	merging.facts.ServerSide, merging.mutating = false, nil // policies are asked by Guards.Pods
	return merging.create(r.inContext(), value).refused
}

// Typed returns an object of a built-in kind as the type of k8s.io/api; nil if it is none, or
// does not fit.
func Typed(ref manifest.Ref, fields map[string]any) runtime.Object {
	typed, err := legacyscheme.Scheme.New(schema.GroupVersionKind{Group: ref.Group, Version: ref.Version, Kind: ref.Kind})
	if err != nil || fields == nil || runtime.DefaultUnstructuredConverter.FromUnstructured(fields, typed) != nil {
		return nil
	}
	return typed
}
