package drain

import (
	"cmp"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// drained is what is known of a cluster whose nodes are drained.
type drained struct {
	u     *upgrade.Upgrade
	nodes []*corev1.Node
	// running are the pods of each workload, and alone those without one.
	running map[manifest.Identity][]*corev1.Pod
	alone   []*corev1.Pod
	pods    bool // some pods are known
	volumes map[string]map[string]*corev1.PersistentVolume
	budgets map[string][]*policyv1.PodDisruptionBudget // not of the release
	scaled  map[manifest.Identity]bool
	unknown []change.Notice
	blind   bool // autoscalers were not read
	partial bool // a node could not be read, so that it may hold what no other one can
}

// After judges the drain after an upgrade: everywhere is what was read of all namespaces, same says
// that nothing is upgraded.
func After(u *upgrade.Upgrade, in *action.Objects, everywhere *cluster.State, same bool) (change.Drain, error) {
	d := drained{u: u, running: map[manifest.Identity][]*corev1.Pod{}}
	if err := d.read(in, everywhere); err != nil {
		return change.Drain{}, err
	}
	return d.after(same), nil
}

// read takes in what is known of the cluster: what was read of all namespaces, or else objects that
// the user has named and what is around the release.
func (d *drained) read(in *action.Objects, everywhere *cluster.State) error {
	objects := slices.Clone(in.Cluster)
	if everywhere != nil {
		more, err := action.InCluster(everywhere.Surroundings)
		if err != nil {
			return err
		}
		objects = append(objects, more...)
		for _, gap := range everywhere.Unread {
			d.unknown = append(d.unknown, change.Notice{Reason: gap.Kind + " objects of the cluster were not read: " + gap.Reason, Hides: change.Stuck})
			d.blind = d.blind || gap.Kind == "HorizontalPodAutoscaler"
		}
	}
	touched := map[manifest.Identity]bool{}
	for _, o := range slices.Concat(in.Old, in.Updated) {
		touched[o.Ref.Identity()] = true
	}
	b := action.NewBindings()
	d.budgets, d.scaled = map[string][]*policyv1.PodDisruptionBudget{}, upgrade.ScaleTargets(in.Updated)
	last := map[manifest.Identity]*manifest.Object{}
	for _, o := range objects {
		last[o.Ref.Identity()] = o
	}
	for _, o := range objects {
		id := o.Ref.Identity()
		if last[id] != o {
			continue
		}
		if target, is := upgrade.ScaleTarget(o); is && !touched[id] {
			d.scaled[target] = true
		}
		value, err := o.Value()
		if err != nil {
			return err
		}
		d.take(o.Ref, value, touched[id], b)
		o.Forget()
	}
	d.volumes = b.ByClaim()
	slices.SortFunc(d.nodes, func(a, b *corev1.Node) int { return cmp.Compare(a.Name, b.Name) })
	if d.partial {
		d.nodes = nil
	}
	if len(d.nodes) == 0 {
		d.unknown = append(d.unknown, change.Notice{Reason: "not all Nodes are known: whether pods find other nodes was not judged", Hides: change.Downtime})
	}
	if !d.pods {
		d.unknown = append(d.unknown, change.Notice{Reason: "no Pods are known: only those of the release were judged, whatever node they run on", Hides: change.Stuck})
	}
	return nil
}

// take takes in one object of the cluster.
func (d *drained) take(ref manifest.Ref, value map[string]any, touched bool, b *action.Bindings) {
	read := 1
	switch ref.GroupKind() {
	case "Node":
		list := action.AppendAs[corev1.Node](nil, value)
		if read = len(list); read > 0 {
			d.nodes = append(d.nodes, uncordoned(list[0]))
		}
	case "Pod":
		list := action.AppendAs[corev1.Pod](nil, value)
		if read = len(list); read > 0 {
			d.place(list[0])
		}
	case "PodDisruptionBudget.policy":
		list := action.AppendAs[policyv1.PodDisruptionBudget](nil, value)
		if read = len(list); !touched {
			d.budgets[ref.Namespace] = append(d.budgets[ref.Namespace], list...)
		}
	case "PersistentVolumeClaim", "PersistentVolume":
		b.Add(ref.Identity(), value)
	}
	if read == 0 {
		d.partial = d.partial || ref.Kind == "Node"
		d.unknown = append(d.unknown, change.Notice{Ref: ref, Reason: "it does not fit its kind, and was ignored", Hides: change.Stuck})
	}
}

// uncordoned returns a node that takes pods: a cordon goes when somebody is done with the node.
func uncordoned(node *corev1.Node) *corev1.Node {
	node.Spec.Unschedulable = false
	node.Spec.Taints = slices.DeleteFunc(node.Spec.Taints, func(t corev1.Taint) bool { return t.Key == corev1.TaintNodeUnschedulable })
	return node
}

// place takes in a pod that is on a node and that a drain has to evict, or that may keep others away
// (skipDeletedFilter and mirrorPodFilter in k8s.io/kubectl/pkg/drain).
func (d *drained) place(pod *corev1.Pod) {
	d.pods = true
	_, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]
	if mirror || pod.Spec.NodeName == "" || pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return
	}
	owner := metav1.GetControllerOf(pod)
	if owner == nil {
		d.alone = append(d.alone, pod)
		return
	}
	id := workloadOf(pod, owner)
	d.running[id] = append(d.running[id], pod)
}

// workloadOf returns the workload of a pod. A Deployment names its ReplicaSets after itself and the hash
// of their template (getNewReplicaSet in k8s.io/kubernetes/pkg/controller/deployment).
func workloadOf(pod *corev1.Pod, owner *metav1.OwnerReference) manifest.Identity {
	group, _, _ := strings.Cut(owner.APIVersion, "/")
	if !strings.Contains(owner.APIVersion, "/") {
		group = ""
	}
	id := manifest.Identity{Group: group, Kind: owner.Kind, Namespace: pod.Namespace, Name: owner.Name}
	if hash := pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey]; hash != "" && owner.Kind == "ReplicaSet" && group == appsv1.GroupName {
		if name, is := strings.CutSuffix(owner.Name, "-"+hash); is {
			id.Kind, id.Name = "Deployment", name
		}
	}
	return id
}

// after judges the drain after the upgrade; same says that nothing is upgraded.
func (d *drained) after(same bool) change.Drain {
	found := Of(d.at(upgrade.After))
	found.Unknown = append(d.unknown, found.Unknown...)
	if same {
		return found
	}
	before := Of(d.at(upgrade.Before))
	for i := range found.Findings {
		f := &found.Findings[i]
		f.New = !slices.ContainsFunc(before.Findings, func(was change.DrainFinding) bool {
			return was.Risk == f.Risk && was.Workload.Identity() == f.Workload.Identity()
		})
	}
	return found
}

// at returns what the cluster holds at a moment.
func (d *drained) at(m upgrade.Moment) State {
	state := State{Nodes: d.nodes, Budgets: map[string][]*policyv1.PodDisruptionBudget{}, Unscaled: d.blind}
	for namespace, list := range d.budgets {
		state.Budgets[namespace] = slices.Clone(list)
	}
	own := map[manifest.Identity]bool{}
	for i := range d.u.Objects {
		o := &d.u.Objects[i]
		ref := o.Ref()
		own[ref.Identity()] = true
		there := o.Standing(m)
		if there == nil || o.Hook != nil {
			continue
		}
		if ref.GroupKind() == "PodDisruptionBudget.policy" {
			if value, err := there.Value(); err == nil {
				state.Budgets[ref.Namespace] = action.AppendAs(state.Budgets[ref.Namespace], value)
			}
			there.Forget()
		}
		state.Groups = append(state.Groups, d.release(o, there, m)...)
	}
	for id, pods := range d.running {
		if !own[id] {
			state.Groups = append(state.Groups, d.groups(refOf(id), pods, false)...)
		}
	}
	for _, pod := range d.alone {
		id := manifest.Identity{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name}
		if o := d.u.Object(id); o == nil || o.Standing(m) != nil {
			state.Groups = append(state.Groups, d.groups(refOf(id), []*corev1.Pod{pod}, o != nil)...)
		}
	}
	slices.SortFunc(state.Groups, func(a, b *Group) int { return cmp.Or(a.Of.Compare(b.Of), cmp.Compare(a.Pod.Name, b.Pod.Name)) })
	return state
}

func refOf(id manifest.Identity) manifest.Ref {
	return manifest.Ref{Group: id.Group, Version: "v1", Kind: id.Kind, Namespace: id.Namespace, Name: id.Name}
}

// groups puts running pods of a workload together that carry the same labels.
func (d *drained) groups(of manifest.Ref, pods []*corev1.Pod, release bool) []*Group {
	var list []*Group
	alike := map[string]*Group{}
	for _, pod := range pods {
		key := labels.Set(pod.Labels).String()
		g := alike[key]
		if g == nil {
			one := *pod
			one.Spec.NodeName = ""
			g = &Group{Of: of, Pod: &one, Volumes: d.volumesOf(pod.Namespace, rollout.ClaimsOf(&pod.Spec)...), Release: release, Scaled: d.scaled[of.Identity()]}
			alike[key] = g
			list = append(list, g)
		}
		g.Count++
		g.Running = append(g.Running, pod)
	}
	return list
}

// volumesOf returns the volumes to which claims are bound, as far as they are known.
func (d *drained) volumesOf(namespace string, claims ...string) []*corev1.PersistentVolume {
	var list []*corev1.PersistentVolume
	for _, claim := range claims {
		if volume := d.volumes[namespace][claim]; volume != nil {
			list = append(list, volume)
		}
	}
	return list
}
