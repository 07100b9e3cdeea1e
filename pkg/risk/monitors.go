package risk

import (
	"fmt"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// monitorRules are about what is watched.
func monitorRules() []Rule {
	return []Rule{{
		ID: "monitor-selects-nothing", Risk: change.Stuck,
		Why: "what a monitor does not select is not scraped: metrics end, and alerts on them fall silent",
		Fix: "let the monitor select by labels that the Services, or the pods, have",
		When: func(c *change.Change) (string, []fieldpath.Path, bool) {
			messages := make([]string, 0, len(c.Outcome.Loose))
			var paths []fieldpath.Path
			for _, l := range c.Outcome.Loose {
				if l.By == c.Ref {
					paths = editsOf(c, "selector")
					messages = append(messages, fmt.Sprintf("it selected %s, and selects nothing of the release any more", names(l.Of)))
					continue
				}
				messages = append(messages, fmt.Sprintf("%s selected it, and selects nothing of the release any more", l.By))
			}
			return strings.Join(messages, "; "), paths, len(messages) > 0
		},
	}}
}
