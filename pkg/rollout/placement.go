package rollout

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/controller/daemon"
	"k8s.io/kubernetes/pkg/controller/daemon/util"
	deploymentutil "k8s.io/kubernetes/pkg/controller/deployment/util"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/scheduling"
)

// Unplaced tells why no node can hold a pod that a workload makes, even if nothing else
// runs there; nil if one can, or if the nodes are not known. open is why it may find one
// all the same, one clause; "" if it cannot. old is the workload before, of which pods may
// stay; nil if all its pods are made.
func Unplaced(old, o runtime.Object, facts Facts) (why *Obstacle, open string) {
	if len(facts.Cluster) == 0 || Rests(o) {
		return nil, ""
	}
	template := templateOf(o, facts)
	if template == nil {
		return nil, ""
	}
	if d, is := o.(*appsv1.DaemonSet); is {
		return facts.cramped(d)
	}
	answer := facts.search(podFrom(template)).Place(facts.Cluster)
	if set, is := o.(*appsv1.StatefulSet); is && answer == nil {
		return facts.members(old, set)
	}
	if answer == nil {
		return nil, ""
	}
	return unplaced("its pods", template, answer), answer.Open
}

// unplaced says that no node can hold some pods of a template.
func unplaced(which string, template *corev1.PodTemplateSpec, answer *scheduling.Answer) *Obstacle {
	message := fmt.Sprintf("no node can hold %s: %s", which, answer)
	if len(answer.Volumes) > 0 {
		message += fmt.Sprintf(" (volume %s)", strings.Join(answer.Volumes, ", "))
	}
	return &Obstacle{Kind: NoNode, Message: message, Paths: placing(&template.Spec, answer.About())}
}

// search returns the search for a node for a pod, with the volumes to which its claims are bound,
// and further claims.
func (f Facts) search(pod *corev1.Pod, claims ...string) *scheduling.Search {
	var volumes []*corev1.PersistentVolume
	for _, claim := range slices.Concat(ClaimsOf(&pod.Spec), claims) {
		if volume := f.Bound[claim]; volume != nil {
			volumes = append(volumes, volume)
		}
	}
	return scheduling.For(pod, volumes...)
}

// members tells which pod of a StatefulSet no node can hold because of the claims that it has
// already, where nodes could hold it otherwise. The controller makes the pods of a new template
// from the last one on (updateStatefulSet in k8s.io/kubernetes/pkg/controller/statefulset), and none
// below the partition.
func (f Facts) members(old runtime.Object, set *appsv1.StatefulSet) (why *Obstacle, open string) {
	all, pod := ordinalsOf(set), podFrom(&set.Spec.Template)
	from := all.from + partition(set)
	if was, is := old.(*appsv1.StatefulSet); is && apiequality.Semantic.DeepEqual(was.Spec.Template, set.Spec.Template) {
		from = max(from, ordinalsOf(was).to)
	}
	for number := all.to - 1; number >= from; number-- {
		var claims []string
		for i := range set.Spec.VolumeClaimTemplates {
			claim := ClaimName(set.Spec.VolumeClaimTemplates[i].Name, set.Name, number)
			if volume := f.Bound[claim]; volume != nil && volume.Spec.NodeAffinity != nil {
				claims = append(claims, claim)
			}
		}
		if len(claims) == 0 {
			continue
		}
		answer := f.search(pod, claims...).Place(f.Cluster)
		if answer == nil {
			continue
		}
		found := unplaced(fmt.Sprintf("its pod %s-%d", set.Name, number), &set.Spec.Template, answer)
		found.some = number < all.to-1
		if answer.Open == "" {
			return found, ""
		}
		if why == nil {
			why, open = found, answer.Open
		}
	}
	return why, open
}

// podFrom returns a pod from a template, with the API server's defaults for pods, which a
// template does not have: a limit without a request is one.
func podFrom(template *corev1.PodTemplateSpec) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: *template.Spec.DeepCopy()}
	legacyscheme.Scheme.Default(pod)
	return pod
}

// cramped tells on how many of the nodes of a DaemonSet its pod finds no room. Its
// controller makes a pod for each node that it tolerates and selects, large enough or not.
func (f Facts) cramped(d *appsv1.DaemonSet) (why *Obstacle, open string) {
	pod := podFrom(&d.Spec.Template)
	search := f.search(pod)
	small, reasons := 0, map[string]int{}
	for _, node := range f.Cluster {
		if runs, _ := daemon.NodeShouldRunDaemonPod(logr.Discard(), node, d); !runs {
			continue
		}
		lacks, because := search.Holds(node)
		if len(lacks) == 0 {
			continue
		}
		small, open = small+1, cmp.Or(open, because)
		for _, reason := range lacks {
			reasons[reason]++
		}
	}
	if small == 0 || pod.Spec.NodeName != "" {
		return nil, ""
	}
	message := fmt.Sprintf("%d of its %d nodes cannot hold its pod: %s", small, f.nodesOf(d), scheduling.Histogram(reasons))
	return &Obstacle{Kind: NoNode, Message: message, Paths: placing(&pod.Spec, (&scheduling.Answer{Reasons: reasons}).About()), some: small < f.nodesOf(d)}, open
}

// placing are the fields of a pod because of which no node can hold it.
func placing(spec *corev1.PodSpec, about scheduling.Subjects) []fieldpath.Path {
	var paths []fieldpath.Path
	if (about.Selects || about.Volumes) && len(spec.NodeSelector) > 0 {
		paths = append(paths, fieldpath.Fields("nodeSelector"))
	}
	if (about.Selects || about.Volumes) && requiredNodes(spec) != nil {
		paths = append(paths, fieldpath.Fields("affinity", "nodeAffinity"))
	}
	if about.Near {
		paths = append(paths, fieldpath.Fields("affinity", "podAffinity"))
	}
	if about.Spreads {
		paths = append(paths, fieldpath.Fields("topologySpreadConstraints"))
	}
	if about.Taints {
		paths = append(paths, fieldpath.Fields("tolerations"))
	}
	if about.Volumes && len(ClaimsOf(spec)) > 0 {
		paths = append(paths, fieldpath.Fields("volumes"))
	}
	if about.Requests {
		paths = append(paths, requesting(spec)...)
	}
	return paths
}

// requesting are the resources of those containers that ask for some.
func requesting(spec *corev1.PodSpec) []fieldpath.Path {
	var paths []fieldpath.Path
	for _, c := range containersOf(&corev1.Pod{Spec: *spec}) {
		if len(c.Resources.Requests)+len(c.Resources.Limits) > 0 {
			paths = append(paths, c.field("resources"))
		}
	}
	return paths
}

// Strand writes into pods that new ones are made and find no node: what the strategy takes
// away before it waits for the first of them is all that it replaces.
func Strand(updated runtime.Object, pods *change.Pods, why *Obstacle) {
	pods.Unplaced = true
	if !pods.Replaced {
		return
	}
	switch o := updated.(type) {
	case *appsv1.Deployment:
		if o.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
			pods.Affected = min(pods.Affected, int(deploymentutil.MaxUnavailable(*o)))
		}
	case *appsv1.StatefulSet:
		if pods.Affected = min(pods.Affected, maxUnavailable(o)); why.some {
			pods.Affected = unknown
		}
	case *appsv1.DaemonSet:
		surge, err := util.SurgeCount(o, 1)
		switch {
		case why.some: // the controller takes nodes in any order
			pods.Affected = unknown
		case err == nil && surge > 0:
			pods.Affected = 0
		default:
			pods.Affected = min(pods.Affected, pods.Before-pods.Fewest)
		}
	}
	pods.Replaced = pods.Affected != 0
}

// Hold writes into pods that not all new ones find a node beside others.
func Hold(updated runtime.Object, pods *change.Pods, why *Obstacle) {
	if _, is := updated.(*appsv1.DaemonSet); is || !why.some {
		Strand(updated, pods, why)
		return
	}
	d, is := updated.(*appsv1.Deployment)
	if pods.Replaced && (!is || d.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType) {
		pods.Affected = unknown // it ends where the nodes do
	}
}

// Placed reports whether a workload is known to have pods that have found a node.
func (f Facts) Placed(o runtime.Object) bool {
	accessor, err := meta.Accessor(o)
	if err != nil {
		return false
	}
	own := f.Running.owned(accessor.GetUID())
	return own != nil && slices.ContainsFunc(own.Pods, func(p *corev1.Pod) bool { return p.Spec.NodeName != "" })
}
