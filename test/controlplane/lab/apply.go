package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
)

// Objects reads a YAML stream; the items of a List are in it one by one.
func Objects(stream string) ([]*unstructured.Unstructured, error) {
	decoder := utilyaml.NewYAMLOrJSONDecoder(strings.NewReader(stream), 4096)
	var objects []*unstructured.Unstructured
	for {
		o := &unstructured.Unstructured{}
		err := decoder.Decode(&o.Object)
		switch {
		case errors.Is(err, io.EOF):
			return flatten(objects), nil
		case err != nil:
			return nil, err
		case len(o.Object) > 0:
			objects = append(objects, o)
		}
	}
}

func flatten(list []*unstructured.Unstructured) []*unstructured.Unstructured {
	var flat []*unstructured.Unstructured
	for _, o := range list {
		if o.GetKind() != "List" {
			flat = append(flat, o)
			continue
		}
		items, _, _ := unstructured.NestedSlice(o.Object, "items")
		for _, item := range items {
			if value, ok := item.(map[string]any); ok {
				flat = append(flat, &unstructured.Unstructured{Object: value})
			}
		}
	}
	return flat
}

// mapping returns the resource of a kind.
func (l *Lab) mapping(gvk schema.GroupVersionKind) (*meta.RESTMapping, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mapper == nil {
		client, err := discovery.NewDiscoveryClientForConfig(l.Config)
		if err != nil {
			return nil, err
		}
		l.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client))
	}
	mapping, err := l.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if meta.IsNoMatchError(err) {
		l.mapper.Reset() // definitions come and go
		mapping, err = l.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	}
	return mapping, err
}

// ServedClientFor is ClientFor in any version that is served.
func (l *Lab) ServedClientFor(o *unstructured.Unstructured, namespace string) (dynamic.ResourceInterface, error) {
	client, err := l.ClientFor(o, namespace)
	if !meta.IsNoMatchError(err) {
		return client, err
	}
	l.mu.Lock()
	mapping, err := l.mapper.RESTMapping(o.GroupVersionKind().GroupKind())
	l.mu.Unlock()
	if err != nil {
		return nil, err
	}
	other := o.DeepCopy()
	other.SetAPIVersion(mapping.GroupVersionKind.GroupVersion().String())
	return l.ClientFor(other, namespace)
}

// Rediscover forgets which kinds the cluster serves.
func (l *Lab) Rediscover() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mapper != nil {
		l.mapper.Reset()
	}
}

// Namespaced reports whether objects of a kind live in namespaces, and whether
// the cluster knows the kind at all.
func (l *Lab) Namespaced(gvk schema.GroupVersionKind) (namespaced, known bool) {
	mapping, err := l.mapping(gvk)
	return err == nil && mapping.Scope.Name() == meta.RESTScopeNameNamespace, err == nil
}

// Apply creates the objects of a stream; namespace is for those that name none.
func (l *Lab) Apply(ctx context.Context, stream, namespace string) error {
	objects, err := Objects(stream)
	if err != nil {
		return err
	}
	for _, o := range objects {
		client, err := l.ClientFor(o, namespace)
		if err != nil {
			return err
		}
		if o.GetKind() == "Node" {
			if err := equip(o); err != nil {
				return err
			}
		}
		if _, err := client.Create(ctx, o, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("create %s %s: %w", o.GetKind(), o.GetName(), err)
		}
		if awaited := awaited(o.GetKind()); awaited != nil {
			if err := await(ctx, client, o.GetName(), awaited); err != nil {
				return fmt.Errorf("wait for %s %s: %w", o.GetKind(), o.GetName(), err)
			}
		}
	}
	return nil
}

// awaited returns what an object of a kind has to show before anything may rely on it, or
// nil if it may be relied on at once.
func awaited(kind string) func(map[string]any) bool {
	switch kind {
	case "CustomResourceDefinition":
		return established
	case "Node":
		return schedulable
	default:
		return nil
	}
}

// await waits until an object shows what is awaited.
func await(ctx context.Context, client dynamic.ResourceInterface, name string, shows func(map[string]any) bool) error {
	return wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		live, err := client.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		return shows(live.Object), nil
	})
}

// established reports whether the kind of a definition is served.
func established(definition map[string]any) bool {
	conditions, _, _ := unstructured.NestedSlice(definition, "status", "conditions")
	return slices.ContainsFunc(conditions, func(c any) bool {
		condition, _ := c.(map[string]any)
		return condition["type"] == "Established" && condition["status"] == "True"
	})
}

// schedulable reports whether a node has lost the taint that each begins with. A DaemonSet
// makes no pod for it before.
func schedulable(node map[string]any) bool {
	taints, _, _ := unstructured.NestedSlice(node, "spec", "taints")
	return !slices.ContainsFunc(taints, func(t any) bool {
		taint, _ := t.(map[string]any)
		return taint["key"] == corev1.TaintNodeNotReady
	})
}

// Interfere changes live objects behind Helm's back. Each document of the stream
// names an object and holds a merge patch for it, null to delete it.
func (l *Lab) Interfere(ctx context.Context, stream, namespace string) error {
	changes, err := Objects(stream)
	if err != nil {
		return err
	}
	for _, change := range changes {
		name, _ := change.Object["name"].(string)
		client, err := l.ClientFor(change, namespace)
		if err != nil {
			return err
		}
		if change.Object["patch"] == nil {
			policy := metav1.DeletePropagationForeground
			err = client.Delete(ctx, name, metav1.DeleteOptions{PropagationPolicy: &policy})
		} else {
			var patch []byte
			if patch, err = json.Marshal(change.Object["patch"]); err == nil {
				_, err = client.Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "kubectl-patch"})
			}
		}
		if err == nil {
			err = taken(ctx, client, name, change.Object["patch"] == nil)
		}
		if err != nil {
			return fmt.Errorf("interfere with %s %s: %w", change.GetKind(), name, err)
		}
	}
	return nil
}

// taken waits until an object is gone, or until its controller has taken notice of
// what it says now.
func taken(ctx context.Context, client dynamic.ResourceInterface, name string, deleted bool) error {
	return wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		o, err := client.Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			return deleted, nil
		case err != nil || deleted:
			return false, err
		}
		observed, reports, _ := unstructured.NestedInt64(o.Object, "status", "observedGeneration")
		return !reports || observed >= o.GetGeneration(), nil
	})
}

// ClientFor returns a client for the kind of an object, in the namespace where
// the object is; namespace is for an object that names none.
func (l *Lab) ClientFor(o *unstructured.Unstructured, namespace string) (dynamic.ResourceInterface, error) {
	mapping, err := l.mapping(o.GroupVersionKind())
	if err != nil {
		return nil, err
	}
	client, err := l.Client()
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		return client.Resource(mapping.Resource), nil
	}
	if o.GetNamespace() != "" {
		namespace = o.GetNamespace()
	}
	return client.Resource(mapping.Resource).Namespace(namespace), nil
}

// Delete deletes an object and waits until it is gone. namespace is for one that
// names none.
func (l *Lab) Delete(ctx context.Context, o *unstructured.Unstructured, namespace string) error {
	client, err := l.ClientFor(o, namespace)
	if err != nil {
		return nil //nolint:nilerr // a kind that is not served has no objects
	}
	if err := client.Delete(ctx, o.GetName(), metav1.DeleteOptions{}); apierrors.IsNotFound(err) {
		return nil
	} else if err != nil {
		return err
	}
	return wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		found, err := client.Get(ctx, o.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		if err == nil && len(found.GetFinalizers()) > 0 && o.GetKind() == "PersistentVolume" {
			found.SetFinalizers(nil) // nobody is there to let go of it
			_, err = client.Update(ctx, found, metav1.UpdateOptions{})
			return false, ignoreConflict(err)
		}
		return false, err
	})
}

func ignoreConflict(err error) error {
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
