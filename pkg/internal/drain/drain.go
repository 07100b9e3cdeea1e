// Package drain tells what happens when each node of a cluster is drained by itself: which pods the
// API server never evicts, and which find no other node. What it tells is what holds while nobody
// changes the nodes, the budgets or the workloads, and while all pods are ready.
package drain

import (
	"cmp"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/scheduling"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// State is what a cluster holds at a moment.
type State struct {
	Nodes  []*corev1.Node // as if none were cordoned
	Groups []*Group
	// Budgets are by namespace.
	Budgets map[string][]*policyv1.PodDisruptionBudget
	// Unscaled says that it is not known which workloads outside of the release an autoscaler scales.
	Unscaled bool
}

// Group is pods of one workload that are alike.
type Group struct {
	Of manifest.Ref // of Kind Pod for one without a controller
	// Pod is one of them, without its node, and Volumes are those of its claims.
	Pod     *corev1.Pod
	Volumes []*corev1.PersistentVolume
	// Count is how many they are, and Running which; nil if nobody knows yet where they come to run.
	Count   int
	Running []*corev1.Pod
	// Release says that the workload is of the release, Scaled that an autoscaler scales it.
	Release, Scaled bool
}

// Daemons reports whether a DaemonSet has the pods, which a drain passes by.
func (g *Group) Daemons() bool { return g.Of.GroupKind() == "DaemonSet.apps" }

// hasScale reports whether somebody says how many pods there are to be.
func (g *Group) hasScale() bool {
	switch g.Of.GroupKind() {
	case "Deployment.apps", "StatefulSet.apps", "ReplicaSet.apps", "ReplicationController":
		return true
	default:
		return false
	}
}

// ends reports whether the pods run to their end.
func (g *Group) ends() bool { return g.Of.Group == "batch" }

// remade reports whether a drain evicts the pods, and their controller makes others.
func (g *Group) remade() bool { return !g.Daemons() && !g.ends() && g.Of.Kind != "Pod" }

// on lists the nodes of the pods, each once.
func (g *Group) on() []string {
	nodes := map[string]bool{}
	for _, p := range g.Running {
		nodes[p.Spec.NodeName] = true
	}
	return slices.Sorted(maps.Keys(nodes))
}

// drain is one State while it is looked at.
type drain struct {
	State
	byNode  map[string]*corev1.Node
	spaces  map[string]*index // by namespace
	ported  []*Group          // those with ports of their node
	covered map[*policyv1.PodDisruptionBudget][]*Group
	over    map[*Group][]*policyv1.PodDisruptionBudget
	found   []change.DrainFinding
	unknown []change.Notice
}

// Of tells what happens when each node is drained by itself.
func Of(s State) change.Drain {
	d := &drain{State: s, byNode: map[string]*corev1.Node{}, spaces: map[string]*index{}}
	for _, n := range s.Nodes {
		d.byNode[n.Name] = n
	}
	result := change.Drain{Nodes: len(s.Nodes)}
	for _, g := range s.Groups {
		if d.spaces[g.Pod.Namespace] == nil {
			d.spaces[g.Pod.Namespace] = &index{}
		}
		d.spaces[g.Pod.Namespace].add(g)
		if scheduling.HasPorts(g.Pod) {
			d.ported = append(d.ported, g)
		}
		result.Pods += g.Count
	}
	d.cover()
	var list []stranded
	for _, g := range s.Groups {
		if !g.Daemons() && !g.ends() && !d.blocks(g) && g.remade() {
			list = append(list, d.strands(g)...)
		}
	}
	d.settle(list)
	d.alone()
	result.Findings, result.Unknown, result.Asks = merged(d.found), distinct(d.unknown), asks(s.Groups)
	return result
}

// alone tells of the only node, whose pods all wait until it is back.
func (d *drain) alone() {
	if len(d.Nodes) != 1 {
		return
	}
	name := d.Nodes[0].Name
	f := change.DrainFinding{Risk: change.Downtime, Workload: manifest.Ref{Version: "v1", Kind: "Node", Name: name}, Nodes: []string{name}, Why: "it is the only node"}
	for _, g := range d.Groups {
		if g.remade() {
			f.Pods += g.Count
		}
	}
	if f.Pods > 0 {
		d.found = append(d.found, f)
	}
}

// merged puts together what is found of one workload for one reason.
func merged(list []change.DrainFinding) []change.DrainFinding {
	type key struct {
		risk   change.Risk
		of     manifest.Identity
		why    string
		placed bool
	}
	at := map[key]int{}
	var all []change.DrainFinding
	for i := range list {
		f := list[i]
		k := key{f.Risk, f.Workload.Identity(), f.Why, len(f.Nodes) > 0}
		if n, again := at[k]; again {
			all[n].Pods += f.Pods
			all[n].Nodes, all[n].Volumes = append(all[n].Nodes, f.Nodes...), append(all[n].Volumes, f.Volumes...)
			continue
		}
		at[k] = len(all)
		all = append(all, f)
	}
	for i := range all {
		f := &all[i]
		slices.Sort(f.Nodes)
		slices.Sort(f.Volumes)
		f.Nodes, f.Volumes = slices.Compact(f.Nodes), slices.Compact(f.Volumes)
	}
	slices.SortFunc(all, func(a, b change.DrainFinding) int {
		return cmp.Or(a.Risk.Compare(b.Risk), a.Workload.Compare(b.Workload), cmp.Compare(a.Why, b.Why), slices.Compare(a.Nodes, b.Nodes))
	})
	return all
}

// distinct returns notices in order, each once.
func distinct(list []change.Notice) []change.Notice {
	compare := func(a, b change.Notice) int {
		return cmp.Or(a.Ref.Compare(b.Ref), cmp.Compare(a.Reason, b.Reason))
	}
	slices.SortFunc(list, compare)
	return slices.CompactFunc(list, func(a, b change.Notice) bool { return compare(a, b) == 0 })
}

// asks tells which flags `kubectl drain` needs, and because of whose pods (makeFilters in
// k8s.io/kubectl/pkg/drain, which takes its pods from a cluster).
func asks(groups []*Group) []change.DrainAsk {
	list := []change.DrainAsk{{Flag: "--ignore-daemonsets"}, {Flag: "--delete-emptydir-data"}, {Flag: "--force"}}
	for _, g := range groups {
		local := slices.ContainsFunc(g.Pod.Spec.Volumes, func(v corev1.Volume) bool { return v.EmptyDir != nil })
		switch {
		case g.Daemons():
			list[0].Workloads = append(list[0].Workloads, g.Of)
			continue
		case g.Of.Kind == "Pod":
			list[2].Workloads = append(list[2].Workloads, g.Of)
		}
		if local {
			list[1].Workloads = append(list[1].Workloads, g.Of)
		}
	}
	for i := range list {
		slices.SortFunc(list[i].Workloads, manifest.Ref.Compare)
		list[i].Workloads = slices.Compact(list[i].Workloads)
	}
	return slices.DeleteFunc(list, func(a change.DrainAsk) bool { return len(a.Workloads) == 0 })
}
