package mutation

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// raw is a scalar that is written as it is.
type raw string

// mutator changes values.
type mutator struct {
	*Maker
	*rand.Rand
	// raw says that there is a scalar which only flow style writes.
	raw bool
}

// place is a value inside an object: an entry of a map, or an item of a list.
type place struct {
	parent any // map[string]any or []any
	name   string
	set    func(value any)
	value  any
}

// places lists all values inside an object, in a fixed order. What identifies the object
// is left out.
func places(value any, at []string, found []place) []place {
	switch v := value.(type) {
	case map[string]any:
		for _, name := range manifest.Fields(v) {
			if identifies(at, name) {
				continue
			}
			put := func(x any) { v[name] = x }
			if len(at) > 0 || name != "metadata" {
				found = append(found, place{parent: v, name: name, set: put, value: v[name]})
			}
			found = places(v[name], append(at, name), found)
		}
	case []any:
		for i := range v {
			put := func(x any) { v[i] = x }
			found = append(found, place{parent: v, set: put, value: v[i]})
			found = places(v[i], append(at, "[]"), found)
		}
	}
	return found
}

// identifies reports whether a field is one without which nothing is an object.
func identifies(at []string, name string) bool {
	switch len(at) {
	case 0:
		return name == "apiVersion" || name == "kind"
	case 1:
		return at[0] == "metadata" && (name == "name" || name == "namespace" || name == "generateName")
	default:
		return false
	}
}

// once changes one place of an object.
func (m *mutator) once(object map[string]any) {
	if m.IntN(40) == 0 {
		m.identity(object)
		return
	}
	all := places(object, nil, nil)
	if len(all) == 0 {
		return
	}
	p := all[m.IntN(len(all))]
	switch m.IntN(12) {
	case 0, 1:
		m.remove(p)
	case 2:
		other := all[m.IntN(len(all))]
		a, b := copied(p.value), copied(other.value)
		p.set(b)
		other.set(a)
	case 3:
		m.double(p)
	case 4:
		m.rename(p)
	case 5:
		m.transplant(p)
	case 6:
		if known := m.values[p.name]; len(known) > 0 {
			p.set(copied(known[m.IntN(len(known))]))
			return
		}
		p.set(nil)
	case 7:
		p.set(nested(copied(p.value), 1+m.IntN(60), m.IntN(2) == 0))
	default:
		p.set(m.odd(p.value))
	}
}

// identity changes what the object is called, or what it is.
func (m *mutator) identity(object map[string]any) {
	metadata, _ := object["metadata"].(map[string]any)
	names := []any{"", "a.b", "UPPER", "ünï", strings.Repeat("n", 300), "other"}
	switch m.IntN(4) {
	case 0:
		object["metadata"] = m.odd(object["metadata"])
	case 1:
		if metadata != nil {
			metadata["name"] = names[m.IntN(len(names))]
		}
	case 2:
		if metadata != nil {
			metadata["namespace"] = names[m.IntN(len(names))]
		}
	case 3:
		versions := []any{"v1", "apps/v1", "apps/v1beta1", "batch/v1", "nope/v1", "networking.k8s.io/v1", "a/b/c"}
		object["apiVersion"] = versions[m.IntN(len(versions))]
	}
}

// remove takes an entry out of a map; an item of a list becomes null.
func (m *mutator) remove(p place) {
	if parent, is := p.parent.(map[string]any); is && m.IntN(2) == 0 {
		delete(parent, p.name)
		return
	}
	p.set(nil)
}

// double makes a list longer: an item comes twice, or again without what it had, or many
// times. Anything else becomes a list of itself.
func (m *mutator) double(p place) {
	list, is := p.value.([]any)
	if !is || len(list) == 0 {
		p.set([]any{copied(p.value), copied(p.value)})
		return
	}
	item := copied(list[m.IntN(len(list))])
	longer := append(append([]any{}, list...), item)
	switch m.IntN(4) {
	case 0:
		longer = append(longer, nil)
	case 1:
		for range 100 {
			longer = append(longer, copied(item))
		}
	case 2:
		if fields, is := item.(map[string]any); is {
			for _, name := range manifest.Fields(fields) {
				if m.IntN(2) == 0 {
					fields[name] = m.odd(fields[name])
				}
			}
		}
	}
	p.set(longer)
}

// rename gives an entry another name.
func (m *mutator) rename(p place) {
	parent, is := p.parent.(map[string]any)
	if !is {
		return
	}
	value := parent[p.name]
	if m.IntN(2) == 0 {
		delete(parent, p.name)
	}
	names := []string{strings.ToUpper(p.name), p.name + "s", "", "ключ", m.names[m.IntN(len(m.names))], strings.Repeat("k", 400)}
	parent[names[m.IntN(len(names))]] = copied(value)
}

// transplant puts a field of another kind beside this one.
func (m *mutator) transplant(p place) {
	parent, is := p.parent.(map[string]any)
	if !is {
		p.set(m.odd(p.value))
		return
	}
	name := m.names[m.IntN(len(m.names))]
	known := m.values[name]
	parent[name] = copied(known[m.IntN(len(known))])
}

// nested puts a value deep into lists or maps.
func nested(value any, depth int, lists bool) any {
	for range depth {
		if lists {
			value = []any{value}
		} else {
			value = map[string]any{"matchLabels": value}
		}
	}
	return value
}

// odd returns a value that does not belong there.
func (m *mutator) odd(was any) any {
	scalars := []any{
		"", " ", "a", "0", "-1", "true", "null", "~", "100%", "1e9", "9999999999999999999Ki", "ünïcödé", "\u2028", "a\nb: c\n", "\x00", "\ufeff",
		strings.Repeat("x", 70000), "/../..", "0.0.0.0/0", "::/0", "*", "{{ .Values }}", "::error::x", "$(A)",
		int64(0), int64(-1), int64(1), int64(65536), int64(2147483647), int64(2147483648), int64(-9223372036854775808), int64(9223372036854775807),
		true, false, 0.5, -0.5, 1e300,
	}
	raws := []raw{".nan", "1e400", "1e308", "0.1e-5", "99999999999999999999999999", "0x7fffffffffffffff", "0o17", "017", "1_000", "-0", "2001-01-01", "!!binary aGk=", "190:20:30"}
	switch m.IntN(10) {
	case 0:
		return nil
	case 1:
		return []any{}
	case 2:
		return map[string]any{}
	case 3:
		return []any{nil}
	case 4:
		return []any{copied(was), nil, m.scalar(scalars)}
	case 5:
		return map[string]any{"": nil, "a": m.scalar(scalars), "name": []any{}}
	case 6:
		m.raw = true
		return raws[m.IntN(len(raws))]
	case 7:
		return fmt.Sprint(was)
	default:
		return m.scalar(scalars)
	}
}

func (m *mutator) scalar(list []any) any { return list[m.IntN(len(list))] }

// copied returns a copy of a value.
func copied(value any) any {
	switch v := value.(type) {
	case map[string]any:
		c := make(map[string]any, len(v))
		for name, inner := range v {
			c[name] = copied(inner)
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i := range v {
			c[i] = copied(v[i])
		}
		return c
	case raw:
		return v
	default:
		return runtime.DeepCopyJSONValue(v)
	}
}
