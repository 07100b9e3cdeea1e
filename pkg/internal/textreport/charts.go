package textreport

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
)

// Fold is what a report says once about a chart with several value sets.
type Fold struct {
	chart *change.Chart  // nil for the policy
	Cases []*change.Case // whose reports would be the same
	body  string
	// shorter says that something was left out because there was no room.
	shorter bool
}

// Title names chart and values.
func (f *Fold) Title() string {
	if f.chart == nil {
		return policyTitle
	}
	text := f.chart.Path + " " + versionsOf(f.chart)
	var values []string
	for _, c := range f.Cases {
		values = append(values, valuesName(c))
	}
	values = slices.Compact(values)
	if len(values) == 1 && f.Cases[0].Values == "" {
		return reporting.Printable(text + onVersions(f.Cases))
	}
	versions := make([]string, len(values)) // of each file
	for i, name := range values {
		versions[i] = onVersions(slices.DeleteFunc(slices.Clone(f.Cases), func(c *change.Case) bool { return valuesName(c) != name }))
	}
	if len(slices.Compact(slices.Clone(versions))) == 1 {
		return reporting.Printable(text + " with " + strings.Join(values, ", ") + versions[0])
	}
	for i := range values {
		values[i] += versions[i]
	}
	return reporting.Printable(text + " with " + strings.Join(values, "; "))
}

// onVersions names the versions of Kubernetes for which cases were judged, if there were
// several.
func onVersions(cases []*change.Case) string {
	var versions []string
	for _, c := range cases {
		if c.KubeVersion != "" {
			versions = append(versions, c.KubeVersion)
		}
	}
	if len(versions) == 0 {
		return ""
	}
	return " on Kubernetes " + strings.Join(versions, ", ")
}

// policyTitle is the title for what the pull request does to the policy, in a report about
// charts.
const policyTitle = "(policy)"

// Folds returns what the report says about all charts, with equal cases of a chart
// together. It leaves out a case in which nothing happens.
func Folds(charts *change.Charts, opt reporting.Options, room Room) []*Fold {
	var list []*Fold
	if one := charts.Policy; one != nil {
		p := Page{Styles: reporting.StylesFor(opt.Color), All: opt.ShowHidden, room: room}
		sum := one.Set.Summary()
		p.body(&one.Set, &sum, p.sections(&one.Set))
		list = append(list, &Fold{nil, []*change.Case{one}, p.Out.String(), p.shorter})
	}
	for i := range charts.Charts {
		c := &charts.Charts[i]
		known := map[string]*Fold{}
		for j := range c.Cases {
			one := &c.Cases[j]
			if one.Failure != nil {
				continue
			}
			p := Page{Styles: reporting.StylesFor(opt.Color), All: opt.ShowHidden, Operation: string(one.Set.Release.Operation), room: room}
			sum := one.Set.Summary()
			if sum.Fails {
				p.line(p.Bad("the " + p.Operation + " " + failure(&sum)))
			}
			p.why(&one.Set)
			p.body(&one.Set, &sum, p.sections(&one.Set))
			body := p.Out.String()
			if f := known[body]; f != nil {
				f.Cases = append(f.Cases, one)
				continue
			}
			f := &Fold{c, []*change.Case{one}, body, p.shorter}
			known[body] = f
			if body != "" {
				list = append(list, f)
			}
		}
	}
	return list
}

// WriteCharts prints the verdict, a table of charts and value sets, then the report of each
// chart. What is the same for several value sets is printed once.
func WriteCharts(w io.Writer, charts *change.Charts, opt reporting.Options) error {
	p := Page{Styles: reporting.StylesFor(opt.Color), All: opt.ShowHidden, width: opt.Width}
	hidden := charts.Hidden()
	for _, p.room = range chartRooms() {
		p.reset()
		if err := p.charts(charts); err != nil {
			return err
		}
		if err := p.objectsAtRisk(charts); err != nil {
			return err
		}
		for _, f := range Folds(charts, opt, p.room) {
			p.line()
			p.line(p.Strong("── " + f.Title()))
			p.Out.WriteString(f.body)
			p.shorter = p.shorter || f.shorter
		}
		p.exit(&hidden, &opt, CasesOf(charts)...)
		if p.enough() {
			break
		}
	}
	_, err := io.WriteString(w, p.wrapped())
	return err
}

// charts prints the verdict and the table.
func (p *Page) charts(charts *change.Charts) error {
	p.line(p.verdict(charts.Verdict()), "  ", ChartsCounted(charts))
	if len(ChartRows(charts)) == 0 {
		return nil
	}
	p.line()
	var rows strings.Builder
	table := tabwriter.NewWriter(&rows, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, strings.ToUpper(strings.Join(ChartColumns(charts), "\t")))
	for _, row := range ChartRows(charts) {
		_, _ = fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for row := range strings.Lines(rows.String()) {
		p.line(strings.TrimRight(row, " \n"))
	}
	return nil
}

// ChartsCounted is the text of the first line after the verdict.
func ChartsCounted(charts *change.Charts) string {
	worst, as, unchecked := charts.Verdict(), 0, 0
	for i := range charts.Charts {
		if charts.Charts[i].Verdict() == worst {
			as++
		}
	}
	for _, set := range charts.All() {
		unchecked += len(set.Unchecked)
	}
	n, since := len(charts.Charts), ", compared with "+reporting.Printable(charts.Base)
	if failed := failedCharts(charts); failed > 0 {
		return fmt.Sprintf("%d of %s cannot be judged", failed, reporting.Plural(n, "chart")) + since
	}
	if n == 0 {
		text := "no chart has changed"
		if charts.Policy != nil && len(charts.Policy.Set.Changes) > 0 {
			text += ", but the policy has"
		}
		return text + since
	}
	text := fmt.Sprintf("%d of %s", as, reporting.Plural(n, "chart"))
	if charts.Policy != nil && charts.Policy.Set.Verdict(charts.Policy.FailOn) == worst && len(charts.Policy.Set.Changes) > 0 {
		text = "the policy and " + text
	}
	if worst.Compare(change.Risky) > 0 && unchecked > 0 {
		text += fmt.Sprintf("; %d unchecked", unchecked)
	}
	return text + since
}

// CasesOf returns the sets of all charts, each with what fails the run for it.
func CasesOf(charts *change.Charts) []reporting.VerdictOn {
	var list []reporting.VerdictOn
	if charts.Policy != nil {
		list = append(list, reporting.VerdictOn{Set: &charts.Policy.Set, FailOn: charts.Policy.FailOn})
	}
	for i := range charts.Charts {
		for j := range charts.Charts[i].Cases {
			if one := &charts.Charts[i].Cases[j]; one.Failure == nil {
				list = append(list, reporting.VerdictOn{Set: &one.Set, FailOn: one.FailOn})
			}
		}
	}
	return list
}

// failedCharts counts the charts for which something could not be judged.
func failedCharts(charts *change.Charts) int {
	n := 0
	for i := range charts.Charts {
		if charts.Charts[i].Failed() {
			n++
		}
	}
	return n
}

// ChartColumns are the titles of the table of chartRows.
func ChartColumns(charts *change.Charts) []string {
	columns := []string{"chart", "version", "values", "kubernetes", "verdict", "found", "objects"}
	if !charts.Versions() {
		columns = slices.Delete(columns, kubernetesColumn, kubernetesColumn+1)
	}
	return columns
}

// kubernetesColumn is the position of the column that exists only if charts were judged for
// several versions of Kubernetes.
const kubernetesColumn = 3

// ChartRows are the lines of the table: chart, versions, values, the version of Kubernetes
// if there are several, verdict, findings, what is done to objects. A cell with the same
// text as the line above is empty.
func ChartRows(charts *change.Charts) [][]string {
	all := everyColumn(charts)
	rows := make([][]string, len(all))
	for i := range all {
		rows[i] = all[i][:]
		if !charts.Versions() {
			rows[i] = slices.Delete(rows[i], kubernetesColumn, kubernetesColumn+1)
		}
	}
	return rows
}

func everyColumn(charts *change.Charts) [][7]string {
	var rows [][7]string
	if one := charts.Policy; one != nil && len(one.Set.Changes) > 0 {
		sum := one.Set.Summary()
		rows = append(rows, [7]string{policyTitle, "", "", "", strings.ToUpper(string(one.Set.Verdict(one.FailOn))), FoundIn(&sum), ""})
	}
	for i := range charts.Charts {
		c := &charts.Charts[i]
		if len(c.Cases) == 0 {
			verdict, note := "", c.Note
			switch {
			case c.Failure != nil:
				verdict, note = reporting.NotJudged, reporting.Printable(c.Failure.Reason)
			case c.New == "":
				note = "the chart is removed; what is installed stays"
			}
			rows = append(rows, [7]string{reporting.Printable(c.Path), reporting.Printable(versionsOf(c)), "", "", verdict, note, ""})
		}
		for j := range c.Cases {
			one := &c.Cases[j]
			sum := one.Set.Summary()
			row := [7]string{"", "", reporting.Printable(valuesName(one)), reporting.Printable(one.KubeVersion), strings.ToUpper(string(one.Set.Verdict(one.FailOn))), FoundIn(&sum), Plan(&sum)}
			if one.Failure != nil {
				row[4], row[5], row[6] = reporting.NotJudged, reporting.Printable(one.Failure.Reason), ""
			}
			if j == 0 {
				row[0], row[1] = reporting.Printable(c.Path), reporting.Printable(versionsOf(c))
			} else if one.KubeVersion != "" && one.Values == c.Cases[j-1].Values {
				row[2] = ""
			}
			rows = append(rows, row)
		}
		if len(c.Cases) > 0 && c.Note != "" {
			rows = append(rows, [7]string{"", "", "", "", "", c.Note, ""})
		}
	}
	return rows
}

// FoundIn counts objects at risk, worst class first.
func FoundIn(sum *change.Summary) string {
	var parts []string
	for _, risk := range change.Risks() {
		if n := sum.Risks[risk]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, risk))
		}
	}
	return strings.Join(parts, ", ")
}

func valuesName(c *change.Case) string {
	if c.Values == "" {
		return "(default)"
	}
	return c.Values
}

func versionsOf(c *change.Chart) string {
	switch {
	case c.Old == "":
		return c.New + " (new)"
	case c.New == "":
		return c.Old + " (removed)"
	case c.Old == c.New:
		return c.New
	default:
		return c.Old + " → " + c.New
	}
}
