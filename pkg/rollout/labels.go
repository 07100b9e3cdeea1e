package rollout

import "slices"

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

// PodLabels returns the labels of the pods that a workload runs all the time, and
// whether an object of the kind does. value is the object as its manifest writes it.
func (f Facts) PodLabels(group, kind string, value map[string]any) (labels map[string]string, owner bool) {
	path, owner := f.PodTemplate(group, kind)
	if !owner || group == "batch" && kind == "CronJob" {
		return nil, false
	}
	for _, name := range append(path, "metadata", "labels") {
		value, _ = value[name].(map[string]any)
	}
	labels = make(map[string]string, len(value))
	for name, text := range value {
		labels[name], _ = text.(string)
	}
	return labels, true
}
