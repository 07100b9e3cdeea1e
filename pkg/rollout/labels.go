package rollout

import "slices"

// PodLabels returns the labels of the pods that a workload makes, and whether an
// object of the kind makes any. value is the object as its manifest writes it.
func (f Facts) PodLabels(group, kind string, value map[string]any) (labels map[string]string, owner bool) {
	var path []string
	switch {
	case group == "" && kind == "Pod":
	case group == "apps" && (kind == "Deployment" || kind == "StatefulSet" || kind == "DaemonSet" || kind == "ReplicaSet"),
		group == "" && kind == "ReplicationController", group == "batch" && kind == "Job":
		path = []string{"spec", "template"}
	default:
		w := f.workloadOf(group, kind)
		if w == nil {
			return nil, false
		}
		path = slices.Clone(w.Template)
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
