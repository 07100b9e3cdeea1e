package drain

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/scheduling"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// search looks for other nodes for the pods of a group.
type search struct {
	*drain
	*Group
	*scheduling.Search
	keepers []keeper
	// fits holds for each node that was asked about whether it can hold a pod if nothing else runs there.
	fits map[*corev1.Node]fit
}

type fit struct {
	reasons []string
	fewer   string
}

// keeper are pods that are there already, and that keep those of a group away.
type keeper struct {
	scheduling.Exclusion
	of *Group
	// places are how many of them are in each place, and leaves is why they may go, one clause.
	places map[string]int
	leaves string
}

// stranded are pods that find no other node when theirs is drained.
type stranded struct {
	*Group
	node      string // "" for pods of which each has a node of its own that is not known yet
	pods      int
	nodes     []string
	volumes   []string
	why, open string
}

// strands tells which pods of a group find no other node.
func (d *drain) strands(g *Group) []stranded {
	if len(d.Nodes) < 2 || g.Pod.Spec.NodeName != "" {
		return nil
	}
	s := &search{drain: d, Group: g, Search: scheduling.For(g.Pod, g.Volumes...), fits: map[*corev1.Node]fit{}}
	if g.Running == nil {
		return s.fresh()
	}
	s.keep()
	var list []stranded
	on := map[string]int{}
	for _, p := range g.Running {
		on[p.Spec.NodeName]++
	}
	for _, name := range g.on() {
		if node := d.byNode[name]; node != nil {
			if found := s.leaving(node); found != nil {
				found.pods = on[name]
				list = append(list, *found)
			}
		}
	}
	return list
}

// leaving tells that a pod which leaves a node finds no other one; nil if there is one.
func (s *search) leaving(node *corev1.Node) *stranded {
	found, reasons := stranded{Group: s.Group, node: node.Name, nodes: []string{node.Name}}, map[string]int{}
	for _, other := range s.Nodes {
		if other == node {
			continue
		}
		f := s.fit(other)
		for _, reason := range f.reasons {
			reasons[reason]++
		}
		found.open = cmp.Or(found.open, f.fewer)
		if len(f.reasons) > 0 {
			found.volumes = append(found.volumes, s.Elsewhere(other)...)
			continue
		}
		k := s.keeper(other, node)
		if k == nil {
			return nil
		}
		reasons[k.Reason]++
		found.open = cmp.Or(found.open, k.leaves)
	}
	if !s.bound(node) {
		found.open = cmp.Or(found.open, s.Open(s.Nodes))
	}
	found.why = unavailable(len(s.Nodes)-1, reasons)
	return &found
}

func unavailable(nodes int, reasons map[string]int) string {
	return fmt.Sprintf("0/%d other nodes are available: %s", nodes, scheduling.Histogram(reasons))
}

func (s *search) fit(node *corev1.Node) fit {
	f, known := s.fits[node]
	if !known {
		f.reasons, f.fewer = s.Rejects(node)
		s.fits[node] = f
	}
	return f
}

// bound reports whether the pod can be on that node by its name only, so that no node that somebody
// adds can hold it.
func (s *search) bound(node *corev1.Node) bool {
	if len(s.fit(node).reasons) > 0 {
		return false
	}
	other := node.DeepCopy()
	other.Name = ""
	delete(other.Labels, corev1.LabelHostname)
	reasons, _ := s.Rejects(other)
	return len(reasons) > 0
}

// keeper returns who keeps the pod from a node when those of another one are gone; nil if nobody does.
// One that stays goes first.
func (s *search) keeper(node, drained *corev1.Node) *keeper {
	var maybe *keeper
	for i := range s.keepers {
		k := &s.keepers[i]
		place, is := scheduling.Near(node, k.Key)
		if !is {
			continue
		}
		there := k.places[place]
		if from, near := scheduling.Near(drained, k.Key); near && from == place {
			there -= countOn(k.of, drained.Name)
		}
		switch {
		case there < 1:
		case k.leaves == "":
			return k
		case maybe == nil:
			maybe = k
		}
	}
	return maybe
}

func countOn(g *Group, node string) int {
	n := 0
	for _, p := range g.Running {
		if p.Spec.NodeName == node {
			n++
		}
	}
	return n
}

// keep finds out who keeps the pods of the group away from nodes.
func (s *search) keep() {
	namespace := s.Pod.Namespace
	for _, g := range s.spaces[namespace].near(s.Group) {
		if len(g.Running) > 0 {
			s.add(g, scheduling.Exclusions(s.Pod, g.Pod, scheduling.Namespace{Name: namespace}))
		}
	}
	if !scheduling.HasPorts(s.Pod) {
		return
	}
	for _, g := range s.ported {
		if len(g.Running) > 0 && g.Pod.Namespace != namespace {
			s.add(g, scheduling.PortExclusions(s.Pod, g.Pod))
		}
	}
}

// add takes in a group and by what it keeps the pods away.
func (s *search) add(g *Group, by []scheduling.Exclusion) {
	leaves := ""
	switch {
	case g.Of == s.Of && g.Scaled:
		leaves = "an autoscaler may remove pods of it"
	case g.Of == s.Of:
	case !g.Daemons():
		leaves = "pods of " + g.Of.String() + " may go"
	case rollout.Pushes(s.Pod, g.Pod):
		leaves = "with a higher priority they preempt those of " + g.Of.String()
	}
	for _, x := range by {
		if x.Unsure {
			continue
		}
		k := keeper{Exclusion: x, of: g, places: map[string]int{}, leaves: leaves}
		for _, p := range g.Running {
			if node := s.byNode[p.Spec.NodeName]; node != nil {
				if place, is := scheduling.Near(node, x.Key); is {
					k.places[place]++
				}
			}
		}
		s.keepers = append(s.keepers, k)
	}
}

// fresh tells which pods find no other node of which nobody knows yet where they come to run: where one
// node alone can hold them, or where each has a node of its own and there are no more.
func (s *search) fresh() []stranded {
	excludes := slices.DeleteFunc(scheduling.Exclusions(s.Pod, s.Pod, scheduling.Namespace{Name: s.Pod.Namespace}), func(x scheduling.Exclusion) bool { return x.Unsure })
	var fitting []*corev1.Node
	reasons, fewer := map[string]int{}, ""
	for _, node := range s.Nodes {
		f := s.fit(node)
		fewer = cmp.Or(fewer, f.fewer)
		for _, reason := range f.reasons {
			reasons[reason]++
		}
		if len(f.reasons) == 0 {
			fitting = append(fitting, node)
		}
		if len(fitting) > 1 && len(excludes) == 0 {
			return nil
		}
	}
	switch {
	case len(fitting) == 0:
		return nil // the upgrade tells of that
	case len(fitting) == 1:
		found := s.leaving(fitting[0])
		if found == nil {
			return nil
		}
		found.pods = s.Count
		return []stranded{*found}
	}
	alone := slices.IndexFunc(excludes, func(x scheduling.Exclusion) bool { return s.Count >= len(fitting) && apart(fitting, x.Key) })
	if alone < 0 {
		return nil
	}
	reasons[excludes[alone].Reason] += len(fitting) - 1
	if s.Scaled {
		fewer = "an autoscaler may remove pods of it"
	}
	found := stranded{Group: s.Group, pods: min(s.Count, len(fitting)), why: unavailable(len(s.Nodes)-1, reasons), open: cmp.Or(fewer, s.Open(s.Nodes))}
	for _, node := range fitting {
		found.nodes = append(found.nodes, node.Name)
	}
	return []stranded{found}
}

// apart reports whether no two nodes are near each other by a key.
func apart(nodes []*corev1.Node, key string) bool {
	seen := map[string]bool{}
	for _, node := range nodes {
		place, is := scheduling.Near(node, key)
		if !is || seen[place] {
			return false
		}
		seen[place] = true
	}
	return true
}

// settle judges the pods that find no other node, those of one workload on one node together: if a
// budget lets fewer of them be evicted than there are, the node never empties.
func (d *drain) settle(list []stranded) {
	type place struct {
		of   manifest.Identity
		node string
	}
	together, total := map[place]int{}, map[manifest.Identity]int{}
	for i := range list {
		if list[i].node != "" && list[i].open == "" {
			together[place{list[i].Of.Identity(), list[i].node}] += list[i].pods
		}
	}
	for _, g := range d.Groups {
		total[g.Of.Identity()] += g.Count
	}
	for i := range list {
		s := &list[i]
		id := s.Of.Identity()
		on := max(1, together[place{id, s.node}])
		f := change.DrainFinding{Risk: change.Restart, Workload: s.Of, Pods: s.pods, Nodes: s.nodes, Volumes: s.volumes, Why: s.why}
		if on >= total[id] {
			f.Risk = change.Downtime
		}
		open := s.open
		if why, unsure := d.runsOut(s.Group, on); why != "" && cmp.Or(open, unsure) == "" {
			f.Risk, f.Why = change.Stuck, why+": "+s.why
		} else if why != "" {
			open = cmp.Or(open, why+"; "+unsure)
			f.Risk = change.Stuck
		}
		if open != "" {
			d.unknown = append(d.unknown, change.Notice{Ref: s.Of, Reason: s.why + "; " + open, Hides: f.Risk})
			continue
		}
		d.found = append(d.found, f)
	}
}

// runsOut tells that a budget lets fewer pods be evicted than are on one node, one clause, and why it
// may let more; why is "" if it lets all.
func (d *drain) runsOut(g *Group, on int) (why, open string) {
	budgets := d.over[g]
	if len(budgets) != 1 || on < 2 {
		return "", ""
	}
	expected, open := d.expected(budgets[0])
	asked := rollout.AsksFor(budgets[0], expected)
	if expected-asked >= on {
		return "", ""
	}
	return fmt.Sprintf("PodDisruptionBudget %s asks for %d of %d pods, and evicted pods find no other node", budgets[0].Name, asked, expected), open
}
