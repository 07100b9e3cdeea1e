package valuelens

import (
	"maps"
	"slices"
	"strings"
)

// reads is what templates read, as a tree of keys. A key may be a pattern.
type reads struct {
	below map[string]*reads
	// named says that a template names the key, whole that it uses all that is below it.
	named, whole bool
	// tested says that a template asks whether there is anything below the key.
	tested bool
}

// at returns the place of a path, and makes it.
func (r *reads) at(path []string) *reads {
	for _, key := range path {
		next := r.below[key]
		if next == nil {
			next = &reads{}
			if r.below == nil {
				r.below = map[string]*reads{}
			}
			r.below[key] = next
		}
		r = next
	}
	return r
}

// has reports whether a template reads the value at a path.
func (r *reads) has(path []string) bool {
	if r.whole {
		return true
	}
	if len(path) == 0 {
		return r.named
	}
	for pattern, below := range r.below {
		if matches(pattern, path[0]) && below.has(path[1:]) {
			return true
		}
	}
	return false
}

// testing reports whether a template asks whether there is anything at the path.
func (r *reads) testing(path []string) bool {
	if len(path) == 0 {
		return r.tested
	}
	for pattern, below := range r.below {
		if matches(pattern, path[0]) && below.testing(path[1:]) {
			return true
		}
	}
	return false
}

// list adds all paths without patterns that a template names.
func (r *reads) list(path []string, add func([]string)) {
	for _, key := range slices.Sorted(maps.Keys(r.below)) {
		if strings.Contains(key, hole) {
			continue
		}
		here := append(slices.Clip(path), key)
		if r.below[key].named {
			add(here)
		}
		r.below[key].list(here, add)
	}
}

// exists reports whether values have something at a path, which may hold patterns.
func exists(value any, path []string) bool {
	if len(path) == 0 {
		return true
	}
	switch v := value.(type) {
	case map[string]any:
		if !strings.Contains(path[0], hole) {
			below, is := v[path[0]]
			return is && exists(below, path[1:])
		}
		for key, below := range v {
			if matches(path[0], key) && exists(below, path[1:]) {
				return true
			}
		}
	case []any:
		for i, below := range v {
			if matches(path[0], index(i)) && exists(below, path[1:]) {
				return true
			}
		}
	}
	return false
}
