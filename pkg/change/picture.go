package change

import "github.com/safe-diff/helm-safe-diff/pkg/manifest"

// Picture is what a report needs to draw an upgrade: the order in which Helm handles
// objects, the pods and endpoints meanwhile, and the relations between objects. It contains
// no judgement that is not in the Set, and no times except those that a manifest bounds.
type Picture struct {
	// Steps are in Helm's order: the objects that it changes, and the hooks that it runs.
	Steps []Step
	// Rollouts bound the times of workloads whose pods are created, deleted or replaced.
	Rollouts []Rollout
	// Routes are the Services that select such pods.
	Routes []Route
	// Links are the links of the objects that change, and of no others. A link may lead to an
	// object outside the release.
	Links []Link
}

// Step is an object that Helm reaches, or would reach.
type Step struct {
	Ref manifest.Ref
	// Event is the event of a hook that runs; "" for an object of the release.
	Event string `json:",omitempty"`
	// Op is "" for a hook that runs unchanged.
	Op Op `json:",omitempty"`
	// Awaited says that Helm waits for the end of the step, Unreached that Helm stops before
	// it.
	Awaited   bool `json:",omitempty"`
	Unreached bool `json:",omitempty"`
}

// Rollout bounds times of the pods of one workload, in seconds; 0 for what is not known.
type Rollout struct {
	Ref manifest.Ref
	// Ready is the least time until a new pod counts as available: its probes do not begin
	// earlier (initialDelaySeconds), and minReadySeconds pass.
	Ready int `json:",omitempty"`
	// Grace is the most time that an old pod has to end (terminationGracePeriodSeconds).
	Grace int `json:",omitempty"`
	// Deadline is the time without progress after which the controller says that the rollout
	// has failed (progressDeadlineSeconds), or the time after which a Job is ended
	// (activeDeadlineSeconds).
	Deadline int `json:",omitempty"`
}

// Route is a Service and the workloads whose pods it selects, at three moments: when the
// upgrade begins, after the Service is changed and while pods are still the old ones, and
// when all pods are new.
type Route struct {
	Ref                   manifest.Ref
	Before, During, After []manifest.Ref
	// Gap says that at some moment none of them has a ready pod, although some had one before.
	Gap bool `json:",omitempty"`
}

// Link says that an object refers to another one. Use is a verb in the third person, such
// as "reads" or "selects".
type Link struct {
	From, To manifest.Ref
	Use      string
	// Outside says that To is in neither manifest.
	Outside bool `json:",omitempty"`
}
