// Package fieldpath names a field of a Kubernetes object, in the notation that
// the API server uses in its own conflict messages, with every name that is not
// a plain identifier in quotes so that a path can be read back:
//
//	.spec.containers[name="app"].image
//	.metadata.labels["helm.sh/chart"]
//	.spec.template.spec.containers[0].args[2]
package fieldpath

import (
	"strconv"
	"strings"
)

// Path is the way from the root of an object to one of its fields. The empty
// Path is the object itself. A Path is never changed in place.
type Path []Element

// Deepest is how many steps deep objects are compared field by field. What is below is
// compared as one value: naming each step of a path takes the square of its length, and no
// kind of Kubernetes nests that deep.
const Deepest = 100

// Element is one step of a Path: a field of a map, an item of a list named by
// its merge key, or an item of a list named by its position. Exactly one of the
// three is used: Keys if it is not empty, else Field if it is not empty, else
// Index.
type Element struct {
	Field string
	Keys  []Key
	Index int
}

// Key is one field of a list item that, alone or with others, names the item
// among its neighbours.
type Key struct {
	Name  string
	Value string
	// Quoted is false for a value that is a number or a boolean.
	Quoted bool
}

// Field returns the step into the named field of a map.
func Field(name string) Element { return Element{Field: name} }

// Index returns the step to the i-th item of a list, counted from 0.
func Index(i int) Element { return Element{Index: i} }

// Fields returns the path through the named fields.
func Fields(names ...string) Path {
	p := make(Path, len(names))
	for i, n := range names {
		p[i] = Field(n)
	}
	return p
}

// Child returns p with one more step. p itself stays as it is.
func (p Path) Child(e Element) Path {
	child := make(Path, len(p)+1)
	copy(child, p)
	child[len(p)] = e
	return child
}

// Join returns p followed by q. Both stay as they are.
func (p Path) Join(q Path) Path {
	joined := make(Path, 0, len(p)+len(q))
	return append(append(joined, p...), q...)
}

// String returns the path in the package's notation; "." for the object itself.
func (p Path) String() string {
	if len(p) == 0 {
		return "."
	}
	var b strings.Builder
	for _, e := range p {
		e.write(&b)
	}
	return b.String()
}

func (e Element) write(b *strings.Builder) {
	switch {
	case len(e.Keys) > 0:
		b.WriteByte('[')
		for i, k := range e.Keys {
			if i > 0 {
				b.WriteByte(',')
			}
			if plain(k.Name) {
				b.WriteString(k.Name)
			} else {
				b.WriteString(strconv.Quote(k.Name))
			}
			b.WriteByte('=')
			if k.Quoted {
				b.WriteString(strconv.Quote(k.Value))
			} else {
				b.WriteString(k.Value)
			}
		}
		b.WriteByte(']')
	case e.Field == "":
		b.WriteByte('[')
		b.WriteString(strconv.Itoa(e.Index))
		b.WriteByte(']')
	case plain(e.Field):
		b.WriteByte('.')
		b.WriteString(e.Field)
	default:
		b.WriteByte('[')
		b.WriteString(strconv.Quote(e.Field))
		b.WriteByte(']')
	}
}

// plain reports whether a field name can be written without quotes.
func plain(name string) bool {
	for i, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_', r == '$':
		case i > 0 && (r >= '0' && r <= '9' || r == '-'):
		default:
			return false
		}
	}
	return name != ""
}

// Under reports whether p names prefix itself or a field inside it.
func (p Path) Under(prefix ...string) bool {
	if len(p) < len(prefix) {
		return false
	}
	for i, name := range prefix {
		if len(p[i].Keys) > 0 || p[i].Field != name {
			return false
		}
	}
	return true
}

// Overlaps reports whether one of the two paths holds the other, or whether
// that cannot be excluded: a list item named by its key on one side and by its
// position on the other may be the same item.
func (p Path) Overlaps(q Path) bool {
	n := min(len(p), len(q))
	for i := range n {
		if !p[i].mayEqual(q[i]) {
			return false
		}
	}
	return true
}

func (e Element) mayEqual(f Element) bool {
	eItem, fItem := e.Field == "", f.Field == ""
	if eItem != fItem {
		return false
	}
	if !eItem {
		return e.Field == f.Field
	}
	for _, k := range e.Keys {
		for _, l := range f.Keys {
			if k.Name == l.Name && k.Value != l.Value {
				return false
			}
		}
	}
	if len(e.Keys) == 0 && len(f.Keys) == 0 {
		return e.Index == f.Index
	}
	return true
}
