package change

import "fmt"

// ValueKeys is what a chart does with the values that a user gives.
type ValueKeys struct {
	// Keys is how many keys there are that hold no others. Read is how many of them a template
	// of the new chart reads.
	Keys, Read int
	// Dead are the other keys. A map without any key that is read is one entry.
	Dead []DeadKey
	// Shadowed are keys that are given, and given again later.
	Shadowed []ShadowedKey
	// Defaults are the chart's own values that differ between the old chart and the new one.
	Defaults []DefaultKey
	// Unsure is why Dead may be incomplete or wrong, one clause each.
	Unsure []string
}

// KeyPlace is where a key is given: a file and a line, counted from 1, or a flag, which has
// no lines. An empty Name is the installed release.
type KeyPlace struct {
	Name string
	Line int
}

// GivenKey is the What of evidence that names a key as --set takes it.
const GivenKey = "key"

// GivenAt is the What of evidence that says where a key is given: the file, and its line.
const GivenAt = "given at"

// DeadKey is a key that no template of the new chart reads.
type DeadKey struct {
	// Key is written as --set takes it.
	Key string
	At  KeyPlace
	// Keys is how many keys without others it contains, including itself.
	Keys int
	// Nearest is the key that the user may have meant; "" if no key is similar.
	Nearest string
	// Was says that the old chart reads it.
	Was bool
}

// ShadowedKey is a key whose value a later file or flag replaces.
type ShadowedKey struct {
	Key    string
	At, By KeyPlace
}

// DefaultKey is a value of the chart itself that a new version of the chart changes.
type DefaultKey struct {
	Edit
	// Given says that the user gives the key, at At, so that neither default applies.
	Given bool
	At    KeyPlace
}

// String returns the place for a sentence.
func (p KeyPlace) String() string {
	switch {
	case p.Name == "":
		return "the installed release"
	case p.Line == 0:
		return p.Name
	}
	return fmt.Sprintf("%s:%d", p.Name, p.Line)
}
