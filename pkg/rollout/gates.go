package rollout

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// Gates returns the scheduling gates that new pods of a workload have and its old pods did not have;
// nil if there are none. The scheduler ignores a pod until all its gates are removed (PreEnqueue in
// k8s.io/kubernetes/pkg/scheduler/framework/plugins/schedulinggates). Whoever removed the gates of
// the old pods is assumed to remove them again. old is nil for a new workload.
func Gates(old, updated runtime.Object, facts Facts) *Obstacle {
	if Rests(updated) {
		return nil
	}
	known := map[string]bool{}
	for _, name := range gatesOf(templateOf(old, facts)) {
		known[name] = true
	}
	var names []string
	for _, name := range gatesOf(templateOf(updated, facts)) {
		if !known[name] {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	gate := "gate "
	if len(names) > 1 {
		gate = "gates "
	}
	return &Obstacle{
		Kind: Gated, Paths: []fieldpath.Path{fieldpath.Fields("schedulingGates")},
		Message: "its pods stay Pending until somebody removes scheduling " + gate + strings.Join(names, ", "),
	}
}

func gatesOf(template *corev1.PodTemplateSpec) []string {
	if template == nil {
		return nil
	}
	names := make([]string, len(template.Spec.SchedulingGates))
	for i, gate := range template.Spec.SchedulingGates {
		names[i] = gate.Name
	}
	return names
}
