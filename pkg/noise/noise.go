// Package noise marks the edits that a reader need not see. It removes nothing,
// and it never marks an edit that a finding points at: what is noise to a reader
// may be a restart to a pod.
package noise

import (
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// Filter is one reason to hide an edit.
type Filter struct {
	// ID is kebab-case and is never renamed; reports count by it.
	ID string
	// Why tells in one clause why nobody needs to see the edit.
	Why string
	// When reports whether the filter hides an edit of a change.
	When func(c *change.Change, e *change.Edit) bool
}

// Filters returns all filters in the order in which they are asked; the first
// that fits is the one that counts.
func Filters() []Filter {
	return []Filter{
		{
			ID:   "metadata-labels",
			Why:  "a label of the object itself that nobody looks at changes nothing in the cluster",
			When: metadataLabel,
		},
		{
			ID:   "no-effect",
			Why:  "once the API server has filled in its defaults, both sides store the same",
			When: func(c *change.Change, e *change.Edit) bool { return noEffect(c, e.Path) },
		},
	}
}

// Mark writes into the change which filter hides which edit. A change without
// edits that has no effect is marked as a whole.
func Mark(c *change.Change, filters []Filter) {
	for i := range c.Edits {
		e := &c.Edits[i]
		if blamed(c, e.Path) {
			continue
		}
		for j := range filters {
			if filters[j].When(c, e) {
				e.Noise = filters[j].ID
				break
			}
		}
	}
	unhide(c)
	if len(c.Edits) == 0 && len(c.Findings) == 0 && c.Hook != nil && !c.Hook.Runs {
		c.Noise = "no-effect"
	}
}

// unhide shows again what hides a change of the stored object. Where the stored
// object changes and no edit says so by its path, some edit did that elsewhere:
// Helm 3 merges the ports of a Service by their number alone, so that a second
// port of the same number takes the place of the first. Then the edits of the
// same list are not without effect; if there are none, none is.
func unhide(c *change.Change) {
	for _, stored := range c.Outcome.Fields {
		if stored.Under("metadata", "labels") || slices.ContainsFunc(c.Edits, func(e change.Edit) bool { return e.Path.Overlaps(stored) && e.Noise == "" }) {
			continue
		}
		list := stored
		if i := slices.IndexFunc(stored, func(e fieldpath.Element) bool { return e.Field == "" }); i >= 0 {
			list = stored[:i]
		}
		for i := range c.Edits {
			if e := &c.Edits[i]; e.Noise == "no-effect" && e.Path.Overlaps(list) {
				e.Noise = ""
			}
		}
	}
	if slices.ContainsFunc(c.Outcome.Fields, func(p fieldpath.Path) bool { return !p.Under("metadata", "labels") }) && c.Hidden() {
		for i := range c.Edits {
			if c.Edits[i].Noise == "no-effect" {
				c.Edits[i].Noise = ""
			}
		}
	}
}

// blamed reports whether a finding points at the field or at a part of it.
func blamed(c *change.Change, path fieldpath.Path) bool {
	for i := range c.Findings {
		if slices.ContainsFunc(c.Findings[i].Paths, path.Overlaps) {
			return true
		}
	}
	return false
}

// metadataLabel fits the labels of the object itself that nobody looks at.
func metadataLabel(c *change.Change, e *change.Edit) bool {
	return e.Path.Under("metadata", "labels") && len(e.Watchers) == 0 && !refusedLabels(c)
}

// refusedLabels reports whether labels are what the API server refuses.
func refusedLabels(c *change.Change) bool {
	return slices.ContainsFunc(c.Outcome.Refused, func(e change.FieldError) bool { return strings.HasPrefix(e.Field, "metadata.labels") })
}

// noEffect fits an edit that leaves no trace in the stored object.
func noEffect(c *change.Change, path fieldpath.Path) bool {
	if c.Op != change.Update || len(c.Outcome.Refused) > 0 || ignored(c, path) || slices.ContainsFunc(c.Outcome.Differs, path.Overlaps) {
		return false
	}
	if !c.Outcome.Changed {
		return true
	}
	if len(c.Outcome.Fields) == 0 {
		return false
	}
	if c.Ref.Kind == "Secret" && c.Ref.Group == "" && path.Under("stringData") {
		// The API server keeps what comes as stringData under data.
		path = fieldpath.Fields("data").Join(path[1:])
	}
	return !slices.ContainsFunc(c.Outcome.Fields, path.Overlaps)
}

// ignored reports whether the API server drops the field since it does not know
// it: a spelling mistake that somebody should see.
func ignored(c *change.Change, path fieldpath.Path) bool {
	plain := names(path)
	return slices.ContainsFunc(c.Outcome.Ignored, func(warning string) bool {
		_, field, _ := strings.Cut(warning, `"`)
		field = strings.TrimSuffix(field, `"`)
		var b strings.Builder
		depth := 0
		for _, r := range field {
			switch {
			case r == '[':
				depth++
			case r == ']':
				depth--
			case depth == 0:
				b.WriteRune(r)
			}
		}
		return b.String() == plain
	})
}

// names joins the field names of a path, without the items of lists.
func names(path fieldpath.Path) string {
	var fields []string
	for _, e := range path {
		if e.Field != "" {
			fields = append(fields, e.Field)
		}
	}
	return strings.Join(fields, ".")
}
