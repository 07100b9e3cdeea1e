// Package upgrade holds one upgrade as a value: every object of both manifests in one
// list, with what becomes of it, and answers to what rules ask about them together.
// Whoever asks changes nothing.
package upgrade

import (
	"cmp"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/reference"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// Upgrade is everything that is known of an upgrade once it is known what becomes of each
// object. Its answers are worked out when they are first asked for, and are not safe for
// use by several goroutines.
type Upgrade struct {
	// Objects are all objects of both manifests, those that stay as they are too.
	Objects []Object
	Facts
	place map[manifest.Identity]int
	// workloads are those that were asked for, by object; nil for what runs no pods.
	workloads map[*Object]*Workload
	// ofSpace are the workloads of each namespace, moved those to which something happens.
	ofSpace, moved map[string][]*Workload
	// byLabel are those of each namespace by the labels of their pods.
	byLabel map[spaceAt]map[label][]*Workload
	// targets are what an autoscaler scales before the upgrade or after it.
	targets map[manifest.Identity]bool
	// services are those that were read, by manifest.
	services         map[*manifest.Object]*Service
	traffic, updated []Traffic
	budgets          []*Namespace
	links            *Links
	misuses          map[*Object][]Misuse
	asked            struct{ traffic, updated, budgets, misuses bool }
}

// Facts are what an upgrade is told of besides its objects.
type Facts struct {
	// Rollout knows which kinds run pods.
	Rollout rollout.Facts
	// Builtin reports whether a kind is one of Kubernetes' own.
	Builtin func(group, kind string) bool
	// Cluster are objects that are known to be in the cluster, Running the pods of its
	// namespaces: of one that could not be read there is nil.
	Cluster []*manifest.Object
	Running map[string]*rollout.Running
	// State is what is known of the objects of the release in the cluster, and Asked says
	// that the cluster itself has told it. Elsewhere is what it has of objects that the
	// release names and does not contain.
	State, Elsewhere *cluster.State
	Asked            bool
	// Scaled are the workloads that an autoscaler scales after the upgrade.
	Scaled map[manifest.Identity]bool
	// Namespace is that of the release, and Operation what Helm does.
	Namespace string
	Operation change.Operation
	// Events are the hook events of that, the one before it first; nil if it runs no hooks.
	Events []string
	// Ran reports whether a hook of the installed release has run.
	Ran func(*manifest.Object) bool
	// Wait says whether Helm waits until what it makes is ready, before it runs the hooks
	// behind it. Helm is its major version, 0 if that is not known. ServerSide says that it
	// applies on the server's side.
	change.Wait
	Helm       int
	ServerSide bool
	// Refuses says that a field that something else has set is refused, and not set back:
	// server-side apply without force.
	Refuses bool
}

// Moment is a moment of an upgrade.
type Moment int

// The moments.
const (
	// Before is when the upgrade begins.
	Before Moment = iota
	// During is when Services have changed and pods are still the old ones: Helm updates
	// Services before workloads.
	During
	// After is when the upgrade is over and all pods are new.
	After
)

// Object is one object on both sides, and what becomes of it.
type Object struct {
	// Pair is the object in both manifests.
	diff.Pair
	// Phase is when Helm takes it up, and Turn its place among all objects.
	Phase diff.Phase
	Turn  int
	// Hook is set for a hook.
	Hook *change.Hook
	// Change is what happens to it; nil if nothing does.
	Change *change.Change
	// Unchecked is what could not be judged of it.
	Unchecked []change.Doubt
	// Fault is why it could not be judged at all; "" if it was.
	Fault string
	// Drift is how it differs in the cluster from the installed manifest.
	Drift []change.Drift
	// Read is what the rules have found that compare both manifests of the object.
	Read []change.Finding
	// Rollback is why a rollback does not bring it back as it is before the upgrade, one
	// clause; "" if it does.
	Rollback string
	// Relabelled says that nothing but its own labels differ, and that it was not decoded
	// to find that out.
	Relabelled bool
	// Allocated are the addresses and node ports of a Service after the upgrade, and Taken
	// those for which it is refused, since others have them.
	Allocated []string
	Taken     []Taken
	// Obstacles are what keeps the pods that it makes from now on from starting.
	Obstacles []rollout.Obstacle
	// Names are the objects that it names, and Pods the pods of a workload, both read while
	// it was decoded; nil for an object that stays as it is.
	Names *Names
	Pods  *Pods
	// Services are both sides of a Service, read while it was decoded; nil as above.
	Services *Services
	// Closing is what is to be noted of a Service that is updated, if that comes about: ports and
	// addresses at which it is no longer reached.
	Closing []change.Doubt
	// Missing are objects, and keys, that the pods of a hook name and that are not there when
	// it runs. Holders are workloads whose pods keep a hook from being deleted before it is
	// made again.
	Missing []Missing
	Holders []manifest.Ref
	// Endless is why a hook that Helm waits for never comes to its end, one clause, and EndlessAt
	// the field; "" if it may, or did not before either.
	Endless   string
	EndlessAt fieldpath.Path
	// Unstored is what the new manifest says and the cluster does not hold in the end, if it
	// did before, or if the installed manifest did not say it. Stored is then the object as the
	// cluster holds it, and so it is of a NetworkPolicy that changes; nil for others, which are
	// stored as the manifest says.
	Unstored []change.Unstored
	Stored   *manifest.Object
	// StoredBefore is a NetworkPolicy that changes as the cluster holds it before the upgrade.
	StoredBefore *manifest.Object
	// Dropped are fields of the new manifest that the API server does not know, and that the
	// installed one does not have.
	Dropped []fieldpath.Path
	// Stays are fields that leave the manifest and stay in the cluster.
	Stays []fieldpath.Path
	// Redefined is what the change of a CustomResourceDefinition takes away; nil for all else.
	Redefined *change.Redefined
	// Crowded is how the pods of the release do not fit into a quota, one clause; "" if they do.
	Crowded string
	// Barred is why no pod is made for a hook, one clause; "" if nothing is known of the kind.
	Barred string
	// Left is why a hook stays that Helm deletes once it has succeeded, one clause; "" if it goes. Helm
	// then fails.
	Left string
	// Overrules are workloads that stay as they are and whose new pods this object, a guard that comes
	// or changes, keeps out.
	Overrules []Overruled
	// Unreached says that Helm stops before it comes to the object, be it one that stays as
	// it is.
	Unreached bool
	// Err is why it could not be judged at all.
	Err error
}

// Overruled is a workload whose new pods are refused, and why, one clause.
type Overruled struct {
	Workload manifest.Ref
	Why      string
}

// Taken is an address of the cluster's network, or a port of its nodes, that a Service
// asks for and another one has at that moment.
type Taken struct {
	What string
	By   manifest.Ref
	// Going says that this upgrade would take it from the other one later.
	Going bool
}

// Names are the objects that an object names, on both sides.
type Names struct{ Old, New []reference.Reference }

// New returns an upgrade of these objects.
func New(objects []Object, facts Facts) *Upgrade {
	u := &Upgrade{Objects: objects, Facts: facts, place: make(map[manifest.Identity]int, len(objects)),
		workloads: map[*Object]*Workload{}, ofSpace: map[string][]*Workload{}, byLabel: map[spaceAt]map[label][]*Workload{}, services: map[*manifest.Object]*Service{}}
	for i := range objects {
		o := &objects[i]
		u.place[o.Ref().Identity()] = i
		if o.Services != nil && o.Old != nil {
			u.services[o.Old] = o.Services.Old
		}
		if o.Services != nil && o.New != nil {
			u.services[o.Result()] = o.Services.New
		}
	}
	return u
}

// Any reports whether something is so of one of the objects.
func (u *Upgrade) Any(is func(o *Object) bool) bool {
	for i := range u.Objects {
		if is(&u.Objects[i]) {
			return true
		}
	}
	return false
}

// Done reports whether something happens to the object: Helm comes to it, and it is not
// refused.
func (o *Object) Done() bool { return o.Change != nil && Done(o.Change) }

// Done reports whether Helm carries a change out.
func Done(c *change.Change) bool { return !c.Outcome.Unreached && len(c.Outcome.Refused) == 0 }

// Undeletable is the type of a refusal of what Helm deletes.
const Undeletable = "Undeletable"

// Undeleted reports whether an object stays that Helm deletes, since that is refused.
func Undeleted(c *change.Change) bool {
	return c.Outcome.Undeleted != "" || slices.ContainsFunc(c.Outcome.Refused, func(e change.FieldError) bool { return e.Type == Undeletable })
}

// Does reports whether the upgrade does one of these things to the object.
func (o *Object) Does(ops ...change.Op) bool { return o.Done() && slices.Contains(ops, o.Change.Op) }

// Goes reports whether the upgrade deletes the object.
func (o *Object) Goes() bool { return o.Does(change.Delete) }

// Leaves reports whether an object is deleted, or would be if the upgrade came to it.
func (o *Object) Leaves() bool {
	return o.Change != nil && o.Change.Op == change.Delete && !Undeleted(o.Change)
}

// GoesWithNamespace reports whether the namespace of an object is deleted, or would be.
func (u *Upgrade) GoesWithNamespace(o *Object) bool {
	namespace := u.Object(manifest.Identity{Kind: "Namespace", Name: o.Ref().Namespace})
	return namespace != nil && namespace.Leaves()
}

// Idle reports whether the object is a hook that does not run.
func (o *Object) Idle() bool { return o.Hook != nil && !o.Hook.Runs }

// Standing returns the manifest of the object that holds at a moment; nil if the object is
// not there. What Helm keeps, or does not reach, stays as it was.
func (o *Object) Standing(m Moment) *manifest.Object {
	if m == Before || o.Change != nil && (!o.Done() || o.Change.Op == change.Keep) {
		return o.Old
	}
	return o.Result()
}

// Result returns the object as the cluster holds it once it is applied: as the new manifest
// says, unless the merge loses something of that.
func (o *Object) Result() *manifest.Object { return cmp.Or(o.Stored, o.New) }

// Was returns what the object was before the upgrade, under another name too; nil if there was
// none of its kind.
func (o *Object) Was() *manifest.Object {
	if o.StoredBefore != nil || o.Change == nil {
		return cmp.Or(o.StoredBefore, o.Old)
	}
	return o.Change.Before()
}

// Edited reports whether the manifests differ in a field, or in part of it.
func (o *Object) Edited(fields ...string) bool { return o.Change != nil && Edited(o.Change, fields...) }

// Edited reports whether the manifests of a change differ in a field, or in part of it.
func Edited(c *change.Change, fields ...string) bool {
	return slices.ContainsFunc(c.Edits, func(e change.Edit) bool { return e.Path.Overlaps(path(fields)) })
}

// StandingAt returns the objects that are there at a moment, each with its manifest.
func (u *Upgrade) StandingAt(m Moment) []*manifest.Object {
	var list []*manifest.Object
	for i := range u.Objects {
		if o := u.Objects[i].Standing(m); o != nil {
			list = append(list, o)
		}
	}
	return list
}

// Object returns an object of the release; nil if it has none of that name.
func (u *Upgrade) Object(id manifest.Identity) *Object {
	i, inside := u.place[id]
	if !inside {
		return nil
	}
	return &u.Objects[i]
}

// Found returns what the cluster has of an object, and whether that is known.
func (u *Upgrade) Found(ref manifest.Ref) (value map[string]any, known bool) {
	return Found(u.State, ref, u.Namespace)
}

// Found returns what a state has of an object, and whether that is known. A cluster-scoped
// custom resource may have been asked for before it was known to be one. An object whose
// version the cluster does not serve is found in another.
func Found(state *cluster.State, ref manifest.Ref, namespace string) (value map[string]any, known bool) {
	if value, known = state.Object(ref); !known && ref.Namespace == "" {
		ref.Namespace = namespace
		value, known = state.Object(ref)
	}
	return value, known
}

// Index returns where an object is in the upgrade.
func (u *Upgrade) Index(o *Object) int {
	i, inside := u.place[o.Ref().Identity()]
	if inside && &u.Objects[i] == o {
		return i
	}
	return slices.IndexFunc(u.Objects, func(other Object) bool { return other.Pair == o.Pair })
}
