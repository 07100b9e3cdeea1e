package report

import (
	"slices"
	"strconv"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// mergedEdit is an edit that is the same in several items of a list.
type mergedEdit struct {
	*change.Edit
	// spread is the same edit of the last object of a group, if it differs between the
	// objects.
	spread *change.Edit
	// items is how many items of a list have the same edit; 1 for a single edit. at is the
	// step of the path that is the list.
	items, at int
}

// path writes the path of the edit, with the number of list items that it stands for.
func (e *mergedEdit) path() string {
	if e.items == 1 {
		return printable(e.Path.String())
	}
	return printable(e.Path[:e.at].String()) + "[all " + strconv.Itoa(e.items) + " that differ]" + printable(e.Path[e.at+1:].String())
}

// merged returns the shown edits of a group in order. The same edit in several items of a
// list appears once.
func (p *page) merged(g group) []mergedEdit {
	var list []mergedEdit
	place := map[string]int{}
	for _, i := range p.order(g[0]) {
		e := &g[0].Edits[i]
		one := mergedEdit{Edit: e, spread: spread(g, i, p.all), items: 1, at: listStep(e.Path)}
		if p.all || one.at < 0 || one.spread != nil || e.Reordered || e.Old.Secret() || e.New.Secret() || e.Noise != "" {
			list = append(list, one)
			continue
		}
		key := strings.Join([]string{
			e.Path[:one.at].String(), e.Path[one.at+1:].String(), kindOf(e.Old), e.Old.Text(), kindOf(e.New), e.New.Text(), strings.Join(e.Watchers, ";"), strconv.FormatBool(e.Rotates),
		}, "\x00")
		if j, known := place[key]; known {
			list[j].items++
			continue
		}
		place[key] = len(list)
		list = append(list, one)
	}
	return list
}

// listStep returns the step of a path that is an item of a list and has something below it;
// -1 if there is none.
func listStep(path fieldpath.Path) int {
	i := slices.IndexFunc(path, func(step fieldpath.Element) bool { return step.Field == "" })
	if i == len(path)-1 {
		return -1
	}
	return i
}
