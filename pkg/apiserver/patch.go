package apiserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	api "k8s.io/kubernetes/pkg/apis/core"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

const apiExtensionsGroup = "apiextensions.k8s.io"

// patch sends the live object what Helm sends, and judges what comes out.
func (s *Server) patch(r request, live runtime.Object, oldValue, newValue map[string]any, aligned bool) (Result, error) {
	oldTyped, liveValue, err := r.seen(live)
	if err != nil {
		return Result{}, err
	}
	oldFields := withoutBookkeeping(liveValue)
	result := Result{Old: oldTyped, OldFields: oldFields, Aligned: aligned, live: live}
	if refused := stale(newValue, liveValue); refused != nil {
		result.Outcome.Refused = []change.FieldError{*refused}
		return result, nil
	}
	merge := s.mergeOnClient
	switch {
	case s.facts.Replace:
		merge = s.replaced
	case s.facts.ServerSide:
		merge = s.mergeOnServer
	}
	object, ignored, refused := unbroken(func() (runtime.Object, []string, *change.FieldError) {
		return merge(r, live, liveValue, oldValue, newValue)
	})
	if refused != nil {
		result.Outcome.Refused = []change.FieldError{*refused}
		return result, nil
	}
	if object == nil {
		result.New, result.NewFields, result.stored = oldTyped, oldFields, live
		return result, nil
	}
	result.Outcome.Ignored = ignored
	if refused := versionless(r, object, live); refused != nil {
		result.Outcome.Refused = []change.FieldError{*refused}
		return result, nil
	}
	admit(r, object)
	if result.Outcome.Refused = s.mutate(s.mutating, r, object, live); result.Outcome.Refused != nil {
		return result, nil
	}
	result.Unchecked = s.admitUpdate(object, live, &result.Outcome)
	if len(result.Outcome.Refused) > 0 {
		return result, nil
	}
	if refused := s.update(r, object, live.DeepCopyObject()); refused != nil {
		result.Outcome.Refused, result.merged = refused, object
		return result, nil
	}
	if service, ok := object.(*api.Service); ok {
		s.services.read(service)
	}
	fillNulls(object)
	result.New, result.NewFields = r.stored(object)
	result.stored = object
	result.Outcome.Changed = !reflect.DeepEqual(result.OldFields, result.NewFields)
	return result, nil
}

// errCrash is what a merge ends with that panics.
var errCrash = errors.New("cannot merge: Kubernetes' own merge crashes on this object, in Helm or in the API server")

// unbroken merges, and refuses what makes Kubernetes' own merge panic, such as a null in a
// list that is merged by key: the same code runs in Helm, which crashes, and in the API
// server, which answers 500.
func unbroken(merge func() (runtime.Object, []string, *change.FieldError)) (object runtime.Object, ignored []string, refused *change.FieldError) {
	defer func() {
		if recover() != nil {
			object, ignored = nil, nil
			refused = patchError(errCrash)
		}
	}()
	return merge()
}

// stale refuses a manifest that names a version of the stored object: the API server
// then only updates that very version. "0" names none (Update in
// k8s.io/apiserver/pkg/registry/generic/registry).
func stale(newValue, liveValue map[string]any) *change.FieldError {
	wanted, _, _ := unstructured.NestedString(newValue, "metadata", "resourceVersion")
	current, _, _ := unstructured.NestedString(liveValue, "metadata", "resourceVersion")
	if wanted == "" || wanted == "0" || wanted == current && current != assumedVersion {
		return nil
	}
	if _, err := strconv.ParseUint(wanted, 10, 64); err != nil {
		return &change.FieldError{Field: "metadata.resourceVersion", Type: "Invalid", Message: err.Error()}
	}
	return &change.FieldError{
		Field: "metadata.resourceVersion", Type: "Conflict", Message: "the object has been modified; please apply your changes to the latest version and try again",
	}
}

// versionless deals with an object from which a patch has taken the version that was
// read: most kinds are updated whatever their version, the others refused (Update in
// k8s.io/apiserver/pkg/registry/generic/registry).
func versionless(r request, object, live runtime.Object) *change.FieldError {
	is, err1 := meta.Accessor(object)
	was, err2 := meta.Accessor(live)
	switch {
	case err1 != nil || err2 != nil || is.GetResourceVersion() != "":
		return nil
	case !r.strategy.AllowUnconditionalUpdate(r.ctx):
		return &change.FieldError{Field: "metadata.resourceVersion", Type: "Invalid", Message: "must be specified for an update"}
	default:
		is.SetResourceVersion(was.GetResourceVersion())
		return nil
	}
}

// replaced is what Helm does with --force: it merges nothing and sends the manifest
// in the place of the live object (replaceResource in helm.sh/helm/v4/pkg/kube).
func (s *Server) replaced(r request, _ runtime.Object, liveValue, _, newValue map[string]any) (runtime.Object, []string, *change.FieldError) {
	value := replacement(s.owned(r, newValue), liveValue)
	object, ignored, err := r.decode(value)
	if err != nil {
		e := r.decodeError("", value, err)
		return nil, nil, &e
	}
	return object, ignored, nil
}

// replacement returns an owned object as Helm sends it in the place of a live one.
func replacement(owned, live map[string]any) map[string]any {
	metadata := copyMap(owned["metadata"])
	current, _ := live["metadata"].(map[string]any)
	metadata["resourceVersion"] = current["resourceVersion"]
	value := copyMap(owned)
	value["metadata"] = metadata
	return value
}

// mergeOnServer is server-side apply: the manifest is sent as it is, and the
// server merges it by who owns which field.
func (s *Server) mergeOnServer(r request, live runtime.Object, _, _, newValue map[string]any) (runtime.Object, []string, *change.FieldError) {
	owned := s.owned(r, newValue)
	object, err := s.applied(r, live, owned)
	if err != nil {
		e := r.applyError(owned, err)
		return nil, nil, &e
	}
	return object, nil, nil
}

// mergeOnClient is what Helm 3 does: it makes a patch, and the server merges
// that into the live object. The object is nil if there is nothing to send.
func (s *Server) mergeOnClient(r request, _ runtime.Object, liveValue, oldValue, newValue map[string]any) (runtime.Object, []string, *change.FieldError) {
	patched, refused := r.patched(r.located(oldValue), s.owned(r, newValue), liveValue)
	if refused != nil || patched == nil {
		return nil, nil, refused
	}
	object, ignored, err := r.decode(patched)
	if err != nil {
		e := r.decodeError("patch", patched, err)
		return nil, nil, &e
	}
	return object, ignored, nil
}

// patched makes the patch that Helm makes and applies it as the server does. It
// returns nil if Helm finds nothing to send.
//
// What Helm knows as a Go type it merges three ways, field by field; everything
// else, and an object that does not fit its type, it merges two ways as plain
// JSON (createPatch in helm.sh/helm/v3/pkg/kube).
func (r request) patched(old, updated, live map[string]any) (map[string]any, *change.FieldError) {
	merged, err := r.mergedOnce(old, updated, live)
	if err != nil {
		return nil, patchError(r.firstError([3]map[string]any{old, updated, live}, err))
	}
	return merged, nil
}

// mergedOnce is patched with the error that the merge comes to first, errCrash if it panics.
func (r request) mergedOnce(old, updated, live map[string]any) (merged map[string]any, err error) {
	defer func() {
		if recover() != nil {
			merged, err = nil, errCrash
		}
	}()
	patch, typed, err := r.patchOf(old, updated, live)
	if err != nil || patch == nil {
		return nil, err
	}
	if typed == nil {
		return mergeInto(live, patch)
	}
	var patchValue map[string]any
	if err = utiljson.Unmarshal(patch, &patchValue); err != nil {
		return nil, err
	}
	// It changes its first argument.
	return strategicpatch.StrategicMergeMapPatch(runtime.DeepCopyJSON(live), patchValue, typed)
}

// deepestList is how many fields deep firstError looks. The containers of a CronJob, the deepest
// list that a merge comes to from the root, are at the sixth. Without a limit an object that is
// nested thousands of levels deep would be merged once for each level.
const deepestList = 8

// firstError returns of the errors of a merge the one that is first in the order of fields: the
// merge itself walks through maps in no order, and stops at the first that it comes to. It
// merges field by field, sides being the manifest before and after and the live object.
func (r request) firstError(sides [3]map[string]any, err error) error {
	if _, fits := r.helmType(sides[1]); !fits {
		return err
	}
	var path []string
	for at := sides; len(path) < deepestList; {
		failed, known := r.firstField(sides, at, path)
		if known == nil {
			break
		}
		err, path = known, append(path, failed)
		for i := range at {
			at[i], _ = at[i][failed].(map[string]any)
		}
	}
	return err
}

// firstField returns the first field below a path whose merge fails, and how; at is what is
// there on each side.
func (r request) firstField(sides, at [3]map[string]any, path []string) (string, error) {
	names := map[string]bool{}
	for _, value := range at {
		for name := range value {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		var narrowed [3]map[string]any
		for i, value := range at {
			narrowed[i] = map[string]any{}
			if _, has := value[name]; has {
				narrowed[i] = only(sides[i], append(slices.Clone(path), name))
			}
		}
		if _, err := r.mergedOnce(narrowed[0], narrowed[1], narrowed[2]); err != nil {
			return name, err
		}
	}
	return "", nil
}

// only returns a value with nothing but what is at a path.
func only(value map[string]any, path []string) map[string]any {
	inner := value[path[0]]
	if fields, is := inner.(map[string]any); is && len(path) > 1 {
		inner = only(fields, path[1:])
	}
	return map[string]any{path[0]: inner}
}

// patchOf makes the patch that Helm makes: a strategic one if typed is not nil, else
// one of plain JSON. It is nil if Helm finds nothing to send.
func (r request) patchOf(old, updated, live map[string]any) (patch []byte, typed runtime.Object, err error) {
	typed, fits := r.helmType(updated)
	if !fits {
		patch, err = jsonpatch.CreateMergePatch(encode(old), encode(updated))
		return patch, nil, err
	}
	meta, err := strategicpatch.NewPatchMetaFromStruct(typed)
	if err != nil {
		return nil, nil, err
	}
	patch, err = strategicpatch.CreateThreeWayMergePatch(encode(old), encode(updated), encode(live), meta, true)
	if err != nil || bytes.Equal(patch, []byte("{}")) {
		return nil, nil, err
	}
	return patch, typed, nil
}

// merge is Helm's two-way merge of plain JSON: what differs between the manifests
// goes into the live object.
func merge(old, updated, live map[string]any) (map[string]any, error) {
	patch, err := jsonpatch.CreateMergePatch(encode(old), encode(updated))
	if err != nil {
		return nil, err
	}
	return mergeInto(live, patch)
}

// mergeInto applies a patch of plain JSON, as the API server does with the library
// gopkg.in/evanphx/json-patch.v4. That reads all that is below a field once more for
// each field, which takes minutes where objects are nested thousands of levels deep.
func mergeInto(live map[string]any, patch []byte) (map[string]any, error) {
	var changes map[string]any
	if err := utiljson.Unmarshal(patch, &changes); err != nil {
		return nil, err
	}
	merged := runtime.DeepCopyJSON(live)
	mergeFields(merged, changes)
	return merged, nil
}

// mergeFields puts the fields of a patch into an object. A null deletes.
func mergeFields(into, patch map[string]any) {
	for key, value := range patch {
		if value == nil {
			delete(into, key)
			continue
		}
		old, is := into[key].(map[string]any)
		if !is {
			pruneNulls(value)
			into[key] = value
			continue
		}
		if fields, is := value.(map[string]any); is {
			mergeFields(old, fields)
			continue
		}
		into[key] = value
	}
}

// pruneNulls takes the fields that are null out of a value. Items of lists stay.
func pruneNulls(value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			if inner == nil {
				delete(v, key)
			} else {
				pruneNulls(inner)
			}
		}
	case []any:
		for _, item := range v {
			pruneNulls(item)
		}
	}
}

// helmType returns the Go type as which Helm patches an object, and whether the
// object fits it.
func (r request) helmType(value map[string]any) (runtime.Object, bool) {
	known := scheme.Scheme
	if r.gvk.Group == apiExtensionsGroup {
		known = legacyscheme.Scheme
	}
	typed, err := known.New(r.gvk)
	if err != nil {
		return nil, false
	}
	probe, err := known.New(r.gvk)
	if err != nil {
		return nil, false
	}
	return typed, runtime.DefaultUnstructuredConverter.FromUnstructured(value, probe) == nil
}

// encode writes plain values, which cannot fail.
func encode(value map[string]any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		return []byte("{}")
	}
	return text
}

func patchError(err error) *change.FieldError {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errCrash):
		return &change.FieldError{Type: string(field.ErrorTypeInternal), Message: err.Error()}
	}
	message, _, _ := strings.Cut(FirstLine(err.Error()), ": [[") // the lists that it is about
	return &change.FieldError{Type: "FieldValueInvalid", Message: "cannot patch: " + message, Unmerged: true}
}

// withoutVersion drops the one field by which a custom resource names the
// version it is written in, not what it says.
func withoutVersion(value map[string]any) map[string]any {
	rest := copyMap(value)
	delete(rest, "apiVersion")
	return rest
}
