package drain

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// release returns the pods of a workload of the release at a moment: those that run, unless the
// upgrade makes others.
func (d *drained) release(o *upgrade.Object, there *manifest.Object, m upgrade.Moment) []*Group {
	w := d.u.PodsOf(o)
	if w == nil || w.At(m) == nil {
		return nil
	}
	running := d.running[o.Ref().Identity()]
	switch {
	case o.Ref().GroupKind() == "Pod":
		return d.bare(o.Ref(), there)
	case w.Ends:
		return d.groups(o.Ref(), running, true)
	}
	wanted := w.At(m).Replicas
	if m == upgrade.After {
		wanted = w.Wanted()
	}
	if len(running) > 0 && (m == upgrade.Before || !makesOthers(o, len(running))) {
		return d.groups(o.Ref(), running, true)
	}
	return d.made(o.Ref(), there, wanted)
}

// makesOthers reports whether the upgrade makes other pods of a workload than those that run, or another
// number of them.
func makesOthers(o *upgrade.Object, running int) bool {
	if o.Change == nil || o.Change.Op == change.Keep || !o.Done() || o.Change.Outcome.Pods == nil {
		return false
	}
	pods := o.Change.Outcome.Pods
	return pods.Replaced || pods.Desired >= 0 && pods.Desired != running
}

// made returns the pods that a workload makes, wherever they come to run.
func (d *drained) made(ref manifest.Ref, there *manifest.Object, wanted int) []*Group {
	value, err := there.Value()
	if err != nil {
		return nil
	}
	defer there.Forget()
	workload := emptyWorkload(ref)
	if workload == nil || runtime.DefaultUnstructuredConverter.FromUnstructured(value, workload) != nil {
		return nil
	}
	if daemons, is := workload.(*appsv1.DaemonSet); is {
		return d.daemons(ref, daemons)
	}
	if set, is := workload.(*appsv1.StatefulSet); is {
		if members := d.members(ref, set, wanted); slices.ContainsFunc(members, func(g *Group) bool { return len(g.Volumes) > 0 }) {
			return members
		}
	}
	pod := rollout.PodOf(workload, ref.Namespace, "new", 0)
	if pod == nil || wanted < 1 {
		return nil
	}
	volumes := d.volumesOf(ref.Namespace, rollout.ClaimsOf(&pod.Spec)...)
	return []*Group{{Of: ref, Pod: pod, Volumes: volumes, Count: wanted, Release: true, Scaled: d.scaled[ref.Identity()]}}
}

// bare returns a Pod of the release that is not known to run yet.
func (d *drained) bare(ref manifest.Ref, there *manifest.Object) []*Group {
	if slices.ContainsFunc(d.alone, func(p *corev1.Pod) bool { return p.Namespace == ref.Namespace && p.Name == ref.Name }) {
		return nil
	}
	value, err := there.Value()
	if err != nil {
		return nil
	}
	defer there.Forget()
	var list []*Group
	for _, pod := range action.AppendAs[corev1.Pod](nil, value) {
		pod.Namespace = ref.Namespace
		list = append(list, &Group{Of: ref, Pod: pod, Count: 1, Release: true})
	}
	return list
}

// members returns the pods of a StatefulSet, each with its claims.
func (d *drained) members(ref manifest.Ref, set *appsv1.StatefulSet, wanted int) []*Group {
	first := 0
	if set.Spec.Ordinals != nil {
		first = int(set.Spec.Ordinals.Start)
	}
	var list []*Group
	for number := first; number < first+wanted; number++ {
		pod := rollout.PodOf(set, ref.Namespace, "new", number)
		claims := rollout.ClaimsOf(&pod.Spec)
		for i := range set.Spec.VolumeClaimTemplates {
			claims = append(claims, rollout.ClaimName(set.Spec.VolumeClaimTemplates[i].Name, set.Name, number))
		}
		list = append(list, &Group{Of: ref, Pod: pod, Volumes: d.volumesOf(ref.Namespace, claims...), Count: 1, Release: true, Scaled: d.scaled[ref.Identity()]})
	}
	return list
}

// daemons returns the pods of a DaemonSet, one on each of its nodes.
func (d *drained) daemons(ref manifest.Ref, set *appsv1.DaemonSet) []*Group {
	set.Namespace = ref.Namespace
	n := rollout.DaemonNeighbour(set, d.nodes)
	if n == nil {
		return nil
	}
	g := &Group{Of: ref, Pod: n.Pod, Count: len(n.Nodes), Release: true}
	for _, node := range n.Nodes {
		g.Running = append(g.Running, &corev1.Pod{Spec: corev1.PodSpec{NodeName: node.Name}})
	}
	return []*Group{g}
}

// emptyWorkload returns an empty object of a kind of Kubernetes' own that has pods which go on running; nil for others.
func emptyWorkload(ref manifest.Ref) runtime.Object {
	switch ref.GroupKind() {
	case "Deployment.apps":
		return &appsv1.Deployment{}
	case "StatefulSet.apps":
		return &appsv1.StatefulSet{}
	case "DaemonSet.apps":
		return &appsv1.DaemonSet{}
	case "ReplicaSet.apps":
		return &appsv1.ReplicaSet{}
	case "ReplicationController":
		return &corev1.ReplicationController{}
	default:
		return nil
	}
}
