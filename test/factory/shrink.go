package factory

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/test/cases"
)

// Shrinker makes upgrades smaller as long as something holds of them.
type Shrinker struct {
	// First returns the index of the first of some upgrades of which it holds still; -1 if it holds
	// of none.
	First func(upgrades []cases.Case) int
	// AtOnce is how many upgrades First gets at most.
	AtOnce int
	// Budget is how many upgrades may be tried; Tried is how many have been.
	Budget, Tried int
}

// sides is an upgrade whose objects can be cut.
type sides struct{ old, new, cluster []object }

// cut takes something away from an upgrade, if it is still there.
type cut func(s *sides)

// Shrink returns an upgrade of which the same holds, and which is as small as the budget allows:
// objects go, then changes are undone, then fields that are on both sides go.
func (k *Shrinker) Shrink(c cases.Case) cases.Case {
	c.Old, c.New, c.Cluster = write(read(c.Old)), write(read(c.New)), write(read(c.Cluster))
	if c.Wait || c.Timeout != "" {
		plain := c
		plain.Wait = false
		c = k.better(c, plain)
	}
	for _, phase := range []func(*sides) []cut{objectsGo, changesGo, shallowGo, changesGo, fieldsGo} {
		c = k.reduce(c, phase)
	}
	return c
}

func (k *Shrinker) better(c, smaller cases.Case) cases.Case {
	if k.Tried < k.Budget {
		k.Tried++
		if k.First([]cases.Case{smaller}) == 0 {
			return smaller
		}
	}
	return c
}

// reduce makes as many cuts as it can: many at once first, then fewer.
func (k *Shrinker) reduce(c cases.Case, phase func(*sides) []cut) cases.Case {
	start := sides{read(c.Old), read(c.New), read(c.Cluster)}
	left := phase(&start)
	var made []cut
	for size := len(left); size >= 1 && k.Tried < k.Budget; size /= 2 {
		for from := 0; from < len(left) && k.Tried < k.Budget; {
			var tries []cases.Case
			var chunks [][2]int
			for i := from; i < len(left) && len(tries) < max(1, k.AtOnce) && k.Tried < k.Budget; i += size {
				end := min(len(left), i+size)
				if smaller, differs := start.without(c, slices.Concat(made, left[i:end])); differs {
					tries, chunks = append(tries, smaller), append(chunks, [2]int{i, end})
					k.Tried++
				}
				from = end
			}
			if len(tries) == 0 {
				continue
			}
			if at := k.First(tries); at >= 0 {
				c = tries[at]
				i, end := chunks[at][0], chunks[at][1]
				made = append(made, left[i:end]...)
				left = slices.Delete(left, i, end)
				from = i
			}
		}
	}
	return c
}

// without returns a case with cuts, and whether that is another one.
func (s *sides) without(c cases.Case, cuts []cut) (cases.Case, bool) {
	less := sides{copies(s.old), copies(s.new), copies(s.cluster)}
	for _, do := range cuts {
		do(&less)
	}
	old, updated, cluster := write(less.old), write(less.new), write(less.cluster)
	differs := old != write(read(c.Old)) || updated != write(read(c.New)) || cluster != write(read(c.Cluster))
	c.Old, c.New, c.Cluster = old, updated, cluster
	return c, differs && len(less.old) > 0 && len(less.new) > 0
}

// objectsGo are cuts of one object each, from all sides.
func objectsGo(s *sides) []cut {
	var cuts []cut
	seen := map[string]bool{}
	for _, o := range slices.Concat(s.old, s.new, s.cluster) {
		id := identity(o)
		if seen[id] {
			continue
		}
		seen[id] = true
		gone := func(o object) bool { return identity(o) == id }
		cuts = append(cuts, func(s *sides) {
			s.old, s.new, s.cluster = slices.DeleteFunc(s.old, gone), slices.DeleteFunc(s.new, gone), slices.DeleteFunc(s.cluster, gone)
		})
	}
	return cuts
}

// changesGo are cuts that undo a change each: an object that is on one side only goes, a field
// becomes what it was.
func changesGo(s *sides) []cut {
	var cuts []cut
	for _, o := range s.new {
		id := identity(o)
		was := find(s.old, id)
		if was == nil {
			continue
		}
		for _, path := range differing(was, o, nil) {
			cuts = append(cuts, func(s *sides) {
				from, into := find(s.old, id), find(s.new, id)
				if from != nil && into != nil {
					undo(from, into, path)
				}
			})
		}
	}
	return cuts
}

func find(list []object, id string) object {
	i := slices.IndexFunc(list, func(o object) bool { return identity(o) == id })
	if i < 0 {
		return nil
	}
	return list[i]
}

// differing lists the paths of maps at which two values differ. Lists of the same length are compared
// item by item.
func differing(a, b any, path []any) [][]any {
	if reflect.DeepEqual(a, b) {
		return nil
	}
	x, isMap := a.(object)
	y, areMaps := b.(object)
	v, isList := a.([]any)
	w, areLists := b.([]any)
	var list [][]any
	switch {
	case isMap && areMaps:
		names := append(manifest.Fields(x), manifest.Fields(y)...)
		slices.Sort(names)
		for _, name := range slices.Compact(names) {
			list = append(list, differing(x[name], y[name], append(slices.Clip(path), name))...)
		}
	case isList && areLists && len(v) == len(w):
		for i := range v {
			list = append(list, differing(v[i], w[i], append(slices.Clip(path), i))...)
		}
	default:
		list = append(list, path)
	}
	return list
}

// undo gives the value at a path of one object to another.
func undo(from, into object, path []any) {
	var value, place any = from, into
	for _, step := range path[:len(path)-1] {
		value, place = step1(value, step), step1(place, step)
	}
	last := path[len(path)-1]
	was := step1(value, last)
	switch p := place.(type) {
	case object:
		name := last.(string)
		if was == nil {
			delete(p, name)
			return
		}
		p[name] = plain(was)
	case []any:
		if i := last.(int); i < len(p) {
			p[i] = plain(was)
		}
	}
}

func step1(value, step any) any {
	switch v := value.(type) {
	case object:
		name, _ := step.(string)
		return v[name]
	case []any:
		if i, is := step.(int); is && i < len(v) {
			return v[i]
		}
	}
	return nil
}

// shallowGo are cuts of fields near the top, with all that is in them.
func shallowGo(s *sides) []cut { return cutsTo(s, 4) }

// fieldsGo are cuts of all fields.
func fieldsGo(s *sides) []cut { return cutsTo(s, 100) }

func cutsTo(s *sides, depth int) []cut {
	var cuts []cut
	seen := map[string]bool{}
	for _, o := range slices.Concat(s.old, s.new, s.cluster) {
		id := identity(o)
		for _, path := range slices.Backward(paths(o, nil)) { // later items of lists first
			key := fmt.Sprint(id, path)
			if len(path) > depth || seen[key] {
				continue
			}
			seen[key] = true
			cuts = append(cuts, func(s *sides) {
				for _, list := range [][]object{s.old, s.new, s.cluster} {
					if o := find(list, id); o != nil {
						takeOut(o, path)
					}
				}
			})
		}
	}
	return cuts
}

// paths lists all places inside a value but those that identify an object.
func paths(value any, path []any) [][]any {
	var list [][]any
	switch v := value.(type) {
	case object:
		for _, name := range manifest.Fields(v) {
			inner := append(slices.Clip(path), name)
			top := len(path) == 0 && slices.Contains([]string{"apiVersion", "kind", "metadata"}, name)
			if !top && (fmt.Sprint(inner) != "[metadata name]") {
				list = append(list, inner)
			}
			list = append(list, paths(v[name], inner)...)
		}
	case []any:
		for i := range v {
			inner := append(slices.Clip(path), i)
			list = append(append(list, inner), paths(v[i], inner)...)
		}
	}
	return list
}

// takeOut removes what is at a path.
func takeOut(o object, path []any) {
	var above, place any = nil, o
	for _, step := range path[:len(path)-1] {
		above, place = place, step1(place, step)
	}
	last := path[len(path)-1]
	switch p := place.(type) {
	case object:
		delete(p, last.(string))
	case []any:
		i, is := last.(int)
		if !is || i >= len(p) {
			return
		}
		shorter := slices.Delete(slices.Clone(p), i, i+1)
		switch a := above.(type) {
		case object:
			a[path[len(path)-2].(string)] = shorter
		case []any:
			a[path[len(path)-2].(int)] = shorter
		}
	}
}

// File returns a case as a file for testdata/cases. What is said in the section want is what the
// program says, which was wrong.
func File(c *cases.Case, note, want, wantServerSide string) []byte {
	comment := strings.TrimSpace(c.Comment) + "\n" + note
	if c.Wait {
		comment += "wait\n"
	}
	if c.Timeout != "" {
		comment += "timeout: " + c.Timeout + "\n"
	}
	archive := txtar.Archive{Comment: []byte(comment + "\n"), Files: []txtar.File{{Name: "old.yaml", Data: []byte(c.Old)}, {Name: "new.yaml", Data: []byte(c.New)}}}
	if c.Cluster != "" {
		archive.Files = append(archive.Files, txtar.File{Name: "cluster.yaml", Data: []byte(c.Cluster)})
	}
	archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(want)})
	if cmp.Compare(want, wantServerSide) != 0 {
		archive.Files = append(archive.Files, txtar.File{Name: "want-server-side", Data: []byte(wantServerSide)})
	}
	return txtar.Format(&archive)
}
