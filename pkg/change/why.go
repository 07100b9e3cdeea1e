package change

import (
	"cmp"
	"slices"
	"strings"
)

// Because is what an edit is due to, or that an object comes or goes. Several may hold at once.
type Because struct {
	// Chart says that the new chart makes it: its templates, or what it says of itself; also
	// where its defaults could not be told apart from these.
	Chart bool
	// Defaults are defaults of the chart that are other ones now, as --set takes them.
	Defaults []string
	// Keys are values of the user's.
	Keys []KeyCause
	// Joint says that with one of Keys reverted it stays, and goes with all of them.
	Joint bool
	// Unresolved says that it is due to values of the user's, and that it took too many
	// renderings to find which.
	Unresolved bool
	// Step says that neither chart nor values make it: the revision does, that it is an
	// upgrade, or what the cluster offers.
	Step bool
	// Unknown is why nothing is told of it, one clause; "" if something is.
	Unknown string
}

// KeyCause is a key of the user's whose value is another one, and where it is given.
type KeyCause struct {
	// Key is written as --set takes it.
	Key string
	At  KeyPlace
	// Gone says that it is no longer given; At is then where it was.
	Gone bool
}

// Why is what was asked to tell what the edits of a Set are due to.
type Why struct {
	// Renderings is how many it took.
	Renderings int
}

// CauseCount is how many edits have the same cause. An object that comes or goes counts as one.
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

// Causes counts what the edits that are shown are due to, the most frequent cause first; nil
// if that was not asked.
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

// EachCause calls a function for the cause of each edit of a change that noise does not hide,
// and for that of the change itself, which comes with no Edit.
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
