// Package selectors finds out who selects an object by its labels, and what an
// edit of a label does to that: a ServiceMonitor selects Services, a NetworkPolicy
// Namespaces, an aggregated ClusterRole other ClusterRoles.
//
// An object that selects is decoded only if it is asked about a label that its
// text mentions. A label that changes on every object of a release, such as the
// version of the chart, is mentioned by next to none.
package selectors

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Pair is one object that may select others, as it is before and after the upgrade;
// nil where it is not there. What the upgrade does not touch is the same on both
// sides.
type Pair struct{ Old, New *manifest.Object }

// Known is all that selects. It is safe for concurrent use.
type Known struct {
	byKind map[string][]*reader // what looks at a kind; "" is for what looks at any

	mu    sync.Mutex
	asked map[question][]*reader
}

// question is who may look at a label of the objects of a kind. Many objects ask
// the same one.
type question struct{ kind, label string }

// reader is a pair, and one row of the table that fits its kind.
type reader struct {
	Pair
	row  row
	once sync.Once
	list []selection
}

// Of collects what selects among pairs. It decodes nothing. Of one object that
// appears several times, the first pair wins.
func Of(pairs []Pair) *Known {
	byKind := map[string][]row{}
	for _, r := range rows() {
		byKind[r.kind] = append(byKind[r.kind], r)
	}
	known := &Known{byKind: map[string][]*reader{}, asked: map[question][]*reader{}}
	seen := map[manifest.Identity]bool{}
	for _, p := range pairs {
		o := cmp.Or(p.New, p.Old)
		fitting := byKind[o.Ref.GroupKind()]
		if len(fitting) == 0 || seen[o.Ref.Identity()] {
			continue
		}
		seen[o.Ref.Identity()] = true
		if p.New == nil {
			continue // it selects nothing any more, whatever the labels
		}
		for _, r := range fitting {
			known.byKind[r.looks] = append(known.byKind[r.looks], &reader{Pair: p, row: r})
		}
	}
	return known
}

// Watchers returns who selects the object before the upgrade and not after it, or
// the other way round, because of the label, one clause each, in the order of their
// names.
func (k *Known) Watchers(ref manifest.Ref, label string, before, after map[string]string) []string {
	var clauses []string
	for _, l := range k.naming(question{ref.GroupKind(), label}) {
		for i := range l.selections() {
			if clause := l.list[i].moved(ref, label, before, after); clause != "" {
				clauses = append(clauses, l.New.Ref.String()+" "+clause)
			}
		}
	}
	slices.Sort(clauses)
	return slices.Compact(clauses)
}

// naming returns those that look at a kind and can name a label in a selector.
func (k *Known) naming(q question) []*reader {
	k.mu.Lock()
	defer k.mu.Unlock()
	list, known := k.asked[q]
	if !known {
		for _, l := range slices.Concat(k.byKind[q.kind], k.byKind[""]) {
			if l.mentions(q.label) {
				list = append(list, l)
			}
		}
		k.asked[q] = list
	}
	return list
}

// mentions reports whether the object can name a label in a selector.
func (l *reader) mentions(label string) bool {
	return l.New.Mentions(label) || l.Old != nil && l.Old.Mentions(label)
}

// selections returns the selectors of both sides, those of one place together.
func (l *reader) selections() []selection {
	l.once.Do(func() {
		after := l.row.sides(l.New)
		before := after
		switch {
		case l.Old == nil:
			before = nil
		case !l.New.SameText(l.Old):
			before = l.row.sides(l.Old)
		}
		for place, side := range after {
			l.list = append(l.list, selection{row: l.row, old: before[place], updated: side})
		}
	})
	return l.list
}

// selection is one selector on both sides; old is nil where the upgrade makes it.
type selection struct {
	row          row
	old, updated *side
}

// moved says what happens to the selection of an object whose labels change, "" if
// that is nothing, or not because of the label.
func (s *selection) moved(ref manifest.Ref, label string, before, after map[string]string) string {
	old := s.old
	if old == nil {
		old = s.updated // what comes with the upgrade selects only what is then there
	}
	if !old.names(label) && !s.updated.names(label) {
		return ""
	}
	was, is := old.selects(ref, before), s.updated.selects(ref, after)
	blameless := old.selects(ref, after) == was && s.updated.selects(ref, before) == is
	switch {
	case was == is, blameless:
		return ""
	case is:
		return nowSelects
	default:
		return noLonger
	}
}

// What happens to a selection.
const (
	nowSelects = "now selects it"
	noLonger   = "no longer selects it"
)

// Left returns the last of some clauses of Watchers that says that a selector no longer selects an
// object; "" if none does, or if another selector selects it now.
func Left(clauses []string) string {
	left := ""
	for _, clause := range clauses {
		switch {
		case strings.HasSuffix(clause, nowSelects):
			return ""
		case strings.HasSuffix(clause, noLonger):
			left = clause
		}
	}
	return left
}

// sides returns the selectors of an object by their place in it.
func (r *row) sides(o *manifest.Object) map[string]*side {
	value, err := o.Value()
	if err != nil {
		return nil // an error that others report
	}
	found := map[string]*side{}
	for _, h := range at(value, r.in, "") {
		text, there := h.value, true
		if r.selector != "" {
			text, there = h.value[r.selector].(map[string]any)
		}
		if !there {
			continue
		}
		if s := newSide(r, o.Ref, h.value, text); s != nil {
			found[h.place] = s
		}
	}
	return found
}

// holder is a map in an object, and where it stands there.
type holder struct {
	place string
	value map[string]any
}

// at returns the maps at a path in which "[]" stands for every item of a list. What
// a list item is called, or else its number, is part of its place.
func at(value map[string]any, path, place string) []holder {
	if path == "" {
		return []holder{{place, value}}
	}
	name, rest, _ := strings.Cut(path, ".")
	name, list := strings.CutSuffix(name, "[]")
	if !list {
		next, _ := value[name].(map[string]any)
		if next == nil {
			return nil
		}
		return at(next, rest, place+"."+name)
	}
	var found []holder
	items, _ := value[name].([]any)
	for i, item := range items {
		next, _ := item.(map[string]any)
		if next == nil {
			continue
		}
		called, named := next["name"].(string)
		if !named {
			called = strconv.Itoa(i)
		}
		found = append(found, at(next, rest, place+"."+name+"["+called+"]")...)
	}
	return found
}
