package valuelens

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// prove renders the chart without the keys that are found dead, and with other values of
// them. What comes out differently shows which of them are read after all: these are returned,
// by their Text. Lines that are different each time anyway do not count.
func prove(ctx context.Context, q Question, found []Key) (live map[string]bool, unproven string, err error) {
	base, err := q.Render(ctx, q.Values)
	if err != nil {
		return nil, "the chart could not be rendered once more", ctx.Err()
	}
	again, err := q.Render(ctx, q.Values)
	if err != nil {
		return nil, "the chart could not be rendered once more", ctx.Err()
	}
	p := prover{q: q, base: strings.Split(base, "\n"), again: strings.Split(again, "\n")}
	if len(p.base) != len(p.again) {
		return nil, "the chart comes out differently each time", nil
	}
	live = map[string]bool{}
	for _, alter := range []func(map[string]any, []string){removeKey, changeKey} {
		p.alter = alter
		if err := p.search(ctx, found, live); err != nil {
			return live, "", err
		}
	}
	return live, "", nil
}

type prover struct {
	q           Question
	base, again []string
	alter       func(values map[string]any, path []string)
}

// search finds those of some keys that make a difference, by halves.
func (p *prover) search(ctx context.Context, keys []Key, live map[string]bool) error {
	if len(keys) == 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	values := copied(p.q.Values).(map[string]any)
	for _, k := range keys {
		p.alter(values, k.Path)
	}
	text, err := p.q.Render(ctx, values)
	if err == nil && p.same(text) {
		return nil
	}
	if len(keys) == 1 {
		live[keys[0].Text] = true
		return nil
	}
	half := len(keys) / 2
	if err := p.search(ctx, keys[:half], live); err != nil {
		return err
	}
	return p.search(ctx, keys[half:], live)
}

// same reports whether a rendering is the first one, apart from lines that are different each
// time.
func (p *prover) same(text string) bool {
	lines := strings.Split(text, "\n")
	if len(lines) != len(p.base) {
		return false
	}
	for i, line := range lines {
		if p.base[i] == p.again[i] && line != p.base[i] {
			return false
		}
	}
	return true
}

// removeKey takes a key out of values.
func removeKey(values map[string]any, path []string) {
	if m, is := At(values, path[:len(path)-1]).(map[string]any); is {
		delete(m, path[len(path)-1])
	}
}

// changeKey gives a key another value of the same type.
func changeKey(values map[string]any, path []string) {
	m, is := At(values, path[:len(path)-1]).(map[string]any)
	if !is {
		return
	}
	switch v := m[path[len(path)-1]].(type) {
	case bool:
		m[path[len(path)-1]] = !v
	case map[string]any, []any:
		return // what is in it was left out already
	case string:
		m[path[len(path)-1]] = v + "x"
	default:
		m[path[len(path)-1]] = int64(7)
	}
}

// copied returns a value that shares nothing with the one given.
func copied(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := maps.Clone(v)
		for key, below := range out {
			out[key] = copied(below)
		}
		return out
	case []any:
		out := slices.Clone(v)
		for i, below := range out {
			out[i] = copied(below)
		}
		return out
	}
	return value
}

// Copy returns values that share nothing with those given.
func Copy(values map[string]any) map[string]any {
	if values == nil {
		return map[string]any{}
	}
	return copied(values).(map[string]any)
}
