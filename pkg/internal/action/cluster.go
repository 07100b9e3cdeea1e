package action

import (
	"context"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
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

// RunningIn sorts the pods of a cluster that was asked, and what made them, by
// namespace. A namespace of which any of that could not be read is missing.
func RunningIn(state *cluster.State) map[string]*rollout.Running {
	byNamespace := map[string]*rollout.Running{}
	of := func(namespace string) *rollout.Running {
		if byNamespace[namespace] == nil {
			byNamespace[namespace] = &rollout.Running{}
		}
		return byNamespace[namespace]
	}
	for ref := range state.Objects {
		of(ref.Namespace)
	}
	for _, value := range state.Surroundings {
		u := unstructured.Unstructured{Object: value}
		r := of(u.GetNamespace())
		switch u.GetKind() {
		case "Pod":
			r.Pods = AppendAs(r.Pods, value)
		case "ReplicaSet":
			r.Sets = AppendAs(r.Sets, value)
		case "ControllerRevision":
			r.Revisions = AppendAs(r.Revisions, value)
		}
	}
	for _, gap := range state.Unread {
		if slices.Contains([]string{"Pod", "ReplicaSet", "ControllerRevision"}, gap.Kind) {
			delete(byNamespace, gap.Namespace)
		}
	}
	return byNamespace
}

// Written returns an object that was written by hand with what the API server adds to
// the metadata of each, without which it would refuse every update.
func Written(ref manifest.Ref, value map[string]any) map[string]any {
	stored := maps.Clone(value)
	metadata, _ := value["metadata"].(map[string]any)
	if metadata = maps.Clone(metadata); metadata == nil {
		metadata = map[string]any{}
	}
	metadata["resourceVersion"] = "1"
	if ref.Namespace != "" {
		metadata["namespace"] = ref.Namespace
	}
	stored["metadata"] = metadata
	return stored
}

// FromCluster reports whether an object was read from a cluster and not written by
// hand.
func FromCluster(value map[string]any) bool {
	metadata, _ := value["metadata"].(map[string]any)
	return metadata["uid"] != nil
}

// NamespaceOf returns the Namespace in which an object lives.
func NamespaceOf(ref manifest.Ref) manifest.Ref {
	return manifest.Ref{Version: "v1", Kind: "Namespace", Name: ref.Namespace}
}

// IsNode reports whether an object is a node of the cluster.
func IsNode(o *manifest.Object) bool { return o.Ref.Kind == "Node" && o.Ref.Group == "" }

// LookOutside asks the cluster about objects that are not the release's; nil if there
// is none to ask.
func (a *Action) LookOutside(ctx context.Context, open []upgrade.Outside, owned []upgrade.Owned) (*cluster.State, error) {
	if !a.Asked || a.Look == nil || len(open)+len(owned) == 0 {
		return nil, nil
	}
	wanted := make([]cluster.Wanted, 0, len(open))
	for _, o := range open {
		if ref, servable := upgrade.Servable(o.To); servable {
			wanted = append(wanted, cluster.Wanted{Ref: ref})
		}
	}
	for _, o := range owned {
		for _, owner := range o.Owners {
			if ref := owner.Ref; a.Server.Builtin(ref.Group, ref.Kind) {
				if !a.Server.Namespaced(ref.Group, ref.Kind) {
					ref.Namespace = ""
				}
				wanted = append(wanted, cluster.Wanted{Ref: ref})
			}
		}
	}
	return a.Look(ctx, wanted)
}
