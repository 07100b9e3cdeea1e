package manifest

import (
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
	for _, doc := range split(stream) {
		from := source(doc.text)
		if blank(doc.text) {
			if from != "" {
				pending = from
			}
			continue
		}
		if from == "" {
			from = pending
		} else {
			pending = ""
		}
		found, err := readDocument(doc, from, opts)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		objects = append(objects, found...)
	}
	return objects, errors.Join(errs...)
}

func readDocument(doc document, from string, opts Options) ([]*Object, error) {
	o := &Object{
		Source:   from,
		Position: Position{File: opts.File, Document: doc.number, Line: doc.line},
		text:     doc.text,
	}
	h, ok := scanHead(doc.text)
	o.scanned = ok && !h.list
	if !o.scanned {
		value, err := o.Value()
		if err != nil {
			return nil, err
		}
		if value == nil {
			return nil, nil
		}
		if items, ok := listItems(value); ok {
			return readItems(o, items, value, opts)
		}
		if h, err = headOf(value, o.Position); err != nil {
			return nil, err
		}
	}
	o.setHead(h, opts)
	return []*Object{o}, nil
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

func headOf(value map[string]any, at Position) (head, error) {
	var h head
	text := func(m map[string]any, key, path string) (string, error) {
		switch v := m[key].(type) {
		case nil:
			return "", nil
		case string:
			return v, nil
		default:
			return "", &SyntaxError{At: at, Reason: fmt.Sprintf("%s is %s, not text; put it in quotes", path, kindOf(v))}
		}
	}
	metadata, isMap := value["metadata"].(map[string]any)
	if value["metadata"] != nil && !isMap {
		return h, &SyntaxError{At: at, Reason: "metadata is no map"}
	}
	var errs []error
	for _, f := range []struct {
		into *string
		in   map[string]any
		key  string
		path string
	}{
		{&h.apiVersion, value, "apiVersion", "apiVersion"},
		{&h.kind, value, "kind", "kind"},
		{&h.name, metadata, "name", "metadata.name"},
		{&h.generateName, metadata, "generateName", "metadata.generateName"},
		{&h.namespace, metadata, "namespace", "metadata.namespace"},
	} {
		var err error
		*f.into, err = text(f.in, f.key, f.path)
		errs = append(errs, err)
	}
	if h.apiVersion == "" {
		errs = append(errs, &SyntaxError{At: at, Reason: "apiVersion is missing"})
	}
	if h.kind == "" {
		errs = append(errs, &SyntaxError{At: at, Reason: "kind is missing"})
	}
	return h, errors.Join(errs...)
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

func readItems(list *Object, items []any, value map[string]any, opts Options) ([]*Object, error) {
	listKind, _ := value["kind"].(string)
	itemKind := strings.TrimSuffix(listKind, "List")
	var (
		objects []*Object
		errs    []error
	)
	for i, item := range items {
		content, ok := item.(map[string]any)
		if !ok {
			errs = append(errs, &SyntaxError{At: list.Position, Reason: fmt.Sprintf("items[%d] is no object", i)})
			continue
		}
		if content["kind"] == nil && itemKind != "" {
			content["kind"], content["apiVersion"] = itemKind, "v1"
		}
		h, err := headOf(content, list.Position)
		if err != nil {
			errs = append(errs, fmt.Errorf("items[%d]: %w", i, err))
			continue
		}
		o := &Object{Source: list.Source, Position: list.Position, decoded: content}
		o.setHead(h, opts)
		objects = append(objects, o)
	}
	return objects, errors.Join(errs...)
}
