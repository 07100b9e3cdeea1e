package safediff

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/definitions"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// input is everything that a comparison reads.
type input struct {
	action.Objects
	again            []*manifest.Object // the new side, rendered once more
	oldCRDs, newCRDs []*manifest.Object
	selecting        []*manifest.Object // of the cluster, read for that alone
}

// read reads the streams, at the same time those of which none is a later version of another.
func read(server *apiserver.Server, old, updated Manifest, opts Options) (input, error) {
	streams := slices.Concat([]Manifest{old, updated, opts.OldCRDs, opts.NewCRDs, opts.Again.Manifest}, opts.Cluster)
	objects, errs := make([][]*manifest.Object, len(streams)), make([]error, len(streams))
	var wait sync.WaitGroup
	versions := make([][]int, 0, len(streams))
	versions = append(versions, []int{0, 1, 4}, []int{2, 3}) // old, updated, again; both crds directories
	for i := range opts.Cluster {
		versions = append(versions, []int{5 + i})
	}
	for _, places := range versions {
		wait.Go(func() {
			var like []*manifest.Object
			for _, i := range places {
				objects[i], errs[i] = manifest.Parse(streams[i].Text, manifest.Options{
					File: streams[i].Name, Namespace: opts.Namespace, Namespaced: server.Namespaced, Like: like,
				})
				like = objects[i]
			}
		})
	}
	wait.Wait()
	in := input{
		Objects: action.Objects{Old: objects[0], Updated: objects[1], Cluster: slices.Concat(objects[5:]...)},
		oldCRDs: objects[2], newCRDs: objects[3], again: objects[4],
	}
	// Helm does not read the crds directories in an upgrade, and what is broken
	// there is no reason to fail.
	errs[2], errs[3] = nil, nil
	for _, o := range in.Cluster {
		if !isFact(o) {
			continue
		}
		if _, err := o.Value(); err != nil {
			errs = append(errs, err)
		}
	}
	return in, errors.Join(errs...)
}

// isFact reports whether an object of the cluster is one that judgements use.
// Definitions of custom resources are large, and read only if they are needed.
func isFact(o *manifest.Object) bool { return isStorageClass(o) || action.IsNode(o) }

// look asks the cluster, if there is one, and adds what it says to the input.
func (in *input) look(ctx context.Context, server *apiserver.Server, opts Options) (*cluster.State, error) {
	if opts.Look == nil {
		return nil, nil
	}
	in.place(server.Knowing(in.facts(opts)))
	state, err := opts.Look(ctx, wanted(diff.Pairs(in.Old, in.Updated), in.newCRDs, opts.ServerSide))
	if err != nil {
		return nil, err
	}
	if state == nil {
		return nil, nil
	}
	objects, err1 := action.InCluster(slices.Concat(state.Surroundings, namespacesOf(state)))
	in.Cluster = append(in.Cluster, objects...)
	in.Unread = map[string]bool{}
	for _, gap := range state.Unread {
		in.Unread[gap.Kind] = true
	}
	var err2 error
	in.selecting, err2 = action.InCluster(state.Selecting)
	return state, errors.Join(err1, err2)
}

// namespacesOf returns the Namespaces that were read.
func namespacesOf(state *cluster.State) []map[string]any {
	var list []map[string]any
	for id, o := range state.Objects {
		if id.Kind == "Namespace" && id.Group == "" && o.Value != nil {
			list = append(list, o.Value)
		}
	}
	return list
}

// place takes custom resources out of the namespace that they were given where
// their definition says that they live in none.
func (in *input) place(server *apiserver.Server) {
	for _, objects := range [][]*manifest.Object{in.Old, in.Updated, in.again} {
		for _, o := range objects {
			if o.Ref.Namespace != "" && !server.Namespaced(o.Ref.Group, o.Ref.Kind) {
				o.Ref.Namespace = ""
			}
		}
	}
}

// facts collects what the judgement of one object needs to know of others.
func (in *input) facts(opts Options) apiserver.Facts {
	known := apiserver.Facts{
		Release: opts.Release.Name, Namespace: opts.Namespace,
		Expandable: map[string]bool{}, DefaultClass: defaultClass(in.Cluster),
		Definitions: in.definitions(opts.Operation == change.Install, opts.Look != nil), ServerSide: opts.ServerSide,
		Replace: opts.Replace, ForceConflicts: opts.ForceConflicts,
	}
	for _, objects := range [][]*manifest.Object{in.Cluster, in.Old, in.Updated} {
		for _, o := range objects {
			if !isStorageClass(o) {
				continue
			}
			if value, err := o.Value(); err == nil {
				allowed, _ := value["allowVolumeExpansion"].(bool)
				known.Expandable[o.Ref.Name] = allowed
			}
		}
	}
	return known
}

func isStorageClass(o *manifest.Object) bool {
	return o.Ref.Kind == "StorageClass" && o.Ref.Group == "storage.k8s.io"
}

// defaultClass returns the StorageClass for claims that name none. Of several the
// newest counts, and of those the first by name (GetDefaultClass in
// k8s.io/kubernetes/pkg/volume/util).
func defaultClass(cluster []*manifest.Object) string {
	var name, made string
	for _, o := range cluster {
		if is, _ := o.Annotation("storageclass.kubernetes.io/is-default-class"); !isStorageClass(o) || is != "true" {
			continue
		}
		value, err := o.Value()
		if err != nil {
			continue
		}
		metadata, _ := value["metadata"].(map[string]any)
		at, _ := metadata["creationTimestamp"].(string)
		if name == "" || at > made || at == made && o.Ref.Name < name {
			name, made = o.Ref.Name, at
		}
	}
	return name
}

const (
	staleDefinition = "the new chart has another definition of this kind in its crds directory, which no upgrade installs: " +
		"it was judged by the one of the old chart"
	assumedDefinition = "the definition of this kind is in the crds directory of the new chart only, which no upgrade installs: " +
		"it was taken to be in the cluster"
)

// definitions tells which CustomResourceDefinitions are in the cluster before the
// upgrade, by the best witness of each, and which the upgrade applies. One that only the
// crds directory of the new chart has is not there, unless the installed release has objects
// of its kind, or there is a cluster that knows.
func (in *input) definitions(install, asks bool) *apiserver.Definitions {
	oldTemplates, oldCRDs := splitCRDs(in.Old, in.oldCRDs)
	newTemplates, newCRDs := splitCRDs(in.Updated, in.newCRDs)
	installed := make([]apiserver.Definition, 0, len(in.Cluster)+len(oldTemplates)+len(oldCRDs)+len(newCRDs))
	for _, o := range in.Cluster {
		installed = append(installed, apiserver.Definition{Object: o, Live: true})
	}
	for _, o := range oldTemplates {
		installed = append(installed, apiserver.Definition{Object: o})
	}
	shipped := map[string]*manifest.Object{}
	for _, o := range newCRDs {
		shipped[o.Ref.Name] = o
	}
	for _, o := range oldCRDs {
		d := apiserver.Definition{Object: o}
		if n := shipped[o.Ref.Name]; n != nil && !definitions.Same(o, n) {
			d.Caveat = staleDefinition
		}
		installed = append(installed, d)
	}
	var absent []apiserver.Definition
	for _, o := range newCRDs {
		d := apiserver.Definition{Object: o}
		switch {
		case install:
		case !asks && !in.uses(o):
			absent = append(absent, d)
			continue
		default:
			d.Caveat = assumedDefinition
		}
		installed = append(installed, d)
	}
	applied := make([]apiserver.Definition, len(newTemplates))
	for i, o := range newTemplates {
		applied[i] = apiserver.Definition{Object: o}
	}
	return apiserver.NewDefinitions(installed, applied, absent)
}

// uses reports whether the installed release has custom resources of the group of a
// definition, so that their definitions are in the cluster.
func (in *input) uses(definition *manifest.Object) bool {
	return slices.ContainsFunc(in.Old, func(o *manifest.Object) bool { return mayDefine(definition, o.Ref) })
}

// mayDefine reports whether a definition may be that of an object's kind.
func mayDefine(definition *manifest.Object, ref manifest.Ref) bool {
	_, group, _ := strings.Cut(definition.Ref.Name, ".")
	return ref.Group == group && definition.MayHold(ref.Kind)
}

// shipped are the definitions in the crds directory of the new chart.
func (in *input) shipped() []*manifest.Object {
	_, crds := splitCRDs(in.Updated, in.newCRDs)
	return crds
}

// splitCRDs tells the definitions that Helm applies with the release from those
// of a crds directory, which are in the manifest only if the user asked for them.
func splitCRDs(objects, directory []*manifest.Object) (templates, crds []*manifest.Object) {
	for _, o := range objects {
		switch {
		case o.Ref.Kind != "CustomResourceDefinition":
		case fromCRDs(o.Ref, o):
			crds = append(crds, o)
		default:
			templates = append(templates, o)
		}
	}
	return templates, append(crds, directory...)
}

// fromCRDs reports whether a definition comes from the crds directory of a chart, or of one
// of its subcharts, on one of the given sides.
func fromCRDs(ref manifest.Ref, sides ...*manifest.Object) bool {
	return ref.Kind == "CustomResourceDefinition" && slices.ContainsFunc(sides, func(o *manifest.Object) bool {
		return o != nil && manifest.InCRDs(o.Source)
	})
}

// rolloutFacts tells the prediction of pods what it needs to know.
func (in *input) rolloutFacts(opts Options) rollout.Facts {
	facts := rollout.Facts{Workloads: workloads(opts), Fresh: opts.Release.Revision == 1 && opts.Failed == 0}
	for _, o := range in.Cluster {
		if !action.IsNode(o) {
			continue
		}
		value, err := o.Value()
		node := &corev1.Node{}
		if err == nil && runtime.DefaultUnstructuredConverter.FromUnstructured(value, node) == nil {
			facts.Cluster = append(facts.Cluster, node)
		}
	}
	return facts
}
