package apiserver

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	smd "sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// Owner is who the API server has noted for a field of a live object.
type Owner struct {
	// Manager is the name under which it was written, such as "kubectl-edit" or
	// "kube-controller-manager (scale)".
	Manager string
	// Since is when the manager last wrote, RFC 3339 in UTC; "" if that is not noted.
	Since string
	// Foreign says that the manager is neither Helm nor a part of Kubernetes.
	Foreign bool
}

// controlPlane are the managers that belong to Kubernetes itself.
var controlPlane = []string{ //nolint:gochecknoglobals // a constant table
	"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "cloud-controller-manager", "horizontal-pod-autoscaler",
}

// Owners are the owners of the fields of one live object.
type Owners []ownership

// ownership is what one owner has written.
type ownership struct {
	owner Owner
	paths []fieldpath.Path
}

// Of returns who owns a field besides Helm, or a field above or below it; of several
// the one that wrote last. The zero Owner is nobody, or that the API server does not
// say.
func (o Owners) Of(path fieldpath.Path) Owner {
	var found Owner
	for i := range o {
		owner := o[i].owner
		if slices.ContainsFunc(o[i].paths, path.Overlaps) && (found.Manager == "" || owner.Since > found.Since) {
			found = owner
		}
	}
	return found
}

// Owners returns who owns the fields of the live object besides Helm.
func (r *Result) Owners() Owners {
	var owners Owners
	for i := range r.managers {
		entry := &r.managers[i]
		if entry.Manager == fieldOwner || entry.Subresource == "status" || entry.FieldsV1 == nil {
			continue
		}
		set := &smd.Set{}
		if set.FromJSON(bytes.NewReader(entry.FieldsV1.GetRawBytes())) != nil {
			continue
		}
		owner := Owner{Manager: entry.Manager, Foreign: !slices.Contains(controlPlane, entry.Manager)}
		if entry.Subresource != "" {
			owner.Manager += " (" + entry.Subresource + ")"
		}
		if entry.Time != nil {
			owner.Since = entry.Time.UTC().Format(time.RFC3339)
		}
		var paths []fieldpath.Path
		set.Iterate(func(member smd.Path) { paths = append(paths, pathOf(member)) })
		owners = append(owners, ownership{owner, paths})
	}
	return owners
}

func managersOf(object runtime.Object) []metav1.ManagedFieldsEntry {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return nil
	}
	return accessor.GetManagedFields()
}

// pathOf reads a path of structured-merge-diff.
func pathOf(member smd.Path) fieldpath.Path {
	path := make(fieldpath.Path, 0, len(member))
	for _, e := range member {
		switch {
		case e.FieldName != nil:
			path = append(path, fieldpath.Field(*e.FieldName))
		case e.Key != nil:
			var keys []fieldpath.Key
			for _, k := range *e.Key {
				keys = append(keys, keyOf(k.Name, k.Value))
			}
			path = append(path, fieldpath.Element{Keys: keys})
		case e.Value != nil:
			path = append(path, fieldpath.Element{Keys: []fieldpath.Key{keyOf("", *e.Value)}})
		case e.Index != nil:
			path = append(path, fieldpath.Index(*e.Index))
		}
	}
	return path
}

func keyOf(name string, v value.Value) fieldpath.Key {
	if v.IsString() {
		return fieldpath.Key{Name: name, Value: v.AsString(), Quoted: true}
	}
	return fieldpath.Key{Name: name, Value: fmt.Sprint(v.Unstructured())}
}
