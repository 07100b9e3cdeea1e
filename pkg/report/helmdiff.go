package report

import (
	"bytes"
	"fmt"
	"io"
	"maps"

	"github.com/databus23/helm-diff/v3/diff"
	helmmanifest "github.com/databus23/helm-diff/v3/manifest"
	"github.com/mgutz/ansi"
	"sigs.k8s.io/yaml"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// context is how many lines helm-diff prints around a changed one.
const helmDiffContext = 3

// helmDiff prints the set as helm-diff does, with helm-diff's own printer. What
// noise hides is the same on both sides and so does not show. helm-diff's parser
// is not used: the entries are made from our objects.
func helmDiff(w io.Writer, set *change.Set, opt Options) error {
	old := map[string]*helmmanifest.MappingResult{}
	updated := map[string]*helmmanifest.MappingResult{}
	for i := range set.Changes {
		c := &set.Changes[i]
		if c.Hidden() && !opt.ShowHidden || c.Op == change.Keep {
			continue
		}
		before, after, err := helmDiffSides(c, opt)
		if err != nil {
			return err
		}
		key := fmt.Sprintf("%s, %s, %s (%s)", c.Ref.Namespace, c.Ref.Name, c.Ref.Kind, c.Ref.Group)
		for n := 2; old[key] != nil || updated[key] != nil; n++ {
			key = fmt.Sprintf("%s, %s, %s (%s) %d", c.Ref.Namespace, c.Ref.Name, c.Ref.Kind, c.Ref.Group, n)
		}
		if before != "" {
			old[key] = &helmmanifest.MappingResult{Name: key, Kind: c.Ref.Kind, Content: before}
		}
		if after != "" {
			updated[key] = &helmmanifest.MappingResult{Name: key, Kind: c.Ref.Kind, Content: after}
		}
	}
	ansi.DisableColors(!opt.Color)
	var page bytes.Buffer
	diff.Manifests(old, updated, &diff.Options{OutputFormat: "diff", OutputContext: helmDiffContext, ShowSecrets: true}, &page)
	_, err := w.Write(page.Bytes())
	return err
}

// helmDiffSides returns both sides of a change as YAML; "" for a side that is
// not there.
func helmDiffSides(c *change.Change, opt Options) (before, after string, err error) {
	var oldValue, newValue map[string]any
	if c.Old != nil {
		if oldValue, err = copied(c.Old); err != nil {
			return "", "", err
		}
	}
	if c.New != nil {
		if newValue, err = copied(c.New); err != nil {
			return "", "", err
		}
	}
	if !opt.ShowHidden {
		takeOutHidden(c, oldValue, newValue)
	}
	if !opt.ShowSecrets {
		maskSecrets(c, oldValue, newValue)
	}
	if before, err = sideText(c.Old, oldValue); err != nil {
		return "", "", err
	}
	after, err = sideText(c.New, newValue)
	return before, after, err
}

// copied returns a deep copy of an object's value.
func copied(o *manifest.Object) (map[string]any, error) {
	value, err := o.Value()
	if err != nil {
		return nil, err
	}
	clone, _ := deepCopy(value).(map[string]any)
	return clone, nil
}

func deepCopy(value any) any {
	switch v := value.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, item := range v {
			m[k] = deepCopy(item)
		}
		return m
	case []any:
		l := make([]any, len(v))
		for i, item := range v {
			l[i] = deepCopy(item)
		}
		return l
	default:
		return v
	}
}

func sideText(o *manifest.Object, value map[string]any) (string, error) {
	if o == nil {
		return "", nil
	}
	encoded, err := yaml.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("%s: write as YAML: %w", o.Ref, err)
	}
	if o.Source == "" {
		return string(encoded), nil
	}
	return "# Source: " + o.Source + "\n" + string(encoded), nil
}

// takeOutHidden gives the new side the old side's value wherever all edits are
// hidden.
func takeOutHidden(c *change.Change, old, updated map[string]any) {
	if old == nil || updated == nil {
		return
	}
	for i := range c.Edits {
		if c.Edits[i].Noise == "" {
			continue
		}
		place := fieldOf(c.Edits[i].Path)
		if len(place) == 0 || visibleUnder(c, place) {
			continue
		}
		value, present := lookUp(old, place)
		put(updated, place, value, present)
	}
}

// fieldOf returns the path up to the last field of a map: an item of a list goes
// with its list.
func fieldOf(path fieldpath.Path) fieldpath.Path {
	for len(path) > 0 && path[len(path)-1].Field == "" {
		path = path[:len(path)-1]
	}
	return path
}

func visibleUnder(c *change.Change, place fieldpath.Path) bool {
	for i := range c.Edits {
		if c.Edits[i].Noise == "" && c.Edits[i].Path.Overlaps(place) {
			return true
		}
	}
	return false
}

// lookUp returns what stands at a path.
func lookUp(value any, path fieldpath.Path) (any, bool) {
	for _, step := range path {
		switch v := value.(type) {
		case map[string]any:
			next, found := v[step.Field]
			if !found {
				return nil, false
			}
			value = next
		case []any:
			i := position(v, step)
			if i < 0 {
				return nil, false
			}
			value = v[i]
		default:
			return nil, false
		}
	}
	return value, true
}

// put writes a value at a path that ends with a field, or takes it away there.
func put(root map[string]any, path fieldpath.Path, value any, present bool) {
	parent, found := lookUp(root, path[:len(path)-1])
	if !found {
		if !present {
			return
		}
		made := map[string]any{}
		put(root, fieldOf(path[:len(path)-1]), made, true)
		parent = made
	}
	m, isMap := parent.(map[string]any)
	name := path[len(path)-1].Field
	switch {
	case !isMap:
	case present:
		m[name] = deepCopy(value)
	default:
		delete(m, name)
		if len(m) == 0 && len(path) > 1 && path[len(path)-2].Field != "" {
			put(root, path[:len(path)-1], nil, false)
		}
	}
}

// position returns the index of the item that a step names; -1 without one.
func position(items []any, step fieldpath.Element) int {
	if len(step.Keys) == 0 {
		if step.Index < len(items) {
			return step.Index
		}
		return -1
	}
	for i, item := range items {
		m, _ := item.(map[string]any)
		fits := m != nil
		for _, k := range step.Keys {
			fits = fits && fmt.Sprint(m[k.Name]) == k.Value
		}
		if fits {
			return i
		}
	}
	return -1
}

// maskSecrets replaces what nobody may see, so that a changed value still shows
// as changed.
func maskSecrets(c *change.Change, old, updated map[string]any) {
	mask := func(path ...string) {
		o, _ := lookUp(old, fieldpath.Fields(path...))
		n, _ := lookUp(updated, fieldpath.Fields(path...))
		om, _ := o.(map[string]any)
		nm, _ := n.(map[string]any)
		before := maps.Clone(om)
		for k := range om {
			om[k] = change.Mask
		}
		for k, v := range nm {
			nm[k] = change.Mask
			if was, had := before[k]; had && was != v {
				nm[k] = change.Mask + " (changed)"
			}
		}
	}
	if c.Ref.Kind == "Secret" && c.Ref.Group == "" {
		mask("data")
		mask("stringData")
	}
	for _, side := range []map[string]any{old, updated} {
		const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"
		annotations, _ := lookUp(side, fieldpath.Fields("metadata", "annotations"))
		if m, ok := annotations.(map[string]any); ok && m[lastApplied] != nil {
			m[lastApplied] = change.Mask
		}
	}
}
