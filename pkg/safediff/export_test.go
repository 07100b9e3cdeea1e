package safediff

import "github.com/safe-diff/helm-safe-diff/pkg/internal/rule"

// AskRules has all comparisons ask other rules, until the returned function is called.
func AskRules(list []rule.Rule) (restore func()) {
	before := rules
	rules = func() []rule.Rule { return list }
	return func() { rules = before }
}
