package rollout

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/apis/scheduling"
	"k8s.io/kubernetes/pkg/controller/daemon"

	scheduler "github.com/safe-diff/helm-safe-diff/pkg/internal/scheduling"
)

// Neighbour are pods of another workload that are there before the upgrade, and that the upgrade
// leaves where they are.
type Neighbour struct {
	// Of is the workload, such as "DaemonSet proxy".
	Of string
	// Pod is one of them, Nodes where they are.
	Pod   *corev1.Pod
	Nodes []*corev1.Node
	// Seen says that somebody has seen them there. Others are where their controller makes one,
	// unless something kept them out.
	Seen bool
	// Leaves is why they may go all the same, one clause; "" if only somebody who is no part of
	// the upgrade takes them away.
	Leaves string
}

// DaemonNeighbour returns the pods of a DaemonSet on the nodes for which its controller makes one
// and which can hold it; nil if there is no such node.
func DaemonNeighbour(d *appsv1.DaemonSet, nodes []*corev1.Node) *Neighbour {
	n := &Neighbour{Of: "DaemonSet " + d.Name, Pod: PodOf(d, d.Namespace, "old", 0)}
	search := scheduler.For(n.Pod)
	for _, node := range nodes {
		runs, _ := daemon.NodeShouldRunDaemonPod(logr.Discard(), node, d)
		if lacks, _ := search.Holds(node); runs && len(lacks) == 0 {
			n.Nodes = append(n.Nodes, node)
		}
	}
	if len(n.Nodes) == 0 {
		return nil
	}
	return n
}

// keeper is a neighbour, and by what it keeps a pod from where it is.
type keeper struct {
	*Neighbour
	scheduler.Exclusion
	places map[string]int
	// leaves is why it may go all the same, one clause; "" if it stays.
	leaves string
}

// from reports whether it keeps the pod from a node.
func (k *keeper) from(node *corev1.Node) bool {
	place, is := scheduler.Near(node, k.Key)
	return is && k.places[place] > 0
}

// keepers returns which neighbours keep a pod away. What hangs on labels of the namespace that
// are not known is left out. old is a pod of the workload before; nil if there is none.
func (f Facts) keepers(pod, old *corev1.Pod, in scheduler.Namespace) []keeper {
	var list []keeper
	for i := range f.Neighbours {
		n := &f.Neighbours[i]
		leaves := n.Leaves
		switch {
		case leaves != "":
		case Pushes(pod, n.Pod):
			leaves = "with a higher priority they preempt those of " + n.Of
		case old != nil && !n.Seen && len(exclusionsOf(old, n.Pod, in)) > 0:
			leaves = "nor did the previous pods" // which may have kept it out
		}
		for _, x := range exclusionsOf(pod, n.Pod, in) {
			if !x.Unsure {
				list = append(list, keeper{n, x, places(n.Nodes, x.Key), leaves})
			}
		}
	}
	return list
}

// exclusionsOf tells why a pod may not run near one of a neighbour. In another namespace only
// ports are compared.
func exclusionsOf(pod, of *corev1.Pod, in scheduler.Namespace) []scheduler.Exclusion {
	if !scheduler.Excludes(pod) && !scheduler.Excludes(of) {
		return nil
	}
	if of.Namespace != in.Name {
		return scheduler.PortExclusions(pod, of)
	}
	return scheduler.Exclusions(pod, of, in)
}

// keptFrom splits nodes into those from which neighbours keep a pod, with the first that does, and
// the others.
func keptFrom(nodes []*corev1.Node, by []keeper) (kept []*keeper, free []*corev1.Node) {
	for _, node := range nodes {
		if i := slices.IndexFunc(by, func(k keeper) bool { return k.from(node) }); i >= 0 {
			kept = append(kept, &by[i])
		} else {
			free = append(free, node)
		}
	}
	return kept, free
}

// stay leaves out those that may go.
func stay(list []keeper) []keeper {
	return slices.DeleteFunc(slices.Clone(list), func(k keeper) bool { return k.leaves != "" })
}

// besideOthers tells why no new pod finds a node: wherever one could run there is one of another
// workload. If some nodes are left, the others are taken out of those that fit.
func (e *exclusions) besideOthers() (*Obstacle, string) {
	kept, free := keptFrom(e.fit.Nodes, stay(e.keepers))
	if len(free) > 0 {
		if maybe, left := keptFrom(e.fit.Nodes, e.keepers); len(left) == 0 {
			open := slices.IndexFunc(maybe, func(k *keeper) bool { return k.leaves != "" })
			return e.crowded(maybe), maybe[open].leaves
		}
		e.fit.Nodes, e.fit.Reasons = free, e.reasons(kept)
		return nil, ""
	}
	why := e.crowded(kept)
	if e.keptBefore() {
		return why, "nor did the previous pods"
	}
	return why, e.fit.Open
}

// reasons are why nodes do not hold a new pod, with those from which others keep it.
func (e *exclusions) reasons(kept []*keeper) map[string]int {
	reasons := maps.Clone(e.fit.Reasons)
	for _, k := range kept {
		reasons[k.Reason]++
	}
	return reasons
}

// crowded says that others keep new pods from all nodes that fit.
func (e *exclusions) crowded(kept []*keeper) *Obstacle {
	message := fmt.Sprintf("its new pods find no node beside those of %s: 0/%d nodes are available: %s%s",
		namesOf(kept), len(e.facts.Cluster), scheduler.Histogram(e.reasons(kept)), bracketed(kept[0].Exclusion))
	return &Obstacle{Kind: NoNodeBesideOthers, Message: message, Paths: excluding(&e.fresh.Spec)}
}

// Pushes reports whether a pod may have a higher priority than another one. Nothing that users
// define is above what Kubernetes itself defines.
func Pushes(pod, other *corev1.Pod) bool {
	system := func(p *corev1.Pod) bool {
		return strings.HasPrefix(p.Spec.PriorityClassName, scheduling.SystemPriorityClassPrefix)
	}
	return pod.Spec.PriorityClassName != other.Spec.PriorityClassName && (!system(other) || system(pod))
}

// keptBefore reports whether the same neighbours kept the old pods from all nodes already.
func (e *exclusions) keptBefore() bool {
	if e.stale == nil {
		return false
	}
	_, free := keptFrom(e.facts.search(e.stale).Fitting(e.facts.Cluster).Nodes, e.facts.keepers(e.stale, nil, e.in))
	return len(free) == 0
}

// daemonBesideOthers tells on how many of the nodes of a DaemonSet a pod of another workload keeps
// its new pod away.
func (e *exclusions) daemonBesideOthers(d *appsv1.DaemonSet) (*Obstacle, string) {
	nodes := nodesFor(d, e.facts.Cluster)
	kept, _ := keptFrom(nodes, stay(e.keepers))
	open := ""
	if len(kept) == 0 {
		if kept, _ = keptFrom(nodes, e.keepers); len(kept) == 0 {
			return nil, ""
		}
		open = kept[0].leaves
	}
	why := &Obstacle{
		Kind: NoNodeBesideOthers, Paths: excluding(&e.fresh.Spec), some: len(kept) < len(nodes),
		Message: fmt.Sprintf("on %d of its %d nodes the new pod cannot run beside that of %s%s", len(kept), len(nodes), namesOf(kept), bracketed(kept[0].Exclusion)),
	}
	if old, is := e.old.(*appsv1.DaemonSet); is && e.stale != nil && open == "" {
		if before, _ := keptFrom(nodesFor(old, e.facts.Cluster), e.facts.keepers(e.stale, nil, e.in)); len(before) >= len(kept) {
			return why, "nor could the previous one"
		}
	}
	return why, open
}

// nodesFor returns the nodes for which the controller of a DaemonSet makes a pod.
func nodesFor(d *appsv1.DaemonSet, nodes []*corev1.Node) []*corev1.Node {
	return slices.DeleteFunc(slices.Clone(nodes), func(node *corev1.Node) bool {
		runs, _ := daemon.NodeShouldRunDaemonPod(logr.Discard(), node, d)
		return !runs
	})
}

// namesOf names those who keep pods away, each once: some of them if there are many.
func namesOf(kept []*keeper) string {
	var names []string
	for _, k := range kept {
		if !slices.Contains(names, k.Of) {
			names = append(names, k.Of)
		}
	}
	if more := len(names) - 3; more > 0 {
		names = append(names[:3], fmt.Sprintf("%d others", more))
	}
	return strings.Join(names, ", ")
}
