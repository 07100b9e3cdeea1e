// Package risk holds the rules: what about a judged change a human should look
// at before the upgrade, why, and what to do instead.
//
// A rule is a row of a table that carries its own documentation. Whether a field
// may change at all is not for rules to say: the API server's own code has
// already refused the change by then, and a rule only adds the remedy.
package risk

import (
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Rule is one thing to look out for.
type Rule struct {
	// ID is kebab-case, and is never renamed or used again for something else.
	ID   string
	Risk change.Risk
	// Why tells in one clause what harm is done.
	Why string
	// Fix tells in one clause what to do instead.
	Fix string
	// Instead is the Fix where there is no new chart to change, in a rollback or an
	// uninstall; "" for the same.
	Instead string
	// Kinds are the kinds of Kubernetes itself that the rule is about; empty for
	// all kinds there are.
	Kinds []string
	// When reports whether the rule fires, what about this change makes it
	// fire, and which fields are to blame. It is nil for the rules about the version of
	// a chart, which look at a whole Set (Published).
	When func(c *change.Change) (message string, paths []fieldpath.Path, fires bool)
}

// Rules returns all rules in the order in which they are asked. Of the rules
// about a refusal only the first that fires counts, so the special ones come
// first.
func Rules() []Rule {
	return slices.Concat(refusalRules(), podRules(), serviceRules(), budgetRules(), monitorRules(), deletionRules(), linkRules(), renameRules(), exposureRules(), versionRules())
}

// Classify returns the findings about a change, worst first.
func Classify(c *change.Change, rules []Rule) []change.Finding {
	var findings []change.Finding
	refused := false
	for i := range rules {
		rule := &rules[i]
		if rule.When == nil || rule.Risk == change.Rejected && refused || !rule.about(c.Ref) {
			continue
		}
		message, paths, fires := rule.When(c)
		if !fires {
			continue
		}
		refused = refused || rule.Risk == change.Rejected
		findings = append(findings, change.Finding{
			Rule: rule.ID, Risk: rule.Risk, Paths: paths, Message: message, Hint: rule.Fix,
		})
	}
	slices.SortStableFunc(findings, func(a, b change.Finding) int { return a.Risk.Compare(b.Risk) })
	return findings
}

// Advise gives the findings the hints that fit an operation without a new chart. rules
// are those that they come from.
func Advise(findings []change.Finding, operation change.Operation, rules []Rule) {
	if operation != change.Rollback && operation != change.Uninstall {
		return
	}
	for i := range findings {
		f := &findings[i]
		r := slices.IndexFunc(rules, func(r Rule) bool { return r.ID == f.Rule })
		if r >= 0 && rules[r].Instead != "" {
			f.Hint = rules[r].Instead
		}
	}
}

// about reports whether the rule is about objects of this kind.
func (r *Rule) about(ref manifest.Ref) bool {
	return len(r.Kinds) == 0 || ofKubernetes(ref.Group) && slices.Contains(r.Kinds, ref.Kind)
}

// ofKubernetes reports whether an API group is one of Kubernetes itself: others
// have kinds of the same name.
func ofKubernetes(group string) bool {
	return !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io")
}
