package textreport

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
)

// chartsMarker is the same in every report about the charts of a repository.
const chartsMarker = "<!-- helm-safe-diff charts -->\n"

// WriteChartsMarkdown prints one comment about all charts: a table of charts and value sets,
// then the text of WriteMarkdown below a heading for each. If the comment is too long,
// every part is cut to its share, the worst parts last.
func WriteChartsMarkdown(w io.Writer, charts *change.Charts, opt reporting.Options) error {
	limit := max(cmp.Or(opt.MaxBytes, DefaultMaxBytes), LeastMaxBytes)
	var b strings.Builder
	b.WriteString(chartsMarker + "### " + strings.ToUpper(string(charts.Verdict())) + "  " + InMarkdown(ChartsCounted(charts)) + "\n")
	hidden := charts.Hidden()
	p := Page{Styles: reporting.StylesFor(false), All: opt.ShowHidden}
	tail := strings.TrimSpace(p.Text(func(q *Page) { q.Ledger(&hidden) }))
	if tail != "" {
		tail = "\n" + InMarkdown(tail) + "\n"
	}
	tail += "\n" + InMarkdown(reporting.ExitLine(&opt, CasesOf(charts)...)) + "\n"
	left := limit - b.Len() - len(tail) - roomForCuts
	left = chartsTable(&b, charts, left)
	opt.Color = false
	parts := Folds(charts, opt, chartRooms()[0])
	slices.SortStableFunc(parts, func(a, b *Fold) int { return cmp.Compare(harm(a), harm(b)) })
	cut := 0
	for i, f := range parts {
		set := &f.Cases[0].Set
		q := Page{Styles: p.Styles, All: p.All, Operation: string(set.Release.Operation)}
		m := comment{head: "\n#### " + InMarkdown(f.Title()) + "\n"}
		sum := set.Summary()
		if sum.Fails {
			m.head += "\nthe " + q.Operation + " " + failure(&sum) + "\n"
		}
		if why := strings.TrimSpace(q.Text(func(part *Page) { part.why(set) })); why != "" {
			m.head += "\n" + InMarkdown(why) + "\n"
		}
		share := left / (len(parts) - i)
		m.body(&q, set, &sum, max(share, min(left, LeastMaxBytes)))
		text := m.String(share)
		if len(text) > left {
			cut++
			continue
		}
		left -= len(text)
		b.WriteString(text)
	}
	if cut > 0 {
		fmt.Fprintf(&b, "\n**Cut to stay within %d bytes: the reports of %s**\n", limit, reporting.Plural(cut, "value set"))
	}
	_, err := io.WriteString(w, b.String()+tail)
	return err
}

// chartsTable writes as much of the table as fits, and returns how much room is left.
func chartsTable(b *strings.Builder, charts *change.Charts, left int) int {
	rows := ChartRows(charts)
	if len(rows) == 0 {
		return left
	}
	columns := ChartColumns(charts)
	b.WriteString("\n| " + strings.Join(columns, " | ") + " |\n" + strings.Repeat("|---", len(columns)) + "|\n")
	for i, row := range rows {
		cells := make([]string, len(row))
		for j, cell := range row {
			cells[j] = InMarkdown(cell)
		}
		line := "| " + strings.Join(cells, " | ") + " |\n"
		if len(line) > left/2 {
			fmt.Fprintf(b, "\n**Cut: %s**\n", reporting.Plural(len(rows)-i, "more line"))
			break
		}
		left -= len(line)
		b.WriteString(line)
	}
	return left
}

// harm orders the reports of value sets, worst first.
func harm(f *Fold) int {
	worst := len(change.Risks())
	for i := range f.Cases[0].Set.Changes {
		for _, risk := range f.Cases[0].Set.Changes[i].Risks() {
			worst = min(worst, slices.Index(change.Risks(), risk))
		}
	}
	return worst
}
