package apiserver

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Unstored lists what a manifest says and the object that an update of it has stored does
// not have. What the server would store of a new object is the measure: defaults are filled
// in, and amounts are written as the server writes them. Of an update that is refused it
// is what the merge had made before the server looked at it.
func (s *Server) Unstored(updated *manifest.Object, result *Result) []change.Unstored {
	r := s.requestFor(updated, true)
	stored := result.NewFields
	if stored == nil && result.merged != nil {
		_, stored = r.stored(result.merged)
	}
	value, want := s.wanted(r, updated)
	if want == nil || stored == nil {
		return nil
	}
	return s.missing(r, value, want, stored)
}

// Amiss lists what the installed manifest says and the object did not have before the update.
func (s *Server) Amiss(old *manifest.Object, result *Result) []change.Unstored {
	r := s.installed(old)
	value, want := s.wanted(r, old)
	if want == nil || result.OldFields == nil || !result.Aligned {
		return nil
	}
	return s.missing(r, value, want, result.OldFields)
}

// Stays lists those of the fields that leave the manifest which stay in the stored object all
// the same, though a new object would not have them.
func (s *Server) Stays(updated *manifest.Object, removed []fieldpath.Path, result *Result) []fieldpath.Path {
	if len(removed) == 0 || result.NewFields == nil || !result.Aligned {
		return nil
	}
	r := s.requestFor(updated, true)
	_, want := s.wanted(r, updated)
	if want == nil {
		return nil
	}
	var list []fieldpath.Path
	for _, path := range removed {
		at := path
		if r.secret() && path.Under("stringData") {
			at = fieldpath.Fields("data").Join(path[1:])
		}
		was, is, would := fieldAt(result.OldFields, at), fieldAt(result.NewFields, at), fieldAt(want, at)
		// What the server assigns it may assign again; only that there is no address is a choice.
		headless := is == "None" && would != "None"
		if !empty(is) && reflect.DeepEqual(was, is) && (would == nil || headless) {
			list = append(list, path)
		}
	}
	return list
}

// fieldAt returns what is at a path; nil if nothing is.
func fieldAt(value any, path fieldpath.Path) any {
	for _, step := range path {
		switch v := value.(type) {
		case map[string]any:
			value = v[step.Field]
		case []any:
			if len(step.Keys) != 1 {
				return nil
			}
			items := withKey(v, step.Keys[0].Name, step.Keys[0].Value)
			if len(items) != 1 {
				return nil
			}
			value = items[0]
		default:
			return nil
		}
	}
	return value
}

// wanted returns what a manifest says, and what the server would store of it in a new object;
// nil if that is not known.
func (s *Server) wanted(r request, o *manifest.Object) (value, want map[string]any) {
	value, err := o.Value()
	if err != nil || !r.known {
		return nil, nil
	}
	made := *s // a merge takes equal keys in a list, which server-side apply refuses; policies change what the manifest says
	made.facts.ServerSide, made.mutated = false, nil
	object, misfit := made.assume(r, value)
	if misfit != nil {
		return nil, nil
	}
	_, want = r.stored(object)
	return value, want
}

// missing compares what a manifest says, and would be stored as, with what is stored.
func (s *Server) missing(r request, value, want, stored map[string]any) []change.Unstored {
	c := comparison{anyOrder: r.custom != nil && s.facts.ServerSide}
	c.maps(nil, said(r, value), want, stored, r.patchMeta())
	return c.list
}

// said returns what a manifest says, in the fields in which it is stored: the server keeps
// what a Secret has under stringData under data.
func said(r request, value map[string]any) map[string]any {
	texts, _ := value["stringData"].(map[string]any)
	if !r.secret() || len(texts) == 0 {
		return value
	}
	data := copyMap(value["data"])
	for key, text := range texts {
		data[key] = text
	}
	value = copyMap(value)
	value["data"] = data
	return value
}

// patchMeta returns what says of each list of a kind how it is merged; nil for custom
// resources, of which each list is one value.
func (r request) patchMeta() strategicpatch.LookupPatchMeta {
	typed, _ := r.helmType(nil)
	if typed == nil {
		return nil
	}
	meta, err := strategicpatch.NewPatchMetaFromStruct(typed)
	if err != nil {
		return nil
	}
	return meta
}

// comparison compares what a manifest says with what is stored.
type comparison struct {
	// anyOrder says that lists may be merged by keys that are not known here.
	anyOrder bool
	list     []change.Unstored
}

func (c *comparison) lost(path fieldpath.Path) {
	c.list = append(c.list, change.Unstored{Path: path})
}

// maps compares the fields that a manifest has. want is what the server makes of them in a
// new object: what it does not have there is none to miss here.
func (c *comparison) maps(path fieldpath.Path, says, want, holds map[string]any, meta strategicpatch.LookupPatchMeta) {
	for _, name := range manifest.Fields(says) {
		w := want[name]
		if w == nil {
			continue
		}
		at := path.Child(fieldpath.Field(name))
		switch h, held := holds[name]; {
		case says[name] == nil && !held && w == "":
			c.list = append(c.list, change.Unstored{Path: at, Null: true})
		case says[name] == nil: // the server fills it in
		default:
			c.value(at, says[name], w, h, meta)
		}
	}
}

// value compares what is at a path, of which meta describes the object around it.
func (c *comparison) value(path fieldpath.Path, says, want, holds any, meta strategicpatch.LookupPatchMeta) {
	name := path[len(path)-1].Field
	if len(path) >= fieldpath.Deepest {
		if !reflect.DeepEqual(want, holds) {
			c.lost(path)
		}
		return
	}
	switch w := want.(type) {
	case map[string]any:
		if s, is := says.(map[string]any); is {
			h, held := holds.(map[string]any)
			if !held && slices.ContainsFunc(slices.Collect(maps.Values(s)), func(v any) bool { return v != nil }) && len(w) > 0 {
				c.lost(path)
				return
			}
			c.maps(path, s, w, h, ofStruct(meta, name))
		}
	case []any:
		if s, is := says.([]any); is {
			h, _ := holds.([]any)
			c.items(path, s, w, h, meta)
		}
	default:
		if !empty(says) && !reflect.DeepEqual(want, holds) {
			c.lost(path)
		}
	}
}

// items compares the items of a list.
func (c *comparison) items(path fieldpath.Path, says, want, holds []any, meta strategicpatch.LookupPatchMeta) {
	inner, key, merges := ofList(meta, path[len(path)-1].Field)
	switch {
	case reflect.DeepEqual(want, holds):
	case len(says) != len(want):
		c.lost(path)
	case merges && key != "":
		c.keyed(path, says, want, holds, inner, key)
	case merges || c.anyOrder:
		for i := range want {
			if !slices.ContainsFunc(holds, func(h any) bool { return c.within(says[i], want[i], h) }) {
				c.lost(path)
				return
			}
		}
	case len(want) != len(holds):
		c.lost(path)
	default:
		for i := range want {
			s, isMap := says[i].(map[string]any)
			w, _ := want[i].(map[string]any)
			h, held := holds[i].(map[string]any)
			switch at := path.Child(fieldpath.Index(i)); {
			case isMap && held:
				c.maps(at, s, w, h, inner)
			case !reflect.DeepEqual(want[i], holds[i]):
				c.lost(at)
			}
		}
	}
}

// within reports whether a stored item has all that a manifest says of it.
func (c *comparison) within(says, want, holds any) bool {
	s, said := says.(map[string]any)
	w, isMap := want.(map[string]any)
	h, held := holds.(map[string]any)
	if !said || !isMap || !held {
		return reflect.DeepEqual(want, holds)
	}
	inner := comparison{anyOrder: c.anyOrder}
	inner.maps(nil, s, w, h, nil)
	return len(inner.list) == 0
}

// keyed compares a list that is merged by a key: the entries of each key together.
func (c *comparison) keyed(path fieldpath.Path, says, want, holds []any, meta strategicpatch.LookupPatchMeta, by string) {
	seen := map[string]bool{}
	for i := range want {
		key, has := mergeKey(want[i], by)
		if !has || seen[key] {
			continue
		}
		seen[key] = true
		said, wanted, held := withKey(says, by, key), withKey(want, by, key), withKey(holds, by, key)
		switch {
		case len(said) != len(wanted): // the key itself is not written as it is stored
		case len(wanted) == 1 && len(held) == 1:
			c.entry(path, by, key, [3]map[string]any{said[0], wanted[0], held[0]}, meta)
		default:
			c.several(path, by, key, [3][]map[string]any{said, wanted, held})
		}
	}
}

// entry compares one entry, as the manifest says it, as it would be in a new object and as it
// is stored. Only a name makes a path that leads into the list.
func (c *comparison) entry(path fieldpath.Path, by, key string, sides [3]map[string]any, meta strategicpatch.LookupPatchMeta) {
	if by == "name" {
		c.maps(path.Child(fieldpath.Element{Keys: []fieldpath.Key{{Name: by, Value: key, Quoted: true}}}), sides[0], sides[1], sides[2], meta)
		return
	}
	inner := comparison{anyOrder: c.anyOrder}
	inner.maps(path, sides[0], sides[1], sides[2], meta)
	if len(inner.list) > 0 {
		c.list = append(c.list, change.Unstored{Path: path, By: by, Key: key, Says: 1, Holds: 1, Lost: tell(sides[1:2], sides[1:]), Kept: tell(sides[2:], sides[1:])})
	}
}

// several compares the entries of one key, on the same sides. That an entry is no longer there
// as often as the manifest has it, in the same words, makes no difference.
func (c *comparison) several(path fieldpath.Path, by, key string, sides [3][]map[string]any) {
	said, wanted, held := sides[0], sides[1], sides[2]
	lost := c.absent(said, wanted, held)
	if len(lost) == 0 && len(held) <= len(wanted) {
		return
	}
	both := slices.Concat(wanted, held)
	c.list = append(c.list, change.Unstored{
		Path: path, By: by, Key: key, Says: len(wanted), Holds: len(held), Lost: tell(lost, both), Kept: tell(held, both), All: len(lost) == len(wanted),
		Alike: len(held) > 0 && !slices.ContainsFunc(both, func(e map[string]any) bool { return !reflect.DeepEqual(e, wanted[0]) }),
	})
}

// absent returns the entries that are not held, or not in the same order: of two variables of
// one name the last counts.
func (c *comparison) absent(said, wanted, held []map[string]any) []map[string]any {
	var lost []map[string]any
	next := 0
	for i, w := range wanted {
		at := slices.IndexFunc(held[next:], func(h map[string]any) bool { return c.within(said[i], w, h) })
		if at < 0 {
			lost = append(lost, w)
			continue
		}
		next += at + 1
	}
	return lost
}

// telling are the fields by which a reader tells entries of one key apart. None of them holds
// a secret.
var telling = []string{ //nolint:gochecknoglobals // a constant table
	"name", "protocol", "port", "targetPort", "nodePort", "hostPort", "hostIP", "hostnames", "whenUnsatisfiable", "mountPath", "subPath",
}

// tell describes entries by what they do not have in common with all.
func tell(entries, all []map[string]any) []string {
	var list []string
	for _, entry := range entries {
		var parts []string
		for _, field := range telling {
			value, has := entry[field]
			if has && slices.ContainsFunc(all, func(other map[string]any) bool { return !reflect.DeepEqual(other[field], value) }) {
				parts = append(parts, field+" "+strings.Trim(fmt.Sprint(value), "[]"))
			}
		}
		if len(parts) > 0 {
			list = append(list, strings.Join(parts, ", "))
		}
	}
	return list
}

// Ignored lists the fields of a manifest, of the installed or of the new one, that the server
// does not know, in its own words.
func (s *Server) Ignored(o *manifest.Object, installed bool) []string {
	value, err := o.Value()
	r := s.requestFor(o, true)
	if installed {
		r = s.installed(o)
	}
	if err != nil || !r.known {
		return nil
	}
	_, ignored, err := r.decode(value)
	if err != nil {
		return nil
	}
	return ignored
}

// Twice lists the entries of lists that share the key by which the list is merged.
func (s *Server) Twice(o *manifest.Object) []change.Unstored {
	value, err := o.Value()
	r := s.requestFor(o, true)
	if err != nil || r.custom != nil {
		return nil
	}
	return twice(nil, value, r.patchMeta(), nil)
}

func twice(path fieldpath.Path, value map[string]any, meta strategicpatch.LookupPatchMeta, list []change.Unstored) []change.Unstored {
	if meta == nil {
		return list
	}
	for _, name := range manifest.Fields(value) {
		at := path.Child(fieldpath.Field(name))
		switch v := value[name].(type) {
		case map[string]any:
			list = twice(at, v, ofStruct(meta, name), list)
		case []any:
			inner, by, _ := ofList(meta, name)
			seen := map[string]bool{}
			for i, item := range v {
				step := fieldpath.Index(i)
				if key, has := mergeKey(item, by); has {
					step = fieldpath.Element{Keys: []fieldpath.Key{{Name: by, Value: key, Quoted: by == "name"}}}
					if same := withKey(v, by, key); len(same) > 1 && !seen[key] {
						list = append(list, change.Unstored{Path: at, By: by, Key: key, Says: len(same)})
					}
					seen[key] = true
				}
				if fields, is := item.(map[string]any); is {
					list = twice(at.Child(step), fields, inner, list)
				}
			}
		}
	}
	return list
}

// withKey returns the entries of a key.
func withKey(items []any, by, key string) []map[string]any {
	var list []map[string]any
	for _, item := range items {
		if k, has := mergeKey(item, by); has && k == key {
			fields, _ := item.(map[string]any)
			list = append(list, fields)
		}
	}
	return list
}

func mergeKey(item any, by string) (key string, has bool) {
	fields, _ := item.(map[string]any)
	value, has := fields[by]
	return fmt.Sprint(value), has && value != nil
}

// ofStruct returns what describes the fields of an object in a field; nil if nothing does.
func ofStruct(meta strategicpatch.LookupPatchMeta, name string) strategicpatch.LookupPatchMeta {
	if meta == nil {
		return nil
	}
	inner, _, err := meta.LookupPatchMetadataForStruct(name)
	if err != nil {
		return nil
	}
	return inner
}

// ofList returns what describes the items of a list in a field, and how the list is merged.
func ofList(meta strategicpatch.LookupPatchMeta, name string) (inner strategicpatch.LookupPatchMeta, key string, merges bool) {
	if meta == nil {
		return nil, "", false
	}
	inner, how, err := meta.LookupPatchMetadataForSlice(name)
	if err != nil {
		return nil, "", false
	}
	return inner, how.GetPatchMergeKey(), slices.Contains(how.GetPatchStrategies(), "merge")
}

// empty reports whether a value says nothing, so that the server may fill one in.
func empty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case bool:
		return !v
	case int64:
		return v == 0
	case float64:
		return v == 0
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	default:
		return false
	}
}
