package report

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// routineRules are the rules that say only that the pods of a workload are replaced while
// others keep serving.
var routineRules = []string{"pod-restart", "rotating-restart"} //nolint:gochecknoglobals // a constant table

// routine reports whether the only thing to say about a workload is that its pods are
// replaced while others keep serving.
func routine(c *change.Change) bool {
	p := c.Outcome.Pods
	return c.Op == change.Update && p != nil && p.Replaced && p.Cause != "" && len(c.Findings) == 1 && len(c.Accepted)+len(c.Off)+len(c.Outcome.Ignored)+len(c.Outcome.Refused) == 0 &&
		c.Findings[0].Risk == change.Restart && c.Findings[0].Was == "" && slices.Contains(routineRules, c.Findings[0].Rule) && !c.Outcome.Unreached
}

// rollout says what happens to the pods of a workload meanwhile.
func rollout(c *change.Change) string {
	p := c.Outcome.Pods
	before := min(p.Before, p.Desired)
	text := string(change.Restart)
	switch {
	case p.NoneMissing() && before > 0:
		text = fmt.Sprintf("rolls, %d of %d %s", before, p.Before, stay(before))
	case p.Fewest > 0 && p.Before > 0:
		text += fmt.Sprintf(", at least %d of %d %s", p.Fewest, p.Before, stay(p.Fewest))
	}
	how := obvious.ReplaceAllString(p.How, "")
	if before >= 0 && p.Before != p.Desired {
		how = strings.TrimPrefix(how+fmt.Sprintf(", scaled from %d to %d", p.Before, p.Desired), ", ")
	}
	return text + parenthesized(how)
}

// obvious is text that adds nothing to the numbers of ready pods.
var obvious = regexp.MustCompile(`^(rolling update, \d+ at a time, none missing|rolling update, at most \d+ of \d+ down|at most \d+ of \d+ down|one at a time)(, |; |$)`)

func parenthesized(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}
