package rollout

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/scheduling"
)

// WaitForVolumes writes into pods that the rollout of a Deployment hangs, or may hang, on a volume:
// old pods that stay until new ones are ready hold it, and it is for one pod, or for
// those of one node. claims are the PersistentVolumeClaims of the namespace.
//
// What hangs on the node that the scheduler picks is written into pods only if this
// upgrade makes it so. If every earlier rollout could hang in the same way, it is
// returned as what is not known.
func WaitForVolumes(old, updated runtime.Object, pods *change.Pods, claims []*corev1.PersistentVolumeClaim, facts Facts) []change.Doubt {
	was, wasOne := old.(*appsv1.Deployment)
	is, isOne := updated.(*appsv1.Deployment)
	if !wasOne || !isOne || !pods.Replaced || pods.Fewest < 1 {
		return nil
	}
	held, wanted := ClaimsOf(&was.Spec.Template.Spec), ClaimsOf(&is.Spec.Template.Spec)
	if len(held) == 0 || len(wanted) == 0 {
		return nil
	}
	var unclear []change.Doubt
	apart, together := facts.meet(&was.Spec.Template, &is.Spec.Template)
	for _, name := range wanted {
		i := slices.IndexFunc(claims, func(c *corev1.PersistentVolumeClaim) bool { return c.Name == name })
		if i < 0 || !slices.Contains(held, name) {
			continue
		}
		switch modes := claims[i].Spec.AccessModes; {
		case only(modes, corev1.ReadWriteOncePod):
			pods.Replaced, pods.Affected, pods.Fewest = false, 0, min(pods.Before, pods.Desired)
			pods.Volume = fmt.Sprintf("PersistentVolumeClaim %s is ReadWriteOncePod: no new pod starts while an old one has it", name)
			return nil
		case !only(modes, corev1.ReadWriteOnce) || !attached(facts.Bound[name]):
		case apart:
			pods.Volume = fmt.Sprintf("PersistentVolumeClaim %s is ReadWriteOnce: a new pod waits for its volume, which an old one has on a node that cannot hold a new one", name)
		case together || pinned(&is.Spec.Template.Spec):
		case couldWait(was):
			unclear = append(unclear, change.Doubt{Hides: change.Stuck, Never: true, Reason: fmt.Sprintf(
				"PersistentVolumeClaim %s is ReadWriteOnce: a new pod on another node waits for the volume, as in every rollout", name)})
		default:
			pods.Volume = fmt.Sprintf("PersistentVolumeClaim %s is ReadWriteOnce: a new pod on a different node than the old one waits for its volume", name)
		}
	}
	return unclear
}

// meet tells where old pods and new ones may be: apart if no node can hold both, together if there
// is one node for both. Neither holds if the nodes are not known, or if others may come.
func (f Facts) meet(old, updated *corev1.PodTemplateSpec) (apart, together bool) {
	fitting := func(template *corev1.PodTemplateSpec) scheduling.Fitting {
		return f.search(scheduling.Settled(podFrom(template), f.Cluster)).Fitting(f.Cluster)
	}
	held, wanted := fitting(old), fitting(updated)
	if len(held.Nodes) == 0 || len(wanted.Nodes) == 0 {
		return false, len(f.Cluster) == 1
	}
	apart = !slices.ContainsFunc(wanted.Nodes, func(n *corev1.Node) bool { return slices.Contains(held.Nodes, n) })
	together = len(f.Cluster) == 1 || !apart && len(held.Nodes) == 1 && len(wanted.Nodes) == 1 && held.Open == "" && wanted.Open == ""
	return apart, together
}

// attached reports whether a volume may be one that is attached to one node at a time
// (isMultiAttachForbidden in k8s.io/kubernetes/pkg/controller/volume/attachdetach); nil is one of
// which nothing is known.
func attached(volume *corev1.PersistentVolume) bool {
	if volume == nil {
		return true
	}
	source := &volume.Spec.PersistentVolumeSource
	return source.HostPath == nil && source.Local == nil && source.NFS == nil
}

// couldWait reports whether a new pod of a Deployment could wait for the volume of an
// old one: the strategy keeps old pods until new ones are ready, on whatever node.
func couldWait(d *appsv1.Deployment) bool {
	return rolledDeployment(d, replicas(d.Spec.Replicas), replicas(d.Spec.Replicas)).Fewest > 0 && !pinned(&d.Spec.Template.Spec)
}

// only reports whether a claim is for one mode of access and no other.
func only(modes []corev1.PersistentVolumeAccessMode, mode corev1.PersistentVolumeAccessMode) bool {
	return len(modes) == 1 && modes[0] == mode
}

// pinned reports whether all pods come to the same node.
func pinned(spec *corev1.PodSpec) bool {
	return spec.NodeName != "" || spec.NodeSelector[corev1.LabelHostname] != ""
}

// ClaimsOf names the claims that pods mount.
func ClaimsOf(spec *corev1.PodSpec) []string {
	var names []string
	for i := range spec.Volumes {
		if claim := spec.Volumes[i].PersistentVolumeClaim; claim != nil {
			names = append(names, claim.ClaimName)
		}
	}
	return names
}
