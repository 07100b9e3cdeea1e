package helmdiff

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Sides returns both sides of a change as YAML, "" for a side that does not exist. It
// returns the documents as written or, if something must be hidden or masked, what remains
// of their values.
func Sides(c *change.Change, opt reporting.Options) (old, updated string, err error) { //nolint:cyclop // one branch a kind of change
	oldValue, err := valueOf(c.Old)
	if err != nil {
		return "", "", err
	}
	newValue, err := valueOf(c.New)
	if err != nil {
		return "", "", err
	}
	asWritten := (c.Old == nil || c.Old.Text() != "") && (c.New == nil || c.New.Text() != "")
	if !opt.ShowHidden && c.Old != nil && c.New != nil {
		edits := make([]*change.Edit, len(c.Edits))
		for i := range c.Edits {
			edits[i] = &c.Edits[i]
			asWritten = asWritten && c.Edits[i].Noise == ""
		}
		if merged, ok := unhide(side{oldValue, true}, side{newValue, true}, edits, 0).value.(map[string]any); ok {
			newValue = merged
		}
	}
	if !opt.ShowSecrets {
		// A comment in the text of a Secret may say what its fields contain.
		asWritten = asWritten && !manifest.IsSecret(c.Ref.Kind) && !secretIn(c.Ref, oldValue) && !secretIn(c.Ref, newValue)
		if !asWritten {
			oldValue, newValue = masked(c, oldValue, newValue)
		}
	}
	if asWritten {
		return written(c.Old), written(c.New), nil
	}
	if old, err = asYAML(c.Old, oldValue); err != nil {
		return "", "", err
	}
	updated, err = asYAML(c.New, newValue)
	return old, updated, err
}

// secretIn reports whether an object holds something that must not be shown.
func secretIn(ref manifest.Ref, value map[string]any) bool {
	return !reflect.DeepEqual(value, manifest.WithoutSecrets(value, ref))
}

func valueOf(o *manifest.Object) (map[string]any, error) {
	if o == nil {
		return nil, nil //nolint:nilnil // no object has no value
	}
	return o.Value()
}

func written(o *manifest.Object) string {
	if o == nil {
		return ""
	}
	return strings.TrimSpace(o.Text())
}

func asYAML(o *manifest.Object, value map[string]any) (string, error) {
	if o == nil {
		return "", nil
	}
	encoded, err := yaml.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("%s: write as YAML: %w", o.Position, err)
	}
	comment := ""
	if o.Source != "" {
		comment = "# Source: " + o.Source + "\n"
	}
	return comment + strings.TrimSpace(string(encoded)), nil
}

// side is the value at some path on one side of a change.
type side struct {
	value   any
	present bool
}

// unhide returns the new side with hidden fields as on the old side. edits are the edits at
// or below the path, which is depth steps long. If hidden and visible edits cannot be
// separated, both are shown.
func unhide(old, updated side, edits []*change.Edit, depth int) side {
	hidden := 0
	for _, e := range edits {
		if e.Noise != "" {
			hidden++
		}
	}
	switch {
	case hidden == 0:
		return updated
	case hidden == len(edits):
		return old
	}
	oldMap, _ := old.value.(map[string]any)
	if newMap, ok := updated.value.(map[string]any); ok || !updated.present && oldMap != nil {
		return side{unhideMap(oldMap, newMap, edits, depth), true}
	}
	oldList, ok := old.value.([]any)
	newList, both := updated.value.([]any)
	if ok && both {
		return side{unhideList(oldList, newList, edits, depth), true}
	}
	return updated
}

func unhideMap(old, updated map[string]any, edits []*change.Edit, depth int) map[string]any {
	out := maps.Clone(updated)
	if out == nil {
		out = map[string]any{}
	}
	for _, under := range byStep(edits, depth) {
		name := under[0].Path[depth].Field
		o, inOld := old[name]
		n, inNew := updated[name]
		if result := unhide(side{o, inOld}, side{n, inNew}, under, depth+1); result.present {
			out[name] = result.value
		} else {
			delete(out, name)
		}
	}
	return out
}

func unhideList(old, updated []any, edits []*change.Edit, depth int) []any {
	out := slices.Clone(updated)
	for _, under := range byStep(edits, depth) {
		keys := under[0].Path[depth].Keys
		if len(keys) == 0 {
			continue // positions mean other items on the other side
		}
		result := unhide(item(old, keys), item(updated, keys), under, depth+1)
		at := position(out, keys)
		switch {
		case at >= 0 && result.present:
			out[at] = result.value
		case at >= 0:
			out = slices.Delete(out, at, at+1)
		case result.present:
			out = append(out, result.value)
		}
	}
	return out
}

// byStep groups edits by their next step, in the order in which the steps first appear.
// Edits of the path itself have no next step.
func byStep(edits []*change.Edit, depth int) [][]*change.Edit {
	var out [][]*change.Edit
	place := map[string]int{}
	for _, e := range edits {
		if len(e.Path) <= depth {
			continue
		}
		step := e.Path[depth : depth+1].String()
		i, known := place[step]
		if !known {
			i = len(out)
			place[step] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], e)
	}
	return out
}

func item(items []any, keys []fieldpath.Key) side {
	if at := position(items, keys); at >= 0 {
		return side{items[at], true}
	}
	return side{}
}

// position returns the index of the item that the keys name, -1 if there is none.
func position(items []any, keys []fieldpath.Key) int {
	return slices.IndexFunc(items, func(item any) bool {
		fields, isMap := item.(map[string]any)
		return isMap && !slices.ContainsFunc(keys, func(k fieldpath.Key) bool {
			switch v := fields[k.Name].(type) {
			case string:
				return !k.Quoted || v != k.Value
			case int64:
				return k.Quoted || strconv.FormatInt(v, 10) != k.Value
			default:
				return true
			}
		})
	})
}

// masked returns both sides with a mask for every secret. Masks differ if the secrets do,
// so that a diff still shows what has changed.
func masked(c *change.Change, old, updated map[string]any) (maskedOld, maskedNew map[string]any) {
	m := masking{c}
	publicOld, publicNew := manifest.WithoutSecrets(old, c.Ref), manifest.WithoutSecrets(updated, c.Ref)
	a, b := m.values(nil, hiding{old, publicOld, old != nil}, hiding{updated, publicNew, updated != nil})
	maskedOld, _ = a.(map[string]any)
	maskedNew, _ = b.(map[string]any)
	return maskedOld, maskedNew
}

// hiding is a value on one side of a change, with the part of it that may be shown.
type hiding struct {
	raw, public any
	present     bool
}

// masking compares the secrets of both sides of a change.
type masking struct{ about *change.Change }

// values returns the public values of both sides at a path.
func (m masking) values(path fieldpath.Path, old, updated hiding) (shownOld, shownNew any) {
	oldMap, oldIs := old.public.(map[string]any)
	newMap, newIs := updated.public.(map[string]any)
	if oldIs && newIs {
		return m.fields(path, old, updated, oldMap, newMap)
	}
	oldList, oldIs := old.public.([]any)
	newList, newIs := updated.public.([]any)
	if oldIs && newIs && len(oldList) == len(newList) {
		return m.items(path, old, updated, oldList, newList)
	}
	both := old.present && updated.present && old.public == any(change.Mask) && updated.public == any(change.Mask)
	if both && (!equal(old.raw, updated.raw) || m.edited(path)) {
		return change.Mask + " (old)", change.Mask + " (new)"
	}
	return old.public, updated.public
}

func (m masking) fields(path fieldpath.Path, old, updated hiding, oldMap, newMap map[string]any) (shownOld, shownNew any) {
	oldRaw, _ := old.raw.(map[string]any)
	newRaw, _ := updated.raw.(map[string]any)
	oldMap, newMap = maps.Clone(oldMap), maps.Clone(newMap)
	for name := range oldMap {
		if _, both := newMap[name]; !both {
			continue
		}
		oldMap[name], newMap[name] = m.values(path.Child(fieldpath.Field(name)),
			hiding{oldRaw[name], oldMap[name], true}, hiding{newRaw[name], newMap[name], true})
	}
	return oldMap, newMap
}

func (m masking) items(path fieldpath.Path, old, updated hiding, oldList, newList []any) (shownOld, shownNew any) {
	oldRaw, _ := old.raw.([]any)
	newRaw, _ := updated.raw.([]any)
	oldList, newList = slices.Clone(oldList), slices.Clone(newList)
	for i := range oldList {
		a, b := hiding{nil, oldList[i], true}, hiding{nil, newList[i], true}
		if i < len(oldRaw) && i < len(newRaw) {
			a.raw, b.raw = oldRaw[i], newRaw[i]
		}
		oldList[i], newList[i] = m.values(path.Child(fieldpath.Index(i)), a, b)
	}
	return oldList, newList
}

// edited reports whether the change lists an edit at the path. Objects from a stored set
// hold masks, which are the same on both sides.
func (m masking) edited(path fieldpath.Path) bool {
	return slices.ContainsFunc(m.about.Edits, func(e change.Edit) bool { return slices.EqualFunc(e.Path, path, sameField) })
}

func sameField(a, b fieldpath.Element) bool {
	return len(a.Keys) == 0 && len(b.Keys) == 0 && a.Field == b.Field && a.Index == b.Index
}

func equal(a, b any) bool { return reporting.Quoted(a) == reporting.Quoted(b) }
