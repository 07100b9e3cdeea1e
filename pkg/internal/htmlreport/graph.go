package htmlreport

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Graph is the objects that change and the objects that are related to them.
type Graph struct {
	Nodes []Node
	Ties  []Tie
}

// Node is an object.
type Node struct {
	Kind, Name string
	// Op is what Helm does with the object. Class is the worst class of its findings. Both are
	// "" for an object that does not change.
	Op, Class string
	// Object is its index among the objects of the part; -1 if it is not among them.
	Object int
	// Outside says that it is not part of the release.
	Outside bool
}

// Tie says that one object is related to another one. From and To are indices of nodes.
type Tie struct {
	From, To int
	Use      string
	// Back says that the tie points against the direction of requests and reads, so that the
	// layout ignores it.
	Back bool
}

// folded is several nodes that are drawn as one box.
type folded struct {
	nodes []*Node
	// layer is the column, row the position in it.
	layer, row int
}

// web is a graph in which equal nodes are folded.
type web struct {
	nodes []*folded
	ties  []Tie
	// left is the number of objects that are not drawn.
	left int
}

// maxDrawn is the maximum number of boxes in a drawing.
const maxDrawn = 60

// fold puts equal nodes together: nodes of one kind to which the same happens, with the
// same relations to equal nodes. It computes the coarsest such partition, so that ten
// services of the same form are drawn once.
func (g *Graph) fold() *web {
	color := make([]int, len(g.Nodes))
	colors := number(color, func(i int) string {
		n := &g.Nodes[i]
		return fmt.Sprint(n.Kind, "\x00", n.Op, "\x00", n.Class, "\x00", n.Outside)
	})
	for {
		around := make([][]string, len(g.Nodes))
		for _, t := range g.Ties {
			around[t.From] = append(around[t.From], fmt.Sprintf(">%s %d", t.Use, color[t.To]))
			around[t.To] = append(around[t.To], fmt.Sprintf("<%s %d", t.Use, color[t.From]))
		}
		next := slices.Clone(color)
		more := number(next, func(i int) string {
			slices.Sort(around[i])
			return strconv.Itoa(color[i]) + "\x00" + strings.Join(slices.Compact(around[i]), "\x00")
		})
		color = next
		if more == colors {
			break
		}
		colors = more
	}
	w := &web{nodes: make([]*folded, colors)}
	for i, c := range color {
		if w.nodes[c] == nil {
			w.nodes[c] = &folded{}
		}
		w.nodes[c].nodes = append(w.nodes[c].nodes, &g.Nodes[i])
	}
	seen := map[Tie]bool{}
	for _, t := range g.Ties {
		t.From, t.To = color[t.From], color[t.To]
		if !seen[t] {
			seen[t] = true
			w.ties = append(w.ties, t)
		}
	}
	return w
}

// number gives equal numbers to equal nodes, in the order of their first appearance, and
// returns how many numbers there are.
func number(colors []int, of func(i int) string) int {
	known := map[string]int{}
	for i := range colors {
		key := of(i)
		n, is := known[key]
		if !is {
			n = len(known)
			known[key] = n
		}
		colors[i] = n
	}
	return len(known)
}

// cut removes the least interesting nodes if there is too much to draw: first the objects
// that do not change, then the last ones, which are the least harmful.
func (w *web) cut() {
	keep := make([]int, 0, len(w.nodes))
	for i := range w.nodes {
		keep = append(keep, i)
	}
	slices.SortStableFunc(keep, func(a, b int) int { return cmp.Compare(w.nodes[a].rank(), w.nodes[b].rank()) })
	if len(keep) <= maxDrawn {
		return
	}
	place := make([]int, len(w.nodes))
	for i := range place {
		place[i] = -1
	}
	for _, i := range keep[maxDrawn:] {
		w.left += len(w.nodes[i].nodes)
	}
	keep = keep[:maxDrawn]
	slices.Sort(keep)
	nodes := make([]*folded, 0, maxDrawn)
	for _, i := range keep {
		place[i] = len(nodes)
		nodes = append(nodes, w.nodes[i])
	}
	w.nodes = nodes
	ties := w.ties[:0]
	for _, t := range w.ties {
		if t.From, t.To = place[t.From], place[t.To]; t.From >= 0 && t.To >= 0 {
			ties = append(ties, t)
		}
	}
	w.ties = ties
}

func (f *folded) rank() int {
	switch n := f.nodes[0]; {
	case n.Class != "":
		return 0
	case n.Op != "":
		return 1
	default:
		return 2
	}
}

// layers assigns a column to each node: to the right of all nodes that point to it, and as
// near to the nodes that it points to as that allows. It ignores ties that close a circle.
func (w *web) layers() (count int) {
	to := make([][]int, len(w.nodes))
	for _, t := range w.ties {
		if !t.Back && t.From != t.To {
			to[t.From] = append(to[t.From], t.To)
		}
	}
	depth, open := make([]int, len(w.nodes)), make([]bool, len(w.nodes))
	done := make([]bool, len(w.nodes))
	var visit func(i int) int // how many columns are to its right
	visit = func(i int) int {
		if done[i] {
			return depth[i]
		}
		open[i] = true
		for _, j := range to[i] {
			if !open[j] {
				depth[i] = max(depth[i], visit(j)+1)
			}
		}
		open[i], done[i] = false, true
		return depth[i]
	}
	for i := range w.nodes {
		count = max(count, visit(i)+1)
	}
	for i, f := range w.nodes {
		f.layer = count - 1 - depth[i]
	}
	return count
}

// rows orders the nodes of each column so that ties are short. In a few passes in both
// directions, it moves each node as near as possible to the middle of its related nodes.
func (w *web) rows(count int) [][]*folded {
	columns := make([][]*folded, count)
	for _, f := range w.nodes {
		f.row = len(columns[f.layer])
		columns[f.layer] = append(columns[f.layer], f)
	}
	around := map[*folded][]*folded{}
	for _, t := range w.ties {
		a, b := w.nodes[t.From], w.nodes[t.To]
		if a.layer != b.layer {
			around[a], around[b] = append(around[a], b), append(around[b], a)
		}
	}
	const passes = 6
	for pass := range passes {
		for i := range columns {
			at := i
			if pass%2 == 1 {
				at = count - 1 - i
			}
			arrange(columns[at], around)
		}
	}
	return columns
}

// arrange sorts a column by the middle of the related nodes of each node.
func arrange(column []*folded, around map[*folded][]*folded) {
	middle := map[*folded]float64{}
	for _, f := range column {
		middle[f] = float64(f.row)
		if n := len(around[f]); n > 0 {
			sum := 0
			for _, other := range around[f] {
				sum += other.row
			}
			middle[f] = float64(sum) / float64(n)
		}
	}
	slices.SortStableFunc(column, func(a, b *folded) int { return cmp.Compare(middle[a], middle[b]) })
	for i, f := range column {
		f.row = i
	}
}
