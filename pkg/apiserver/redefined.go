package apiserver

import (
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Redefined returns what the update of a definition takes away; nil if the result is not of a
// definition.
func Redefined(result *Result) *change.Redefined {
	old, is := result.Old.(*apiextensionsv1.CustomResourceDefinition)
	updated, stays := result.New.(*apiextensionsv1.CustomResourceDefinition)
	if !is || !stays {
		return nil
	}
	d := &change.Redefined{Group: updated.Spec.Group, Kind: updated.Spec.Names.Kind}
	d.Unconverted = converts(old) && !converts(updated) && len(updated.Spec.Versions) > 1
	for i := range old.Spec.Versions {
		was := &old.Spec.Versions[i]
		k := slices.IndexFunc(updated.Spec.Versions, func(v apiextensionsv1.CustomResourceDefinitionVersion) bool { return v.Name == was.Name })
		if k < 0 {
			d.Removed = append(d.Removed, was.Name)
		}
		if was.Served && (k < 0 || !updated.Spec.Versions[k].Served) {
			d.Unserved = append(d.Unserved, was.Name)
			continue
		}
		if k < 0 {
			continue
		}
		is := &updated.Spec.Versions[k]
		if was.Served && keepsStatus(was) && !keepsStatus(is) {
			d.Statusless = append(d.Statusless, was.Name)
		}
		if was.Served && keepsScale(was) && !keepsScale(is) {
			d.Scaleless = append(d.Scaleless, was.Name)
		}
		s := schemas{version: was.Name, into: d}
		s.compare("", schemaOf(was), schemaOf(is))
	}
	return d
}

// converts reports whether a webhook converts objects between the versions of a definition.
func converts(d *apiextensionsv1.CustomResourceDefinition) bool {
	return d.Spec.Conversion != nil && d.Spec.Conversion.Strategy == apiextensionsv1.WebhookConverter
}

func keepsStatus(v *apiextensionsv1.CustomResourceDefinitionVersion) bool {
	return v.Subresources != nil && v.Subresources.Status != nil
}

func keepsScale(v *apiextensionsv1.CustomResourceDefinitionVersion) bool {
	return v.Subresources != nil && v.Subresources.Scale != nil
}

func schemaOf(v *apiextensionsv1.CustomResourceDefinitionVersion) *apiextensionsv1.JSONSchemaProps {
	if v.Schema == nil {
		return nil
	}
	return v.Schema.OpenAPIV3Schema
}

// Reread says what becomes of a custom resource that stays as it is while its definition
// changes; nil if that cannot be told. live says that the object is as the cluster has it, and
// not as a manifest says.
func (s *Server) Reread(o *manifest.Object, live bool) *change.Reread {
	before, after := s.installed(o), s.requestFor(o, true)
	reread := &change.Reread{Ref: o.Ref, Unserved: before.unserved == nil && after.unserved != nil}
	if reread.Unserved {
		return reread
	}
	value, err := o.Value()
	if err != nil || before.custom == nil || after.custom == nil {
		return nil
	}
	var stored *unstructured.Unstructured
	if live {
		stored = &unstructured.Unstructured{Object: runtime.DeepCopyJSON(value)}
	} else if assumed, misfit := s.assume(before, value); misfit == nil {
		stored, _ = assumed.(*unstructured.Unstructured)
	}
	if stored == nil {
		return nil
	}
	dropped, refused := after.read(stored)
	known, invalid := before.read(stored)
	reread.Pruned = without(dropped, known)
	reread.Refused = without(refused, invalid)
	return reread
}

// read returns the fields that the server drops when it reads a stored object, and those that
// it would not accept in a new one.
func (r request) read(stored *unstructured.Unstructured) (dropped, refused []string) {
	object := stored.DeepCopy()
	warnings, err := r.custom.coerce(object, true)
	if err != nil {
		return nil, nil
	}
	for _, warning := range warnings {
		_, field, _ := strings.Cut(warning, `"`)
		dropped = append(dropped, "."+strings.TrimSuffix(field, `"`))
	}
	seen, err := r.custom.reread(stored)
	if err != nil {
		return dropped, nil
	}
	for _, e := range r.strategy.Validate(r.ctx, seen) {
		if !strings.HasPrefix(e.Field, "metadata") {
			refused = append(refused, e.Field)
		}
	}
	return dropped, refused
}

// without returns what is in a list and not in another one, each once and in order.
func without(list, other []string) []string {
	rest := slices.DeleteFunc(slices.Clone(list), func(item string) bool { return slices.Contains(other, item) })
	slices.Sort(rest)
	return slices.Compact(rest)
}
