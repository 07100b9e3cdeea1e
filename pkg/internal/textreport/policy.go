package textreport

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
)

// Policy prints what the team's policy has decided, and what there is to say about the
// policy itself.
func (p *Page) Policy(set *change.Set, sum *change.Summary) {
	lines := PolicyLines(set, sum, p.All)
	if len(lines) == 0 {
		return
	}
	if len(lines) == 1 {
		p.under("Policy", lines[0]+"\n")
		return
	}
	p.under("Policy", "  "+strings.Join(lines, "\n  ")+"\n")
}

// PolicyLines is everything about the policy, in any format.
func PolicyLines(set *change.Set, sum *change.Summary, all bool) []string {
	var lines []string
	if len(sum.Off) > 0 {
		how := "; --show-hidden shows them"
		if all {
			how = ""
		}
		lines = append(lines, "switched off: "+perRule(sum.Off)+how)
	}
	if len(sum.Accepted) > 0 {
		lines = append(lines, "accepted: "+perRule(sum.Accepted))
	}
	if all {
		for i := range set.Changes {
			for _, f := range set.Changes[i].Off {
				lines = append(lines, fmt.Sprintf("  %s %s (%s): %s", f.Risk, set.Changes[i].Ref, f.Rule, f.Message))
			}
		}
	}
	idle := 0
	for _, r := range set.Remarks {
		if r.Idle && !all {
			idle++
			continue
		}
		lines = append(lines, r.At+": "+r.What)
	}
	if idle > 0 {
		lines = append(lines, entries(idle)+" had nothing to do here; --show-hidden lists them")
	}
	for i := range lines {
		lines[i] = reporting.Printable(lines[i])
	}
	return lines
}

// Accepted says who has accepted a finding, and why.
func Accepted(a *change.Accepted) string {
	return reporting.Printable(fmt.Sprintf("accepted: %s (%s), by %s until %s: %s", a.Risk, a.Rule, a.By, a.Until, a.Reason))
}

func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

// perRule lists counts by name.
func perRule(byName map[string]int) string {
	parts := make([]string, 0, len(byName))
	for name, n := range byName {
		parts = append(parts, fmt.Sprintf("%d %s", n, name))
	}
	slices.SortFunc(parts, func(a, b string) int {
		_, nameA, _ := strings.Cut(a, " ")
		_, nameB, _ := strings.Cut(b, " ")
		return strings.Compare(nameA, nameB)
	})
	return strings.Join(parts, ", ")
}
