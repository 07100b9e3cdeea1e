package action

import (
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// InCluster makes objects of what was read from the cluster.
func InCluster(values []map[string]any) ([]*manifest.Object, error) {
	objects := make([]*manifest.Object, 0, len(values))
	for _, value := range values {
		o, err := manifest.FromValue(value, manifest.Position{File: "the cluster"})
		if err != nil {
			return nil, err
		}
		objects = append(objects, o)
	}
	return objects, nil
}

// ByNamespace reads the objects of a kind, and sorts them by namespace. What does not
// fit the kind's type is left aside.
func ByNamespace[T any](objects []*manifest.Object, group, kind string) map[string][]*T {
	found := map[string][]*T{}
	for _, o := range objects {
		if o.Ref.Group != group || o.Ref.Kind != kind {
			continue
		}
		if value, err := o.Value(); err == nil {
			found[o.Ref.Namespace] = AppendAs(found[o.Ref.Namespace], value)
		}
	}
	return found
}

// AppendAs appends an object of the cluster to those of its type; one that does not fit it is left aside.
func AppendAs[T any](list []*T, value map[string]any) []*T {
	object := new(T)
	if runtime.DefaultUnstructuredConverter.FromUnstructured(value, object) != nil {
		return list // another API's kind of that name
	}
	return append(list, object)
}
