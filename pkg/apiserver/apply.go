package apiserver

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	api "k8s.io/kubernetes/pkg/apis/core"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Result is what the server makes of one object.
type Result struct {
	// Outcome says whether the stored object changes, or why it may not. Its
	// Fields and Pods are for others to fill in.
	Outcome change.Outcome
	// Old and New are the stored objects in the version of the new manifest,
	// as types of k8s.io/api; nil where there is none, or no such type.
	Old, New runtime.Object
	// OldFields and NewFields are the same objects as plain values, without
	// status and bookkeeping; nil where there is none.
	OldFields, NewFields map[string]any
	// Assumed is what OldFields would be if nobody but Helm had touched the object
	// since it was installed; nil where no live object was at hand.
	Assumed map[string]any
	// Aligned reports whether the paths of these values are those of both
	// manifests: both are written in the same API version.
	Aligned bool
	// Operated reports that the object is a custom resource and changes or goes:
	// what follows from that is for its operator to decide.
	Operated bool
	// Unchecked lists what could not be judged, one clause each.
	Unchecked []change.Doubt

	managers []metav1.ManagedFieldsEntry // of the live object
	live     runtime.Object              // before an update, in the internal version
	stored   runtime.Object              // as it is in the end, likewise; nil if it is refused
	merged   runtime.Object              // what a merge has made and the server refuses, likewise
}

// Update judges an object that Helm installed as old and updates to what updated
// says. live is the object as the cluster has it, in the version of updated; nil if
// that is not known: then the cluster is taken to hold what it made of old. An
// error means that a document could not be read.
func (s *Server) Update(old, updated *manifest.Object, live map[string]any) (Result, error) {
	oldValue, newValue, err := values(old, updated)
	if err != nil {
		return Result{}, err
	}
	from, to := s.installed(old), s.requestFor(updated, true)
	if refused := s.unreadable(to, newValue, from); refused != nil {
		return Result{Outcome: change.Outcome{Refused: refused, Upfront: !to.late}}, nil
	}
	if !to.known || !from.known {
		return schemaless(oldValue, newValue, live), nil
	}
	result, err := s.updateKnown(from, to, oldValue, newValue, live)
	result.Unchecked = append(result.Unchecked, to.deprecated()...)
	return result, err
}

// updateKnown judges an update of an object whose kind is known.
func (s *Server) updateKnown(from, to request, oldValue, newValue, live map[string]any) (Result, error) {
	if to.custom != nil {
		return s.updateCustom(from, to, oldValue, newValue, live)
	}
	assumed, misfit := s.assume(from, oldValue)
	if live == nil {
		if misfit != nil {
			return s.alone(to, newValue, misfit), nil
		}
		return s.patch(to, assumed, oldValue, newValue, from.gvk.Version == to.gvk.Version)
	}
	found, _, err := to.decode(live)
	if err != nil {
		return Result{}, fmt.Errorf("read %s from the cluster: %s", to.ref, to.decodeError("", live, err).Message)
	}
	result, err := s.patch(to, found, oldValue, newValue, true)
	if err == nil && misfit == nil {
		_, result.Assumed = to.stored(assumed)
		result.managers = managersOf(found)
	}
	return result, err
}

// alone judges what updated says where the installed manifest is none that the server
// could have accepted: what would be rejected if there were nothing before is rejected.
func (s *Server) alone(to request, newValue map[string]any, misfit *change.FieldError) Result {
	made := s.create(to, newValue)
	return Result{
		Outcome:   change.Outcome{Changed: true, Refused: made.refused, Ignored: made.ignored},
		Unchecked: []change.Doubt{{Reason: "the old manifest does not fit the API (" + misfit.String() + ")", Hides: change.Rejected}},
	}
}

// Create judges an object that is not in the cluster yet. An error means that
// the document could not be read.
func (s *Server) Create(created *manifest.Object) (Result, error) {
	value, err := created.Value()
	if err != nil {
		return Result{}, err
	}
	to := s.requestFor(created, false)
	if refused := s.unreadable(to, value); refused != nil {
		return Result{Outcome: change.Outcome{Refused: refused, Upfront: !to.late}}, nil
	}
	if !to.known {
		return Result{
			Outcome: change.Outcome{Changed: true}, New: &unstructured.Unstructured{Object: value}, NewFields: value,
			Unchecked: []change.Doubt{unknownSchema()},
		}, nil
	}
	made := s.create(to, value)
	result := Result{
		Outcome:   change.Outcome{Changed: true, Refused: made.refused, Ignored: made.ignored},
		Unchecked: slices.Concat(to.caveats, to.deprecated()),
	}
	if made.object != nil && len(made.refused) == 0 {
		fillNulls(made.object)
		result.New, result.NewFields = to.stored(made.object)
		result.stored = made.object
	}
	return result, nil
}

// Rejected is why the server rejects an object that is not in the cluster yet: what Create says,
// if nothing else of that is asked for.
func (s *Server) Rejected(created *manifest.Object) ([]change.FieldError, error) {
	value, err := created.Value()
	if err != nil {
		return nil, err
	}
	to := s.requestFor(created, false)
	if refused := s.unreadable(to, value); refused != nil || !to.known {
		return refused, nil
	}
	return s.create(to, value).refused, nil
}

// Stored returns the object as the server has it stored, before anything
// happens to it; the Result's New stays empty. live is the object as the cluster has
// it, nil if that is not known. An error means that the document could not be read.
func (s *Server) Stored(o *manifest.Object, live map[string]any) (Result, error) {
	value, err := o.Value()
	if err != nil {
		return Result{}, err
	}
	from := s.installed(o)
	if refused := s.unservedErrors(from); refused != nil {
		return Result{Outcome: change.Outcome{Refused: refused, Upfront: true}}, nil
	}
	result := Result{Outcome: change.Outcome{Changed: true}, OldFields: value, Operated: !s.Builtin(o.Ref.Group, o.Ref.Kind)}
	if !from.known {
		result.Old = &unstructured.Unstructured{Object: value}
		return result, nil
	}
	var object runtime.Object
	if live != nil {
		if object, _, err = from.decode(live); err != nil {
			return Result{}, fmt.Errorf("read %s from the cluster: %s", from.ref, from.decodeError("", live, err).Message)
		}
	} else if assumed, misfit := s.assume(from, value); misfit == nil {
		object = assumed
	}
	if object != nil {
		result.Old, result.OldFields = from.stored(object)
		result.stored = object
	}
	return result, nil
}

func values(old, updated *manifest.Object) (oldValue, newValue map[string]any, err error) {
	if oldValue, err = old.Value(); err != nil {
		return nil, nil, err
	}
	newValue, err = updated.Value()
	return oldValue, newValue, err
}

// unreadable refuses an object that Helm cannot read, and requests in API
// versions that the server does not serve. Helm then fails before it changes
// anything.
func (s *Server) unreadable(to request, value map[string]any, others ...request) []change.FieldError {
	if refused := metadataError(value); refused != nil {
		return []change.FieldError{*refused}
	}
	return s.unservedErrors(append(others, to)...)
}

// metadataError refuses metadata that does not fit its type, such as a label
// that is a number, as Helm does when it reads the manifest
// (metadataValidatingDecoder in k8s.io/cli-runtime/pkg/resource).
func metadataError(value map[string]any) *change.FieldError {
	if plain(value["metadata"]) {
		return nil
	}
	var typed struct {
		metav1.ObjectMeta `json:"metadata"`
	}
	text := encode(map[string]any{"metadata": value["metadata"]})
	if err := utiljson.Unmarshal(text, &typed); err != nil {
		return &change.FieldError{Type: "Invalid", Message: "unable to decode: " + FirstLine(err.Error())}
	}
	return nil
}

// plain reports whether metadata is nothing but names, labels and annotations that are texts,
// as most is: it fits its type.
func plain(metadata any) bool {
	fields, is := metadata.(map[string]any)
	for name, value := range fields {
		switch name {
		case "name", "namespace":
			if _, text := value.(string); !text {
				return false
			}
		case "labels", "annotations":
			texts, is := value.(map[string]any)
			if !is {
				return false
			}
			for _, text := range texts {
				if _, is := text.(string); !is {
					return false
				}
			}
		default:
			return false
		}
	}
	return is
}

// unservedErrors refuses requests in API versions that the server does not
// serve. Helm then fails before it changes anything, for the old manifest as for
// the new one (kube.Client.Build).
func (s *Server) unservedErrors(requests ...request) []change.FieldError {
	for _, r := range requests {
		if r.unserved != nil {
			return []change.FieldError{*r.unserved}
		}
		if reason := s.unserved(r.gvk); reason != "" {
			return []change.FieldError{{Field: "apiVersion", Type: "NotFound", Message: reason}}
		}
	}
	return nil
}

// made is an object after its creation. object is nil if the manifest does not
// even fit its type.
type made struct {
	object  runtime.Object // internal version
	refused []change.FieldError
	ignored []string
}

// create runs what the server does to a new object: decode, default, admit,
// prepare, validate.
func (s *Server) create(r request, value map[string]any) made {
	result := s.admitted(r, value, false)
	if result.object == nil || len(result.refused) > 0 {
		return result
	}
	if result.refused = r.beforeCreate(result.object); result.refused != nil {
		return result
	}
	result.refused = r.admitNamespace(result.object, nil)
	return result
}

// Held returns an object of the release as the cluster has it, if nobody but Helm has
// touched it: with what the API server fills in. An error means that the document could not
// be read.
func (s *Server) Held(o *manifest.Object) (map[string]any, error) {
	value, err := o.Value()
	if err != nil {
		return nil, err
	}
	r := s.installed(o)
	if !r.known || r.custom != nil {
		return value, nil
	}
	object, misfit := s.assume(r, value)
	if misfit != nil {
		return value, nil
	}
	_, fields, err := r.seen(object)
	return fields, err
}

// assume returns the object that the cluster holds for an installed manifest if
// nobody has touched it since. That it is there is a fact, whatever today's
// validation would say of it, so it is not validated.
//
// What cannot be applied on the server's side was merged there: a release that Helm 3
// installed, which lets pass equal keys in a list and values of other types.
func (s *Server) assume(r request, value map[string]any) (runtime.Object, *change.FieldError) {
	result := s.admitted(r, value, true)
	if result.object == nil && s.facts.ServerSide {
		merging := *s
		merging.facts.ServerSide = false
		if merged := merging.admitted(r, value, true); merged.object != nil {
			result.object = s.updatedBy(r, merged.object)
		}
	}
	if result.object == nil {
		return nil, &result.refused[0]
	}
	r.strategy.PrepareForCreate(r.ctx, result.object)
	r.strategy.Canonicalize(result.object)
	s.settle(result.object)
	return result.object, nil
}

// admitted decodes an object and does to it what comes before its strategy. Of
// an installed one it is known that the server did accept it.
func (s *Server) admitted(r request, value map[string]any, installed bool) made {
	object, ignored, refused := s.sent(r, value)
	if refused != nil {
		return made{refused: []change.FieldError{*refused}}
	}
	fillSystemFields(object)
	admit(r, object)
	s.admitCreate(object)
	result := made{object: object, ignored: ignored}
	if installed {
		s.mutate(s.mutated, r, object, nil)
	} else if result.refused = s.mutate(s.mutating, r, object, nil); result.refused != nil {
		return result
	}
	if service, ok := object.(*api.Service); ok {
		if err := s.services.created(r.ctx, service, installed, s.taken); err != nil {
			result.refused = r.errors(err, nil)
		}
	}
	return result
}

// sent is a new object as it arrives at the server.
func (s *Server) sent(r request, value map[string]any) (object runtime.Object, ignored []string, refused *change.FieldError) {
	owned := s.owned(r, value)
	if s.facts.ServerSide {
		object, err := s.applied(r, nil, owned)
		if err != nil {
			e := r.applyError(owned, err)
			return nil, nil, &e
		}
		return object, nil, nil
	}
	object, ignored, err := r.decode(owned)
	if err != nil {
		e := r.decodeError("", value, err)
		return nil, nil, &e
	}
	return object, ignored, nil
}

// update runs what the server does to an object that replaces a stored one.
func (s *Server) update(r request, object, live runtime.Object) []change.FieldError {
	if service, ok := object.(*api.Service); ok {
		stored, _ := live.(*api.Service)
		if err := s.services.updated(r.ctx, service, stored, s.taken); err != nil {
			return r.errors(err, nil)
		}
	}
	if refused := r.beforeUpdate(object, live); refused != nil {
		return refused
	}
	return r.admitNamespace(object, live)
}
