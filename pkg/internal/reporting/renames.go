package reporting

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// The names of two changes that are one object under two names, in the text report.
const (
	rename  change.Op = "rename"
	replace change.Op = "replace" // it is also of another kind
)

// Joined returns the changes of a set as people see them: an object that is deleted under
// one name and created under another is one change, at the position of the first of the
// two.
func Joined(set *change.Set) []*change.Change {
	list, _ := Join(set)
	return list
}

// Join also returns the deleted half of each change that is made of two.
func Join(set *change.Set) (list []*change.Change, going map[*change.Change]*change.Change) {
	halves := map[manifest.Identity]*change.Change{}
	for i := range set.Changes {
		if c := &set.Changes[i]; c.Renamed != nil {
			halves[c.Ref.Identity()] = c
		}
	}
	list, going = make([]*change.Change, 0, len(set.Changes)), map[*change.Change]*change.Change{}
	for i := range set.Changes {
		c := &set.Changes[i]
		if c.Renamed == nil {
			list = append(list, c)
			continue
		}
		old, updated := halves[c.Renamed.Old.Identity()], halves[c.Renamed.New.Identity()]
		if old == nil || updated == nil {
			continue // printed with its other half
		}
		one := asOne(old, updated)
		list, going[one] = append(list, one), old
		delete(halves, c.Ref.Identity())
	}
	return list, going
}

// asOne combines the two halves into one change: from the old object what is lost, from the
// new object what the API server does with it.
func asOne(old, updated *change.Change) *change.Change {
	one := *updated
	one.Op = rename
	if old.Ref.Kind != updated.Ref.Kind {
		one.Op = replace
	}
	one.Old = old.Old
	one.Edits = updated.Renamed.Edits
	one.Findings = slices.Concat(old.Findings, updated.Findings)
	one.Off = slices.Concat(old.Off, updated.Off)
	slices.SortStableFunc(one.Findings, func(a, b change.Finding) int { return a.Risk.Compare(b.Risk) })
	return &one
}

// RenamedName writes the old and the new name of a renamed object.
func RenamedName(c *change.Change) string {
	r := c.Renamed
	before, now := r.Old.Name, r.New.Name
	if r.Old.Namespace != r.New.Namespace {
		now = Named{r.New.Namespace, now}.String()
	}
	if r.Old.Kind != r.New.Kind {
		now = r.New.Kind + " " + now
	}
	return before + " → " + now
}

// KindBefore is the kind that an object had. It is the current kind, unless the object is
// replaced by one of another kind.
func KindBefore(c *change.Change) string {
	if c.Renamed != nil {
		return c.Renamed.Old.Kind
	}
	return c.Ref.Kind
}

// Anonymous returns text without the names of the object. It removes the longer name first,
// because one may be a part of the other.
func Anonymous(text string, c *change.Change) string {
	if c.Renamed == nil {
		return Nameless(text, c.Ref.Name)
	}
	first, second := c.Renamed.Old.Name, c.Renamed.New.Name
	if len(first) < len(second) {
		first, second = second, first
	}
	return Nameless(Nameless(text, first), second)
}
