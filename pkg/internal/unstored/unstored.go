// Package unstored tells what a manifest says and the cluster does not hold after the upgrade.
package unstored

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// List lists what the new manifest says and the update does not store. What the
// installed manifest says and the cluster did not hold before, and is no worse now, is not
// due to this upgrade.
func List(a *action.Action, p diff.Pair, c *change.Change, result *apiserver.Result) []change.Unstored {
	if c.Op != change.Update || p.New == nil || diff.IsHook(p.New) || result.Outcome.Upfront {
		return nil
	}
	list := a.Server.Unstored(p.New, result)
	if len(list) > 0 && p.Old != nil && !diff.IsHook(p.Old) {
		before, had := a.Server.Amiss(p.Old, result), a.Server.Twice(p.Old)
		list = slices.DeleteFunc(list, func(u change.Unstored) bool {
			return u.Null && taken(c, &u) ||
				slices.ContainsFunc(before, func(b change.Unstored) bool { return b.Same(&u) && b.Says >= u.Says && b.Holds <= u.Holds })
		})
		for i := range list {
			if k := slices.IndexFunc(had, func(h change.Unstored) bool { return h.Same(&list[i]) }); k >= 0 {
				list[i].Said = had[k].Says
			}
		}
	}
	if len(list) == 0 && impossible(result) {
		// Helm's merge fails on equal keys of either side, and says so in words of its own.
		list = slices.Concat(a.Server.Twice(p.New), twiceInOld(a.Server, p.Old))
	}
	for i := range list {
		result.Outcome.Differs = append(result.Outcome.Differs, list[i].Path)
	}
	return list
}

// taken reports whether a field had a value and is null now, which is how charts take out a
// field that is there by default. What a ConfigMap or a Secret holds is no such field.
func taken(c *change.Change, u *change.Unstored) bool {
	return !u.Path.Under("data") && slices.ContainsFunc(c.Edits, func(e change.Edit) bool { return e.Path.Overlaps(u.Path) && e.Old.Present() && e.Old.Shown() != nil })
}

// Stays lists the fields that leave the manifest and stay in the cluster, without those of
// lists in which something else is lost.
func Stays(a *action.Action, p diff.Pair, c *change.Change, result *apiserver.Result, unstored []change.Unstored) []fieldpath.Path {
	if c.Op != change.Update || p.Old == nil || p.New == nil || diff.IsHook(p.New) || len(result.Outcome.Refused) > 0 {
		return nil
	}
	var removed []fieldpath.Path
	for i := range c.Edits {
		e := &c.Edits[i]
		told := slices.ContainsFunc(unstored, func(u change.Unstored) bool { return u.Path.Overlaps(e.Path) })
		if e.Old.Present() && !e.New.Present() && !told {
			removed = append(removed, e.Path)
		}
	}
	list := a.Server.Stays(p.New, removed, result)
	result.Outcome.Differs = append(result.Outcome.Differs, list...)
	return list
}

// impossible reports whether Helm, or the API server, has failed to merge.
func impossible(result *apiserver.Result) bool {
	return slices.ContainsFunc(result.Outcome.Refused, func(e change.FieldError) bool { return e.Unmerged })
}

func twiceInOld(server *apiserver.Server, old *manifest.Object) []change.Unstored {
	if old == nil {
		return nil
	}
	list := server.Twice(old)
	for i := range list {
		list[i].Said, list[i].Says = list[i].Says, 0
	}
	return list
}

// Hold notes on an object what of its manifest is not stored. The rules then look at what is
// stored, on both sides. So they do for each NetworkPolicy: its directions are filled in when it
// is created, and do not follow its rules later.
func Hold(a *action.Action, p diff.Pair, judged *upgrade.Object, result *apiserver.Result, unstored []change.Unstored) {
	judged.Unstored = unstored
	policy := judged.Change.Op == change.Update && judged.Change.Ref.GroupKind() == "NetworkPolicy.networking.k8s.io"
	if len(unstored) == 0 && !policy || result.NewFields == nil {
		return
	}
	judged.Stored = heldAs(p.New, result.NewFields)
	c := *judged.Change
	if old := heldAs(p.Old, result.OldFields); old != nil {
		c.Old = old
		if policy {
			judged.StoredBefore = old
		}
	}
	c.New = judged.Result()
	judged.Read = rule.Read(&c, a.Rules())
}

// heldAs returns an object with the fields that the cluster holds of it; nil if there are none.
func heldAs(o *manifest.Object, fields map[string]any) *manifest.Object {
	if o == nil || fields == nil {
		return nil
	}
	value := maps.Clone(fields)
	value["apiVersion"], value["kind"] = o.Ref.APIVersion(), o.Ref.Kind
	held, err := manifest.FromValue(value, o.Position)
	if err != nil {
		return nil
	}
	held.Ref, held.Source = o.Ref, o.Source
	return held
}

// Dropped lists the fields that are new in the manifest and that the API server drops since
// it does not know them. One that says nothing is not missed.
func Dropped(a *action.Action, p diff.Pair, judged *upgrade.Object) []fieldpath.Path {
	if p.New == nil || len(judged.Change.Outcome.Refused) > 0 {
		return nil
	}
	ignored := judged.Change.Outcome.Ignored
	if c := judged.Change; len(ignored) == 0 && c.Op == change.Update && !a.Server.Builtin(c.Ref.Group, c.Ref.Kind) {
		ignored = a.Server.Ignored(p.New, false) // a patch holds only what differs from the installed manifest
	}
	if len(ignored) == 0 {
		return nil
	}
	value, err := p.New.Value()
	if err != nil {
		return nil
	}
	var known []string
	if p.Old != nil {
		for _, warning := range a.Server.Ignored(p.Old, true) {
			known = append(known, unplaced(warning))
		}
	}
	var list []fieldpath.Path
	for _, warning := range ignored {
		_, field, unknown := strings.Cut(warning, `unknown field "`)
		path, err := fieldpath.Parse("." + strings.TrimSuffix(field, `"`))
		if !unknown || err != nil || slices.Contains(known, unplaced(warning)) || says(value, path) == nil {
			continue
		}
		list = append(list, path)
	}
	return list
}

// positions are the places of items in lists.
var positions = regexp.MustCompile(`\[[0-9]+\]`)

func unplaced(warning string) string { return positions.ReplaceAllString(warning, "[]") }

// says returns what a manifest says in a field; nil if that is nothing.
func says(value any, path fieldpath.Path) any {
	for _, step := range path {
		switch v := value.(type) {
		case map[string]any:
			value = v[step.Field]
		case []any:
			if step.Field != "" || step.Index >= len(v) {
				return nil
			}
			value = v[step.Index]
		default:
			return nil
		}
	}
	switch v := value.(type) {
	case map[string]any:
		if len(v) == 0 {
			return nil
		}
	case []any:
		if len(v) == 0 {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	}
	return value
}
