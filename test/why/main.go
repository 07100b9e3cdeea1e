// Command why measures what `helm safe-diff local --why` says of real charts: go run ./test/why
// DIR, where DIR/old and DIR/new hold two versions of each chart, unpacked, under the same name.
//
// Some of the defaults of each chart are given other values, as a user would, on one side or on
// both. What the edits are then said to be due to is held against renderings of its own: with each
// key reverted alone, with all that are named, with the old values, with the old defaults. Fields
// are read from these by other code than the program's.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/safe-diff/helm-safe-diff/test/charts"
)

func main() { charts.Main("why", measure) }

// totals is what was counted in all charts.
type totals struct {
	charts, left, edits int
	// of counts edits by what is said of them.
	of map[string]int
	// checked is how many edits were held against renderings, unread how many of them name a
	// place in a list that cannot be found again; refuted is how many of the others are wrong,
	// missed how many do not name a key that undoes them alone.
	checked, unread, refuted, missed int
	renderings                       []int
	judging, explaining              []time.Duration
}

func measure(ctx context.Context, out, log io.Writer, dir string) error {
	folders, err := os.ReadDir(filepath.Join(dir, "old"))
	if err != nil {
		return err
	}
	client := charts.Client()
	sum := totals{of: map[string]int{}}
	for _, folder := range folders {
		old, updated := filepath.Join(dir, "old", folder.Name()), filepath.Join(dir, "new", folder.Name())
		if err := sum.chart(ctx, log, client, old, updated); err != nil {
			sum.left++
			_, _ = fmt.Fprintf(log, "%s: left out: %.200s\n", folder.Name(), err)
		}
	}
	sum.print(out)
	return nil
}

func (sum *totals) print(out io.Writer) {
	p := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format, args...) }
	p("| charts | left out | edits | checked | refuted | a key missed |\n|---:|---:|---:|---:|---:|---:|\n")
	p("| %d | %d | %d | %d | %d | %d |\n\n", sum.charts, sum.left, sum.edits, sum.checked-sum.unread, sum.refuted, sum.missed)
	p("| due to | edits | share |\n|---|---:|---:|\n")
	for _, what := range whats() {
		p("| %s | %d | %.1f %% |\n", what, sum.of[what], 100*float64(sum.of[what])/float64(max(1, sum.edits)))
	}
	if n := len(sum.renderings); n > 0 {
		slices.Sort(sum.renderings)
		slices.Sort(sum.judging)
		slices.Sort(sum.explaining)
		p("\nIt takes %d renderings in the median, %d in one of ten, %d at most; %d ms in the median, %d ms in one of ten, where rendering and judging take %d ms and %d ms.\n",
			sum.renderings[n/2], sum.renderings[n*9/10], sum.renderings[n-1],
			sum.explaining[n/2].Milliseconds(), sum.explaining[n*9/10].Milliseconds(), sum.judging[n/2].Milliseconds(), sum.judging[n*9/10].Milliseconds())
	}
}
