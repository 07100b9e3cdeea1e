package measure

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/safe-diff/helm-safe-diff/test/controlplane/lab"
	"github.com/safe-diff/helm-safe-diff/test/observed"
)

// releaseType is the type of the Secrets in which Helm keeps releases.
const releaseType = "helm.sh/release.v1"

// survey is what the empty cluster serves, and holds.
type survey struct {
	laboratory *observed.Laboratory
	namespaced []schema.GroupVersionResource // to list, each in the version that is preferred
	namespaces []string
}

// survey asks the cluster, in which nothing is installed yet.
func (b *Bench) survey(ctx context.Context) (survey, error) {
	s := survey{laboratory: &observed.Laboratory{Groups: map[string]json.RawMessage{}}}
	client, err := discovery.NewDiscoveryClientForConfig(b.lab.Config)
	if err != nil {
		return s, err
	}
	groups, err := client.ServerGroups()
	if err != nil {
		return s, err
	}
	paths := []string{"/api/v1"}
	for _, g := range groups.Groups {
		if g.Name == "" {
			continue
		}
		paths = append(paths, "/apis/"+g.Name)
		for _, v := range g.Versions {
			paths = append(paths, "/apis/"+v.GroupVersion)
		}
	}
	for _, path := range paths {
		answer, err := client.RESTClient().Get().AbsPath(path).SetHeader("Accept", "application/json").Do(ctx).Raw()
		if err != nil {
			return s, err
		}
		s.laboratory.Groups[path] = answer
	}
	lists, err := client.ServerPreferredResources()
	if err != nil {
		return s, err
	}
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return s, err
		}
		for _, r := range list.APIResources {
			if strings.Contains(r.Name, "/") || !slices.Contains(r.Verbs, "list") || slices.Contains(observed.Unrecorded(), r.Name) {
				continue
			}
			resource := gv.WithResource(r.Name)
			if r.Namespaced {
				s.namespaced = append(s.namespaced, resource)
			}
			items, err := b.list(ctx, resource, "")
			if err != nil {
				return s, err
			}
			s.laboratory.Objects = append(s.laboratory.Objects, items...)
			if r.Kind == "Namespace" {
				for _, item := range items {
					s.namespaces = append(s.namespaces, (&unstructured.Unstructured{Object: item}).GetName())
				}
			}
		}
	}
	for _, o := range s.laboratory.Objects {
		unstructured.RemoveNestedField(o, "metadata", "managedFields")
	}
	return s, nil
}

// Laboratory returns what the empty cluster answers.
func (b *Bench) Laboratory() *observed.Laboratory { return b.empty.laboratory }

// list returns the objects of a resource without Helm's own records.
func (b *Bench) list(ctx context.Context, resource schema.GroupVersionResource, namespace string) ([]map[string]any, error) {
	client, err := b.lab.Client()
	if err != nil {
		return nil, err
	}
	found, err := client.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil // it is not served any more
	}
	if err != nil {
		return nil, err
	}
	var items []map[string]any
	for i := range found.Items {
		if o := found.Items[i].Object; o["type"] != releaseType && !observed.Derived(o) {
			items = append(items, found.Items[i].Object)
		}
	}
	return items, nil
}

// namespacesOf returns the namespaces that are a case's own: where it is measured, those
// in which it puts objects, and those that it makes.
func (b *Bench) namespacesOf(c Case, namespace string) []string {
	names := []string{namespace}
	for _, stream := range []string{c.Old, c.New, c.Cluster} {
		list, err := lab.Objects(stream)
		if err != nil {
			continue
		}
		for _, o := range list {
			if o.GetKind() == "Namespace" {
				names = append(names, o.GetName())
			}
			names = append(names, o.GetNamespace())
		}
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool {
		return name == "" || slices.Contains(b.empty.namespaces, name)
	})
}

// Dump returns all that a case has in the cluster: what is in its namespaces, and what it
// names outside of them, as the API server tells it.
func (b *Bench) Dump(ctx context.Context, c Case, namespace string) ([]map[string]any, error) {
	var objects []map[string]any
	resources := slices.Clone(b.empty.namespaced)
	named, err := b.named(ctx, c, namespace)
	if err != nil {
		return nil, err
	}
	for _, o := range named {
		objects = append(objects, o.Object)
		if o.GetKind() == "CustomResourceDefinition" {
			resources = append(resources, customResource(o))
		}
	}
	for _, in := range b.namespacesOf(c, namespace) {
		for _, resource := range resources {
			items, err := b.list(ctx, resource, in)
			if err != nil {
				return nil, err
			}
			objects = append(objects, items...)
		}
	}
	volumes, err := b.list(ctx, schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumes"}, "")
	if err != nil {
		return nil, err
	}
	for _, o := range volumes {
		claim, _, _ := unstructured.NestedString(o, "spec", "claimRef", "namespace")
		if slices.Contains(b.namespacesOf(c, namespace), claim) {
			objects = append(objects, o)
		}
	}
	return distinct(objects), nil
}

// named returns the objects that a case names, as far as they are there, in the version
// in which it does.
func (b *Bench) named(ctx context.Context, c Case, namespace string) ([]*unstructured.Unstructured, error) {
	c.Old += "\n---\n" + c.Cluster
	objects, err := b.objects(c, namespace)
	if err != nil {
		return nil, err
	}
	live, err := b.read(ctx, objects, namespace)
	live = slices.DeleteFunc(live, func(o *unstructured.Unstructured) bool { return o == nil })
	for _, name := range b.namespacesOf(c, namespace) {
		space, missing := b.core.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(missing) {
			continue
		}
		space.APIVersion, space.Kind = "v1", "Namespace"
		text, wrong := json.Marshal(space)
		o := &unstructured.Unstructured{}
		err = errors.Join(err, missing, wrong, json.Unmarshal(text, &o.Object))
		live = append(live, o)
	}
	return live, err
}

// customResource returns what a definition defines, in the version that is preferred.
func customResource(o *unstructured.Unstructured) schema.GroupVersionResource {
	text := func(path ...string) string {
		value, _, _ := unstructured.NestedString(o.Object, path...)
		return value
	}
	resource := schema.GroupVersionResource{Group: text("spec", "group"), Resource: text("spec", "names", "plural")}
	versions, _, _ := unstructured.NestedSlice(o.Object, "spec", "versions")
	for _, v := range versions {
		if v, _ := v.(map[string]any); v["served"] == true && resource.Version == "" {
			resource.Version, _ = v["name"].(string)
		}
	}
	return resource
}

// distinct returns each object once.
func distinct(objects []map[string]any) []map[string]any {
	seen := map[string]bool{}
	var kept []map[string]any
	for _, object := range objects {
		o := unstructured.Unstructured{Object: object}
		key := o.GetAPIVersion() + "/" + o.GetKind() + "/" + o.GetNamespace() + "/" + o.GetName()
		if !seen[key] {
			seen[key] = true
			kept = append(kept, object)
		}
	}
	return kept
}
