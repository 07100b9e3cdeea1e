package risk

import (
	"embed"
	"fmt"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
)

// examples holds for each rule an upgrade for which it fires. They are written from
// testdata/cases (`make generate`).
//
//go:embed examples/*.txt
var examples embed.FS

// Example shows an upgrade for which the rule fires: what it is about, and how the
// manifests differ.
func Example(id string) string {
	text, err := examples.ReadFile("examples/" + id + ".txt")
	if err != nil {
		return ""
	}
	return string(text)
}

// Find returns the rule of that ID.
func Find(id string) (*rule.Rule, error) {
	rules := Rules()
	i := slices.IndexFunc(rules, func(r rule.Rule) bool { return r.ID == id })
	if i < 0 {
		return nil, fmt.Errorf("unknown rule %q; `helm safe-diff rules` lists those there are", id)
	}
	return &rules[i], nil
}
