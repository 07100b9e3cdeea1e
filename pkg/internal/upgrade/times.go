package upgrade

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// Times bound how long pods take, in seconds; 0 for what is not known.
type Times struct {
	// Ready is how long a new pod takes at least until it counts as available, Grace how long
	// one has at most to end, Deadline when the controller gives up.
	Ready, Grace, Deadline int
}

// progressDeadline is a default of the API server (k8s.io/kubernetes/pkg/apis/apps/v1).
const progressDeadline = 600

// timesOf reads what a workload says about times. fields is its spec, pods that of its pods.
func timesOf(ref manifest.Ref, fields, pods map[string]any) Times {
	var t Times
	if ref.Group == appsv1.GroupName {
		t.Ready = number(fields, "minReadySeconds", 0)
	}
	switch {
	case ref.Group == appsv1.GroupName && ref.Kind == "Deployment":
		t.Deadline = number(fields, "progressDeadlineSeconds", progressDeadline)
	case ref.Group == "batch" && ref.Kind == "Job":
		t.Deadline = number(fields, "activeDeadlineSeconds", 0)
	}
	t.Grace = number(pods, "terminationGracePeriodSeconds", corev1.DefaultTerminationGracePeriodSeconds)
	var spec corev1.PodSpec
	if runtime.DefaultUnstructuredConverter.FromUnstructured(pods, &spec) == nil {
		t.Ready += rollout.ReadyAfter(&spec)
	}
	return t
}

// number reads a field that holds a whole number; otherwise if there is none.
func number(fields map[string]any, name string, otherwise int) int {
	if n, is := fields[name].(int64); is {
		return int(n)
	}
	return otherwise
}
