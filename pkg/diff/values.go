package diff

import (
	"maps"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// Values lists the fields in which two objects differ, in the order of their
// paths. Items of lists are matched by what names them (their name, port, mount
// path, …) where that is possible, else by their content and position. A map or
// list that is missing on one side is one edit.
func Values(old, updated map[string]any) []change.Edit {
	var d differ
	d.maps(nil, old, updated)
	return d.edits
}

type differ struct{ edits []change.Edit }

func (d *differ) add(path fieldpath.Path, old, updated change.Value) {
	d.edits = append(d.edits, change.Edit{Path: path, Old: old, New: updated})
}

func (d *differ) maps(path fieldpath.Path, old, updated map[string]any) {
	names := slices.Collect(maps.Keys(old))
	for name := range updated {
		if _, both := old[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		o, inOld := old[name]
		n, inNew := updated[name]
		step := fieldpath.Field(name)
		switch {
		case !inNew:
			d.add(path.Child(step), change.ValueOf(o), change.Value{})
		case !inOld:
			d.add(path.Child(step), change.Value{}, change.ValueOf(n))
		default:
			d.values(path, step, o, n)
		}
	}
}

// values compares what stands at path plus step. The step is only joined to the
// path where something differs.
func (d *differ) values(path fieldpath.Path, step fieldpath.Element, old, updated any) {
	if len(path) >= fieldpath.Deepest {
		if !Equal(old, updated) {
			d.add(path.Child(step), change.ValueOf(old), change.ValueOf(updated))
		}
		return
	}
	switch o := old.(type) {
	case map[string]any:
		if n, ok := updated.(map[string]any); ok {
			if !Equal(o, n) {
				d.maps(path.Child(step), o, n)
			}
			return
		}
	case []any:
		if n, ok := updated.([]any); ok {
			if !Equal(o, n) {
				d.lists(path.Child(step), o, n)
			}
			return
		}
	default:
		if old == updated {
			return
		}
	}
	d.add(path.Child(step), change.ValueOf(old), change.ValueOf(updated))
}

// Equal reports whether two decoded values are the same.
func Equal(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k, v := range x {
			w, ok := y[k]
			if !ok || !Equal(v, w) {
				return false
			}
		}
		return true
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !Equal(x[i], y[i]) {
				return false
			}
		}
		return true
	default:
		switch b.(type) {
		case map[string]any, []any:
			return false
		}
		return a == b
	}
}
