package apiserver

import (
	"errors"
	"fmt"
	"maps"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured/unstructuredscheme"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

func (v *customVersion) makeTypes() (managedfields.TypeConverter, error) {
	models := map[string]*spec.Schema{}
	for i := range v.crd.Spec.Versions {
		api, err := builder.BuildOpenAPIV3(v.crd, v.crd.Spec.Versions[i].Name, builder.Options{})
		if err != nil {
			return nil, fmt.Errorf("describe %s for server-side apply: %w", v.gvk, err)
		}
		maps.Copy(models, api.Components.Schemas)
	}
	types, err := managedfields.NewTypeConverter(models, false)
	if err != nil {
		return nil, fmt.Errorf("describe %s for server-side apply: %w", v.gvk, err)
	}
	return types, nil
}

func (v *customVersion) makeFieldManager() (*managedfields.FieldManager, error) {
	types, err := v.types()
	if err != nil {
		return nil, err
	}
	var reset map[fieldpath.APIVersion]fieldpath.Filter
	if s, ok := v.strategy.(rest.ResetFieldsStrategy); ok {
		reset = fieldpath.NewExcludeFilterSetMap(s.GetResetFields())
	}
	return managedfields.NewDefaultCRDFieldManager(types, renaming{}, v, unstructuredscheme.NewUnstructuredCreator(),
		v.gvk, v.gvk.GroupVersion(), "", reset)
}

// Default fills in the defaults of the schema.
func (v *customVersion) Default(object runtime.Object) {
	if u, ok := object.(*unstructured.Unstructured); ok {
		defaulting.Default(u.Object, v.schema)
	}
}

// renaming converts custom resources as the server does without a webhook: only
// the name of the version changes.
type renaming struct{}

// Convert is not used by the field manager.
func (renaming) Convert(_, _, _ any) error {
	return errors.New("convert custom resource: not supported")
}

// ConvertToVersion returns a copy of an object in another version.
func (renaming) ConvertToVersion(in runtime.Object, gv runtime.GroupVersioner) (runtime.Object, error) {
	from := in.GetObjectKind().GroupVersionKind()
	to, ok := gv.KindForGroupVersionKinds([]schema.GroupVersionKind{from})
	if !ok {
		return nil, fmt.Errorf("convert custom resource: %s has no such version", from)
	}
	if to == from {
		return in, nil
	}
	out := in.DeepCopyObject()
	out.GetObjectKind().SetGroupVersionKind(to)
	return out, nil
}

// ConvertFieldLabel is not used by the field manager.
func (renaming) ConvertFieldLabel(_ schema.GroupVersionKind, label, value string) (string, string, error) {
	return label, value, nil
}
