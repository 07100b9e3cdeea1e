package change

import "github.com/safe-diff/helm-safe-diff/pkg/manifest"

// Picture is what a report needs that draws an upgrade: in which order Helm takes objects up,
// what there is of pods and endpoints meanwhile, and what objects have to do with each other.
// It holds no judgement that is not in the Set, and no time but what a manifest bounds.
type Picture struct {
	// Steps are in Helm's order: the objects with which it does something, and the hooks
	// that it runs.
	Steps []Step
	// Rollouts bound the times of workloads whose pods come, go or are replaced.
	Rollouts []Rollout
	// Routes are the Services that select such pods.
	Routes []Route
	// Links are those of the objects that change, and of no others; one may lead to an object
	// that is not of the release.
	Links []Link
}

// Step is an object that Helm comes to, or would.
type Step struct {
	Ref manifest.Ref
	// Event is that of a hook that runs; "" for an object of the release.
	Event string `json:",omitempty"`
	// Op is "" for a hook that runs as it is.
	Op Op `json:",omitempty"`
	// Awaited says that Helm waits for its end, Unreached that Helm stops before it.
	Awaited   bool `json:",omitempty"`
	Unreached bool `json:",omitempty"`
}

// Rollout bounds times of the pods of one workload, in seconds; 0 for what is not known.
type Rollout struct {
	Ref manifest.Ref
	// Ready is how long a new pod takes at least until it counts as available: its probes
	// do not begin earlier (initialDelaySeconds), and minReadySeconds pass.
	Ready int `json:",omitempty"`
	// Grace is how long an old pod has at most to end (terminationGracePeriodSeconds).
	Grace int `json:",omitempty"`
	// Deadline is after what time without progress the controller says that the rollout has
	// failed (progressDeadlineSeconds), or a Job is ended (activeDeadlineSeconds).
	Deadline int `json:",omitempty"`
}

// Route is a Service, and the workloads whose pods it selects: when the upgrade begins, once
// the Service itself is changed and pods are still the old ones, and when all pods are new.
type Route struct {
	Ref                   manifest.Ref
	Before, During, After []manifest.Ref
	// Gap says that at some moment none of them has a ready pod, though some had before.
	Gap bool `json:",omitempty"`
}

// Link says that an object has to do with another one. Use is a verb in the third person,
// such as "reads" or "selects".
type Link struct {
	From, To manifest.Ref
	Use      string
	// Outside says that To is in neither manifest.
	Outside bool `json:",omitempty"`
}
