package change

import (
	"cmp"
	"slices"
	"strings"
)

// Because is the cause of an edit, or of the creation or deletion of an object. There can
// be several causes at once.
type Because struct {
	// Chart says that the new chart makes it: its templates, or what the chart says about
	// itself. It is also set if the defaults of the chart could not be separated from these.
	Chart bool
	// Defaults are defaults of the chart that have changed, as --set takes them.
	Defaults []string
	// Keys are keys that the user gives.
	Keys []KeyCause
	// Joint says that the edit stays if one of Keys is reverted, and goes if all of them are.
	Joint bool
	// Unresolved says that the user's values cause it, and that finding which would have taken
	// too many renderings.
	Unresolved bool
	// Step says that neither chart nor values make it. It comes from the revision, from the
	// fact that this is an upgrade, or from what the cluster offers.
	Step bool
	// Unknown is why the cause is unknown, one clause; "" if it is known.
	Unknown string
}

// KeyCause is a key of the user whose value has changed, and where it is given.
type KeyCause struct {
	// Key is written as --set takes it.
	Key string
	At  KeyPlace
	// Gone says that the key is no longer given. At is then where it was.
	Gone bool
}

// Why says how the causes of the edits of a Set were found.
type Why struct {
	// Renderings is how many renderings this took.
	Renderings int
}

// CauseCount is how many edits have the same cause. A created or deleted object counts as
// one edit.
type CauseCount struct {
	Because
	Edits int
}

// String returns the cause for a sentence: "the chart and web.replicas (prod.yaml:2)".
func (b *Because) String() string {
	if b.Unknown != "" {
		return "not attributed: " + b.Unknown
	}
	var parts []string
	if b.Chart {
		parts = append(parts, "the chart")
	}
	if len(b.Defaults) > 0 {
		noun := "the chart's default "
		if len(b.Defaults) > 1 {
			noun = "the chart's defaults "
		}
		parts = append(parts, noun+strings.Join(b.Defaults, ", "))
	}
	if b.Step {
		parts = append(parts, "the upgrade itself (its revision, or what the cluster offers)")
	}
	if len(b.Keys) > 0 {
		keys := make([]string, len(b.Keys))
		for i := range b.Keys {
			keys[i] = b.Keys[i].String()
		}
		between := " and "
		if b.Joint {
			between = " together with "
		}
		parts = append(parts, strings.Join(keys, between))
	}
	if b.Unresolved {
		parts = append(parts, "the given values (too many to find which)")
	}
	return strings.Join(parts, " and ")
}

// String returns the key and where it is given.
func (k *KeyCause) String() string {
	if k.Gone {
		return k.Key + " (no longer given; was by " + k.At.String() + ")"
	}
	return k.Key + " (" + k.At.String() + ")"
}

// Causes counts the causes of the edits that are shown, the most frequent cause first; nil
// if nobody asked.
func (s *Set) Causes() []CauseCount {
	if s.Why == nil {
		return nil
	}
	var list []CauseCount
	place := map[string]int{}
	for i := range s.Changes {
		s.Changes[i].EachCause(func(b *Because, _ *Edit) {
			text := b.String()
			at, known := place[text]
			if !known {
				at = len(list)
				place[text] = at
				list = append(list, CauseCount{Because: *b})
			}
			list[at].Edits++
		})
	}
	sortCauses(list)
	return list
}

// sortCauses puts the most frequent cause first, and what is not attributed last.
func sortCauses(list []CauseCount) {
	slices.SortStableFunc(list, func(a, b CauseCount) int {
		if (a.Unknown == "") != (b.Unknown == "") {
			return cmp.Compare(len(a.Unknown), len(b.Unknown))
		}
		return cmp.Or(cmp.Compare(b.Edits, a.Edits), strings.Compare(a.String(), b.String()))
	})
}

// EachCause calls a function for the cause of each edit of a change that noise does not
// hide, and for the cause of the change itself, which comes with no Edit.
func (c *Change) EachCause(call func(b *Because, e *Edit)) {
	if c.Hidden() {
		return
	}
	if c.Because != nil {
		call(c.Because, nil)
	}
	for i := range c.Edits {
		if e := &c.Edits[i]; e.Because != nil && e.Noise == "" {
			call(e.Because, e)
		}
	}
}
