package safediff

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/json"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Values lists how the values differ that a user has given for the two sides of a
// release. What looks like a secret by its name is one.
func Values(old, updated map[string]any) []change.Edit {
	list := leaves(diff.Values(plain(old), plain(updated)))
	for i := range list {
		if e := &list[i]; manifest.SecretName(e.Path.String()) || nested(e.Old) || nested(e.New) {
			e.Old, e.New = e.Old.AsSecret(), e.New.AsSecret()
		}
	}
	return list
}

// leaves returns edits in which a map that is on one side only is told field by field, so that
// the names of its fields say which of them are secrets.
func leaves(edits []change.Edit) []change.Edit {
	var list []change.Edit
	for i := range edits {
		e := &edits[i]
		old, _ := e.Old.Shown().(map[string]any)
		updated, _ := e.New.Shown().(map[string]any)
		if (e.Old.Present() || len(updated) == 0) && (e.New.Present() || len(old) == 0) {
			list = append(list, *e)
			continue
		}
		var fields []change.Edit
		for name, value := range old {
			fields = append(fields, change.Edit{Path: e.Path.Child(fieldpath.Field(name)), Old: change.ValueOf(value)})
		}
		for name, value := range updated {
			fields = append(fields, change.Edit{Path: e.Path.Child(fieldpath.Field(name)), New: change.ValueOf(value)})
		}
		slices.SortFunc(fields, func(a, b change.Edit) int { return strings.Compare(a.Path.String(), b.Path.String()) })
		list = append(list, leaves(fields)...)
	}
	return list
}

// nested reports whether a value holds others, whose names were not looked at.
func nested(v change.Value) bool {
	switch shown := v.Shown().(type) {
	case map[string]any:
		return len(shown) > 0
	case []any:
		return len(shown) > 0
	}
	return false
}

// plain returns values with numbers as they are after a way through JSON, which those
// of a stored release have behind them and those of a command line have not.
func plain(values map[string]any) map[string]any {
	same := map[string]any{}
	text, err := json.Marshal(values)
	if err != nil || json.Unmarshal(text, &same) != nil || same == nil {
		return map[string]any{}
	}
	return same
}
