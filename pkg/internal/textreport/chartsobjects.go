package textreport

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
)

// maxAtRisk is the maximum number of rows in the table of objects at risk.
const maxAtRisk = 20

// atRisk is an object of a chart, and the classes of its findings.
type atRisk struct {
	risks             []change.Risk
	op, object, chart string
}

// objectsAtRisk prints the objects of all charts that have findings, worst class first. It
// prints an object once, however many value sets it occurs in.
func (p *Page) objectsAtRisk(charts *change.Charts) error {
	rows := atRiskOf(charts)
	if len(rows) == 0 {
		return nil
	}
	p.line()
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "CLASS\tCHANGE\tOBJECT\tCHART")
	for i, row := range rows {
		if i == maxAtRisk && !p.All {
			break
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", change.JoinRisks(row.risks), row.op, row.object, row.chart)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(b.String()) {
		p.line(strings.TrimRight(line, " \n"))
	}
	if more := len(rows) - maxAtRisk; more > 0 && !p.All {
		p.line("… ", reporting.Plural(more, "more object"))
		p.shorter = true
	}
	return nil
}

// atRiskOf lists the objects at risk, worst class first.
func atRiskOf(charts *change.Charts) []atRisk {
	var rows []atRisk
	known := map[string]bool{}
	for i := range charts.Charts {
		c := &charts.Charts[i]
		for j := range c.Cases {
			set := &c.Cases[j].Set
			for _, one := range reporting.Joined(set) {
				if len(one.Findings) == 0 {
					continue
				}
				row := atRisk{one.Risks(), string(one.Op), reporting.Printable(reporting.KindBefore(one)) + " " + reporting.GroupNames(reporting.Group{one}, true), reporting.Printable(c.Path)}
				key := fmt.Sprint(row)
				if !known[key] {
					known[key] = true
					rows = append(rows, row)
				}
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b atRisk) int {
		return cmp.Or(a.risks[0].Compare(b.risks[0]), strings.Compare(a.chart, b.chart))
	})
	return rows
}
