package policy

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/cel-go/cel"
	"go.yaml.in/yaml/v3"
)

// reader goes through the nodes of a file and collects every mistake.
type reader struct {
	file     string
	known    Known
	env      *cel.Env // made when the first condition is read
	mistakes []mistake
	// named are the rules that switches name. They are checked when all rules are known.
	named []*yaml.Node
	// own are the IDs of the rules that the file itself defines.
	own []string
}

type mistake struct {
	line int
	err  error
}

// field is a key that a map may have, and the function that reads its value.
type field struct {
	name string
	read func(*yaml.Node)
}

func (r *reader) at(n *yaml.Node) string { return r.file + ":" + strconv.Itoa(n.Line) }

func (r *reader) fail(n *yaml.Node, format string, args ...any) {
	r.mistakes = append(r.mistakes, mistake{n.Line, fmt.Errorf("%s: %s", r.at(n), fmt.Sprintf(format, args...))})
}

// document returns the value in a text, nil if there is none.
func (r *reader) document(text string) *yaml.Node {
	var doc, second yaml.Node
	decoder := yaml.NewDecoder(strings.NewReader(text))
	if err := decoder.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		r.mistakes = append(r.mistakes, mistake{0, errors.New(yamlError(r.file, err))})
		return nil
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		second.Line = max(second.Line, 1)
		r.fail(&second, "a second document begins here, and nobody would read it")
	}
	if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
		return nil
	}
	return doc.Content[0]
}

// yamlError puts the file and line first, as in all other mistakes.
func yamlError(file string, err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if m := regexp.MustCompile(`^line (\d+): (.*)`).FindStringSubmatch(text); m != nil {
		return file + ":" + m[1] + ": " + m[2]
	}
	// The library leaves out the number of the first line.
	if regexp.MustCompile(`^(did not find|could not find|found|mapping values)`).MatchString(text) {
		return file + ":1: " + text
	}
	return file + ": " + text
}

// fields reads a map with the given keys.
func (r *reader) fields(n *yaml.Node, what string, fields ...field) {
	r.entries(n, what, func(key, value *yaml.Node) {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == key.Value })
		if i < 0 {
			names := make([]string, len(fields))
			for i := range fields {
				names[i] = fields[i].name
			}
			r.fail(key, "unknown field %q in %s; valid are %s", key.Value, what, strings.Join(names, ", "))
			return
		}
		fields[i].read(value)
	})
}

// entries reads a map with any keys. A key may appear only once.
func (r *reader) entries(n *yaml.Node, what string, read func(key, value *yaml.Node)) {
	n = resolved(n)
	if n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.MappingNode {
		r.fail(n, "%s is a map, not %s", what, kindOf(n))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if seen[key.Value] {
			r.fail(key, "%q stands twice in %s", key.Value, what)
			continue
		}
		seen[key.Value] = true
		read(key, resolved(n.Content[i+1]))
	}
}

// list reads each item of a list. A value that is not a list counts as its only item.
func (r *reader) list(n *yaml.Node, read func(*yaml.Node)) {
	n = resolved(n)
	switch {
	case n.Tag == "!!null":
	case n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			read(resolved(item))
		}
	default:
		read(n)
	}
}

// text reads a single value as text, whatever type YAML gives it.
func (r *reader) text(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.fail(n, "%s is text, not %s", what, kindOf(n))
		return ""
	}
	return n.Value
}

// into returns a function that reads text into a place.
func (r *reader) into(place *string, what string) func(*yaml.Node) {
	return func(n *yaml.Node) { *place = r.text(n, what) }
}

// patterns returns a function that reads a list of patterns. An empty list would match
// everything, so it is a mistake.
func (r *reader) patterns(place *[]Pattern, what string, compile func(string) Pattern) func(*yaml.Node) {
	return func(n *yaml.Node) {
		before := len(r.mistakes)
		r.list(n, func(item *yaml.Node) {
			if text := r.text(item, what); text != "" {
				*place = append(*place, compile(text))
			}
		})
		if len(*place) == 0 && len(r.mistakes) == before {
			r.fail(n, "%s is missing here; leave the field out if any will do", what)
		}
	}
}

// once reports a mistake if another entry already has the name.
func (r *reader) once(seen map[string]bool, n *yaml.Node, name, what string) {
	if name != "" && seen[name] {
		r.fail(n, "the id %q stands twice in %s", name, what)
	}
	seen[name] = true
}

// onOff reads a switch.
func (r *reader) onOff(n *yaml.Node) (on, is bool) {
	switch n.Value {
	case "on", "true":
		return true, n.Kind == yaml.ScalarNode
	case "off", "false":
		return false, n.Kind == yaml.ScalarNode
	default:
		return false, false
	}
}

// resolved follows an alias.
func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a map"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	default:
		return "a single value"
	}
}

// err returns all mistakes, in the order of the lines.
func (r *reader) err() error {
	slices.SortStableFunc(r.mistakes, func(a, b mistake) int { return a.line - b.line })
	errs := make([]error, len(r.mistakes))
	for i := range r.mistakes {
		errs[i] = r.mistakes[i].err
	}
	return errors.Join(errs...)
}
