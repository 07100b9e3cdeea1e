package factory

import (
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// pool keeps what values fields have in real objects.
type pool struct {
	at     map[string][]any    // by kind and path, items of lists as "[]"
	inside map[string][]string // names of fields by kind and path of what has them
	named  map[string][]any    // by the name of the field alone
}

// most is how many values of a field are kept.
const most = 60

func newPool() *pool {
	return &pool{at: map[string][]any{}, inside: map[string][]string{}, named: map[string][]any{}}
}

func (p *pool) learn(o object) {
	kind, _ := o["kind"].(string)
	for _, place := range places(o, kind) {
		if place.value == nil {
			continue
		}
		p.at[place.path] = keep(p.at[place.path], place.value)
		if place.name != "" {
			p.named[place.name] = keep(p.named[place.name], place.value)
			if !slices.Contains(p.inside[place.within], place.name) {
				p.inside[place.within] = append(p.inside[place.within], place.name)
			}
		}
	}
}

// keep adds a value that is not there yet.
func keep(list []any, value any) []any {
	if len(list) >= most || slices.ContainsFunc(list, func(known any) bool { return reflect.DeepEqual(known, value) }) {
		return list
	}
	return append(list, runtime.DeepCopyJSONValue(value))
}

// place is a value inside an object: an entry of a map, or an item of a list.
type place struct {
	// path is the kind and the names on the way, within that of the map or list.
	path, within string
	name         string // of an entry of a map
	value        any
	set          func(value any)
	remove       func()       // nil for an item of a list
	fields       reflect.Type // the type of what is there; nil where it is not known
}

// places lists all values inside an object, in a fixed order: without what identifies it, and its
// status.
func places(o object, kind string) []place {
	var of reflect.Type
	if made := typeOf(o); made != nil {
		of = reflect.TypeOf(made).Elem()
	}
	return entries(o, kind, kind, of, nil)
}

func entries(o object, kind, within string, of reflect.Type, found []place) []place {
	for _, name := range manifest.Fields(o) {
		if fixed(within == kind, within == kind+".metadata", name) {
			continue
		}
		p := place{
			path: within + "." + name, within: within, name: name, value: o[name], fields: fieldOf(of, name),
			set: func(value any) { o[name] = value }, remove: func() { delete(o, name) },
		}
		if p.path != kind+".metadata" {
			found = append(found, p)
		}
		found = below(p, kind, found)
	}
	return found
}

func below(p place, kind string, found []place) []place {
	switch v := p.value.(type) {
	case object:
		return entries(v, kind, p.path, p.fields, found)
	case []any:
		for i := range v {
			item := place{path: p.path + "[]", within: p.path, value: v[i], fields: itemOf(p.fields), set: func(value any) { v[i] = value }}
			found = append(found, item)
			found = below(item, kind, found)
		}
	}
	return found
}

// fixed reports whether a field is not to be changed: what identifies an object is
// renamed as such.
func fixed(top, inMetadata bool, name string) bool {
	switch {
	case top:
		return name == "apiVersion" || name == "kind" || name == "status"
	case inMetadata:
		return slices.Contains([]string{"name", "namespace", "generateName", "uid", "resourceVersion", "managedFields"}, name)
	default:
		return false
	}
}
