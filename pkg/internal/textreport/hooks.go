package textreport

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
)

// hooks says in one line which hooks run, in their order. It names those that run pods, and
// counts the others, which these need.
func (p *Page) hooks(runs []change.HookRun) {
	var events []string
	for from := 0; from < len(runs); {
		to := from + 1
		for to < len(runs) && runs[to].Event == runs[from].Event {
			to++
		}
		events = append(events, reporting.Printable(runs[from].Event)+" "+p.event(runs[from:to]))
		from = to
	}
	if len(events) > 0 {
		p.line("hooks that run: ", strings.Join(events, "; "))
	}
}

// event lists the hooks of one event.
func (p *Page) event(runs []change.HookRun) string {
	var list []string
	others, touched := 0, 0
	for i := range runs {
		r := &runs[i]
		state := ""
		switch {
		case r.New:
			state = " (new)"
		case r.Edited:
			state = " (changed)"
		}
		if r.Pods || p.All {
			list = append(list, reporting.Printable(r.Ref.Kind+" "+r.Ref.Name)+state)
			continue
		}
		others++
		if state != "" {
			touched++
		}
	}
	if others == 0 {
		return strings.Join(list, ", ")
	}
	count := reporting.Plural(others, "object")
	if len(list) > 0 {
		count = strconv.Itoa(others) + " more"
	}
	if touched > 0 {
		count += fmt.Sprintf(" (%d changed)", touched)
	}
	return strings.Join(append(list, count), ", ")
}
