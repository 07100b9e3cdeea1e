package agreement

import (
	"fmt"
	"io"
	"strings"
)

// Print writes the table, on demand with what a textual diff would have said.
func (s *Score) Print(w io.Writer, textual bool) {
	row := func(name string, t *Tally) {
		_, _ = fmt.Fprintf(w, "  %-32s %6d %8d %7d", name, t.Agree, t.Missed, t.Alarm)
		if t.Hit > 0 || t.Missed+t.Alarm > 0 && t != tally(&s.Tallies, Verdict) && t != tally(&s.Tallies, Replaced) {
			_, _ = fmt.Fprintf(w, "      %5.3f  %5.3f", t.Precision(), t.Recall())
		}
		_, _ = fmt.Fprintln(w)
	}
	_, _ = fmt.Fprintf(w, "  %-32s %6s %8s %7s  precision recall\n", fmt.Sprintf("%d upgrades", s.Upgrades), "agree", "missed", "alarm")
	for _, q := range Questions() {
		row(string(q), tally(&s.Tallies, q))
	}
	_, _ = fmt.Fprintf(w, "  %-32s %6d\n", "left open (unchecked)", s.Open)
	if !textual {
		return
	}
	for _, q := range []Question{Fails, Restart, Downtime} {
		row("a textual diff: "+string(q), tally(&s.Textual, q))
	}
}

// Sum adds up the tallies of several scores. There is one for each question.
func Sum(scores ...*Score) map[Question]*Tally {
	sums := map[Question]*Tally{}
	for _, q := range Questions() {
		for _, s := range scores {
			tally(&sums, q).plus(tally(&s.Tallies, q))
		}
		tally(&sums, q)
	}
	return sums
}

// Markdown returns one table for several scores; beside shows what a textual diff
// would have said.
func Markdown(beside bool, scores ...*Score) string {
	upgrades := 0
	sums, textual := Sum(scores...), map[Question]*Tally{}
	for _, s := range scores {
		upgrades += s.Upgrades
		for _, q := range Questions() {
			tally(&textual, q).plus(tally(&s.Textual, q))
		}
	}
	var b strings.Builder
	head, rule := " a textual diff: precision | recall |", "--:|--:|"
	if !beside {
		head, rule = "", ""
	}
	fmt.Fprintf(&b, "| %d upgrades | predictions | wrong |%s\n|---|--:|--:|%s\n", upgrades, head, rule)
	for _, q := range Questions() {
		t, other := tally(&sums, q), "– | –"
		if !beside {
			fmt.Fprintf(&b, "| %s | %d | %d |\n", q, t.Agree+t.Missed+t.Alarm, t.Missed+t.Alarm)
			continue
		}
		if asked := tally(&textual, q); asked.Agree+asked.Missed+asked.Alarm > 0 {
			other = fmt.Sprintf("%.2f | %.2f", asked.Precision(), asked.Recall())
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %s |\n", q, t.Agree+t.Missed+t.Alarm, t.Missed+t.Alarm, other)
	}
	return b.String()
}

func (t *Tally) plus(u *Tally) {
	t.Agree += u.Agree
	t.Hit += u.Hit
	t.Missed += u.Missed
	t.Alarm += u.Alarm
}
