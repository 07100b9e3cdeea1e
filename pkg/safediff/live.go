package safediff

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/live"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// wanted lists the objects that a cluster should be asked about: all of both
// manifests but those whose name the API server makes up, and the definitions in the
// chart's crds directory. Of an object of which a label changes it should also be asked
// who selects it, and of what a Service asks for who has it.
func wanted(pairs []diff.Pair, crds []*manifest.Object) []live.Wanted {
	list := make([]live.Wanted, 0, len(pairs)+len(crds))
	for _, o := range crds {
		list = append(list, live.Wanted{Ref: o.Ref})
	}
	known := map[manifest.Identity]bool{}
	for _, p := range pairs {
		if ref := p.Ref(); ref.Name != "" {
			list = append(list, live.Wanted{Ref: ref, Goes: p.New == nil, Mounts: mounts(p), Asks: len(asks(p)) > 0, Lookers: lookers(p)})
			known[ref.Identity()] = true
		}
	}
	for _, p := range pairs {
		if p.New == nil || p.Old != nil && p.Old.SameText(p.New) || !rollout.MakesPods(p.Ref().Group, p.Ref().Kind) {
			continue
		}
		if guard := namespaceOf(p.Ref()); !known[guard.Identity()] { // decides which pods it lets in
			known[guard.Identity()] = true
			list = append(list, live.Wanted{Ref: guard})
		}
	}
	return list
}

// mounts reports whether the pods of a workload may mount claims before the upgrade and
// after it. It does not decode anything.
func mounts(p diff.Pair) bool {
	const field = "persistentVolumeClaim"
	return p.Old != nil && p.New != nil && p.Old.Mentions(field) && p.New.Mentions(field)
}

// namespaceOf returns the Namespace in which an object lives.
func namespaceOf(ref manifest.Ref) manifest.Ref {
	return manifest.Ref{Version: "v1", Kind: "Namespace", Name: ref.Namespace}
}

// inCluster makes objects of what was read from the cluster.
func inCluster(values []map[string]any) ([]*manifest.Object, error) {
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

// runningIn sorts the pods of a cluster that was asked, and what made them, by
// namespace. A namespace of which any of that could not be read is missing.
func runningIn(state *live.State) map[string]*rollout.Running {
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
	for _, value := range state.Around {
		u := unstructured.Unstructured{Object: value}
		r := of(u.GetNamespace())
		switch u.GetKind() {
		case "Pod":
			r.Pods = appendAs(r.Pods, value)
		case "ReplicaSet":
			r.Sets = appendAs(r.Sets, value)
		case "ControllerRevision":
			r.Revisions = appendAs(r.Revisions, value)
		}
	}
	for _, gap := range state.Unread {
		if slices.Contains([]string{"Pod", "ReplicaSet", "ControllerRevision"}, gap.Kind) {
			delete(byNamespace, gap.Namespace)
		}
	}
	return byNamespace
}

func appendAs[T any](list []*T, value map[string]any) []*T {
	object := new(T)
	if runtime.DefaultUnstructuredConverter.FromUnstructured(value, object) != nil {
		return list // another API's kind of that name
	}
	return append(list, object)
}

// gaps are notices of what around the release could not be read.
func gaps(state *live.State) []change.Notice {
	if state == nil {
		return nil
	}
	if why := blind(state); len(why) > 0 {
		const shown = 3
		reasons := strings.Join(why[:min(shown, len(why))], "; ")
		if more := len(why) - shown; more > 0 {
			reasons += fmt.Sprintf("; and %d more", more)
		}
		return []change.Notice{{Reason: "nothing of the release could be read from the cluster, and its objects were taken to be as Helm left them: " + reasons}}
	}
	list := make([]change.Notice, 0, len(state.Unread))
	for _, gap := range state.Unread {
		if everyService(gap) {
			continue // said where it matters
		}
		where := ""
		if gap.Namespace != "" {
			where = " in namespace " + gap.Namespace
		}
		list = append(list, change.Notice{Reason: fmt.Sprintf("%s objects%s were not read: %s", gap.Kind, where, gap.Reason)})
	}
	return list
}

// blind returns why nothing of what was asked for could be read, each reason once;
// nil if something could.
func blind(state *live.State) []string {
	var why []string
	for id, o := range state.Objects {
		if id.Kind == "Namespace" && id.Group == "" {
			continue // read for what it lets in, be it the release's or not
		}
		if o.Unread == "" {
			return nil
		}
		why = append(why, o.Unread)
	}
	slices.Sort(why)
	return slices.Compact(why)
}

// disowned says why Helm will not take over an object that it finds in the cluster,
// in its words; "" if it will.
func disowned(value map[string]any, release, namespace string) string {
	u := unstructured.Unstructured{Object: value}
	var errs []string
	check := func(what string, marks map[string]string, key, want string) {
		switch got, has := marks[key]; {
		case !has:
			errs = append(errs, fmt.Sprintf("%s validation error: missing key %q: must be set to %q", what, key, want))
		case got != want:
			errs = append(errs, fmt.Sprintf("%s validation error: key %q must equal %q: current value is %q", what, key, want, got))
		}
	}
	check("label", u.GetLabels(), manifest.ManagedByLabel, "Helm")
	check("annotation", u.GetAnnotations(), manifest.ReleaseNameAnnotation, release)
	check("annotation", u.GetAnnotations(), manifest.ReleaseNamespaceAnnotation, namespace)
	if len(errs) == 0 {
		return ""
	}
	return "invalid ownership metadata; " + strings.Join(errs, "; ")
}

// found returns what the cluster has of an object, and whether that is known. A
// cluster-scoped custom resource may have been asked for before it was known to be
// one. An object whose version the cluster does not serve is found in another.
func (j *judge) found(ref manifest.Ref) (value map[string]any, known bool) {
	if value, known = j.live.Object(ref); !known && ref.Namespace == "" {
		ref.Namespace = j.opts.Namespace
		value, known = j.live.Object(ref)
	}
	return value, known
}

// inVersion returns what the cluster has of an object in the version in which the
// manifest names it, nil if that is not known.
func (j *judge) inVersion(ref manifest.Ref) map[string]any {
	value, _ := j.found(ref)
	if value == nil || value["apiVersion"] != ref.APIVersion() {
		return nil
	}
	return value
}

// looked reports whether it is known what the cluster has of an object.
func (j *judge) looked(ref manifest.Ref) bool {
	_, known := j.found(ref)
	return known
}

// silent reports whether the cluster has nothing to say of an object, so that the
// manifests alone decide.
func (j *judge) silent(ref manifest.Ref) bool {
	return !j.looked(ref) && (j.live == nil || !j.live.Objects[ref.Identity()].Unserved)
}

// noted makes a State of objects of the release that the user has named as being in
// the cluster. That others are not named says nothing.
func noted(pairs []diff.Pair, cluster []*manifest.Object) (*live.State, error) {
	named := make(map[manifest.Identity]*manifest.Object, len(cluster))
	for _, o := range cluster {
		named[o.Ref.Identity()] = o
	}
	objects := map[manifest.Identity]live.Object{}
	for _, p := range pairs {
		o := named[p.Ref().Identity()]
		if o == nil || o.Ref.Version != p.Ref().Version || fromCRDs(p.Ref(), p.Old, p.New) {
			continue
		}
		value, err := o.Value()
		if err != nil {
			return nil, err
		}
		switch {
		case fromCluster(value):
			objects[o.Ref.Identity()] = live.Object{Value: value}
		case p.Old == nil:
			objects[o.Ref.Identity()] = live.Object{Value: written(o.Ref, value)}
		}
	}
	if len(objects) == 0 {
		return nil, nil
	}
	return &live.State{Objects: objects}, nil
}

// written returns an object that was written by hand with what the API server adds to
// the metadata of each, without which it would refuse every update.
func written(ref manifest.Ref, value map[string]any) map[string]any {
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

// fromCluster reports whether an object was read from a cluster and not written by
// hand.
func fromCluster(value map[string]any) bool {
	metadata, _ := value["metadata"].(map[string]any)
	return metadata["uid"] != nil
}

// unread says why an object of the release was not read from the cluster.
func (j *judge) unread(c *change.Change) []string {
	if j.live == nil || j.unserved(c) {
		return nil
	}
	switch o := j.live.Objects[c.Ref.Identity()]; {
	case o.Unread != "":
		return []string{"the object was not read from the cluster: " + o.Unread}
	case o.Unserved && o.Value != nil:
		return []string{fmt.Sprintf("the cluster has the object in %v only: what was changed in it behind Helm's back is not known", o.Value["apiVersion"])}
	}
	return nil
}

// unseen is unread for an object whose manifests leave it as it is: what somebody has
// changed in it would be put back. A hook is made anew when it runs.
func (j *judge) unseen(p diff.Pair) []string {
	if j.live == nil || diff.IsHook(p.New) {
		return nil
	}
	return j.unread(&change.Change{Ref: p.New.Ref})
}

// unserved reports whether Helm fails since the cluster does not serve the kind of an
// object in its version. It looks up the kinds of the installed manifest and of the
// new one before it changes anything (kube.Client.Build), but those of a hook when
// it runs, and those of a new release after it has brought definitions along.
func (j *judge) unserved(c *change.Change) bool {
	return j.asked && c.Hook == nil && j.opts.Operation != change.Install && j.live.Objects[c.Ref.Identity()].Unserved
}
