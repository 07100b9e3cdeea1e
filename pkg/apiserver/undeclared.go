package apiserver

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubernetes/pkg/api/legacyscheme"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

const notDeclared = ": field not declared in schema"

// untyped returns the reason for which server-side apply rejects an object that does not
// fit its type. The server walks through maps in no order, and stops in each at the first
// field that is not declared: of several reasons it names a different one each time. Here it
// is the first by path. A field that is the only one of its kind is always named.
func (r request) untyped(value map[string]any, message string) string {
	if !strings.HasPrefix(message, "failed to create typed patch object") {
		return FirstLine(message)
	}
	lead, list, several := strings.Cut(message, "errors:\n")
	if !several {
		lead, list, _ = cutAfter(message, "): ")
	}
	unknown := r.undeclared(value)
	if len(unknown) > 1 {
		return lead + unknown[0] + notDeclared
	}
	var reasons []string
	for line := range strings.Lines(list) {
		reason, _, _ := strings.Cut(strings.TrimSpace(line), ", got &")
		if strings.HasSuffix(reason, notDeclared) {
			return lead + reason
		}
		reasons = append(reasons, reason)
	}
	slices.Sort(reasons)
	if wire := r.wireError(value); wire != nil && disordered(reasons[0]) {
		return lead + decodeReason(wire)
	}
	return lead + reasons[0]
}

// disordered reports whether a path names an item of a list by a key that is a map, which
// is written down in no order.
func disordered(reason string) bool {
	path := quoted.ReplaceAllString(reason, "")
	for _, keys := range strings.Split(path, "[")[1:] {
		inside, _, _ := strings.Cut(keys, "]")
		for key := range strings.SplitSeq(inside, ",") {
			if strings.Count(key, "=") > 1 || strings.HasSuffix(key, "=[") {
				return true
			}
		}
	}
	return strings.Contains(path, "=[") || strings.Contains(path, "[]=")
}

// quoted is a value of a key that is text.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// cutAfter cuts a text after the first separator, which stays with what is before it.
func cutAfter(text, separator string) (before, after string, found bool) {
	before, after, found = strings.Cut(text, separator)
	if !found {
		return "", text, false
	}
	return before + separator, after, true
}

// undeclared lists the fields of an object that its type does not have, by path.
func (r request) undeclared(value map[string]any) []string {
	var list []string
	if r.custom != nil {
		copied := runtime.DeepCopyJSON(value)
		for _, path := range pruning.PruneWithOptions(copied, r.custom.schema, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}) {
			list = append(list, "."+path)
		}
	} else if typed, err := legacyscheme.Scheme.New(r.gvk); err == nil {
		list = strangers(value, reflect.TypeOf(typed), "", nil)
	}
	slices.Sort(list)
	return list
}

// strangers appends the fields of a value that a Go type does not have. What reads itself
// from JSON has none.
func strangers(value any, t reflect.Type, path string, list []string) []string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if _, own := reflect.New(t).Interface().(interface{ UnmarshalJSON([]byte) error }); own {
		return list
	}
	switch v := value.(type) {
	case []any:
		for i, item := range v {
			if t.Kind() == reflect.Slice {
				list = strangers(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i), list)
			}
		}
	case map[string]any:
		for _, name := range manifest.Fields(v) {
			at := path + "." + name
			if t.Kind() == reflect.Map {
				list = strangers(v[name], t.Elem(), at, list)
			}
			if t.Kind() != reflect.Struct {
				continue
			}
			if field, has := fieldOf(t, name); has {
				list = strangers(v[name], field, at, list)
			} else {
				list = append(list, at)
			}
		}
	}
	return list
}

// fieldOf returns the type of the field that has a name in JSON.
func fieldOf(t reflect.Type, name string) (reflect.Type, bool) {
	for i := range t.NumField() {
		field := t.Field(i)
		called, rest, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case called == name && name != "":
			return field.Type, true
		case called == "" && (field.Anonymous || strings.Contains(rest, "inline")) && field.Type.Kind() == reflect.Struct:
			if inner, has := fieldOf(field.Type, name); has {
				return inner, true
			}
		}
	}
	return nil, false
}
