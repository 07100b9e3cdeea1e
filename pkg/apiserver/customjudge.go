package apiserver

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apihelpers"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

const (
	schemaUnknown  = "the schema of this custom resource is not known: whether its API server accepts it, and what its operator then does, was not judged"
	hookMayBeEarly = "its definition comes with the same upgrade: whether the API server serves it by the time the hook runs was not judged"
	webhookUnasked = "its definition converts it between versions with a webhook, which was not asked"
)

// unknownSchema says that nothing is known of a kind of custom resources.
func unknownSchema() change.Doubt { return change.Doubt{Reason: schemaUnknown, Hides: change.Rejected} }

// unaskedWebhook says that a program decides what becomes of an object.
func unaskedWebhook() change.Doubt {
	return change.Doubt{Reason: webhookUnasked, Hides: change.Rejected, Never: true}
}

// define adds to a request for a custom resource what its definition says, if
// that is at hand. exists says that the release holds objects of the kind, so that
// the cluster has a definition, whether it is at hand or not.
func (s *Server) define(r *request, o *manifest.Object, installed, exists bool) {
	pair := s.facts.Definitions.of(r.gvk.GroupKind())
	if pair.before == nil && exists {
		pair.before = pair.after
	}
	in := pair.after
	if installed || in == nil {
		in = pair.before
	}
	if in == nil {
		if pair.absent != nil && !exists {
			r.unserved = &change.FieldError{Field: "apiVersion", Type: "NoKindInstalled", Message: noMatch(r.gvk) + ": its definition is in the crds directory of the chart"}
		}
		return
	}
	if installed {
		pair.after = pair.before
	}
	var late bool
	if r.unserved, late = pair.unserved(r.gvk, o); r.unserved != nil {
		r.late = r.late || late
		return
	}
	version, err := in.version(r.gvk.Version)
	if err != nil {
		return // the definition is refused itself, in better words
	}
	r.known, r.custom = true, version
	r.kind = kind{strategy: version.strategy, resource: version.crd.Spec.Names.Plural}
	if pair.before == nil || !pair.before.serves(r.gvk.Version) {
		r.caveats = append(r.caveats, change.Doubt{Reason: hookMayBeEarly, Hides: change.Rejected}) // everything but hooks has been refused by now
	}
	if in.Caveat != "" {
		r.caveats = append(r.caveats, change.Doubt{Reason: in.Caveat, Hides: change.Rejected})
	}
	if version.webhook() && !version.storage() {
		r.caveats = append(r.caveats, unaskedWebhook())
	}
}

// unserved says why an object cannot be applied, as far as its kind and version
// decide on that; nil if it can. Helm looks up the kinds of the whole release
// before it applies its definitions, and those of a hook when it runs it. late
// reports that it does not find that out beforehand.
func (p definitionPair) unserved(gvk schema.GroupVersionKind, o *manifest.Object) (refused *change.FieldError, late bool) {
	events := o.HookEvents()
	looked, applied := true, true
	if len(events) > 0 {
		late := slices.ContainsFunc(events, func(e string) bool { return strings.HasPrefix(e, "post-") })
		looked, applied = !late, late
	}
	switch {
	case looked && p.before == nil, applied && p.after == nil:
		return &change.FieldError{Field: "apiVersion", Type: "NoKindMatch", Message: noMatch(gvk) + "; ensure CRDs are installed first"}, false
	case looked && !p.before.serves(gvk.Version):
		return &change.FieldError{Field: "apiVersion", Type: "NotFound", Message: noMatch(gvk)}, false
	case applied && !p.after.serves(gvk.Version):
		return &change.FieldError{Field: "apiVersion", Type: "NotFound", Message: "the server could not find the requested resource"}, true
	}
	return nil, false
}

// storage reports whether objects are stored in this version.
func (v *customVersion) storage() bool {
	name, err := apihelpers.GetCRDStorageVersion(v.crd)
	return err == nil && name == v.gvk.Version
}

// updateCustom judges the update of a custom resource whose definition is at
// hand. The stored object was made under the definition before the upgrade; the
// server reads it and judges its update under the one that is in force then.
func (s *Server) updateCustom(from, to request, oldValue, newValue, found map[string]any) (Result, error) {
	if found == nil && from.gvk.Version != to.gvk.Version && to.custom.webhook() {
		result := schemaless(oldValue, newValue, nil)
		result.Unchecked = append(result.Unchecked, unaskedWebhook())
		return result, nil
	}
	assumed, misfit := s.assume(from, oldValue)
	before, _ := assumed.(*unstructured.Unstructured)
	switch {
	case found != nil:
		before = &unstructured.Unstructured{Object: runtime.DeepCopyJSON(found)}
	case misfit != nil:
		return s.alone(to, newValue, misfit), nil
	}
	if older := s.before(to); older != nil && from.gvk.Version != to.gvk.Version {
		// What the version itself fills in is there as soon as it is asked for.
		if seen, err := older.reread(before); err == nil {
			before = seen
		}
	}
	live, err := to.custom.reread(before)
	if err != nil {
		e := to.decodeError("", before.Object, err)
		return s.alone(to, newValue, &e), nil
	}
	result, err := s.patch(to, live, oldValue, newValue, true)
	if err != nil {
		return Result{}, err
	}
	before.SetAPIVersion(to.gvk.GroupVersion().String()) // what it is called is not what it says
	result.Old, result.OldFields = before, withoutBookkeeping(before.Object)
	if custom, ok := assumed.(*unstructured.Unstructured); ok && found != nil && misfit == nil {
		custom.SetAPIVersion(to.gvk.GroupVersion().String())
		result.Assumed, result.managers = withoutBookkeeping(custom.Object), before.GetManagedFields()
	}
	result.Unchecked = append(result.Unchecked, to.caveats...)
	if len(result.Outcome.Refused) == 0 {
		result.Outcome.Changed = !reflect.DeepEqual(result.OldFields, result.NewFields)
		result.Operated = result.Outcome.Changed
	}
	return result, nil
}

// before returns how the definition before the upgrade has the version of a request;
// nil if it does not.
func (s *Server) before(r request) *customVersion {
	pair := s.facts.Definitions.of(r.gvk.GroupKind())
	if pair.before == nil || !pair.before.serves(r.gvk.Version) {
		return nil
	}
	version, err := pair.before.version(r.gvk.Version)
	if err != nil {
		return nil
	}
	return version
}

// schemaless judges a custom resource whose schema is not known: Helm merges
// the two manifests as plain JSON, into the live object if that is at hand, and the
// server is taken to accept that.
func schemaless(old, updated, live map[string]any) Result {
	result := Result{Aligned: true, Unchecked: []change.Doubt{unknownSchema()}}
	if live != nil {
		result.Assumed = withoutVersion(old)
		result.managers = (&unstructured.Unstructured{Object: live}).GetManagedFields()
		if merged, err := merge(old, updated, live); err == nil {
			old, updated = live, merged
		}
	}
	result.Old, result.New = &unstructured.Unstructured{Object: old}, &unstructured.Unstructured{Object: updated}
	result.OldFields, result.NewFields = withoutVersion(old), withoutVersion(updated)
	if live != nil {
		result.OldFields, result.NewFields = withoutBookkeeping(result.OldFields), withoutBookkeeping(result.NewFields)
	}
	result.Outcome.Changed = !reflect.DeepEqual(result.OldFields, result.NewFields)
	if live == nil && reflect.DeepEqual(withoutMetadata(old), withoutMetadata(updated)) {
		result.Unchecked = nil // no schema says anything about labels and annotations
	}
	return result
}

// withoutMetadata returns a copy of an object without its metadata.
func withoutMetadata(o map[string]any) map[string]any {
	rest := maps.Clone(o)
	delete(rest, "metadata")
	return rest
}
