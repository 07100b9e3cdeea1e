package apiserver

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// Mutator changes the object of a request, as MutatingAdmissionPolicies do. types knows the schema of
// its kind. It returns why a policy fails; "" if none does.
type Mutator interface {
	Mutate(attributes admission.Attributes, types patch.TypeConverterManager) string
}

// Admitting returns a copy of the server on which now changes what is sent, and installed has
// changed what is there; nil for nothing that does.
func (s *Server) Admitting(now, installed Mutator) *Server {
	admitting := *s
	admitting.mutating, admitting.mutated = now, installed
	return &admitting
}

// mutate changes an object as a mutator wants it that is about to be stored in the place of live;
// nil for an object that is not there yet. It refuses what that fails to judge.
//
//nolint:contextcheck,nolintlint // admission in this process waits for nobody
func (s *Server) mutate(m Mutator, r request, object, live runtime.Object) []change.FieldError {
	if m == nil || !r.known {
		return nil
	}
	why := m.Mutate(s.attributes(r, object, live), s.types(r))
	if r.custom != nil {
		r.custom.Default(object)
	}
	if why == "" {
		return nil
	}
	return []change.FieldError{{Type: "Denied", Message: why}}
}

// oneType tells the schema of the one type that is asked about.
type oneType struct {
	converter func() managedfields.TypeConverter
}

// Types returns what knows the schemas of the server's own kinds of a group.
func (s *Server) Types(group string) patch.TypeConverterManager {
	return oneType{func() managedfields.TypeConverter { return s.appliers.types(group) }}
}

// types returns what knows the schema of the kind of a request.
func (s *Server) types(r request) oneType {
	return oneType{func() managedfields.TypeConverter {
		if r.custom != nil {
			if types, err := r.custom.types(); err == nil {
				return types
			}
			return nil
		}
		return s.appliers.types(r.gvk.Group)
	}}
}

// GetTypeConverter implements patch.TypeConverterManager.
func (t oneType) GetTypeConverter(schema.GroupVersionKind) managedfields.TypeConverter {
	return t.converter()
}

// Run implements patch.TypeConverterManager.
func (oneType) Run(context.Context) {}
