package safediff

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/admissionreview"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// wanted lists the objects that a cluster should be asked about: all of both
// manifests but those whose name the API server makes up, and the definitions in the
// chart's crds directory. Of an object of which a label changes it should also be asked
// who selects it, and of what a Service asks for who has it. Admission is asked about what
// Helm sends; server-side apply sends what does not change, too.
func wanted(pairs []diff.Pair, crds []*manifest.Object, serverSide bool) []cluster.Wanted {
	list := make([]cluster.Wanted, 0, len(pairs)+len(crds))
	for _, o := range crds {
		list = append(list, cluster.Wanted{Ref: o.Ref})
	}
	known := map[manifest.Identity]bool{}
	for _, p := range pairs {
		if ref := p.Ref(); ref.Name != "" {
			list = append(list, cluster.Wanted{
				Ref: ref, Goes: p.New == nil, Deleted: p.Op() == change.Delete, Mounts: mounts(p), Places: makesPods(p), Asks: len(asks(p)) > 0,
				LabelReaders: labelReadersOf(p), Sent: serverSide && p.New != nil || differs(p),
			})
			known[ref.Identity()] = true
		}
	}
	for _, p := range pairs {
		if p.Ref().Namespace == "" || p.New != nil && !differs(p) && !serverSide {
			continue
		}
		if guard := action.NamespaceOf(p.Ref()); !known[guard.Identity()] { // decides which pods it lets in, and which policies hold
			known[guard.Identity()] = true
			list = append(list, cluster.Wanted{Ref: guard})
		}
	}
	return list
}

// differs reports whether an object comes or is not written as before.
func differs(p diff.Pair) bool { return p.New != nil && (p.Old == nil || !p.Old.SameText(p.New)) }

// makesPods reports whether an object may make pods in this upgrade. It does not decode anything.
func makesPods(p diff.Pair) bool { return differs(p) && rollout.MakesPods(p.Ref().Group, p.Ref().Kind) }

// mounts reports whether the pods of a workload may mount claims before the upgrade and
// after it. It does not decode anything.
func mounts(p diff.Pair) bool {
	const field = "persistentVolumeClaim"
	return p.Old != nil && p.New != nil && p.Old.Mentions(field) && p.New.Mentions(field)
}

// gaps are notices of what around the release could not be read.
func gaps(state *cluster.State) []change.Notice {
	if state == nil {
		return nil
	}
	if why := blind(state); len(why) > 0 {
		return []change.Notice{{Reason: "nothing of the release could be read from the cluster, and its objects were taken to be as Helm left them: " + rule.SomeOf(why), Hides: change.Rejected, All: true}}
	}
	list := make([]change.Notice, 0, len(state.Unread))
	var rejecting []string
	for _, gap := range state.Unread {
		if everyService(gap) || gap.Kind == "Node" && !countsNodes(state) {
			continue // said where it matters; without nodes nothing is said of places
		}
		if admissionreview.GuardingKind(gap.Kind) {
			rejecting = append(rejecting, gap.Reason)
			continue
		}
		where := ""
		if gap.Namespace != "" {
			where = " in namespace " + gap.Namespace
		}
		list = append(list, change.Notice{Reason: fmt.Sprintf("%s objects%s were not read: %s", gap.Kind, where, gap.Reason), Hides: unreadHides(gap.Kind)})
	}
	if slices.ContainsFunc(state.Surroundings, func(o map[string]any) bool {
		kind, _ := o["kind"].(string)
		return admissionreview.GuardingKind(kind) && kind != "LimitRange"
	}) {
		for id, o := range state.Objects { // whose labels decide which policies and webhooks are asked
			if id.Kind == "Namespace" && id.Group == "" && o.Unread != "" {
				rejecting = append(rejecting, o.Unread)
			}
		}
	}
	if slices.Sort(rejecting); len(rejecting) > 0 {
		list = append(list, change.Notice{
			Hides: change.Rejected, Reason: "not all limits and admission policies of the cluster were read, which may reject what changes: " + rule.SomeOf(slices.Compact(rejecting)),
		})
	}
	return list
}

// countsNodes reports whether there is a DaemonSet, whose pods are as many as nodes.
func countsNodes(state *cluster.State) bool {
	for id := range state.Objects {
		if id.Kind == "DaemonSet" && id.Group == "apps" {
			return true
		}
	}
	return false
}

// unreadHides is the worst class of what objects of a kind in the cluster may decide.
func unreadHides(kind string) change.Risk {
	switch kind {
	case "Pod", "ReplicaSet", "ControllerRevision":
		return change.Downtime
	case "ResourceQuota", "PodDisruptionBudget":
		return change.Stuck
	default:
		return change.Rejected
	}
}

// blind returns why nothing of what was asked for could be read, each reason once;
// nil if something could.
func blind(state *cluster.State) []string {
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

// silent reports whether the cluster has nothing to say of an object, so that the
// manifests alone decide.
func (j *judge) silent(ref manifest.Ref) bool {
	return !j.Looked(ref) && (j.State == nil || !j.State.Objects[ref.Identity()].Unserved)
}

// noted makes a State of objects of the release that the user has named as being in
// the cluster. That others are not named says nothing.
func noted(pairs []diff.Pair, known []*manifest.Object) (*cluster.State, error) {
	named := make(map[manifest.Identity]*manifest.Object, len(known))
	for _, o := range known {
		named[o.Ref.Identity()] = o
	}
	objects := map[manifest.Identity]cluster.Object{}
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
		case action.FromCluster(value):
			objects[o.Ref.Identity()] = cluster.Object{Value: value}
		case p.Old == nil:
			objects[o.Ref.Identity()] = cluster.Object{Value: action.Written(o.Ref, value)}
		}
	}
	if len(objects) == 0 {
		return nil, nil
	}
	return &cluster.State{Objects: objects}, nil
}

// unread says why an object of the release was not read from the cluster.
func (j *judge) unread(c *change.Change) []change.Doubt {
	if j.State == nil || j.unserved(c) {
		return nil
	}
	switch o := j.State.Objects[c.Ref.Identity()]; {
	case o.Unread != "":
		return []change.Doubt{{Reason: "the object was not read from the cluster: " + o.Unread, Hides: change.Rejected}}
	case o.Unserved && o.Value != nil:
		return []change.Doubt{{Reason: fmt.Sprintf("the cluster has the object in %v only: what was changed in it behind Helm's back is not known", o.Value["apiVersion"])}}
	}
	return nil
}

// unreadReaders is unread for an object whose manifests leave it as it is: what somebody has
// changed in it would be put back. A hook is made anew when it runs.
func (j *judge) unseen(p diff.Pair) []change.Doubt {
	if j.State == nil || diff.IsHook(p.New) {
		return nil
	}
	return j.unread(&change.Change{Ref: p.New.Ref})
}

// unserved reports whether Helm fails since the cluster does not serve the kind of an
// object in its version. It looks up the kinds of the installed manifest and of the
// new one before it changes anything (kube.Client.Build), but those of a hook when
// it runs, and those of a new release after it has brought definitions along.
func (j *judge) unserved(c *change.Change) bool {
	return j.Asked && c.Hook == nil && j.Operation != change.Install && j.State.Objects[c.Ref.Identity()].Unserved
}
