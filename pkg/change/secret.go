package change

import (
	"reflect"
	"slices"
	"strconv"

	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Veil says which fields of an object may be shown, on both sides. What is secret on one
// side is secret on both.
type Veil struct{ old, updated side }

// side is an object, and the part of it that may be shown.
type side struct{ raw, public any }

// VeilOf returns the Veil of an object with these two values, which may be nil.
func VeilOf(ref manifest.Ref, old, updated map[string]any) Veil {
	return Veil{
		side{old, manifest.WithoutSecrets(old, ref)},
		side{updated, manifest.WithoutSecrets(updated, ref)},
	}
}

// Conceal marks the edits that show something secret. If a field is secret as a whole, all
// edits inside it become one edit of that field, because their paths would show what it
// contains.
func (v Veil) Conceal(edits []Edit) []Edit {
	concealed := make([]Edit, 0, len(edits))
	for _, e := range edits {
		depth, hidden := v.depth(e.Path)
		if !hidden {
			concealed = append(concealed, e)
			continue
		}
		if depth < len(e.Path) {
			path := slices.Clone(e.Path[:depth])
			if slices.ContainsFunc(concealed, func(other Edit) bool { return slices.EqualFunc(other.Path, path, sameStep) }) {
				continue
			}
			e = Edit{Path: path, Old: v.old.at(path), New: v.updated.at(path), Noise: e.Noise, Rotates: e.Rotates}
		}
		e.Old, e.New = e.Old.AsSecret(), e.New.AsSecret()
		concealed = append(concealed, e)
	}
	return concealed
}

// depth returns how many steps of a path lead to a secret, if there is one.
func (v Veil) depth(path fieldpath.Path) (depth int, hidden bool) {
	depth, hidden = v.old.depth(path)
	if other, is := v.updated.depth(path); is && (!hidden || other < depth) {
		depth, hidden = other, true
	}
	return depth, hidden
}

func (s side) depth(path fieldpath.Path) (depth int, hidden bool) {
	raw, public := s.raw, s.public
	for depth, step := range path {
		if public == manifest.Mask && raw != manifest.Mask {
			return depth, true
		}
		innerRaw, innerPublic, found := both(raw, public, step)
		if !found {
			// An item that cannot be distinguished from the others may be the secret one.
			_, isList := raw.([]any)
			return depth, isList && !reflect.DeepEqual(raw, public)
		}
		raw, public = innerRaw, innerPublic
	}
	return len(path), !reflect.DeepEqual(raw, public)
}

// at returns the value at a path.
func (s side) at(path fieldpath.Path) Value {
	raw := s.raw
	for _, step := range path {
		var found bool
		if raw, _, found = both(raw, raw, step); !found {
			return Value{}
		}
	}
	return ValueOf(raw)
}

// both takes a step in a value, and in the part of it that may be shown.
func both(raw, public any, step fieldpath.Element) (innerRaw, innerPublic any, found bool) {
	switch raw := raw.(type) {
	case map[string]any:
		public, _ := public.(map[string]any)
		inner, found := raw[step.Field]
		return inner, public[step.Field], found && len(step.Keys) == 0
	case []any:
		public, _ := public.([]any)
		i := step.Index
		if len(step.Keys) > 0 {
			i = slices.IndexFunc(raw, func(item any) bool { return isNamed(item, step.Keys) })
		}
		if i < 0 || i >= len(raw) || i >= len(public) {
			return nil, nil, false
		}
		return raw[i], public[i], true
	default:
		return nil, nil, false
	}
}

// isNamed reports whether keys name an item of a list.
func isNamed(item any, keys []fieldpath.Key) bool {
	fields, isMap := item.(map[string]any)
	return isMap && !slices.ContainsFunc(keys, func(k fieldpath.Key) bool {
		switch v := fields[k.Name].(type) {
		case string:
			return !k.Quoted || v != k.Value
		case int64:
			return k.Quoted || strconv.FormatInt(v, 10) != k.Value
		default:
			return fields[k.Name] != nil // a missing key has a default
		}
	})
}

func sameStep(a, b fieldpath.Element) bool {
	return a.Field == b.Field && a.Index == b.Index && slices.Equal(a.Keys, b.Keys)
}
