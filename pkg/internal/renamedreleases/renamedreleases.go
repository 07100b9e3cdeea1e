// Package renamedreleases gives the objects of one release the names of another.
package renamedreleases

import (
	"encoding/base64"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// renamed is the filter that hides what differs since two releases differ in name
// and namespace.
const renamed = "renamed"

// word is what is replaced, and by what.
type word struct{ old, updated string }

// Renaming gives the objects of one release the names of another.
type Renaming struct {
	words []word
	// configured says that the configuration differs in names only.
	configured bool
	done       []renamedObject
}

// New returns the renaming of one release to another; nil if they have the same names.
func New(from change.Place, name, namespace string) *Renaming {
	var words []word
	for _, w := range []word{{from.Name, name}, {from.Namespace, namespace}} {
		if w.old != "" && w.updated != "" && w.old != w.updated {
			words = append(words, w)
		}
	}
	if len(words) == 0 {
		return nil
	}
	return &Renaming{words: words}
}

// renamedObject is an object with what was replaced in it.
type renamedObject struct {
	old, updated *manifest.Object
	edits        []change.Edit
}

// Manifest returns the old objects with the names of the new ones.
func (r *Renaming) Manifest(old, updated []*manifest.Object) (string, error) {
	partners := r.pair(old, updated)
	var err error
	if r.configured, err = sameConfiguration(r.words, old, updated, partners); err != nil {
		return "", err
	}
	var b strings.Builder
	for _, o := range old {
		text := o.Text()
		if n := partners[o]; n != nil || text == "" {
			value, err := r.object(o, n)
			if err != nil {
				return "", err
			}
			if value != nil {
				encoded, err := yaml.Marshal(value)
				if err != nil {
					return "", err
				}
				text = "# Source: " + o.Source + "\n" + string(encoded)
			}
		}
		b.WriteString("---\n" + strings.TrimSuffix(text, "\n") + "\n")
	}
	return b.String(), nil
}

// object returns the old object with what could be replaced, nil if that is
// nothing and its text can stay.
func (r *Renaming) object(o, n *manifest.Object) (map[string]any, error) {
	oldValue, err := o.Value()
	if err != nil || n == nil {
		return oldValue, err
	}
	newValue, err := n.Value()
	if err != nil {
		return nil, err
	}
	w := walk{words: r.words, secret: manifest.IsSecret(n.Ref.Kind)}
	value, _ := w.value(nil, oldValue, newValue).(map[string]any)
	if r.configured {
		w.checksums(value, newValue)
	}
	if len(w.edits) == 0 && o.Text() != "" {
		return nil, nil
	}
	r.done = append(r.done, renamedObject{o, n, change.VeilOf(n.Ref, oldValue, newValue).Conceal(w.edits)})
	return value, nil
}

// pair finds for each old object the new one that has its name, or that has it
// once the words are replaced.
func (r *Renaming) pair(old, updated []*manifest.Object) map[*manifest.Object]*manifest.Object {
	partners := make(map[*manifest.Object]*manifest.Object, len(old))
	taken := make(map[*manifest.Object]bool, len(updated))
	for _, alike := range []func(a, b string) bool{func(a, b string) bool { return a == b }, func(a, b string) bool { return turns(r.words, a, b) }} {
		for _, o := range old {
			if partners[o] != nil {
				continue
			}
			i := slices.IndexFunc(updated, func(n *manifest.Object) bool {
				return !taken[n] && o.Ref.Kind == n.Ref.Kind && o.Ref.Group == n.Ref.Group &&
					alike(o.Ref.Name+"/"+o.GenerateName, n.Ref.Name+"/"+n.GenerateName) &&
					(o.Ref.Namespace == n.Ref.Namespace || turns(r.words, o.Ref.Namespace, n.Ref.Namespace))
			})
			if i >= 0 {
				partners[o], taken[updated[i]] = updated[i], true
			}
		}
	}
	return partners
}

// Note adds to the set what was replaced, as hidden edits.
func (r *Renaming) Note(set *change.Set) {
	known := make(map[manifest.Identity]*change.Change, len(set.Changes))
	for i := range set.Changes {
		if c := &set.Changes[i]; c.New != nil && c.Ref.Name != "" {
			known[c.Ref.Identity()] = c
		}
	}
	var added []change.Change
	for _, o := range r.done {
		c := known[o.updated.Ref.Identity()]
		switch {
		case len(o.edits) == 0:
		case c == nil:
			added = append(added, change.Change{Ref: o.updated.Ref, Op: change.Update, Old: o.old, New: o.updated, Edits: o.edits})
			set.Same--
		case len(c.Edits) > 0 || c.Noise != "":
			c.Edits = append(c.Edits, o.edits...)
		}
	}
	set.Changes = append(set.Changes, added...)
	slices.SortStableFunc(set.Changes, change.Compare)
}

// walk goes through two objects side by side and gives the old one what the new
// one is called.
type walk struct {
	words  []word
	secret bool // a Secret
	edits  []change.Edit
}

// value returns old with what could be replaced. old stays as it is.
func (w *walk) value(path fieldpath.Path, old, updated any) any {
	switch o := old.(type) {
	case string:
		if n, is := updated.(string); is {
			return w.text(path, o, n)
		}
	case map[string]any:
		if n, is := updated.(map[string]any); is {
			replaced := make(map[string]any, len(o))
			for _, key := range manifest.Fields(o) {
				replaced[key] = o[key]
				if other, found := n[key]; found {
					replaced[key] = w.value(path.Child(fieldpath.Field(key)), o[key], other)
				}
			}
			return replaced
		}
	case []any:
		if n, is := updated.([]any); is {
			replaced := slices.Clone(o)
			for i := range o {
				if j := w.item(o[i], n, i, len(o)); j >= 0 {
					replaced[i] = w.value(path.Child(fieldpath.Index(i)), o[i], n[j])
				}
			}
			return replaced
		}
	}
	return old
}

// item returns which item of the new list stands for one of the old, -1 if none:
// the one at its place in lists of the same length, else the one that has its name,
// or the text that it may turn into.
func (w *walk) item(old any, list []any, place, length int) int {
	if len(list) == length {
		return place
	}
	return slices.IndexFunc(list, func(n any) bool {
		switch o := old.(type) {
		case string:
			text, is := n.(string)
			return is && turns(w.words, o, text) && !slices.Contains(list, old)
		case map[string]any:
			other, _ := n.(map[string]any)
			return o["name"] != nil && reflect.DeepEqual(o["name"], other["name"])
		default:
			return false
		}
	})
}

// text returns the old text with what could be replaced: as a whole, or line by
// line. What a Secret keeps in base64 is looked into.
func (w *walk) text(path fieldpath.Path, old, updated string) string {
	if old == updated || len(path) > 0 && path[len(path)-1].Field == "image" {
		return old
	}
	var replaced string
	if w.secret && path.Under("data") {
		o, errOld := base64.StdEncoding.DecodeString(old)
		n, errNew := base64.StdEncoding.DecodeString(updated)
		if errOld != nil || errNew != nil {
			return old
		}
		replaced = base64.StdEncoding.EncodeToString([]byte(replaceLines(w.words, string(o), string(n))))
	} else {
		replaced = replaceLines(w.words, old, updated)
	}
	if replaced != old {
		w.edits = append(w.edits, change.Edit{Path: path, Old: change.ValueOf(old), New: change.ValueOf(replaced), Noise: renamed})
	}
	return replaced
}

// replaceLines returns the new text if the old one turns into it, else the old one
// with those lines replaced that turn into a line of the new one.
func replaceLines(words []word, old, updated string) string {
	if turns(words, old, updated) {
		return updated
	}
	lines, others := strings.Split(old, "\n"), strings.Split(updated, "\n")
	if len(lines) == 1 {
		return old
	}
	for i, line := range lines {
		if slices.Contains(others, line) {
			continue
		}
		if j := slices.IndexFunc(others, func(other string) bool { return turns(words, line, other) }); j >= 0 {
			lines[i] = others[j]
		}
	}
	return strings.Join(lines, "\n")
}

// turns reports whether some of the words in old, each standing by itself, can be
// replaced so that the new text comes out.
func turns(words []word, old, updated string) bool {
	failed := map[[2]int]bool{}
	var from func(i, j int) bool
	from = func(i, j int) bool {
		begun := [2]int{i, j}
		if failed[begun] {
			return false
		}
		for {
			if i == 0 || !inWord(old[i-1]) {
				for _, w := range words {
					if end := i + len(w.old); strings.HasPrefix(old[i:], w.old) && (end == len(old) || !inWord(old[end])) &&
						strings.HasPrefix(updated[j:], w.updated) && from(end, j+len(w.updated)) {
						return true
					}
				}
			}
			if i == len(old) || j == len(updated) || old[i] != updated[j] {
				failed[begun] = i != len(old) || j != len(updated)
				return !failed[begun]
			}
			i, j = i+1, j+1
		}
	}
	return from(0, 0)
}

// inWord reports whether a byte continues a word. A dash, a dot or a slash ends it,
// as in shop-db.prod.svc.
func inWord(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= 0x80
}
