package valuelens

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// value is what is known of a value in a template: it may be each of the things that are set.
// The zero value is nothing.
type value struct {
	// paths are the values of the chart that it may be, by their joined keys.
	paths map[string][]string
	// fields are those of a map that a template has made, by patterns of their names.
	fields map[string]*value
	// items is what a list holds that a template has made.
	items *value
	// texts are what it may be as a text, number or truth value; a hole for something that
	// holds nothing of the values which was not read already.
	texts []string
	// parts are the values that it was put together from: what is set in it is set in them.
	parts []*value
	// id names the root object of a chart.
	id string
}

const separator = "\x01"

func index(i int) string { return strconv.Itoa(i) }

func textOf(texts ...string) *value { return &value{texts: texts} }

func unknown() *value { return textOf(hole) }

func pathOf(path []string) *value {
	return &value{paths: map[string][]string{strings.Join(path, separator): path}}
}

func listOf(items *value) *value { return &value{items: items} }

// joined returns what is one of several values.
func (in *interpreter) joined(values ...*value) *value {
	values = slices.DeleteFunc(slices.Clone(values), func(v *value) bool { return v == nil })
	switch len(values) {
	case 0:
		return &value{}
	case 1:
		return values[0]
	}
	out := values[0]
	for _, v := range values[1:] {
		out = in.both(out, v, 0)
	}
	return out
}

// deepest is how deep maps of templates are followed, longestPath how long a path may be.
const (
	deepest     = 8
	longestPath = 24
	mostPaths   = 400
)

func (in *interpreter) both(a, b *value, depth int) *value {
	if a == nil || b == nil || a == b {
		if a == nil {
			return b
		}
		return a
	}
	if depth > deepest {
		in.use(a)
		in.use(b)
		return unknown()
	}
	out := &value{texts: union(a.texts, b.texts), parts: []*value{a, b}}
	out.paths = merged(a.paths, b.paths)
	if len(out.paths) > mostPaths {
		in.use(&value{paths: out.paths})
		out.paths, out.texts = nil, union(out.texts, []string{hole})
	}
	if a.items != nil || b.items != nil {
		out.items = in.both(a.items, b.items, depth+1)
	}
	if len(a.fields)+len(b.fields) > 0 {
		out.fields = maps.Clone(a.fields)
		if out.fields == nil {
			out.fields = map[string]*value{}
		}
		for name, v := range b.fields {
			out.fields[name] = in.both(out.fields[name], v, depth+1)
		}
	}
	return out
}

func merged(a, b map[string][]string) map[string][]string {
	if len(a) == 0 {
		return b
	}
	if len(b) == 0 {
		return a
	}
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// signature is equal for values that a template cannot tell apart.
func (v *value) signature(depth int) string {
	switch {
	case v == nil:
		return "-"
	case v.id != "":
		return v.id
	case depth > deepest:
		return fmt.Sprintf("%p", v)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%q%q", slices.Sorted(maps.Keys(v.paths)), v.texts)
	for _, name := range slices.Sorted(maps.Keys(v.fields)) {
		fmt.Fprintf(&b, "{%q %s}", name, v.fields[name].signature(depth+1))
	}
	if v.items != nil {
		b.WriteString("[" + v.items.signature(depth+1) + "]")
	}
	return b.String()
}

// asTexts returns what a value may be as a text.
func (v *value) asTexts() []string {
	if v == nil {
		return []string{hole}
	}
	if len(v.paths) > 0 || v.fields != nil || v.items != nil || len(v.texts) == 0 {
		return union(v.texts, []string{hole})
	}
	return v.texts
}

// use notes that all of a value is read.
func (in *interpreter) use(v *value) { in.useOnce(v, map[*value]bool{}) }

func (in *interpreter) useOnce(v *value, seen map[*value]bool) {
	if v == nil || seen[v] {
		return
	}
	seen[v] = true
	for _, path := range v.paths {
		if at := in.reads.at(path); !at.whole {
			at.named, at.whole = true, true
			in.grown = true
		}
		for i := range in.written {
			if w := &in.written[i]; begins(w.path, path) {
				in.useOnce(w.value, seen)
			}
		}
	}
	for _, field := range v.fields {
		in.useOnce(field, seen)
	}
	in.useOnce(v.items, seen)
}

// test notes that it is read whether a value is there and not empty.
func (in *interpreter) test(v *value) {
	if v == nil {
		return
	}
	for _, path := range v.paths {
		at := in.reads.at(path)
		at.named, at.tested = true, true
	}
}

// begins reports whether a path begins with another, as far as patterns tell.
func begins(path, with []string) bool {
	if len(path) < len(with) {
		return false
	}
	for i := range with {
		if !overlap(path[i], with[i]) {
			return false
		}
	}
	return true
}

// field returns a field of a value, of which the name may be a pattern.
func (in *interpreter) field(v *value, name string) *value {
	if v == nil {
		return &value{}
	}
	var found []*value
	for _, key := range slices.Sorted(maps.Keys(v.fields)) {
		if overlap(key, name) {
			found = append(found, v.fields[key])
		}
	}
	if len(v.texts) > 0 {
		found = append(found, unknown())
	}
	if v.items != nil {
		found = append(found, v.items)
	}
	at := &value{paths: map[string][]string{}}
	for _, key := range slices.Sorted(maps.Keys(v.paths)) {
		path := v.paths[key]
		found = append(found, in.writtenTo(path, name)...)
		next := append(slices.Clip(path), name)
		in.reads.at(next).named = true
		switch {
		case len(next) > longestPath:
			in.use(pathOf(path))
		case exists(in.values, next):
			at.paths[key+separator+name] = next
		}
	}
	if len(at.paths) > 0 {
		found = append(found, at)
	}
	return in.joined(found...)
}

// item returns what a list or map holds, any of it.
func (in *interpreter) item(v *value) *value { return in.field(v, hole) }
