package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/valuelens"
	"github.com/safe-diff/helm-safe-diff/test/charts"
)

// checker holds what is said of edits against renderings of its own.
type checker struct {
	p            plan
	old, updated *helm.Side
	name         string
	rendered     map[string]objects
}

// objects are those of a manifest, by group, kind, name and namespace; nil for one that cannot be rendered.
type objects map[string]map[string]any

// read reads a manifest without the program's own reader.
func read(text string) objects {
	all := objects{}
	for _, document := range strings.Split("\n"+text, "\n---") {
		var o map[string]any
		if yaml.Unmarshal([]byte(document), &o) != nil || o == nil {
			continue
		}
		metadata, _ := o["metadata"].(map[string]any)
		group, _, grouped := strings.Cut(fmt.Sprint(o["apiVersion"]), "/")
		if !grouped {
			group = ""
		}
		namespace, _ := metadata["namespace"].(string)
		all[fmt.Sprint(group, "/", o["kind"], "/", metadata["name"], "/", namespace)] = o
	}
	return all
}

// with returns what a side is with some values.
func (c *checker) with(ctx context.Context, side *helm.Side, values map[string]any) objects {
	text, err := json.Marshal(values)
	if err != nil {
		return nil
	}
	key := side.Name + string(text)
	if all, known := c.rendered[key]; known {
		return all
	}
	if c.rendered == nil {
		c.rendered = map[string]objects{}
	}
	if manifest, err := side.Lens.Render(ctx, values); err == nil {
		c.rendered[key] = read(manifest)
	} else {
		c.rendered[key] = nil
	}
	return c.rendered[key]
}

// field returns a field as text, "" for one that is not there; not if the path names an item of a
// list by its place.
func (all objects) field(ref manifest.Ref, path fieldpath.Path) (text string, known bool) {
	if all == nil {
		return "", false
	}
	o, is := all[ref.Group+"/"+ref.Kind+"/"+ref.Name+"/"+ref.Namespace]
	for _, namespace := range []string{"", "default"} { // none is written, or one of what is in none
		if !is && (ref.Namespace == "" || ref.Namespace == "default") {
			o, is = all[ref.Group+"/"+ref.Kind+"/"+ref.Name+"/"+namespace]
		}
	}
	if !is {
		return "no object", true
	}
	if path == nil {
		return "object", true
	}
	var value any = o
	for _, step := range path {
		switch {
		case len(step.Keys) > 0:
			value = item(value, step.Keys)
		case step.Field != "":
			m, _ := value.(map[string]any)
			if value, is = m[step.Field]; !is {
				return "no field", true
			}
		default:
			return "", false
		}
	}
	encoded, err := json.Marshal(value)
	return string(encoded), err == nil
}

// item returns the item of a list that some of its fields name.
func item(value any, keys []fieldpath.Key) any {
	list, _ := value.([]any)
	for _, one := range list {
		m, _ := one.(map[string]any)
		if !slices.ContainsFunc(keys, func(k fieldpath.Key) bool { return fmt.Sprint(m[k.Name]) != k.Value }) {
			return one
		}
	}
	return nil
}

// check counts what is said of all edits of a set, hidden ones too.
func (sum *totals) check(ctx context.Context, log io.Writer, c *checker, set *change.Set) error {
	for i := range set.Changes {
		o := &set.Changes[i]
		if o.Because != nil {
			sum.one(ctx, log, c, o.Ref, nil, o.Because, false)
		}
		for j := range o.Edits {
			if e := &o.Edits[j]; e.Because != nil {
				sum.one(ctx, log, c, o.Ref, e.Path, e.Because, e.Reordered)
			}
		}
	}
	return ctx.Err()
}

func (sum *totals) one(ctx context.Context, log io.Writer, c *checker, ref manifest.Ref, path fieldpath.Path, b *change.Because, reordered bool) {
	sum.edits++
	sum.of[whatOf(b)]++
	if b.Unknown != "" || b.Unresolved {
		return
	}
	sum.checked++
	wrong, missed, known := c.refute(ctx, ref, path, b)
	switch {
	case !known || reordered:
		sum.unread++
	case wrong != "":
		sum.refuted++
		say(log, "%s: REFUTED %s %s: %s: %s\n", c.name, ref, path, b, wrong)
	case missed != "":
		sum.missed++
		say(log, "%s: MISSED %s %s: %s: %s\n", c.name, ref, path, b, missed)
	}
}

// refute returns what is wrong about the cause of an edit, and a key that is missing; not known
// where the renderings do not tell.
func (c *checker) refute(ctx context.Context, ref manifest.Ref, path fieldpath.Path, b *change.Because) (wrong, missed string, known bool) {
	known = true
	look := func(all objects) string {
		text, is := all.field(ref, path)
		known = known && is
		return text
	}
	now, was := look(read(c.updated.Manifest)), look(read(c.old.Manifest))
	base := look(c.with(ctx, c.updated, c.p.old))
	if !known {
		return "", "", false
	}
	wrong = c.refuteChart(ctx, b, look, now, was, base)
	if (now != base) != (len(b.Keys) > 0) {
		wrong = "keys are named, or not, and it is otherwise"
	}
	var named []string
	for i := range b.Keys {
		named = append(named, b.Keys[i].Key)
	}
	for _, text := range slices.Sorted(maps.Keys(c.p.keys)) {
		one, is := c.with(ctx, c.updated, c.p.without([]string{text})).field(ref, path)
		undoes := is && now != base && one == base
		switch names := slices.Contains(named, text); {
		case names && !b.Joint && !undoes:
			wrong = text + " does not undo it"
		case b.Joint && undoes:
			wrong = text + " undoes it alone"
		case !names && undoes:
			missed = text
		}
	}
	if b.Joint && look(c.with(ctx, c.updated, c.p.without(named))) != base {
		wrong = "all together do not undo it"
	}
	return wrong, missed, known
}

// refuteChart returns what is wrong about the part of the chart.
func (c *checker) refuteChart(ctx context.Context, b *change.Because, look func(objects) string, now, was, base string) string {
	if len(b.Defaults) > 0 {
		values, old := map[string]any{}, valuelens.Effective(c.old.Lens.Chart, nil)
		for _, path := range charts.Leaves(old) {
			if slices.Contains(b.Defaults, valuelens.TextOf(path)) {
				valuelens.Set(values, path, valuelens.At(old, path))
			}
		}
		for _, path := range charts.Leaves(c.p.old) {
			valuelens.Set(values, path, valuelens.At(c.p.old, path))
		}
		if look(c.with(ctx, c.updated, values)) == base {
			return "the defaults that are named make no difference"
		}
	}
	switch needed := base != now && look(c.with(ctx, c.old, c.p.updated)) != now; {
	case b.Chart && len(b.Defaults) == 0 && base == was && !needed:
		return "the chart does not make it"
	case !b.Chart && !b.Step && len(b.Defaults) == 0 && base != was:
		return "it stays with the old values"
	}
	return ""
}
