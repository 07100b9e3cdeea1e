// Package drift tells what somebody has changed in the cluster behind the back of Helm.
package drift

import (
	"fmt"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/edits"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Of lists the fields in which the object in the cluster is not what Helm made
// of the installed manifest, and what the upgrade does to them: fields that the
// manifest sets, and those that somebody set who is no part of Kubernetes.
func Of(c *change.Change, result *apiserver.Result) ([]change.Drift, error) {
	if result.Assumed == nil || result.OldFields == nil || c.Old == nil {
		return nil, nil
	}
	said, err := c.Old.Value()
	if err != nil {
		return nil, err
	}
	owners := result.Owners()
	changes := diff.Values(result.OldFields, result.NewFields)
	var list []change.Drift
	for _, e := range edits.Between(c.Ref, result.Assumed, result.OldFields) {
		owner := owners.Of(e.Path)
		if !owner.Foreign && !holds(said, e.Path) || emptied(c.Ref, said, result.OldFields, e.Path) {
			continue
		}
		list = append(list, change.Drift{
			Ref: c.Ref, Path: e.Path, Said: e.Old, Is: e.New, By: owner.Manager, Since: owner.Since, Fate: fate(result, changes, e.Path),
		})
	}
	return list, nil
}

// emptied reports whether a key of a Secret or ConfigMap is null in the manifest, and empty
// or missing in the cluster: the first is what the API server stores, the second what a
// merge makes of it.
func emptied(ref manifest.Ref, said, is map[string]any, path fieldpath.Path) bool {
	if ref.Group != "" || ref.Kind != "Secret" && ref.Kind != "ConfigMap" || len(path) != 2 {
		return false
	}
	value, has := untyped.Map(said, path[0].Field)[path[1].Field]
	there := untyped.At(is, path[0].Field, path[1].Field)
	return has && value == nil && (there == nil || there == "")
}

// holds reports whether a manifest sets a field, or something below it.
func holds(value any, path fieldpath.Path) bool {
	if len(path) == 0 {
		return true
	}
	switch v := value.(type) {
	case map[string]any:
		inner, has := v[path[0].Field]
		return has && holds(inner, path[1:])
	case []any:
		for i, item := range v {
			if fits(path[0], i, item) && holds(item, path[1:]) {
				return true
			}
		}
	}
	return false
}

// fits reports whether an item of a list is the one that an element names.
func fits(e fieldpath.Element, i int, item any) bool {
	if len(e.Keys) == 0 {
		return e.Field == "" && e.Index == i
	}
	fields, isMap := item.(map[string]any)
	for _, k := range e.Keys {
		if v, has := fields[k.Name]; !isMap || has && fmt.Sprint(v) != k.Value {
			return false
		}
	}
	return true
}

// fate tells what becomes of a field that has drifted.
func fate(result *apiserver.Result, changes []change.Edit, path fieldpath.Path) change.Fate {
	switch {
	case slices.ContainsFunc(result.Outcome.Refused, func(e change.FieldError) bool { return e.Type == "Conflict" }):
		return change.Conflict
	case result.NewFields != nil && slices.ContainsFunc(changes, func(e change.Edit) bool { return e.Path.Overlaps(path) }):
		return change.PutBack
	default:
		return change.Survives
	}
}

// Unedited lists as edits what the upgrade changes in the stored object although the
// manifests say the same of it: what had drifted and is put back.
func Unedited(c *change.Change, result *apiserver.Result, drift []change.Drift) []change.Edit {
	if len(drift) == 0 || c.Op != change.Update || !result.Outcome.Changed {
		return nil
	}
	var list []change.Edit
	for _, e := range edits.Between(c.Ref, result.OldFields, result.NewFields) {
		if !slices.ContainsFunc(drift, func(d change.Drift) bool { return d.Path.Overlaps(e.Path) }) ||
			slices.ContainsFunc(c.Edits, func(other change.Edit) bool { return other.Path.Overlaps(e.Path) }) {
			continue
		}
		list = append(list, e)
	}
	return list
}

// Gone says that an object of the release is no longer in the cluster, and that the
// upgrade makes it again.
func Gone(a *action.Action, c *change.Change, p diff.Pair) []change.Drift {
	if c.Op != change.Create || p.Old == nil || c.Old != nil {
		return nil
	}
	return IsGone(a, c.Ref, change.PutBack)
}

// IsGone is the drift of an object that is not there; none if another revision does not have
// it, so that Helm itself may have deleted it, or not have made it.
func IsGone(a *action.Action, ref manifest.Ref, fate change.Fate) []change.Drift {
	if slices.ContainsFunc(a.Beside, func(objects map[manifest.Identity]*manifest.Object) bool { return objects[ref.Identity()] == nil }) {
		return nil
	}
	return []change.Drift{{Ref: ref, Fate: fate}}
}

// NotHelms takes out of the drift of an object what another revision says, of which an
// upgrade that failed has left it, or to which it did not come.
func NotHelms(a *action.Action, c *change.Change, result *apiserver.Result, drift []change.Drift) []change.Drift {
	for _, objects := range a.Beside {
		o := objects[c.Ref.Identity()]
		if len(drift) == 0 || o == nil || o.Ref.Version != c.Ref.Version {
			continue
		}
		stored, err := a.Server.Stored(o, nil)
		o.Forget()
		if err != nil || stored.OldFields == nil {
			continue
		}
		differs := edits.Between(c.Ref, stored.OldFields, result.OldFields)
		drift = slices.DeleteFunc(slices.Clone(drift), func(d change.Drift) bool {
			return !slices.ContainsFunc(differs, func(e change.Edit) bool { return e.Path.Overlaps(d.Path) })
		})
	}
	return drift
}
