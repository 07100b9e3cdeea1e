package diff

import (
	"encoding/json"
	"strconv"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// itemNames are the fields that can name an item among its neighbours, the first
// fitting set wins. They are the merge keys of the Kubernetes API, and the ones
// that custom resources took over from it.
var itemNames = [][]string{ //nolint:gochecknoglobals // a constant table
	{"name"},
	{"containerPort", "protocol"},
	{"containerPort"},
	{"port", "protocol"},
	{"port"},
	{"mountPath"},
	{"devicePath"},
	{"key"},
	{"topologyKey", "whenUnsatisfiable"},
	{"host"},
	{"path"},
	{"ip"},
	{"uid"},
	{"id"},
}

func (d *differ) lists(path fieldpath.Path, old, updated []any) {
	if names := namesFor(old, updated); names != nil {
		d.named(path, names, old, updated)
		return
	}
	d.positional(path, old, updated)
}

// namesFor returns the fields that name every item of both lists uniquely, nil
// if there are none.
func namesFor(old, updated []any) []string {
	if len(old)+len(updated) == 0 {
		return nil
	}
	for _, names := range itemNames {
		if unique(old, names) && unique(updated, names) {
			return names
		}
	}
	return nil
}

func unique(items []any, names []string) bool {
	seen := make(map[string]bool, len(items))
	for _, item := range items {
		name, ok := itemName(item, names)
		if !ok || seen[name] {
			return false
		}
		seen[name] = true
	}
	return true
}

func itemName(item any, names []string) (string, bool) {
	m, ok := item.(map[string]any)
	if !ok {
		return "", false
	}
	name := ""
	for _, field := range names {
		switch v := m[field].(type) {
		case string:
			name += strconv.Quote(v)
		case int64:
			name += strconv.FormatInt(v, 10)
		default:
			return "", false
		}
	}
	return name, true
}

func keyStep(item any, names []string) fieldpath.Element {
	m, _ := item.(map[string]any)
	keys := make([]fieldpath.Key, len(names))
	for i, field := range names {
		keys[i] = fieldpath.Key{Name: field}
		switch v := m[field].(type) {
		case string:
			keys[i].Value, keys[i].Quoted = v, true
		case int64:
			keys[i].Value = strconv.FormatInt(v, 10)
		}
	}
	return fieldpath.Element{Keys: keys}
}

// named compares two lists whose items have names: item by item, and then their
// order, which matters to pods.
func (d *differ) named(path fieldpath.Path, names []string, old, updated []any) {
	before := make(map[string]any, len(old))
	for _, item := range old {
		name, _ := itemName(item, names)
		before[name] = item
	}
	after := make(map[string]bool, len(updated))
	var order []string // names on both sides, in the new order
	for _, item := range updated {
		name, _ := itemName(item, names)
		after[name] = true
		step := keyStep(item, names)
		if o, both := before[name]; both {
			order = append(order, name)
			d.values(path, step, o, item)
		} else {
			d.add(path.Child(step), change.Value{}, change.ValueOf(item))
		}
	}
	i, reordered := 0, false
	for _, item := range old {
		name, _ := itemName(item, names)
		if !after[name] {
			d.add(path.Child(keyStep(item, names)), change.ValueOf(item), change.Value{})
			continue
		}
		reordered = reordered || order[i] != name
		i++
	}
	if reordered {
		d.edits = append(d.edits, change.Edit{
			Path: path, Reordered: true,
			Old: change.ValueOf(labels(old, names)), New: change.ValueOf(labels(updated, names)),
		})
	}
}

// labels returns what names the items, for people.
func labels(items []any, names []string) []any {
	out := make([]any, len(items))
	for i, item := range items {
		m, _ := item.(map[string]any)
		out[i] = m[names[0]]
	}
	return out
}

// maxAlign bounds the work of aligning two lists by content; beyond it, items
// are compared position by position.
const maxAlign = 1 << 20

// positional compares two lists whose items have no names. Equal items are
// aligned, so that an item put in front of the others is one edit.
func (d *differ) positional(path fieldpath.Path, old, updated []any) {
	a, b := digests(old), digests(updated)
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	endA, endB := len(a), len(b)
	for endA > start && endB > start && a[endA-1] == b[endB-1] {
		endA--
		endB--
	}
	i, j := start, start
	flush := func(toA, toB int) {
		for ; i < toA && j < toB; i, j = i+1, j+1 {
			d.values(path, fieldpath.Index(j), old[i], updated[j])
		}
		for ; i < toA; i++ {
			d.add(path.Child(fieldpath.Index(i)), change.ValueOf(old[i]), change.Value{})
		}
		for ; j < toB; j++ {
			d.add(path.Child(fieldpath.Index(j)), change.Value{}, change.ValueOf(updated[j]))
		}
	}
	for _, match := range align(a[start:endA], b[start:endB]) {
		flush(start+match[0], start+match[1])
		i, j = start+match[0]+1, start+match[1]+1
	}
	flush(endA, endB)
}

// digests returns a text for each item that is equal for equal items.
func digests(items []any) []string {
	out := make([]string, len(items))
	for i, item := range items {
		encoded, err := json.Marshal(item)
		if err != nil {
			encoded = []byte(strconv.Itoa(i))
		}
		out[i] = string(encoded)
	}
	return out
}

// align returns the positions of a longest common subsequence.
func align(a, b []string) [][2]int {
	if len(a)*len(b) == 0 || len(a)*len(b) > maxAlign {
		return nil
	}
	width := len(b) + 1
	longest := make([]int32, (len(a)+1)*width)
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				longest[i*width+j] = longest[(i+1)*width+j+1] + 1
			} else {
				longest[i*width+j] = max(longest[(i+1)*width+j], longest[i*width+j+1])
			}
		}
	}
	var matches [][2]int
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			matches = append(matches, [2]int{i, j})
			i, j = i+1, j+1
		case longest[(i+1)*width+j] >= longest[i*width+j+1]:
			i++
		default:
			j++
		}
	}
	return matches
}
