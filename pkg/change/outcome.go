package change

import (
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// Outcome is what the cluster does with a change.
type Outcome struct {
	// Changed is false if the API server stores the same object as before.
	Changed bool
	// Fields are the fields of the stored object that change, for an update.
	Fields []fieldpath.Path
	// Refused is why the API server, or Helm before it, rejects the change.
	Refused []FieldError
	// Upfront says that Helm finds the rejection before it changes anything.
	Upfront bool
	// Unreached says that Helm stops before this object because an earlier one is rejected.
	// The other fields say what would happen if it did not stop.
	Unreached bool
	// Ignored are fields of the new manifest that the API server does not know and drops, in
	// its own words.
	Ignored []string
	// Differs are the fields in which the stored object differs from the new manifest.
	Differs []fieldpath.Path `json:",omitempty"`
	// Pods is what happens to the pods of a workload; nil for other objects.
	Pods *Pods
	// PodSpec is where the object describes the pods that it makes; nil if it makes none.
	PodSpec fieldpath.Path
	// Orphans says that the object is deleted and its pods stay.
	Orphans bool
	// Undeleted is why an object stays although it leaves the release and Helm deletes it, one
	// clause; "" for all others. Helm continues.
	Undeleted string `json:",omitempty"`
	// Loss is what is lost with a deleted object; nil if that is not known.
	Loss *Loss
}

// Loss is what a cluster loses with an object.
type Loss struct {
	// What lists it, one clause each.
	What []string
	// Spared says that no data is lost.
	Spared bool
}

// FieldError is one reason why the API server rejects an object.
type FieldError struct {
	// Field is the path as the API server writes it; "" if the reason concerns the whole
	// object.
	Field string
	// Type is the API server's reason, such as "FieldValueForbidden".
	Type string
	// Message is the API server's sentence without the field. It contains the rejected value
	// only if that is short and not secret.
	Message string
	// Itself says that a new object with this value would be rejected, too, so the previous
	// value is not the reason.
	Itself bool
	// Unmerged says that the new manifest could not even be merged into the object.
	Unmerged bool `json:",omitempty"`
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
	// AllDown reports whether at some moment none of the pods is ready, although some were
	// before.
	AllDown bool
	// Before and Desired are the numbers of pods wanted before and after; -1 if the manifests
	// do not tell (a DaemonSet runs one on each node).
	Before, Desired int
	// Affected is the number of pods that are replaced; -1 if all pods of an unknown number
	// are.
	Affected int
	// Fewest is the lower bound of ready pods during the upgrade; -1 if unknown.
	Fewest int
	// How is one clause that says how the controller replaces pods, or what holds it back,
	// such as "strategy Recreate" or "paused".
	How string
	// Held says that the pod template is a new one and running pods keep the old one, all of
	// them, until somebody does something; How says why.
	Held bool `json:",omitempty"`
	// Causes are the fields of the pod template that make the controller act.
	Causes []fieldpath.Path
	// Cause says in one clause why pods are replaced; "" if none are.
	Cause string
	// Told are the fields of the pod template that Cause already covers completely: an image
	// that it names, a label with the chart's version, a checksum.
	Told []fieldpath.Path `json:",omitempty"`
	// Needless says that the new pods do the same as the old ones: they are replaced only
	// because of a label with the chart's version, or a checksum of something that does not
	// change.
	Needless bool
	// Stuck is why the rollout cannot begin, one clause; "" if no obstacle is known.
	Stuck string
	// Refused is why the API server rejects every new pod, one clause; "" if no reason is
	// known. Old pods that end are then not replaced.
	Refused string
	// Rejected says that the API server rejects new pods because of their content. An obstacle
	// of the workload says why.
	Rejected bool
	// Unplaced says that new pods are created and no node can hold them. An obstacle of the
	// workload says why.
	Unplaced bool
	// Volume is why new pods wait, or may wait, for a volume that old pods hold, one clause;
	// "" if no such reason is known.
	Volume string
	// Takes bounds how long the rollout takes; nil if nothing is known about that.
	Takes *Takes `json:",omitempty"`
}

// Takes holds lower bounds for a rollout, in seconds; 0 for what is not known.
type Takes struct {
	// Down is how long no pod is ready, if all of them are down at once. Ready is how long a new
	// pod takes until it is ready.
	Down, Ready int
	// Available is how long it takes until all new pods are available. They are created in Turns:
	// each turn waits for the one before.
	Available, Turns int
	// Watched is how long it takes until Helm 4 considers the workload ready. Legacy is the same
	// for Helm 3, and for Helm 4 with --wait=legacy.
	Watched, Legacy int
}

// Blocked reports whether something is known to keep new pods from starting.
func (p *Pods) Blocked() bool { return p.Stuck != "" || p.Refused != "" || p.Rejected || p.Unplaced }

// NoneMissing reports whether pods are replaced and at no moment fewer are ready than
// before, or than are wanted if these are fewer.
func (p *Pods) NoneMissing() bool {
	return p.Replaced && !p.AllDown && !p.Blocked() && min(p.Before, p.Desired) >= 0 && p.Fewest >= min(p.Before, p.Desired)
}
