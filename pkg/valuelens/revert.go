package valuelens

import (
	"encoding/json"
	"maps"
	"slices"
)

// difference is a key whose value is another one on the new side. It holds no keys that are
// compared by themselves: it is a list, or no map on one of the sides.
type difference struct {
	path []string
	// old is what it was, if it was given at all; given says that it is given now.
	old        any
	was, given bool
}

// differing lists the keys in which values differ.
func differing(old, updated map[string]any) []difference {
	var list []difference
	differingAt(nil, old, updated, &list)
	return list
}

func differingAt(path []string, old, updated map[string]any, list *[]difference) {
	both := maps.Clone(old)
	if both == nil {
		both = map[string]any{}
	}
	maps.Copy(both, updated)
	for _, key := range slices.Sorted(maps.Keys(both)) {
		o, was := old[key]
		n, given := updated[key]
		at := append(slices.Clone(path), key)
		oldMap, newMap, maps := bothMaps(o, was, n, given)
		switch {
		case maps:
			differingAt(at, oldMap, newMap, list)
		case was != given || !sameValue(o, n):
			*list = append(*list, difference{path: at, old: o, was: was, given: given})
		}
	}
}

// bothMaps returns the maps whose keys are compared one by one: also where a map that holds
// something is on one side and nothing on the other.
func bothMaps(old any, was bool, updated any, given bool) (oldMap, newMap map[string]any, are bool) {
	oldMap, isOld := old.(map[string]any)
	newMap, isNew := updated.(map[string]any)
	return oldMap, newMap, isOld && isNew || isOld && !given && len(oldMap) > 0 || isNew && !was && len(newMap) > 0
}

// sameValue compares values of which one may have been through JSON.
func sameValue(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && string(x) == string(y)
}

// reverted returns values in which some keys are what they were before.
func reverted(values, before map[string]any, keys []difference) map[string]any {
	out := Copy(values)
	for _, d := range keys {
		if d.was {
			Set(out, d.path, copied(d.old))
			continue
		}
		removeKey(out, d.path)
		for i := len(d.path) - 1; i > 0; i-- {
			m, is := At(out, d.path[:i]).(map[string]any)
			if !is || len(m) > 0 || exists(before, d.path[:i]) {
				break
			}
			removeKey(out, d.path[:i])
		}
	}
	return out
}

// Set gives a key a value, and makes the maps around it that are missing.
func Set(values map[string]any, path []string, value any) {
	for _, key := range path[:len(path)-1] {
		below, is := values[key].(map[string]any)
		if !is {
			below = map[string]any{}
			values[key] = below
		}
		values = below
	}
	values[path[len(path)-1]] = value
}
