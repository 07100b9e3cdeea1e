package risk

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

// examples holds for each rule an upgrade for which it fires. They are written from
// testdata/cases (`make generate`).
//
//go:embed examples/*.txt
var examples embed.FS

// Example shows an upgrade for which the rule fires: what it is about, and how the
// manifests differ.
func (r *Rule) Example() string {
	text, err := examples.ReadFile("examples/" + r.ID + ".txt")
	if err != nil {
		return ""
	}
	return string(text)
}

// Find returns the rule of that ID. The error lists all there are.
func Find(id string) (*Rule, error) {
	rules := Rules()
	i := slices.IndexFunc(rules, func(r Rule) bool { return r.ID == id })
	if i >= 0 {
		return &rules[i], nil
	}
	ids := make([]string, len(rules))
	for i := range rules {
		ids[i] = rules[i].ID
	}
	slices.Sort(ids)
	return nil, fmt.Errorf("unknown rule %q; valid are %s", id, strings.Join(ids, ", "))
}
