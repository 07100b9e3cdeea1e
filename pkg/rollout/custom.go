package rollout

import (
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// Workload says of a kind of custom resources that they run pods, and where they
// say which.
type Workload struct {
	Group, Kind string
	// Template is the path of the pod template.
	Template []string
	// Replicas is the path of the number of pods, 1 if there is nothing; nil if
	// the object does not say how many.
	Replicas []string
	// Jobs says that pods run to their end: a new template is for the next ones.
	Jobs bool
}

// Workloads returns the kinds that are known.
func Workloads() []Workload {
	template, replicas := []string{"spec", "template"}, []string{"spec", "replicas"}
	return []Workload{
		{Group: "argoproj.io", Kind: "Rollout", Template: template, Replicas: replicas},
		{Group: "apps.kruise.io", Kind: "CloneSet", Template: template, Replicas: replicas},
		{Group: "apps.kruise.io", Kind: "StatefulSet", Template: template, Replicas: replicas},
		{Group: "apps.kruise.io", Kind: "DaemonSet", Template: template},
		{Group: "serving.knative.dev", Kind: "Service", Template: template},
		{Group: "keda.sh", Kind: "ScaledJob", Template: []string{"spec", "jobTargetRef", "template"}, Jobs: true},
	}
}

const (
	strategyUnknown = "when and how its pods are replaced: the controller of this custom resource decides, by a strategy that was not judged"
	jobsUnknown     = "what becomes of jobs that run just now: the controller of this custom resource decides"
)

// Template returns the path of the pod template of a custom resource that is a
// workload, nil for everything else.
func Template(o runtime.Object, facts Facts) []string {
	if u, ok := o.(*unstructured.Unstructured); ok {
		if w := facts.workload(u); w != nil {
			return w.Template
		}
	}
	return nil
}

// workload returns what is known of a custom resource as a workload, nil if it is
// none, or has no template: it then takes that from some other object.
func (f Facts) workload(u *unstructured.Unstructured) *Workload {
	gk := u.GroupVersionKind().GroupKind()
	if w := f.workloadOf(gk.Group, gk.Kind); w != nil && at(u, w.Template) != nil {
		return w
	}
	return nil
}

func (f Facts) workloadOf(group, kind string) *Workload {
	i := slices.IndexFunc(f.Workloads, func(w Workload) bool { return w.Group == group && w.Kind == kind })
	if i < 0 {
		return nil
	}
	return &f.Workloads[i]
}

// custom answers for custom resources. Like every controller of its kind, theirs
// replaces pods that were not made from the template; in which order, it alone
// knows.
func custom(old, updated *unstructured.Unstructured, facts Facts) (*change.Pods, []change.Doubt) {
	w := facts.workload(updated)
	if w == nil {
		return nil, nil
	}
	before, desired := w.pods(old), w.pods(updated)
	pods := scaled(before, desired, "")
	if w.Jobs {
		pods.AllDown = false
	}
	if reflect.DeepEqual(at(old, w.Template), at(updated, w.Template)) {
		return pods, nil
	}
	if w.Jobs {
		pods.How = "the new template is for new jobs"
		return pods, []change.Doubt{{Reason: jobsUnknown, Hides: change.Restart, Never: true}}
	}
	if kept := min(before, desired); kept != 0 {
		pods.Replaced, pods.Affected, pods.Fewest = true, kept, unknown
	}
	return pods, []change.Doubt{{Reason: strategyUnknown, Hides: change.Downtime, Never: true}}
}

// pods returns how many pods a workload asks for.
func (w *Workload) pods(u *unstructured.Unstructured) int {
	if w.Replicas == nil {
		return unknown
	}
	switch n := at(u, w.Replicas).(type) {
	case int64:
		return int(n)
	case nil:
		return 1
	default:
		return unknown
	}
}

// at returns the value at a path, nil if there is none. It is not a copy.
func at(u *unstructured.Unstructured, path []string) any {
	value, _, err := unstructured.NestedFieldNoCopy(u.Object, path...)
	if err != nil {
		return nil
	}
	return value
}
