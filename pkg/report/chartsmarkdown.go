package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// chartsMarker is the same in every report about the charts of a repository.
const chartsMarker = "<!-- helm-safe-diff charts -->\n"

// chartsMarkdown prints one comment about all charts: a table of charts and value sets,
// then the text of writeMarkdown below a heading for each. If the comment is too long,
// every part is cut to its share, the worst parts last.
func chartsMarkdown(w io.Writer, charts *change.Charts, opt Options) error {
	limit := max(cmp.Or(opt.MaxBytes, DefaultMaxBytes), LeastMaxBytes)
	var b strings.Builder
	b.WriteString(chartsMarker + "### " + strings.ToUpper(string(charts.Verdict())) + "  " + inMarkdown(chartsCounted(charts)) + "\n")
	hidden := charts.Hidden()
	p := page{styles: stylesFor(false), all: opt.ShowHidden}
	tail := strings.TrimSpace(p.text(func(q *page) { q.ledger(&hidden) }))
	if tail != "" {
		tail = "\n" + inMarkdown(tail) + "\n"
	}
	tail += "\n" + inMarkdown(exitLine(&opt, casesOf(charts)...)) + "\n"
	left := limit - b.Len() - len(tail) - roomForCuts
	left = chartsTable(&b, charts, left)
	opt.Color = false
	parts := folds(charts, opt, chartRooms()[0])
	slices.SortStableFunc(parts, func(a, b *fold) int { return cmp.Compare(harm(a), harm(b)) })
	cut := 0
	for i, f := range parts {
		set := &f.cases[0].Set
		q := page{styles: p.styles, all: p.all, operation: string(set.Release.Operation)}
		m := comment{head: "\n#### " + inMarkdown(f.title()) + "\n"}
		sum := set.Summary()
		if sum.Fails {
			m.head += "\nthe " + q.operation + " " + failure(&sum) + "\n"
		}
		if why := strings.TrimSpace(q.text(func(part *page) { part.why(set) })); why != "" {
			m.head += "\n" + inMarkdown(why) + "\n"
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
		fmt.Fprintf(&b, "\n**Cut to stay within %d bytes: the reports of %s**\n", limit, plural(cut, "value set"))
	}
	_, err := io.WriteString(w, b.String()+tail)
	return err
}

// chartsTable writes as much of the table as fits, and returns how much room is left.
func chartsTable(b *strings.Builder, charts *change.Charts, left int) int {
	rows := chartRows(charts)
	if len(rows) == 0 {
		return left
	}
	columns := chartColumns(charts)
	b.WriteString("\n| " + strings.Join(columns, " | ") + " |\n" + strings.Repeat("|---", len(columns)) + "|\n")
	for i, row := range rows {
		cells := make([]string, len(row))
		for j, cell := range row {
			cells[j] = inMarkdown(cell)
		}
		line := "| " + strings.Join(cells, " | ") + " |\n"
		if len(line) > left/2 {
			fmt.Fprintf(b, "\n**Cut: %s**\n", plural(len(rows)-i, "more line"))
			break
		}
		left -= len(line)
		b.WriteString(line)
	}
	return left
}

// harm orders the reports of value sets, worst first.
func harm(f *fold) int {
	worst := len(change.Risks())
	for i := range f.cases[0].Set.Changes {
		for _, risk := range f.cases[0].Set.Changes[i].Risks() {
			worst = min(worst, slices.Index(change.Risks(), risk))
		}
	}
	return worst
}
