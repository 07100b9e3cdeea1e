package apiserver

import (
	"sync"

	apiextensionsapply "k8s.io/apiextensions-apiserver/pkg/client/applyconfiguration"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured/unstructuredscheme"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/util/csaupgrade"
	aggregatorapply "k8s.io/kube-aggregator/pkg/client/applyconfiguration"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// fieldOwner is the name under which the Helm commands apply.
const fieldOwner = "helm"

// appliers hold a field manager for each kind and version, which keep track of
// who owns which field of an object.
type appliers struct {
	mu        sync.Mutex
	managers  map[schema.GroupVersionKind]*managedfields.FieldManager
	converter map[string]managedfields.TypeConverter
}

// manager returns the field manager for the kind of a request, made on first use.
func (a *appliers) manager(r request) (*managedfields.FieldManager, error) {
	if r.custom != nil {
		return r.custom.fieldManager()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if m := a.managers[r.gvk]; m != nil {
		return m, nil
	}
	var reset map[fieldpath.APIVersion]fieldpath.Filter
	if s, ok := r.strategy.(rest.ResetFieldsStrategy); ok {
		reset = fieldpath.NewExcludeFilterSetMap(s.GetResetFields())
	}
	m, err := managedfields.NewDefaultFieldManager(a.typesOf(r.gvk.Group), legacyscheme.Scheme, legacyscheme.Scheme, legacyscheme.Scheme,
		r.gvk, schema.GroupVersion{Group: r.gvk.Group, Version: runtime.APIVersionInternal}, "", reset)
	if err != nil {
		return nil, err
	}
	if a.managers == nil {
		a.managers = map[schema.GroupVersionKind]*managedfields.FieldManager{}
	}
	a.managers[r.gvk] = m
	return m, nil
}

// types is typesOf for one who does not hold the lock.
func (a *appliers) types(group string) managedfields.TypeConverter {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.typesOf(group)
}

// typesOf returns what knows the schema of a group's types. Two groups are not
// part of k8s.io/api and bring their own.
func (a *appliers) typesOf(group string) managedfields.TypeConverter {
	makers := map[string]func(*runtime.Scheme) managedfields.TypeConverter{
		apiExtensionsGroup:       apiextensionsapply.NewTypeConverter,
		"apiregistration.k8s.io": aggregatorapply.NewTypeConverter,
	}
	maker, special := makers[group]
	if !special {
		group, maker = "", applyconfigurations.NewTypeConverter
	}
	if a.converter[group] == nil {
		if a.converter == nil {
			a.converter = map[string]managedfields.TypeConverter{}
		}
		a.converter[group] = maker(legacyscheme.Scheme)
	}
	return a.converter[group]
}

// applied merges what Helm applies into the live object, as the API server does
// for server-side apply; a nil live object is one that is not there yet. The
// result is of the internal version.
func (s *Server) applied(r request, live runtime.Object, value map[string]any) (runtime.Object, error) {
	manager, err := s.appliers.manager(r)
	if err != nil {
		return nil, err
	}
	if live == nil {
		// Versioned, as the API server makes it: the internal type has values
		// where this one has none, and they would seem to be somebody's.
		if live, err = r.empty(); err != nil {
			return nil, err
		}
	}
	live = live.DeepCopyObject()
	if err := migrate(live); err != nil {
		return nil, err
	}
	patch := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(value)}
	return manager.Apply(live, patch, fieldOwner, s.facts.ForceConflicts)
}

// updatedBy notes in an object that Helm has set its fields without server-side apply, as
// the API server notes it of every object that is created.
func (s *Server) updatedBy(r request, object runtime.Object) runtime.Object {
	manager, err := s.appliers.manager(r)
	if err != nil {
		return object // which is said where the new object is applied
	}
	empty, err := r.empty()
	if err != nil {
		return object
	}
	return manager.UpdateNoErrors(empty, object, fieldOwner)
}

// migrate makes the fields that Helm has set without server-side apply those that it
// applied, as Helm 4 does before it applies for the first time to what it did not
// apply so far (updateInPlace in helm.sh/helm/v4/pkg/kube).
func migrate(live runtime.Object) error {
	return csaupgrade.UpgradeManagedFields(live, sets.New(fieldOwner), fieldOwner)
}

// empty returns an object of the kind without any fields.
func (r request) empty() (runtime.Object, error) {
	if r.custom != nil {
		return unstructuredscheme.NewUnstructuredCreator().New(r.gvk)
	}
	return legacyscheme.Scheme.New(r.gvk)
}

// applyError refuses what cannot be merged, in the server's words.
func (r request) applyError(value map[string]any, err error) change.FieldError {
	if apierrors.IsConflict(err) {
		return change.FieldError{Type: "Conflict", Message: FirstLine(err.Error())}
	}
	message := r.untyped(value, err.Error())
	if r.secret() {
		message = "failed to create typed patch object: the object does not fit its type; are all values text?"
	}
	return change.FieldError{Type: "FieldValueInvalid", Message: message}
}
