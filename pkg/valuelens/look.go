package valuelens

import (
	"context"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/nearest"
)

// Question is which of the given values do something.
type Question struct {
	// New is the chart, Old the one before; nil if there is none.
	New, Old *Chart
	// Values are all that are given, Before those of the old chart.
	Values, Before map[string]any
	// Given is where they are from, the last one wins.
	Given []Given
	// Render renders the new chart with other values; nil to leave out the proof.
	Render func(ctx context.Context, values map[string]any) (string, error)
}

// dead is a key that no template reads, and how many keys are in it.
type dead struct {
	Key
	keys int
}

// Look answers a question.
func Look(ctx context.Context, q Question) (change.ValueKeys, error) {
	l := newLens(q.New, q.Values)
	a := change.ValueKeys{Shadowed: shadowed(q.Given)}
	keys := keysOf(q.Values)
	found := l.dead(keys, nil)
	if !l.complete {
		a.Unsure = append(a.Unsure, "the templates could not be followed to their end: any key may be read")
	}
	if len(found) > 0 && q.Render != nil {
		one := make([]Key, 0, len(found))
		for _, d := range found {
			one = append(one, leavesBelow(keys, d.Key)...)
		}
		live, unproven, err := prove(ctx, q, one)
		if err != nil {
			return a, err
		}
		if unproven != "" {
			a.Unsure = append(a.Unsure, unproven)
		}
		found = l.dead(keys, live)
	}
	for _, k := range keys {
		if k.leaf {
			a.Keys++
		}
	}
	a.Read = a.Keys
	was := func(Key) bool { return false }
	if q.Old != nil && len(found) > 0 {
		if before := newLens(q.Old, over(q.Before, q.Values)); before.complete {
			was = func(k Key) bool {
				return slices.ContainsFunc(leavesBelow(keys, k), func(k Key) bool { return before.reads(k.Path) })
			}
		}
	}
	for _, d := range found {
		a.Read -= d.keys
		a.Dead = append(a.Dead, change.DeadKey{Key: d.Text, At: sourceOf(d.Key, q.Given), Keys: d.keys, Nearest: l.nearest(d.Path), Was: was(d.Key)})
	}
	return a, nil
}

// PlaceOf returns where a key is given last, and whether it is.
func PlaceOf(q *Question, path []string) (change.KeyPlace, bool) {
	if len(path) == 0 || !exists(q.Values, path) {
		return change.KeyPlace{}, false
	}
	return sourceOf(Key{Path: path, Text: TextOf(path)}, q.Given), true
}

// lens is what a chart reads.
type lens struct {
	read     *reads
	scopes   []*scope
	complete bool
	// effective are the values that the templates see.
	effective map[string]any
}

func newLens(ch *Chart, given map[string]any) *lens {
	l := &lens{scopes: scopesOf(ch, nil, ch.Name), effective: Effective(ch, given)}
	l.read, l.complete = read(ch, l.effective)
	return l
}

// reads reports whether a template reads the key. What is global is read also where a
// sub-chart reads it.
func (l *lens) reads(path []string) bool {
	if l.read.has(path) {
		return true
	}
	for i, key := range path {
		if key != globals || !l.isScope(path[:i]) {
			continue
		}
		for _, s := range l.scopes {
			if len(s.prefix) > i && slices.Equal(s.prefix[:i], path[:i]) && l.read.has(slices.Concat(s.prefix, path[i:])) {
				return true
			}
		}
	}
	return false
}

func (l *lens) isScope(prefix []string) bool {
	return slices.ContainsFunc(l.scopes, func(s *scope) bool { return slices.Equal(s.prefix, prefix) })
}

// dead returns the keys that no template reads: of a map in which all are dead, the map. Those
// in read are known to be read.
func (l *lens) dead(keys []Key, read map[string]bool) []dead {
	live := map[string]bool{}
	for _, k := range keys {
		if !k.leaf || !read[k.Text] && !l.reads(k.Path) && !l.alone(k) {
			continue
		}
		for i := range k.Path {
			live[strings.Join(k.Path[:i+1], separator)] = true
		}
	}
	var found []dead
	for _, k := range keys {
		inDead := slices.ContainsFunc(found, func(d dead) bool { return len(d.Path) < len(k.Path) && slices.Equal(d.Path, k.Path[:len(d.Path)]) })
		if live[strings.Join(k.Path, separator)] || inDead || k.item {
			continue
		}
		found = append(found, dead{Key: k, keys: max(1, len(leavesBelow(keys, k)))})
	}
	return found
}

// alone reports whether a key decides that a map around it is not empty, which a template asks.
func (l *lens) alone(k Key) bool {
	for i := len(k.Path) - 1; i > 0; i-- {
		if m, is := At(l.effective, k.Path[:i]).(map[string]any); !is || len(m) > 1 {
			return false
		}
		if l.read.testing(k.Path[:i]) {
			return true
		}
	}
	return false
}

func leavesBelow(keys []Key, in Key) []Key {
	var list []Key
	for _, k := range keys {
		if k.leaf && len(k.Path) >= len(in.Path) && slices.Equal(k.Path[:len(in.Path)], in.Path) {
			list = append(list, k)
		}
	}
	return list
}

// nearest returns the key that is read and most like one that is not: of another name in the
// same map, or of the same name in another place.
func (l *lens) nearest(path []string) string {
	last := len(path) - 1
	var beside, elsewhere []string
	texts := map[string]string{}
	l.read.list(nil, func(p []string) {
		switch {
		case len(p) == len(path) && slices.Equal(p[:last], path[:last]):
			beside = append(beside, p[last])
			texts[p[last]] = TextOf(p)
		case p[len(p)-1] == path[last]:
			elsewhere = append(elsewhere, TextOf(p))
		}
	})
	if word := nearest.Of(path[last], beside); word != "" {
		return texts[word]
	}
	for _, word := range beside {
		if strings.EqualFold(strings.NewReplacer("-", "", "_", "").Replace(word), strings.NewReplacer("-", "", "_", "").Replace(path[last])) {
			return texts[word]
		}
	}
	if len(elsewhere) == 1 {
		return elsewhere[0]
	}
	return nearest.Of(TextOf(path), elsewhere)
}

// TextOf returns a path as --set takes it.
func TextOf(path []string) string {
	text := ""
	for _, key := range path {
		text = below(text, key)
	}
	return text
}

// shadowed lists keys that are given, and given again later.
func shadowed(given []Given) []change.ShadowedKey {
	var list []change.ShadowedKey
	for i, g := range given {
		for _, k := range keysOf(g.Values) {
			if k.item || strings.Contains(k.Text, "[") {
				continue
			}
			m, isMap := At(g.Values, k.Path).(map[string]any)
			if isMap && len(m) > 0 {
				continue
			}
			for _, later := range slices.Backward(given[i+1:]) {
				if !replaces(later, k) {
					continue
				}
				list = append(list, change.ShadowedKey{
					Key: k.Text, At: change.KeyPlace{Name: g.Name, Line: g.Lines[k.Text]}, By: change.KeyPlace{Name: later.Name, Line: later.Lines[k.Text]},
				})
				break
			}
		}
	}
	return list
}

// replaces reports whether a later source leaves nothing of the value of a key.
func replaces(later Given, k Key) bool {
	var value any = later.Values
	for _, key := range k.Path {
		m, is := value.(map[string]any)
		if !is {
			return true
		}
		if value, is = m[key]; !is {
			return false
		}
	}
	switch v := value.(type) {
	case map[string]any:
		return false
	case []any:
		return later.Lines != nil || len(v) == 0 // --set may set one item of it
	}
	return true
}

// At returns the value at a path of maps; nil if there is none.
func At(value any, path []string) any {
	for _, key := range path {
		m, is := value.(map[string]any)
		if !is {
			return nil
		}
		value = m[key]
	}
	return value
}
