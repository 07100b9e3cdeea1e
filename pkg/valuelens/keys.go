package valuelens

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// Key is a key that a user gives: of a value that holds no other keys, or of a map or list.
type Key struct {
	Path []string
	// Text is the path as --set takes it: ingress.hosts[0].host.
	Text string
	// leaf says that it holds no other keys, item that it is an item of a list.
	leaf, item bool
}

// Given is one file of values, or one flag that sets some.
type Given struct {
	Name   string
	Values map[string]any
	// Lines are those of the keys, by Text; nil for a flag.
	Lines map[string]int
}

// keysOf lists all keys of values, each before those below it.
func keysOf(values map[string]any) []Key {
	var list []Key
	walk(values, Key{}, func(k Key) { list = append(list, k) })
	return list
}

func walk(value any, at Key, add func(Key)) {
	next := func(key, text string, below any, item bool) {
		k := Key{Path: append(slices.Clip(at.Path), key), Text: text, item: item}
		m, isMap := below.(map[string]any)
		l, isList := below.([]any)
		k.leaf = !isMap && !isList || len(m)+len(l) == 0
		add(k)
		walk(below, k, add)
	}
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			next(key, below(at.Text, key), v[key], false)
		}
	case []any:
		for i, item := range v {
			next(index(i), fmt.Sprintf("%s[%d]", at.Text, i), item, true)
		}
	}
}

// below returns the text of a key in a map.
func below(text, key string) string {
	key = strings.NewReplacer(`\`, `\\`, ".", `\.`, ",", `\,`, "=", `\=`).Replace(key)
	if text == "" {
		return key
	}
	return text + "." + key
}

// LinesOf returns the lines of all keys in the documents of a YAML text, by their Text. Of
// several documents later ones count, as Helm 4 merges them.
func LinesOf(text []byte) map[string]int {
	lines := map[string]int{}
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	for {
		var document yaml.Node
		if err := decoder.Decode(&document); err != nil {
			return lines
		}
		for _, n := range document.Content {
			linesOf(n, "", lines, 0)
		}
	}
}

// deepestYAML bounds how deep nodes are followed that name one another.
const deepestYAML = 60

func linesOf(n *yaml.Node, at string, lines map[string]int, depth int) {
	if depth > deepestYAML || len(lines) > 200_000 {
		return
	}
	switch n.Kind {
	case yaml.DocumentNode, yaml.ScalarNode: // a document is opened by the caller, a scalar has no keys
	case yaml.AliasNode:
		linesOf(n.Alias, at, lines, depth+1)
	case yaml.SequenceNode:
		for i, item := range n.Content {
			text := fmt.Sprintf("%s[%d]", at, i)
			lines[text] = item.Line
			linesOf(item, text, lines, depth+1)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			if key.Tag == "!!merge" {
				linesOf(value, at, lines, depth+1)
				continue
			}
			text := below(at, key.Value)
			lines[text] = key.Line
			linesOf(value, text, lines, depth+1)
		}
	}
}

// sourceOf returns where a key is given last.
func sourceOf(k Key, given []Given) change.KeyPlace {
	for _, g := range slices.Backward(given) {
		if g.Lines != nil {
			if line := g.Lines[k.Text]; line > 0 {
				return change.KeyPlace{Name: g.Name, Line: line}
			}
			continue
		}
		if exists(g.Values, k.Path) {
			return change.KeyPlace{Name: g.Name}
		}
	}
	return change.KeyPlace{}
}
