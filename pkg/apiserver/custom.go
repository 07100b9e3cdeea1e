package apiserver

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apihelpers"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured/unstructuredscheme"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
)

// customVersion is what the server knows of a kind of custom resources in one
// version.
type customVersion struct {
	crd *apiextensionsv1.CustomResourceDefinition
	gvk schema.GroupVersionKind

	compiled func() error // once; it panics each time if it does
	schema   *structuralschema.Structural
	strategy strategy

	// fieldManager keeps track of who owns which field of the custom resources of the
	// version. It is made on first use.
	fieldManager func() (*managedfields.FieldManager, error)
	// types knows the schema of all versions. It is made on first use.
	types func() (managedfields.TypeConverter, error)
}

// newCustomVersion returns a version of a definition. Nothing of it is read yet.
func newCustomVersion(crd *apiextensionsv1.CustomResourceDefinition, name string) *customVersion {
	v := &customVersion{crd: crd, gvk: schema.GroupVersionKind{Group: crd.Spec.Group, Version: name, Kind: crd.Spec.Names.Kind}}
	v.compiled = sync.OnceValue(v.compile)
	v.types = sync.OnceValues(v.makeTypes)
	v.fieldManager = sync.OnceValues(v.makeFieldManager)
	return v
}

// compile makes the strategy of the version from its schema, CEL rules included.
func (v *customVersion) compile() error {
	if err := v.makeStrategy(); err != nil {
		return fmt.Errorf("compile the schema of %s: %w", v.gvk, err)
	}
	return nil
}

func (v *customVersion) makeStrategy() error {
	props, err := v.openAPISchema()
	if err != nil {
		return err
	}
	structural, err := structuralschema.NewStructural(props)
	if err != nil {
		return err
	}
	// It shares its defaults with props, and they are about to be pruned.
	v.schema = structural.DeepCopy()
	if err := defaulting.PruneDefaults(v.schema); err != nil {
		return err
	}
	validator, _, err := validation.NewSchemaValidator(props)
	if err != nil {
		return err
	}
	status, scale, err := v.subresources()
	if err != nil {
		return err
	}
	v.strategy = customresource.NewStrategy(unstructuredscheme.NewUnstructuredObjectTyper(),
		v.crd.Spec.Scope != apiextensionsv1.ClusterScoped, v.gvk, validator, nil, v.schema, status, scale, nil)
	return nil
}

func (v *customVersion) openAPISchema() (*apiextensions.JSONSchemaProps, error) {
	versioned, err := apihelpers.GetSchemaForVersion(v.crd, v.gvk.Version)
	if err != nil {
		return nil, err
	}
	internal := &apiextensions.CustomResourceValidation{}
	if versioned != nil {
		if err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(versioned, internal, nil); err != nil {
			return nil, err
		}
	}
	if internal.OpenAPIV3Schema == nil {
		return nil, errors.New("the version has no schema")
	}
	return internal.OpenAPIV3Schema, nil
}

func (v *customVersion) subresources() (*apiextensions.CustomResourceSubresourceStatus, *apiextensions.CustomResourceSubresourceScale, error) {
	versioned, err := apihelpers.GetSubresourcesForVersion(v.crd, v.gvk.Version)
	if err != nil || versioned == nil {
		return nil, nil, err
	}
	internal := &apiextensions.CustomResourceSubresources{}
	if err := apiextensionsv1.Convert_v1_CustomResourceSubresources_To_apiextensions_CustomResourceSubresources(versioned, internal, nil); err != nil {
		return nil, nil, err
	}
	return internal.Status, internal.Scale, nil
}

// webhook reports whether objects are converted between versions by a webhook,
// which cannot be asked.
func (v *customVersion) webhook() bool {
	return v.crd.Spec.Conversion != nil && v.crd.Spec.Conversion.Strategy == apiextensionsv1.WebhookConverter
}

// decode reads an object as the server does: what the schema does not know is
// dropped and listed, what it has defaults for is filled in.
func (v *customVersion) decode(value map[string]any) (*unstructured.Unstructured, []string, error) {
	object := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(value)}
	ignored, err := v.coerce(object, false)
	if err != nil {
		return nil, nil, err
	}
	defaulting.Default(object.Object, v.schema)
	return object, ignored, nil
}

// reread returns a stored object as the server shows it in this version. Between
// versions only the name of the version changes, unless a webhook is asked.
func (v *customVersion) reread(stored *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	object := stored.DeepCopy()
	object.SetGroupVersionKind(v.gvk)
	if _, err := v.coerce(object, true); err != nil {
		return nil, err
	}
	defaulting.Default(object.Object, v.schema)
	return object, nil
}

// coerce makes an object fit its schema, in the order of the server's decoder
// (unstructuredSchemaCoercer in k8s.io/apiextensions-apiserver/pkg/apiserver).
// Metadata follows a schema of its own: of a stored object, what is malformed
// there is dropped, too.
func (v *customVersion) coerce(object *unstructured.Unstructured, stored bool) (ignored []string, err error) {
	meta, found, unknown, err := objectmeta.GetObjectMetaWithOptions(object.Object,
		objectmeta.ObjectMetaOptions{DropMalformedFields: stored, ReturnUnknownFieldPaths: true})
	if err != nil {
		return nil, err
	}
	unknown = append(unknown, pruning.PruneWithOptions(object.Object, v.schema, true,
		structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})...)
	defaulting.PruneNonNullableNullsWithoutDefaults(object.Object, v.schema)
	invalid, paths := objectmeta.CoerceWithOptions(nil, object.Object, v.schema, false,
		objectmeta.CoerceOptions{DropInvalidFields: stored, ReturnUnknownFieldPaths: true})
	if invalid != nil {
		return nil, invalid
	}
	object.SetGroupVersionKind(v.gvk)
	if found {
		if err := objectmeta.SetObjectMeta(object.Object, meta); err != nil {
			return nil, err
		}
	}
	for _, path := range slices.Concat(unknown, paths) {
		ignored = append(ignored, fmt.Sprintf("unknown field %q", path))
	}
	return ignored, nil
}
