package manifest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"
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
	// Like are the objects of an earlier version of the stream, parsed with the same
	// Namespace and Namespaced. What a document is called that stands there, too, byte by
	// byte, is taken from there.
	Like []*Object
}

// Parse returns the objects of a YAML stream in the order in which Helm's client sees
// them: the documents as Helm cuts them, and the items of whatever has items. Each byte
// of the stream belongs to an object, is a comment or white space, or there is an error
// that names the place; of a document that was not decoded to find out what it is
// called, that error may only come from Value.
func Parse(stream string, opts Options) ([]*Object, error) {
	var (
		objects []*Object
		pending string // a "# Source:" that was in a document of its own
		file    string // of a crds directory, whose documents Helm prints under one "# Source:"
		errs    []error
	)
	like := earlier{opts.Like}
	for doc := range documents(stream) {
		from := cmp.Or(source(doc.text), doc.source)
		if blank(doc.text) {
			pending = cmp.Or(from, pending)
			continue
		}
		if from == "" {
			from = pending
		} else {
			pending, file = "", from
		}
		var err error
		known := len(objects)
		if objects, err = readDocument(objects, doc, from, &like, opts); err != nil {
			errs = append(errs, err)
		}
		for _, o := range objects[known:] {
			if o.Source == "" && o.Ref.Kind == "CustomResourceDefinition" && InCRDs(file) {
				o.Source = file
			}
		}
	}
	return objects, errors.Join(errs...)
}

// InCRDs reports whether a source is a file in the crds directory of a chart or of one of
// its subcharts, CHART/crds/FILE or CHART/charts/SUB/crds/FILE.
func InCRDs(source string) bool {
	_, inside, _ := strings.Cut(source, "/")
	for {
		rest, found := strings.CutPrefix(inside, "charts/")
		if !found {
			return strings.HasPrefix(inside, "crds/")
		}
		_, inside, _ = strings.Cut(rest, "/")
	}
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
func readDocument(objects []*Object, doc document, from string, like *earlier, opts Options) ([]*Object, error) {
	o := &Object{
		Source:   from,
		Position: Position{File: opts.File, Document: doc.number, Line: doc.line},
		text:     doc.text,
	}
	if same := like.next(doc.text); same != nil {
		o.scanned, o.annotated, o.metadata, o.Ref, o.GenerateName = true, same.annotated, same.metadata, same.Ref, same.GenerateName
		return append(objects, o), nil
	}
	h, certain := scanHead(doc.text)
	if certain {
		o.scanned, o.annotated, o.metadata = true, h.annotated, h.metadata
		o.setHead(h, opts)
		like.pass(o.Ref)
		return append(objects, o), nil
	}
	value, err := o.Value()
	if err != nil || value == nil {
		return objects, err
	}
	if o.outer, err = outerAnnotations(doc.text, value, o.Position); err != nil {
		return objects, err
	}
	if _, list := value["items"]; list {
		found, err := readItems(o, value, opts)
		return append(objects, found...), err
	}
	if h, err = headOf(value, "", o.Position); err != nil {
		return objects, err
	}
	o.annotated = true
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
		fail("metadata is not a map")
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

// readItems makes objects of the items of a list. To the builder that Helm uses,
// whatever has items is a list, of whatever kind and group, also where they are null; an
// item that says nothing of what it is gets that from the list (decodeToList in
// k8s.io/apimachinery/pkg/apis/meta/v1/unstructured). Whether the items are hooks is
// written in the annotations of the list, not in theirs.
func readItems(list *Object, value map[string]any, opts Options) ([]*Object, error) {
	fail := func(reason string) error { return &SyntaxError{At: list.Position, Reason: reason} }
	kind, _ := value["kind"].(string)
	version, _ := value["apiVersion"].(string)
	switch {
	case kind == "":
		return nil, fail("kind is missing")
	case !validMetadata(value):
		return nil, fail("apiVersion, kind or metadata of the list do not fit their types")
	}
	if value["items"] == nil {
		return nil, nil
	}
	items, is := value["items"].([]any)
	if !is {
		return nil, fail("items is " + kindOf(value["items"]) + ", but Helm takes an object that has items for a list")
	}
	var (
		objects []*Object
		errs    []error
	)
	outer := list.hookAnnotations(value)
	for i, item := range items {
		at := fmt.Sprintf("items[%d]", i)
		content, ok := item.(map[string]any)
		if !ok && item != nil {
			errs = append(errs, fail(at+" is no object"))
			continue
		}
		content = itemOf(content, kind, version)
		if _, nested := content["items"].([]any); nested {
			errs = append(errs, fail(at+" is a list itself, and Helm takes no list in a list apart"))
			continue
		}
		head, err := headOf(content, at+": ", list.Position)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		o := &Object{Source: list.Source, Position: list.Position, decoded: content, annotated: true, outer: outer}
		o.setHead(head, opts)
		objects = append(objects, o)
	}
	return objects, errors.Join(errs...)
}

// validMetadata reports whether the builder that Helm uses takes the head of an object.
// At that of a list nobody else looks.
func validMetadata(value map[string]any) bool {
	text, err := json.Marshal(map[string]any{"apiVersion": value["apiVersion"], "kind": value["kind"], "metadata": value["metadata"]})
	var into struct {
		metav1.TypeMeta `json:""`
		Metadata        metav1.ObjectMeta `json:"metadata"`
	}
	return err == nil && utiljson.Unmarshal(text, &into) == nil
}

// itemOf returns an item of a list with the kind and version that it may take from there,
// and without a namespace that is no text: the builder puts it into that of the release.
func itemOf(item map[string]any, listKind, listVersion string) map[string]any {
	kind, _ := item["kind"].(string)
	version, _ := item["apiVersion"].(string)
	metadata, _ := item["metadata"].(map[string]any)
	_, text := metadata["namespace"].(string)
	odd := metadata["namespace"] != nil && !text
	if !odd && (kind != "" || version != "") {
		return item
	}
	if item = maps.Clone(item); item == nil {
		item = map[string]any{}
	}
	if odd {
		metadata = maps.Clone(metadata)
		delete(metadata, "namespace")
		item["metadata"] = metadata
	}
	if kind == "" && version == "" {
		item["kind"], item["apiVersion"] = strings.TrimSuffix(listKind, "List"), listVersion
	}
	return item
}
