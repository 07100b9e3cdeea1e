package reporting

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// RoutineRules are the rules that say only that the pods of a workload are replaced while
// others keep serving.
var RoutineRules = []string{"pod-restart", "rotating-restart"} //nolint:gochecknoglobals // a constant table

// Routine reports whether the only thing to say about a workload is that its pods are
// replaced while others keep serving.
func Routine(c *change.Change) bool {
	p := c.Outcome.Pods
	return c.Op == change.Update && p != nil && p.Replaced && p.Cause != "" && len(c.Findings) == 1 && len(c.Accepted)+len(c.Off)+len(c.Outcome.Ignored)+len(c.Outcome.Refused) == 0 &&
		c.Findings[0].Risk == change.Restart && c.Findings[0].Was == "" && slices.Contains(RoutineRules, c.Findings[0].Rule) && !c.Outcome.Unreached
}

// Rollout says what happens to the pods of a workload meanwhile.
func Rollout(c *change.Change) string {
	p := c.Outcome.Pods
	before := min(p.Before, p.Desired)
	text := string(change.Restart)
	switch {
	case p.NoneMissing() && before > 0:
		text = fmt.Sprintf("rolls, %d of %d %s", before, p.Before, Stay(before))
	case p.Fewest > 0 && p.Before > 0:
		text += fmt.Sprintf(", at least %d of %d %s", p.Fewest, p.Before, Stay(p.Fewest))
	}
	how := obvious.ReplaceAllString(p.How, "")
	if before >= 0 && p.Before != p.Desired {
		how = strings.TrimPrefix(how+fmt.Sprintf(", scaled from %d to %d", p.Before, p.Desired), ", ")
	}
	return text + Parenthesized(how)
}

// obvious is text that adds nothing to the numbers of ready pods.
var obvious = regexp.MustCompile(`^(rolling update, \d+ at a time, none missing|rolling update, at most \d+ of \d+ down|at most \d+ of \d+ down|one at a time)(, |; |$)`)

// Parenthesized puts text behind other text, in parentheses; "" stays "".
func Parenthesized(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

// Stay is the verb for n pods that stay ready.
func Stay(n int) string {
	if n == 1 {
		return "stays ready"
	}
	return "stay ready"
}

// PodLines says what happens to pods, except what a finding already says.
func PodLines(c *change.Change) []string {
	pods := c.Outcome.Pods
	if pods == nil || c.Op != change.Update {
		return nil
	}
	var lines []string
	if pods.Before != pods.Desired && pods.Before >= 0 && pods.Desired >= 0 {
		lines = append(lines, fmt.Sprintf("scaled from %d to %d", pods.Before, pods.Desired))
	}
	switch {
	case pods.Replaced && !pods.AllDown && pods.Fewest > 0:
		lines = append(lines, fmt.Sprintf("at least %d %s", pods.Fewest, Stay(pods.Fewest)))
	case !pods.Replaced && pods.How != "" && !slices.ContainsFunc(c.Findings, func(f change.Finding) bool { return f.Message == pods.How }):
		lines = append(lines, "not replaced: "+pods.How)
	}
	if pods.Replaced && len(c.Findings) == 0 {
		lines = append(lines, "replaced"+Parenthesized(pods.How))
	}
	return lines
}
