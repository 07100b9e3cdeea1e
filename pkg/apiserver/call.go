package apiserver

import (
	"reflect"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Call is the request by which Helm creates or changes an object.
type Call struct {
	// Create says that the object is to be created.
	Create bool
	// Type is the kind of a patch; "" if the whole object is sent.
	Type types.PatchType
	Body []byte
	// Force says that fields of others are taken (server-side apply).
	Force bool
}

// Call returns the request by which Helm makes of the live object what updated says;
// old is what the installed release says, nil if it says nothing, live nil if the
// object is not there. The result is nil if Helm sends nothing. An error means that
// a document could not be read or that Helm can make no patch of it.
func (s *Server) Call(old, updated *manifest.Object, live map[string]any) (*Call, error) {
	value, err := updated.Value()
	if err != nil {
		return nil, err
	}
	r := s.requestFor(updated, old != nil)
	owned := s.owned(r, value)
	switch {
	case s.facts.ServerSide:
		return &Call{Create: live == nil, Type: types.ApplyPatchType, Body: encode(owned), Force: s.facts.ForceConflicts}, nil
	case live == nil:
		return &Call{Create: true, Body: encode(owned)}, nil
	case s.facts.Replace:
		return &Call{Body: encode(replacement(owned, live))}, nil
	}
	before := owned // an object that is taken over has no older manifest
	if old != nil {
		oldValue, err := old.Value()
		if err != nil {
			return nil, err
		}
		before = r.located(oldValue)
	}
	patch, typed, err := r.patchOf(before, owned, live)
	if err != nil || patch == nil {
		return nil, err
	}
	call := &Call{Type: types.StrategicMergePatchType, Body: patch}
	if typed == nil {
		call.Type = types.MergePatchType
	}
	return call, nil
}

// Answered writes into a result what a real API server has made of a Call: the
// object as it would store it.
func (s *Server) Answered(result *Result, o *manifest.Object, value map[string]any) error {
	r := s.requestFor(o, true)
	if !r.known || r.custom != nil {
		result.New, result.NewFields = &unstructured.Unstructured{Object: value}, withoutBookkeeping(value)
	} else {
		object, _, err := r.decode(value)
		if err != nil {
			return err
		}
		result.New, result.NewFields = r.stored(object)
	}
	result.Outcome.Refused, result.Outcome.Upfront = nil, false
	result.Outcome.Changed = result.OldFields == nil || !reflect.DeepEqual(result.OldFields, result.NewFields)
	return nil
}

// Refusal turns the Status with which a real API server refuses an object into
// field errors.
func (s *Server) Refusal(o *manifest.Object, err error) []change.FieldError {
	return s.requestFor(o, true).errors(err, nil)
}
