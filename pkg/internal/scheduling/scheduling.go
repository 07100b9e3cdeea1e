// Package scheduling tells whether a pod finds a node. It decides as the filter plugins of
// Kubernetes' scheduler do (k8s.io/kubernetes/pkg/scheduler/framework/plugins), by the
// functions that they call. The plugins themselves are not linked: what they bring along
// costs every run of the program several milliseconds.
package scheduling

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	resourcehelper "k8s.io/component-helpers/resource"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/kubernetes/pkg/apis/core/v1/helper"
	"k8s.io/kubernetes/pkg/features"
	schedutil "k8s.io/kubernetes/pkg/scheduler/util"
)

// Answer is why none of some nodes can hold a pod, even if nothing else runs there.
type Answer struct {
	// Reasons are those of the scheduler, and for how many nodes each holds.
	Reasons map[string]int
	// Volumes names those of the pod that nodes cannot reach which could hold it otherwise.
	Volumes []string
	nodes   int
	// Open is why the pod may find a node all the same, one clause; "" if it cannot, unless
	// somebody changes the nodes.
	Open string
}

// String says it in the scheduler's words (FitError in
// k8s.io/kubernetes/pkg/scheduler/framework).
func (a *Answer) String() string {
	return fmt.Sprintf("0/%d nodes are available: %s", a.nodes, Histogram(a.Reasons))
}

// Histogram lists reasons with the number of nodes for each, as the scheduler does.
func Histogram(reasons map[string]int) string {
	list := make([]string, 0, len(reasons))
	for reason, nodes := range reasons {
		list = append(list, fmt.Sprintf("%d %s", nodes, reason))
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// The reasons of the plugins NodeUnschedulable, TaintToleration and NodeAffinity.
const (
	unschedulable = "node(s) were unschedulable"
	tainted       = "node(s) had untolerated taint(s)"
	unmatched     = "node(s) didn't match Pod's node affinity/selector"
)

// Search looks for a node for one pod. It holds what is the same for all nodes.
type Search struct {
	pod      *corev1.Pod
	requests corev1.ResourceList
	names    []corev1.ResourceName // of requests, in order
	affinity nodeaffinity.RequiredNodeAffinity
	// volumes are those to which claims of the pod are bound, spread and near the labels that a
	// node must have.
	volumes      []*corev1.PersistentVolume
	spread, near []string
	// operators says that tolerations may compare numbers.
	operators bool
}

// For returns the search for a node for a pod that has the API server's defaults. volumes are those
// to which its claims are bound, as far as they are known.
func For(pod *corev1.Pod, volumes ...*corev1.PersistentVolume) *Search {
	requests := resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{})
	return &Search{
		pod: pod, requests: requests, names: slices.Sorted(maps.Keys(requests)), affinity: nodeaffinity.GetRequiredNodeAffinity(pod),
		volumes: volumes, spread: spreadKeys(&pod.Spec), near: nearKeys(&pod.Spec),
		operators: utilfeature.DefaultFeatureGate.Enabled(features.TaintTolerationComparisonOperators),
	}
}

// Place tells why no node can hold the pod; nil if one can, if there are no nodes, or if
// the pod names its node and no scheduler is asked. Of each node the first plugin that
// rejects it counts, in the order in which the scheduler asks them.
func (s *Search) Place(nodes []*corev1.Node) *Answer {
	if s.pod.Spec.NodeName != "" || len(nodes) == 0 {
		return nil
	}
	answer := &Answer{Reasons: map[string]int{}, nodes: len(nodes)}
	passing := ""
	for _, node := range nodes {
		reasons, because := s.Rejects(node)
		if len(reasons) == 0 {
			return nil
		}
		passing = cmp.Or(passing, because)
		for _, reason := range reasons {
			answer.Reasons[reason]++
			if reason == elsewhere {
				answer.Volumes = append(answer.Volumes, s.Elsewhere(node)...)
			}
		}
	}
	slices.Sort(answer.Volumes)
	answer.Volumes = slices.Compact(answer.Volumes)
	answer.Open = cmp.Or(s.Open(nodes), passing)
	return answer
}

// Open says who besides the scheduler decides where the pod goes, or who may add nodes to these;
// "" if nobody does.
func (s *Search) Open(nodes []*corev1.Node) string { return cmp.Or(unasked(s.pod), grows(nodes)) }

// Room tells which resources the pod asks for more of than an empty node has, in the
// scheduler's words, and why that may not be the last word. What the node does not say it
// has of cpu, memory and ephemeral storage is enough, since every kubelet says it.
func (s *Search) Room(node *corev1.Node) (reasons []string, open string) {
	room := node.Status.Allocatable
	if pods, known := room[corev1.ResourcePods]; known && pods.Value() < 1 {
		reasons = append(reasons, "Too many pods")
	}
	for _, name := range s.names {
		asked, has := s.requests[name], room[name]
		if !exceeds(name, asked, room) {
			continue
		}
		reasons = append(reasons, "Insufficient "+string(name))
		if helper.IsExtendedResourceName(name) && has.IsZero() {
			open = fmt.Sprintf("a device plugin or a DeviceClass may provide %s", name)
		}
	}
	return reasons, open
}

// exceeds reports whether there is less of a resource than a pod asks for (Fits in
// k8s.io/kubernetes/pkg/scheduler/framework/plugins/noderesources).
func exceeds(name corev1.ResourceName, asked resource.Quantity, room corev1.ResourceList) bool {
	has, known := room[name]
	switch {
	case len(room) == 0:
		return false // nobody has said
	case name == corev1.ResourceCPU:
		return known && asked.MilliValue() > has.MilliValue()
	case name == corev1.ResourceMemory, name == corev1.ResourceEphemeralStorage:
		return known && asked.Value() > has.Value()
	default:
		return schedutil.IsScalarResourceName(name) && asked.Value() > has.Value()
	}
}

// Rejects returns why a node cannot hold the pod, and why that may pass.
func (s *Search) Rejects(node *corev1.Node) (reasons []string, passing string) {
	cordon := &corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}
	if node.Spec.Unschedulable && !schedulinghelpers.TolerationsTolerateTaint(logr.Discard(), s.pod.Spec.Tolerations, cordon, s.operators) {
		return []string{unschedulable}, ""
	}
	taint, found := schedulinghelpers.FindMatchingUntoleratedTaint(logr.Discard(), node.Spec.Taints, s.pod.Spec.Tolerations, func(t *corev1.Taint) bool {
		return t.Effect == corev1.TaintEffectNoSchedule || t.Effect == corev1.TaintEffectNoExecute
	}, s.operators)
	beyond, open := s.unfit(node)
	switch {
	case !found:
		return beyond, open
	case len(beyond) > 0 && open == "":
		return []string{tainted}, "" // without the taint it could not hold the pod either
	default:
		return []string{tainted}, s.passes(&taint)
	}
}

// unfit is Rejects without a look at taints.
func (s *Search) unfit(node *corev1.Node) (reasons []string, open string) {
	if match, _ := s.affinity.Match(node); !match { // what cannot be parsed matches nothing
		return []string{unmatched}, ""
	}
	return s.Holds(node)
}
