package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// fold is what a report says once of a chart with several value sets.
type fold struct {
	chart *change.Chart
	cases []*change.Case // of which the report would be the same
	body  string
}

// title names chart and values.
func (f *fold) title() string {
	text := f.chart.Path + " " + versionsOf(f.chart)
	if len(f.cases) == 1 && f.cases[0].Values == "" {
		return printable(text)
	}
	names := make([]string, len(f.cases))
	for i, c := range f.cases {
		names[i] = valuesName(c)
	}
	return printable(text + " with " + strings.Join(names, ", "))
}

// folds returns what is to be said of all charts, equal cases of a chart together. Of a
// case in which nothing happens there is nothing to say.
func folds(charts *change.Charts, opt Options, room room) []*fold {
	var list []*fold
	for i := range charts.Charts {
		c := &charts.Charts[i]
		known := map[string]*fold{}
		for j := range c.Cases {
			one := &c.Cases[j]
			p := page{styles: stylesFor(opt.Color), all: opt.ShowHidden, operation: string(one.Set.Release.Operation), room: room}
			sum := one.Set.Summary()
			if sum.Fails {
				p.line(p.bad("the " + p.operation + " " + failure(&sum)))
			}
			p.body(&one.Set, &sum, p.sections(&one.Set))
			body := p.out.String()
			if f := known[body]; f != nil {
				f.cases = append(f.cases, one)
				continue
			}
			f := &fold{c, []*change.Case{one}, body}
			known[body] = f
			if body != "" {
				list = append(list, f)
			}
		}
	}
	return list
}

// chartsText prints the verdict, a table of charts and value sets, then what there is
// to say of each chart, once where it is the same for several value sets.
func chartsText(w io.Writer, charts *change.Charts, opt Options) error {
	p := page{styles: stylesFor(opt.Color), all: opt.ShowHidden}
	hidden := charts.Hidden()
	for _, p.room = range rooms() {
		p.out.Reset()
		if err := p.charts(charts); err != nil {
			return err
		}
		for _, f := range folds(charts, opt, p.room) {
			p.line()
			p.line(p.strong("── " + f.title()))
			p.out.WriteString(f.body)
		}
		p.ledger(&hidden)
		if p.enough() {
			break
		}
	}
	p.shortened()
	_, err := io.WriteString(w, p.out.String())
	return err
}

// charts prints the verdict and the table.
func (p *page) charts(charts *change.Charts) error {
	paint := map[change.Verdict]style{change.Risky: p.bad, change.Changed: p.good, change.Unchanged: p.good}[charts.Verdict()]
	word, rest, _ := strings.Cut(chartsVerdict(charts), " ")
	p.line(p.strong(paint(word)), " ", rest)
	if len(charts.Charts) == 0 {
		return nil
	}
	p.line()
	var rows strings.Builder
	table := tabwriter.NewWriter(&rows, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "CHART\tVERSION\tVALUES\tVERDICT\tFOUND\tOBJECTS")
	for _, row := range chartRows(charts) {
		_, _ = fmt.Fprintln(table, strings.Join(row[:], "\t"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for row := range strings.Lines(rows.String()) {
		p.line(strings.TrimRight(row, " \n"))
	}
	return nil
}

// chartsVerdict is the first line: the verdict and what it is about.
func chartsVerdict(charts *change.Charts) string {
	risky, unchecked := 0, 0
	for i := range charts.Charts {
		if charts.Charts[i].Verdict() == change.Risky {
			risky++
		}
	}
	for _, set := range charts.All() {
		unchecked += len(set.Unchecked)
	}
	n, since := len(charts.Charts), ", compared with "+printable(charts.Base)
	switch {
	case n == 0:
		return "SAFE  no chart has changed" + since
	case risky > 0:
		return fmt.Sprintf("RISKY  %d of %s%s", risky, plural(n, "chart"), since)
	case unchecked > 0:
		return fmt.Sprintf("SAFE  nothing in %s that --fail-on names, in what could be judged; %d unchecked%s", plural(n, "chart"), unchecked, since)
	default:
		return fmt.Sprintf("SAFE  nothing in %s that --fail-on names%s", plural(n, "chart"), since)
	}
}

// chartRows are the lines of the table: chart, versions, values, verdict, what was
// found, what is done to objects. What stands in the line above is left out.
func chartRows(charts *change.Charts) [][6]string {
	var rows [][6]string
	for i := range charts.Charts {
		c := &charts.Charts[i]
		if len(c.Cases) == 0 {
			note := c.Note
			if c.New == "" {
				note = "the chart is removed; what is installed stays"
			}
			rows = append(rows, [6]string{printable(c.Path), printable(versionsOf(c)), "", "", note, ""})
		}
		for j := range c.Cases {
			one := &c.Cases[j]
			sum := one.Set.Summary()
			row := [6]string{"", "", printable(valuesName(one)), strings.ToUpper(string(one.Set.Verdict(one.FailOn))), foundIn(&sum), plan(&sum)}
			if j == 0 {
				row[0], row[1] = printable(c.Path), printable(versionsOf(c))
			}
			if row[3] != "RISKY" {
				row[3] = strings.ToLower(row[3])
			}
			rows = append(rows, row)
		}
		if len(c.Cases) > 0 && c.Note != "" {
			rows = append(rows, [6]string{"", "", "", "", c.Note, ""})
		}
	}
	return rows
}

// foundIn counts objects at risk, worst class first.
func foundIn(sum *change.Summary) string {
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

// together makes a format for one set one for charts: all that differs in any value
// set of a chart stands there once.
func together(write func(io.Writer, *change.Set, Options) error) func(io.Writer, *change.Charts, Options) error {
	return func(w io.Writer, charts *change.Charts, opt Options) error {
		type key struct {
			chart int
			ref   string
			what  signature
		}
		var set change.Set
		var failOn [][]change.Risk
		seen := map[key]bool{}
		unchecked, oneWay := map[change.Notice]bool{}, map[change.Notice]bool{}
		for i := range charts.Charts {
			for _, one := range charts.Charts[i].Cases {
				set.Same += one.Set.Same
				for j := range one.Set.Changes {
					c := &one.Set.Changes[j]
					k := key{i, c.Ref.String(), sign(c, true, func(s string) string { return s }, string(one.Set.Verdict(one.FailOn)))}
					if !seen[k] {
						seen[k] = true
						set.Changes, failOn = append(set.Changes, *c), append(failOn, one.FailOn)
					}
				}
				set.Unchecked = append(set.Unchecked, fresh(one.Set.Unchecked, unchecked)...)
				set.OneWay = append(set.OneWay, fresh(one.Set.OneWay, oneWay)...)
			}
		}
		opt.failOn = map[*change.Change][]change.Risk{}
		for i := range set.Changes {
			opt.failOn[&set.Changes[i]] = failOn[i]
		}
		return write(w, &set, opt)
	}
}

// fresh returns the notices that were not told before.
func fresh(notices []change.Notice, told map[change.Notice]bool) []change.Notice {
	var list []change.Notice
	for _, n := range notices {
		if !told[n] {
			told[n] = true
			list = append(list, n)
		}
	}
	return list
}

// verdict judges a set by the classes that count for each of its changes.
func (o *Options) verdict(set *change.Set) change.Verdict {
	for i := range set.Changes {
		for j := range set.Changes[i].Findings {
			if o.fails(&set.Changes[i], &set.Changes[i].Findings[j]) {
				return change.Risky
			}
		}
	}
	return set.Verdict(nil)
}
