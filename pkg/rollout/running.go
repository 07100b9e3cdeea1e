package rollout

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/controller/deployment/util"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// Running is what a cluster holds of the workloads that run in it.
type Running struct {
	Sets      []*appsv1.ReplicaSet
	Revisions []*appsv1.ControllerRevision
	Pods      []*corev1.Pod
}

// owned returns what of it a workload owns: its pods, and the ReplicaSets or
// ControllerRevisions by which its controller remembers templates. Pods of owned
// ReplicaSets are among them. Nil stands for not known.
func (r *Running) owned(by types.UID) *Running {
	if r == nil || by == "" {
		return nil
	}
	own := &Running{Sets: ownedBy(r.Sets, by), Revisions: ownedBy(r.Revisions, by), Pods: ownedBy(r.Pods, by)}
	for _, set := range own.Sets {
		own.Pods = append(own.Pods, ownedBy(r.Pods, set.UID)...)
	}
	own.Pods = slices.DeleteFunc(own.Pods, func(p *corev1.Pod) bool { return p.DeletionTimestamp != nil || over(p) })
	return own
}

// Remembers reports whether a Deployment has a ReplicaSet of its new template already, and whether that
// is known.
func Remembers(r *Running, old, updated *appsv1.Deployment) (known, remembers bool) {
	if old == nil {
		return true, false
	}
	own := r.owned(old.UID)
	if own == nil {
		return false, false
	}
	return true, util.FindNewReplicaSet(updated, own.Sets) != nil
}

func ownedBy[T metav1.Object](objects []T, by types.UID) []T {
	var own []T
	for _, o := range objects {
		if c := metav1.GetControllerOf(o); c != nil && c.UID == by {
			own = append(own, o)
		}
	}
	return own
}

func over(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
}

// ready counts the pods that are ready.
func (r *Running) ready() int {
	n := 0
	for _, p := range r.Pods {
		if slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		}) {
			n++
		}
	}
	return n
}

// underWay says that the pods are those of a moment.
func underWay(moving bool) (unclear []change.Doubt) {
	if !moving {
		return nil
	}
	return []change.Doubt{{Reason: "an earlier rollout of it is still under way: its pods are counted as they are at this moment", Hides: change.Downtime}}
}

// ofTemplate counts the pods that a Deployment has made from a template already:
// those of the oldest ReplicaSet that has it (FindNewReplicaSet in
// k8s.io/kubernetes/pkg/controller/deployment/util).
func (r *Running) ofTemplate(template *corev1.PodTemplateSpec) int {
	sets := slices.Clone(r.Sets)
	slices.SortFunc(sets, func(a, b *appsv1.ReplicaSet) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	for _, set := range sets {
		if util.EqualIgnoreHash(&set.Spec.Template, template) {
			return len(ownedBy(r.Pods, set.UID))
		}
	}
	return 0
}

// without leaves out the pods that carry one of the revisions.
func (r *Running) without(revisions []string) *Running {
	return &Running{Pods: slices.DeleteFunc(slices.Clone(r.Pods), func(p *corev1.Pod) bool {
		return slices.Contains(revisions, p.Labels[appsv1.ControllerRevisionHashLabelKey])
	})}
}

// within counts, of some ordinals of a StatefulSet, those that have a pod.
func (r *Running) within(set string) func(ordinals) int {
	return func(o ordinals) int {
		n := 0
		for _, p := range r.Pods {
			ordinal, err := strconv.Atoi(strings.TrimPrefix(p.Name, set+"-"))
			if err == nil && ordinal >= o.from && ordinal < o.to {
				n++
			}
		}
		return n
	}
}

// revisionsOf names the ControllerRevisions whose template fits, as the pods carry
// them: a StatefulSet labels its pods with the name of the revision, a DaemonSet
// with the hash that the revision is labelled with.
func (r *Running) revisionsOf(fits func(*corev1.PodTemplateSpec) bool) []string {
	var names []string
	for _, revision := range r.Revisions {
		var data struct {
			Spec struct {
				Template corev1.PodTemplateSpec `json:"template"`
			} `json:"spec"`
		}
		if json.Unmarshal(revision.Data.Raw, &data) == nil && fits(&data.Spec.Template) {
			names = append(names, revision.Name, revision.Labels[appsv1.ControllerRevisionHashLabelKey])
		}
	}
	return names
}

// inSight corrects what is said of a workload that replaces no pods by itself with
// what is known of its pods.
func (f Facts) inSight(o runtime.Object, pods *change.Pods) *change.Pods {
	switch o.(type) {
	case *appsv1.Deployment, *appsv1.StatefulSet, *appsv1.DaemonSet, *appsv1.ReplicaSet, *corev1.ReplicationController, *batchv1.Job:
	default:
		return pods // what owns no pods itself
	}
	accessor, err := meta.Accessor(o)
	if err != nil || pods == nil {
		return pods
	}
	if own := f.Running.owned(accessor.GetUID()); own != nil {
		pods.Before = len(own.Pods)
		pods.AllDown = pods.AllDown && own.ready() > 0
	}
	return pods
}

// defaulted returns a template as the API server of today would store it.
func defaulted(template *corev1.PodTemplateSpec) *corev1.PodTemplateSpec {
	set := &appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Template: *template.DeepCopy()}}
	set.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("StatefulSet"))
	legacyscheme.Scheme.Default(runtime.Object(set))
	set.Spec.Template.CreationTimestamp = metav1.Time{}
	return &set.Spec.Template
}
