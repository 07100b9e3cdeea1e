package upgradepage

import (
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/htmlreport"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// isNamedBy is the tie that points back: from a StatefulSet to the Service that names its
// pods.
const isNamedBy = "is named by"

// graph draws the objects that change and the objects that are related to them; nil if the
// relations are not known. list are the changes, objects their indices in the table.
func (h *htmlMaker) graph(set *change.Set, list []*change.Change, objects map[manifest.Ref]int) *htmlreport.Graph {
	if set.Picture == nil || len(set.Picture.Links) == 0 {
		return nil
	}
	tied := map[manifest.Ref]bool{}
	for i := range set.Picture.Links {
		tied[set.Picture.Links[i].From], tied[set.Picture.Links[i].To] = true, true
	}
	g, place, home := &htmlreport.Graph{}, map[manifest.Ref]int{}, homeOf(set)
	add := func(ref manifest.Ref, op, class string) int {
		if at, known := place[ref]; known {
			return at
		}
		name := reporting.Named{Namespace: ref.Namespace, Name: ref.Name}
		if ref.Namespace == home {
			name.Namespace = ""
		}
		node := htmlreport.Node{Kind: reporting.Printable(ref.Kind), Name: reporting.Printable(name.String()), Op: op, Class: class, Object: -1}
		if at, listed := objects[ref]; listed {
			node.Object = at
		}
		place[ref] = len(g.Nodes)
		g.Nodes = append(g.Nodes, node)
		return place[ref]
	}
	for _, c := range list {
		old := h.Going[c]
		if old == nil && (!tied[c.Ref] || c.Hidden() || c.Op == change.Leave) || old != nil && !tied[c.Ref] && !tied[old.Ref] {
			continue
		}
		class := ""
		if risks := c.Risks(); len(risks) > 0 {
			class = string(risks[0])
		}
		at := add(c.Ref, string(c.Op), class)
		if old != nil {
			g.Nodes[at].Name, place[old.Ref] = reporting.Printable(reporting.RenamedName(c)), at
		}
	}
	for i := range set.Picture.Links {
		l := &set.Picture.Links[i]
		from, to := add(l.From, "", ""), add(l.To, "", "")
		g.Nodes[to].Outside = l.Outside
		g.Ties = append(g.Ties, htmlreport.Tie{From: from, To: to, Use: reporting.Printable(l.Use), Back: l.Use == isNamedBy})
	}
	return g
}

// homeOf is the namespace that need not be shown: that of the release, or the only one.
func homeOf(set *change.Set) string {
	home := set.Release.Namespace
	for i := range set.Picture.Links {
		l := &set.Picture.Links[i]
		for _, ref := range []manifest.Ref{l.From, l.To} {
			if home == "" {
				home = ref.Namespace
			}
			if ref.Namespace != "" && ref.Namespace != home {
				return set.Release.Namespace
			}
		}
	}
	return home
}
