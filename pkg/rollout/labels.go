package rollout

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
)

// PodTemplate returns where an object of the kind describes the pods that it makes,
// and whether it makes any. A Pod is its own template.
func (f Facts) PodTemplate(group, kind string) (path []string, owner bool) {
	switch {
	case group == "" && kind == "Pod":
		return nil, true
	case group == "apps" && (kind == "Deployment" || kind == "StatefulSet" || kind == "DaemonSet" || kind == "ReplicaSet"),
		group == "" && kind == "ReplicationController", group == "batch" && kind == "Job":
		return []string{"spec", "template"}, true
	case group == "batch" && kind == "CronJob":
		return []string{"spec", "jobTemplate", "spec", "template"}, true
	default:
		w := f.workloadOf(group, kind)
		if w == nil {
			return nil, false
		}
		return slices.Clone(w.Template), true
	}
}

// PodLabels returns the labels of the pods that a workload makes, and whether an object of the
// kind makes any. value is the object as its manifest writes it.
func (f Facts) PodLabels(group, kind string, value map[string]any) (labels map[string]string, owner bool) {
	path, owner := f.PodTemplate(group, kind)
	if !owner {
		return nil, false
	}
	fields := untyped.Map(value, append(path, "metadata", "labels")...)
	labels = make(map[string]string, len(fields))
	for name, text := range fields {
		labels[name], _ = text.(string)
	}
	return labels, true
}
