package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
)

// Objects reads a YAML stream.
func Objects(stream string) ([]*unstructured.Unstructured, error) {
	decoder := utilyaml.NewYAMLOrJSONDecoder(strings.NewReader(stream), 4096)
	var objects []*unstructured.Unstructured
	for {
		o := &unstructured.Unstructured{}
		err := decoder.Decode(&o.Object)
		switch {
		case errors.Is(err, io.EOF):
			return objects, nil
		case err != nil:
			return nil, err
		case len(o.Object) > 0:
			objects = append(objects, o)
		}
	}
}

// Mapper returns what knows the resources that the cluster serves.
func (l *Lab) Mapper() (meta.RESTMapper, error) {
	client, err := discovery.NewDiscoveryClientForConfig(l.Config)
	if err != nil {
		return nil, err
	}
	return restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client)), nil
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
		if _, err := client.Create(ctx, o, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("create %s %s: %w", o.GetKind(), o.GetName(), err)
		}
	}
	return nil
}

// ClientFor returns a client for the kind of an object, in the namespace where
// the object is; namespace is for an object that names none.
func (l *Lab) ClientFor(o *unstructured.Unstructured, namespace string) (dynamic.ResourceInterface, error) {
	mapper, err := l.Mapper()
	if err != nil {
		return nil, err
	}
	gvk := o.GroupVersionKind()
	mapping, err := mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
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
