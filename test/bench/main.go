// Command bench measures helm-safe-diff side by side with helm-diff's engine and
// prints what was measured against what the project promises, as ratios. It
// judges nothing: a miss is a line in a table, not a failed run.
//
//	go run ./test/bench [-n 5] [-run REGEXP] [-bin bin/helm-safe-diff]
//
// Every sample is a process of its own, the subjects take turns (A B A B), and a
// ratio is the median over the pairs. What counts is CPU time, user and system,
// of the work alone; start-up is left out. Ours is the whole command, reading of
// the files included; helm-diff's engine finds its input in memory.
//
// With BENCH_PAIRS, a folder that holds OWNER+REPO/CHART/OLD..NEW/{old,new}.yaml,
// the largest of these upgrades are measured, too. With BENCH_PROFILE, a file, the
// last sample leaves a CPU profile there; -run and -n 1 choose which that is.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"text/tabwriter"
)

// row is one line of the table.
type row struct {
	name    string
	goal    string
	measure func(b *bench) (measured string, ok bool, detail string, err error)
}

// bench is one run of this program.
type bench struct {
	samples int
	binary  string
	dir     string // for the inputs
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == childFlag {
		if err := child(os.Args[2], os.Args[3:], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	b := bench{}
	flag.IntVar(&b.samples, "n", 5, "samples of every subject")
	flag.StringVar(&b.binary, "bin", "bin/helm-safe-diff", "the built program, for start-up")
	pattern := flag.String("run", "", "measure only what matches")
	keep := flag.String("keep", "", "a folder that keeps the last input (old.yaml, new.yaml)")
	pairs := flag.Int("pairs", 8, "how many upgrades of BENCH_PAIRS to measure, the largest first")
	flag.Parse()
	b.dir = *keep
	if err := b.run(os.Stdout, *pattern, *pairs); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (b *bench) run(w io.Writer, pattern string, pairs int) error {
	wanted, err := regexp.Compile(pattern)
	if err != nil {
		return fmt.Errorf("read the pattern of -run: %w", err)
	}
	if b.dir == "" {
		if b.dir, err = os.MkdirTemp("", "bench-"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(b.dir) }()
	}
	rows := rows()
	if folder := os.Getenv("BENCH_PAIRS"); folder != "" {
		upgrades, err := pairRows(folder, pairs)
		if err != nil {
			return err
		}
		rows = append(rows, upgrades...)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "what\tgoal\tmeasured\t\tmedians")
	for _, r := range rows {
		if !wanted.MatchString(r.name) {
			continue
		}
		_, _ = fmt.Fprintf(os.Stderr, "%s …\n", r.name)
		measured, ok, detail, err := r.measure(b)
		verdict := "miss"
		switch {
		case err != nil:
			verdict, measured, detail = "–", "–", err.Error()
		case ok:
			verdict = "ok"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", r.name, r.goal, measured, verdict, detail)
	}
	return table.Flush()
}
