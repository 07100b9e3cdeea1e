package valuelens

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
)

// blame is which keys an edit is due to.
type blame struct {
	// keys are those that undo the edit if one of them is reverted; if joint, none does so by
	// itself, and all of them together do.
	keys  []int
	joint bool
	// unresolved says that the edit is due to keys, and that no rendering is left to find which.
	unresolved bool
}

// trials finds the keys that edits are due to by reverting some and looking at what becomes of
// each edit, which a text stands for.
type trials struct {
	keys int
	// on is what becomes of each edit with no key reverted, off with all of them.
	on, off []string
	// try reverts keys. It returns nil where that cannot be rendered.
	try func(ctx context.Context, keys []int) ([]string, error)
	// left is how many renderings are left.
	left int
	// singly says that it is not known what becomes of the edits with all keys reverted: then only
	// keys are found that undo an edit alone.
	singly bool
	// short says that one more would have been needed.
	short bool

	known map[string][]string
	found []blame
	// touched are the keys that make an edit another one, reverted alone.
	touched [][]int
}

// search returns what each edit is due to; nothing for an edit that no key makes.
func (t *trials) search(ctx context.Context) ([]blame, error) {
	t.known, t.found, t.touched = map[string][]string{}, make([]blame, len(t.on)), make([][]int, len(t.on))
	all := make([]int, t.keys)
	for i := range all {
		all[i] = i
	}
	var edits []int
	for i := range t.on {
		if t.on[i] != t.off[i] {
			edits = append(edits, i)
		}
	}
	t.known["[]"] = t.on
	if !t.singly {
		t.known[fmt.Sprint(all)] = t.off
	}
	if err := t.alone(ctx, all, edits); err != nil {
		return nil, err
	}
	for _, edit := range edits {
		if len(t.found[edit].keys) > 0 || t.singly {
			continue
		}
		if err := t.together(ctx, edit, all); err != nil {
			return nil, err
		}
	}
	return t.found, nil
}

// states returns what becomes of each edit with some keys reverted; nil where that is not known.
func (t *trials) states(ctx context.Context, keys []int) ([]string, error) {
	keys = slices.Sorted(slices.Values(keys))
	name := fmt.Sprint(keys)
	if states, known := t.known[name]; known {
		return states, nil
	}
	if t.left == 0 {
		t.short = true
		return nil, nil
	}
	t.left--
	states, err := t.try(ctx, keys)
	if err != nil {
		return nil, err
	}
	t.known[name] = states
	return states, nil
}

// alone finds the keys that undo edits by themselves, by halves: of keys that together touch no
// edit none does.
func (t *trials) alone(ctx context.Context, keys, edits []int) error {
	if len(keys) == 0 || len(edits) == 0 {
		return nil
	}
	states, err := t.states(ctx, keys)
	if err != nil || t.short {
		return err
	}
	var touched []int
	for _, edit := range edits {
		if states == nil || states[edit] != t.on[edit] {
			touched = append(touched, edit)
		}
	}
	if len(keys) > 1 {
		half := len(keys) / 2
		if err := t.alone(ctx, keys[:half], touched); err != nil {
			return err
		}
		return t.alone(ctx, keys[half:], touched)
	}
	for _, edit := range touched {
		if states == nil {
			continue
		}
		t.touched[edit] = append(t.touched[edit], keys[0])
		if states[edit] == t.off[edit] {
			t.found[edit].keys = append(t.found[edit].keys, keys[0])
		}
	}
	return nil
}

// together finds the fewest keys that undo an edit if all of them are reverted. It adds one
// after the other: the last of the shortest row of keys that undoes it with those found so far.
func (t *trials) together(ctx context.Context, edit int, all []int) error {
	t.short = false
	rest, needed := all, []int(nil)
	few, err := t.undone(ctx, edit, t.touched[edit])
	if few {
		rest = t.touched[edit]
	}
	for err == nil && !t.short {
		done, failed := t.undone(ctx, edit, needed)
		if done {
			slices.Sort(needed)
			t.found[edit] = blame{keys: needed, joint: len(needed) > 1}
			return nil
		}
		if err = failed; err != nil || len(rest) == 0 {
			break
		}
		n := 1 + sort.Search(len(rest)-1, func(i int) bool {
			is, failed := t.undone(ctx, edit, slices.Concat(needed, rest[:i+1]))
			err = errors.Join(err, failed)
			return is
		})
		needed, rest = append(slices.Clone(needed), rest[n-1]), rest[:n-1]
	}
	t.found[edit] = blame{unresolved: true}
	return err
}

// undone reports whether an edit is known to be undone if some keys are reverted.
func (t *trials) undone(ctx context.Context, edit int, keys []int) (bool, error) {
	states, err := t.states(ctx, keys)
	return states != nil && states[edit] == t.off[edit], err
}
