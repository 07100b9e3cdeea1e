package textreport

import (
	"fmt"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
)

// The limits of the causes that the text report names, unless everything is requested.
const (
	maxCauses     = 6 // causes of the whole report
	maxCausePaths = 4 // fields of one cause of one object
)

// why says in one line what causes all edits together.
func (p *Page) why(set *change.Set) {
	causes := set.Causes()
	if len(causes) == 0 {
		return
	}
	total := 0
	for i := range causes {
		total += causes[i].Edits
	}
	var parts []string
	left := 0
	for i := range causes {
		if i >= maxCauses && !p.All {
			left += causes[i].Edits
			continue
		}
		parts = append(parts, fromCause(&causes[i], i == 0))
	}
	if left > 0 {
		parts = append(parts, fmt.Sprintf("%d from others", left))
		p.shorter = true
	}
	p.line(reporting.Printable(fmt.Sprintf("why: of %s ", reporting.Plural(total, "edit")) + strings.Join(parts, ", ")))
}

// fromCause is a part of a sentence about edits; the first part has the verb.
func fromCause(c *change.CauseCount, first bool) string {
	var verb string
	switch {
	case c.Unknown != "" && c.Edits == 1:
		verb = "is "
	case c.Unknown != "":
		verb = "are "
	case first && c.Edits == 1:
		verb = "comes from "
	case first:
		verb = "come from "
	default:
		verb = "from "
	}
	return fmt.Sprintf("%d %s%s", c.Edits, verb, c.String())
}

// because says what causes the edits of a group: in one line if the cause is the same for
// all, else with the fields.
func (p *Page) because(g reporting.Group) {
	causes, paths := CausesOf(g[0])
	for _, cause := range causes {
		fields := ""
		if len(causes) > 1 && len(paths[cause]) > 0 {
			fields = ": " + p.fields(paths[cause])
		}
		p.line("  because: ", reporting.Printable(cause), p.Faint(reporting.Printable(fields)))
	}
}

// CausesOf lists the causes of the edits of a change, and the fields of each cause.
func CausesOf(c *change.Change) (causes []string, paths map[string][]string) {
	paths = map[string][]string{}
	c.EachCause(func(b *change.Because, e *change.Edit) {
		text := b.String()
		if _, known := paths[text]; !known {
			causes = append(causes, text)
			paths[text] = nil
		}
		if e != nil {
			paths[text] = append(paths[text], e.Path.String())
		}
	})
	return causes, paths
}

// fields lists the fields that have one cause.
func (p *Page) fields(list []string) string {
	if more := len(list) - maxCausePaths; more > 0 && !p.All {
		p.shorter = true
		return strings.Join(list[:maxCausePaths], ", ") + fmt.Sprintf(", … %d more", more)
	}
	return strings.Join(list, ", ")
}
