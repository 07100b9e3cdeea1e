package change

import (
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Outcome is what the cluster makes of a change.
type Outcome struct {
	// Changed is false if the API server ends up with the object it had.
	Changed bool
	// Fields are the fields of the stored object that change, for an update.
	Fields []fieldpath.Path
	// Refused is why the API server, or Helm before it, refuses the change.
	Refused []FieldError
	// Upfront says that Helm finds the refusal before it changes anything.
	Upfront bool
	// Unreached says that Helm does not come to this object, because another one
	// is refused. What else is said here is what would happen if it did.
	Unreached bool
	// Ignored are fields of the new manifest that the API server does not know
	// and drops, in its own words.
	Ignored []string
	// Pods is what happens to the pods of a workload; nil for other objects.
	Pods *Pods
	// PodSpec is where the object describes the pods that it makes; nil for one that
	// makes none.
	PodSpec fieldpath.Path
	// Bared names the workloads of the release that no NetworkPolicy restricts any
	// more because of this change.
	Bared []string
	// Unrouted are the hosts and paths for which no Ingress of the release takes requests
	// any more because of this change.
	Unrouted []string
	// Orphans says that the object goes and the pods that it owns stay.
	Orphans bool
	// Selects is set for a Service whose selector changes, and for one that goes while
	// pods that it selects stay.
	Selects *Selection
	// Astray are Services and the pods of other programs that they lead to because of
	// this change, and PortsGone the ports of Services that lead nowhere.
	Astray    []Astray
	PortsGone []PortGone
	// Barred are the disruption budgets that let no pod be evicted any more, and
	// Unguarded those that select no pod any more.
	Barred    []Barred
	Unguarded []Unguarded
	// Taken are the addresses and ports of nodes for which a Service is refused since
	// others have them.
	Taken []Taken
	// Claimed is the claim to which the volume is bound that a new claim names; nil if none
	// is known.
	Claimed *manifest.Ref
	// Loose are the monitors that selected something of the release, and select nothing of
	// it any more because of this change.
	Loose []Loose
	// Contested are the workloads of which an autoscaler and the manifest both say how
	// many pods they have.
	Contested []Contested
	// Stale are the uses of a ConfigMap or Secret in workloads whose pods go on with
	// what it held before; nil for other objects. Of each workload the worst use counts.
	Stale []Reader
	// Broken are the names that lead nowhere after the upgrade: those in this object,
	// or, where the object that names it stays as it is, those of this one.
	Broken []Link
	// Loss is what is lost with an object that goes; nil if that is not known.
	Loss *Loss
}

// Loss is what a cluster loses with an object.
type Loss struct {
	// What lists it, one clause each.
	What []string
	// Spared says that no data is lost after all.
	Spared bool
}

// Selection counts the workloads of the release whose pods a Service selects.
type Selection struct {
	Before int // by the old selector
	During int // by the new selector, while the pods are still the old ones
	After  int // by the new selector, when the upgrade is over
}

// Astray is a Service that leads to pods of a workload to which it did not lead
// before, though the one to which it did is still there.
type Astray struct {
	Service, Workload manifest.Ref
	// Own is a workload to which the Service led before, and Instead says that it
	// no longer leads to any of those.
	Own     manifest.Ref
	Instead bool
}

// Taken is an address of the cluster's network, or a port of its nodes, that a Service
// asks for and another one has at that moment.
type Taken struct {
	What string
	By   manifest.Ref
	// Going says that this upgrade would take it from the other one later.
	Going bool
}

// Loose is an object that no longer selects anything of the release. Of is what it
// selected and is still there.
type Loose struct {
	By manifest.Ref
	Of []manifest.Ref
}

// Contested is a workload of which an autoscaler and the manifest both say how many pods
// it has.
type Contested struct {
	Autoscaler, Workload manifest.Ref
	// Replicas is what the manifest says.
	Replicas int
	// Refused says that server-side apply refuses what a merge sets back.
	Refused bool
}

// Barred is a disruption budget that asks for all pods of some workloads, or several
// that select the same pods.
type Barred struct {
	Budgets   []manifest.Ref
	Workloads []manifest.Ref
	Asked     int // 0 for several budgets
}

// Unguarded is a disruption budget that selects no pod. Workloads are those whose pods
// it selected before; nil if it is new.
type Unguarded struct {
	Budget    manifest.Ref
	Workloads []manifest.Ref
}

// PortGone is a port of a Service that leads to a port of the pods by a name that
// none of their containers has.
type PortGone struct {
	Service manifest.Ref
	// Target is the name.
	Target string
	// Passing says that the new pods have it.
	Passing bool
}

// FieldError is one reason of the API server for refusing an object.
type FieldError struct {
	// Field is the path as the API server writes it; "" for a reason that
	// concerns the whole object.
	Field string
	// Type is the API server's reason, such as "FieldValueForbidden".
	Type string
	// Message is the API server's sentence without the field. The offending
	// value is in it only if it is short and no secret.
	Message string
	// Itself says that the value is refused in a new object, too, and not only
	// because there was another one before.
	Itself bool
}

// String returns the error as the API server prints it.
func (e FieldError) String() string {
	if e.Field == "" {
		return e.Message
	}
	return e.Field + ": " + e.Message
}

// Pods is what an upgrade does to the pods of one workload.
type Pods struct {
	// Replaced reports whether running pods are replaced by new ones, or
	// restarted in place.
	Replaced bool
	// AllDown reports whether at some moment none of the pods is ready, though
	// some were before.
	AllDown bool
	// Before and Desired are the numbers of pods wanted before and after; -1 if
	// the manifests do not tell (a DaemonSet runs one on each node).
	Before, Desired int
	// Affected is how many pods are replaced; -1 if all of an unknown number.
	Affected int
	// Fewest is the lower bound of ready pods during the upgrade; -1 if unknown.
	Fewest int
	// How is one clause that says how the controller goes about it, or what
	// holds it back, such as "strategy Recreate" or "paused".
	How string
	// Causes are the fields of the pod template that make the controller act.
	Causes []fieldpath.Path
	// Cause says in one clause why pods are replaced; "" if none are.
	Cause string
	// Needless says that what the pods do is no different: a label of the chart's
	// version, or a checksum of what stays the same, is all that replaces them.
	Needless bool
	// Stuck is why the rollout cannot begin, one clause; "" if nothing is known to
	// be in its way.
	Stuck string
	// Refused is why the API server lets no new pod in, one clause; "" if it does, as far
	// as is known. Then those that go are not replaced.
	Refused string
	// Volume is why new pods wait, or may wait, for a volume that old ones hold, one
	// clause; "" if nothing is known of the kind.
	Volume string
	// Left names the Services of the release that select no pods any more, now
	// that these have other labels.
	Left []string
	// Only names the Services of the release that lead to no other pods.
	Only []string
	// Unprobed are the containers that lose their readiness probe while a Service
	// leads to them.
	Unprobed []Unprobed
}

// Unprobed is a container without a readiness probe, and the Services that lead to it.
type Unprobed struct {
	Container string
	Services  []string
}
