package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// Options tells Parse what the stream itself does not say.
type Options struct {
	// File names the stream in positions and errors.
	File string
	// Namespace is given to namespaced objects that name none.
	Namespace string
	// Namespaced reports whether objects of a kind live in a namespace. Nil
	// means that all do.
	Namespaced func(group, kind string) bool
}

// Parse returns the objects of a YAML stream in the order in which they stand
// there. Documents without content are no objects; a List of the core API gives
// its items, as Helm takes it apart. Everything else that is no object is an
// error that names the place.
func Parse(stream string, opts Options) ([]*Object, error) {
	var (
		objects []*Object
		pending string // a "# Source:" that stood in a document of its own
		errs    []error
	)
	for doc := range documents(stream) {
		from := cmp.Or(source(doc.text), doc.source)
		if blank(doc.text) {
			pending = cmp.Or(from, pending)
			continue
		}
		if from == "" {
			from = pending
		} else {
			pending = ""
		}
		var err error
		if objects, err = readDocument(objects, doc, from, opts); err != nil {
			errs = append(errs, err)
		}
	}
	return objects, errors.Join(errs...)
}

// FromValue returns an object of which only the value is at hand, as an API server
// gives it. The value must not be changed afterwards. The error names the position.
func FromValue(value map[string]any, at Position) (*Object, error) {
	h, err := headOf(value, "", at)
	if err != nil {
		return nil, err
	}
	o := &Object{Position: at, decoded: value, annotated: true}
	o.setHead(h, Options{})
	return o, nil
}

// readDocument appends the objects of a document.
func readDocument(objects []*Object, doc document, from string, opts Options) ([]*Object, error) {
	o := &Object{
		Source:   from,
		Position: Position{File: opts.File, Document: doc.number, Line: doc.line},
		Unread:   doc.unread,
		text:     doc.text,
	}
	var h head
	if h, o.scanned = scanHead(doc.text); !o.scanned {
		value, err := o.Value()
		if err != nil || value == nil {
			return objects, err
		}
		if items, ok := listItems(value); ok {
			found, err := readItems(o, "", items, value, opts)
			return append(objects, found...), err
		}
		if h, err = headOf(value, "", o.Position); err != nil {
			return objects, err
		}
	}
	o.annotated = !o.scanned || h.annotated
	o.setHead(h, opts)
	return append(objects, o), nil
}

func (o *Object) setHead(h head, opts Options) {
	group, version := splitAPIVersion(h.apiVersion)
	o.Ref = Ref{Group: group, Version: version, Kind: h.kind, Name: h.name, Namespace: h.namespace}
	if h.name == "" {
		o.GenerateName = h.generateName
	}
	switch {
	case opts.Namespaced != nil && !opts.Namespaced(group, h.kind):
		o.Ref.Namespace = ""
	case o.Ref.Namespace == "":
		o.Ref.Namespace = opts.Namespace
	}
}

// headOf reads the head of a decoded object. The prefix says in errors where in
// the document the object stands.
func headOf(value map[string]any, prefix string, at Position) (head, error) {
	var (
		h    head
		errs []error
	)
	fail := func(reason string) { errs = append(errs, &SyntaxError{At: at, Reason: prefix + reason}) }
	text := func(m map[string]any, key, path string) string {
		s, ok := m[key].(string)
		if !ok && m[key] != nil {
			fail(fmt.Sprintf("%s is %s, not text%s", path, kindOf(m[key]), quotes(m[key])))
		}
		return s
	}
	metadata, isMap := value["metadata"].(map[string]any)
	if value["metadata"] != nil && !isMap {
		fail("metadata is no map")
		return h, errors.Join(errs...)
	}
	h.apiVersion = text(value, "apiVersion", "apiVersion")
	h.kind = text(value, "kind", "kind")
	h.name = text(metadata, "name", "metadata.name")
	h.generateName = text(metadata, "generateName", "metadata.generateName")
	h.namespace = text(metadata, "namespace", "metadata.namespace")
	for _, required := range []string{"apiVersion", "kind"} {
		if s, ok := value[required].(string); value[required] == nil || ok && s == "" {
			fail(required + " is missing")
		}
	}
	return h, errors.Join(errs...)
}

// quotes says what makes text of a value, if anything does.
func quotes(value any) string {
	switch value.(type) {
	case map[string]any, []any:
		return ""
	default:
		return "; put it in quotes"
	}
}

// listItems returns the items of a List. Only lists of the core API (v1) are
// taken apart: a custom resource may well be of a kind that ends in "List".
func listItems(value map[string]any) ([]any, bool) {
	kind, _ := value["kind"].(string)
	if value["apiVersion"] != "v1" || !strings.HasSuffix(kind, "List") {
		return nil, false
	}
	switch items := value["items"].(type) {
	case []any:
		return items, true
	case nil:
		return nil, true
	default:
		return nil, false
	}
}

// readItems makes objects of the items of a List, and of Lists inside it. An item
// that says nothing of what it is gets kind and version from the List, as from the
// API machinery's decoder. Within names the List that holds this one.
func readItems(list *Object, within string, items []any, value map[string]any, opts Options) ([]*Object, error) {
	listKind, _ := value["kind"].(string)
	itemKind := strings.TrimSuffix(listKind, "List")
	var (
		objects []*Object
		errs    []error
	)
	for i, item := range items {
		at := fmt.Sprintf("%sitems[%d]", within, i)
		content, ok := item.(map[string]any)
		if !ok {
			errs = append(errs, &SyntaxError{At: list.Position, Reason: at + " is no object"})
			continue
		}
		if itemKind != "" && content["kind"] == nil && content["apiVersion"] == nil {
			content["kind"], content["apiVersion"] = itemKind, "v1"
		}
		if inner, ok := listItems(content); ok {
			found, err := readItems(list, at+".", inner, content, opts)
			objects, errs = append(objects, found...), append(errs, err)
			continue
		}
		h, err := headOf(content, at+": ", list.Position)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		o := &Object{Source: list.Source, Position: list.Position, Unread: list.Unread, decoded: content, annotated: true}
		o.setHead(h, opts)
		objects = append(objects, o)
	}
	return objects, errors.Join(errs...)
}
