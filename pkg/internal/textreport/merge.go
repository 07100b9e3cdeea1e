package textreport

import (
	"slices"
	"strconv"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
)

// MergedEdit is an edit that is the same in several items of a list.
type MergedEdit struct {
	*change.Edit
	// Spread is the same edit of the last object of a group, if it differs between the
	// objects.
	Spread *change.Edit
	// items is how many items of a list have the same edit; 1 for a single edit. at is the
	// step of the path that is the list.
	items, at int
}

// Where writes the path of the edit, with the number of list items that it stands for.
func (e *MergedEdit) Where() string {
	if e.items == 1 {
		return reporting.Printable(e.Path.String())
	}
	return reporting.Printable(e.Path[:e.at].String()) + "[all " + strconv.Itoa(e.items) + " that differ]" + reporting.Printable(e.Path[e.at+1:].String())
}

// Merged returns the shown edits of a group in order. The same edit in several items of a
// list appears once.
func (p *Page) Merged(g reporting.Group) []MergedEdit {
	var list []MergedEdit
	place := map[string]int{}
	for _, i := range p.order(g[0]) {
		e := &g[0].Edits[i]
		one := MergedEdit{Edit: e, Spread: spread(g, i, p.All), items: 1, at: listStep(e.Path)}
		if p.All || one.at < 0 || one.Spread != nil || e.Reordered || e.Old.Secret() || e.New.Secret() || e.Noise != "" {
			list = append(list, one)
			continue
		}
		key := strings.Join([]string{
			e.Path[:one.at].String(), e.Path[one.at+1:].String(), reporting.KindOf(e.Old), e.Old.Text(), reporting.KindOf(e.New), e.New.Text(), strings.Join(e.Watchers, ";"), strconv.FormatBool(e.Rotates),
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
