// Command values measures what `helm safe-diff values` says of real charts: go run
// ./test/values DIR, where each folder of DIR is a chart with its dependencies.
//
// Into each chart keys are planted, as a user would give them: made up, misspelt and renamed
// ones, at all depths. Whether one does nothing is decided by rendering alone, with the chart's
// defaults, with what is off switched on, and with each of its ci/*-values.yaml. What is held
// against that is found by reading the templates, and nothing was rendered for it.
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

func main() { charts.Main("values", measure) }

// tally is what was counted, of one kind of key or of all.
type tally struct {
	// dead is how many planted keys do nothing, found how many of them were named, live how
	// many do something, wrong how many of these were named.
	dead, found, live, wrong int
}

func (t *tally) add(u tally) {
	t.dead, t.found, t.live, t.wrong = t.dead+u.dead, t.found+u.found, t.live+u.live, t.wrong+u.wrong
}

// totals is what was counted in all charts.
type totals struct {
	charts, left int
	byKind       map[string]*tally
	// own counts keys of charts themselves that are named dead, ownWrong those of them that
	// do something.
	own, ownDead, ownWrong int
	reading                []time.Duration
}

func measure(ctx context.Context, out, log io.Writer, dir string) error {
	folders, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	client := charts.Client()
	sum := totals{byKind: map[string]*tally{}}
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		if err := sum.chart(ctx, log, client, filepath.Join(dir, folder.Name())); err != nil {
			sum.left++
			_, _ = fmt.Fprintf(log, "%s: left out: %v\n", folder.Name(), err)
		}
	}
	return sum.print(out)
}

func (sum *totals) print(out io.Writer) error {
	p := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format, args...) }
	p("| charts | left out | keys of their own | named dead | of these wrong |\n|---:|---:|---:|---:|---:|\n")
	p("| %d | %d | %d | %d | %d |\n\n", sum.charts, sum.left, sum.own, sum.ownDead, sum.ownWrong)
	p("| planted | do nothing | found | recall | do something | named dead |\n|---|---:|---:|---:|---:|---:|\n")
	all := tally{}
	row := func(name string, t tally) {
		recall := 0.0
		if t.dead > 0 {
			recall = 100 * float64(t.found) / float64(t.dead)
		}
		p("| %s | %d | %d | %.1f %% | %d | %d |\n", name, t.dead, t.found, recall, t.live, t.wrong)
	}
	for _, kind := range kinds() {
		if t := sum.byKind[kind]; t != nil {
			row(kind, *t)
			all.add(*t)
		}
	}
	row("all", all)
	if n := len(sum.reading); n > 0 {
		slices.Sort(sum.reading)
		p("\nReading the templates of a chart takes %d ms in the median, %d ms in one of ten, %d ms at most.\n",
			sum.reading[n/2].Milliseconds(), sum.reading[n*9/10].Milliseconds(), sum.reading[n-1].Milliseconds())
	}
	return nil
}
