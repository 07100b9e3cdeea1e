package htmlreport

import (
	"fmt"
	"slices"
	"strings"
)

// Measures of a graph, in pixels.
const (
	nodeWidth  = 196
	nodeHeight = 42
	nodeGap    = 14
	layerGap   = 96
)

// maxWords is the maximum number of ties for which the drawing shows words. The words of
// more ties would overlap.
const maxWords = 40

// draw lays out the graph, and lists in words what it draws.
func (g *Graph) draw(id func(object int) string) (d *drawing, words []string, left int) {
	w := g.fold()
	w.cut()
	count := w.layers()
	columns := w.rows(count)
	highest := 0
	for _, c := range columns {
		highest = max(highest, len(c))
	}
	d = &drawing{Width: count*(nodeWidth+layerGap) - layerGap + 2, Height: highest*(nodeHeight+nodeGap) - nodeGap + 2, Title: "Objects that change, and those related to them"}
	at := func(f *folded) (x, y int) {
		rows := len(columns[f.layer])
		return 1 + f.layer*(nodeWidth+layerGap), 1 + (highest-rows)*(nodeHeight+nodeGap)/2 + f.row*(nodeHeight+nodeGap)
	}
	for _, t := range w.ties {
		from, to := w.nodes[t.From], w.nodes[t.To]
		sentence := from.called() + " " + t.Use + " " + to.called()
		words = append(words, sentence)
		x1, y1 := at(from)
		x2, y2 := at(to)
		d.tie(x1, y1, x2, y2, t.Use, sentence, len(w.ties) <= maxWords && !t.Back)
	}
	for _, f := range w.nodes {
		x, y := at(f)
		n := f.nodes[0]
		class, what, mark := "node quiet", "unchanged", ""
		if n.Outside {
			what, mark = "not in the release", " · not in the release"
		}
		if n.Op != "" {
			class, what, mark = "node plain", n.Op, " · "+n.Op
		}
		if n.Class != "" {
			class, what, mark = "node "+tone(n.Class), n.Op+", "+n.Class, " · "+n.Class
		}
		link := ""
		if n.Object >= 0 {
			link = "#" + id(n.Object)
		}
		kind := n.Kind
		if len(f.nodes) > 1 {
			kind += fmt.Sprintf(" ×%d", len(f.nodes))
		}
		d.Boxes = append(d.Boxes, box{x, y, nodeWidth, nodeHeight, class, f.names() + ": " + what, link})
		d.Labels = append(d.Labels,
			label{x + 8, y + 16, "kind", fit(kind+mark, nodeWidth-16)},
			label{x + 8, y + 32, "strong", fitName(n.Name, nodeWidth-16)})
	}
	slices.Sort(words)
	return d, slices.Compact(words), w.left
}

// tie draws a curve between two boxes, from the right side of one to the left side of the
// other. A tie that points back, or stays in its column, is drawn around the right.
func (d *drawing) tie(x1, y1, x2, y2 int, use, sentence string, worded bool) {
	y1, y2 = y1+nodeHeight/2, y2+nodeHeight/2
	from, to, bend := x1+nodeWidth, x2, layerGap/2
	class := "tie"
	if x2 <= x1 {
		if x2 < x1 {
			from, to, bend = x1, x2+nodeWidth, -layerGap/2
		} else {
			to = x2 + nodeWidth
			d.Lines = append(d.Lines, line{fmt.Sprintf("M%d %dC%d %d %d %d %d %d", from, y1, from+bend, y1, to+bend, y2, to, y2), class, sentence})
			return
		}
		class = "tie back"
	}
	d.Lines = append(d.Lines, line{fmt.Sprintf("M%d %dC%d %d %d %d %d %d", from, y1, from+bend, y1, to-bend, y2, to, y2), class, sentence})
	if worded {
		d.Labels = append(d.Labels, label{(from + to) / 2, (y1+y2)/2 - 3, "word", use})
	}
}

// called names the first node, and says how many are like it.
func (f *folded) called() string {
	text := f.nodes[0].Kind + " " + f.nodes[0].Name
	if n := len(f.nodes) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d like it)", n)
	}
	return text
}

// maxNamed is the maximum number of names in the title of a box.
const maxNamed = 8

func (f *folded) names() string {
	names := make([]string, 0, len(f.nodes))
	for i, n := range f.nodes {
		if i == maxNamed {
			names = append(names, fmt.Sprintf("%d more", len(f.nodes)-i))
			break
		}
		names = append(names, n.Name)
	}
	return f.nodes[0].Kind + " " + strings.Join(names, ", ")
}
