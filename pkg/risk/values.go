package risk

import (
	"fmt"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
)

// valueRules are about the values that a user gives, and about no object. Unread asks them.
func valueRules() []rule.Rule {
	return []rule.Rule{{
		ID: "value-unread", Risk: change.Unapplied,
		Why: "a template of the old chart reads this value and none of the new one does: it no longer reaches any object",
		Fix: "use the new chart's name for the key, or remove it; `helm safe-diff values` lists all such keys",
	}}
}

// NeverRead is a rule of the command values only: the upgrade does not make such a key dead.
func NeverRead() rule.Rule {
	return rule.Rule{
		ID: "value-dead", Risk: change.Unapplied,
		Why: "no template of the chart reads this value, so it has no effect",
		Fix: "use the name that the chart has for the key, or remove the key",
	}
}

// Unread returns what is found of given keys that no template of the new chart reads. Those
// that the old chart did not read either are no finding: nothing becomes of them, as before.
func Unread(dead []change.DeadKey, old, updated string) []change.Finding {
	r := &valueRules()[0]
	return deadFindings(dead, true, r, fmt.Sprintf("no template of %s reads it, and one of %s did", updated, old))
}

// Dead returns what is found of given keys that neither chart reads.
func Dead(dead []change.DeadKey, chart string) []change.Finding {
	r := NeverRead()
	return deadFindings(dead, false, &r, fmt.Sprintf("no template of %s reads it", chart))
}

// deadFindings tells of the keys that the old chart did or did not read.
func deadFindings(dead []change.DeadKey, was bool, r *rule.Rule, says string) []change.Finding {
	var findings []change.Finding
	for i := range dead {
		d := &dead[i]
		if d.Was != was {
			continue
		}
		f := change.Finding{
			Rule: r.ID, Risk: r.Risk, Hint: r.Fix, Message: fmt.Sprintf("%s (%s): %s", d.Key, d.At, says),
			Evidence: []change.Evidence{{What: change.GivenKey, Names: []string{d.Key}}},
		}
		if d.At.Line > 0 {
			f.Evidence = append(f.Evidence, change.Evidence{What: change.GivenAt, Names: []string{d.At.Name}, Count: d.At.Line})
		}
		if d.Nearest != "" {
			f.Message += fmt.Sprintf("; did you mean %s?", d.Nearest)
		}
		findings = append(findings, f)
	}
	return findings
}
