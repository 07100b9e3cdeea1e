package streams

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// streams is how many streams `make test` reads.
const streams = 10_000

// maxErrors is the share of streams that may be errors of both: what is an error says
// nothing of values.
const maxErrors = 0.40

func TestSameObjectsAsHelm(t *testing.T) {
	tally := map[string]*[4]int{}
	var all [4]int
	for seed := range uint64(streams) {
		s := Generate(seed)
		verdict, why := Judge(Program, s.Text)
		if verdict == Different {
			t.Errorf("seed %d, %v; put this into testdata/failed.txt:\n%q\n%s", seed, s.Features, s.Text, why)
			if all[Different] > 20 {
				t.FailNow()
			}
		}
		all[verdict]++
		for _, feature := range s.Features {
			if tally[feature] == nil {
				tally[feature] = new([4]int)
			}
			tally[feature][verdict]++
		}
	}
	t.Logf("%s\n%s", line("all", all), table(tally))
	if share := float64(all[Errors]) / streams; share > maxErrors {
		t.Errorf("%.0f %% of the streams are errors, want no more than %.0f %%", share*100, maxErrors*100)
	}
}

func table(tally map[string]*[4]int) string {
	names := make([]string, 0, len(tally))
	for name := range tally {
		names = append(names, name)
	}
	sort.Strings(names)
	var b strings.Builder
	for _, name := range names {
		b.WriteString(line(name, *tally[name]) + "\n")
	}
	return b.String()
}

func line(name string, n [4]int) string {
	total := n[Alike] + n[Errors] + n[Stricter] + n[Different]
	return fmt.Sprintf("%-40s %6d streams, %3.0f %% errors of both, %d stricter, %d different", name, total, 100*float64(n[Errors])/float64(total), n[Stricter], n[Different])
}

// TestStreamsThatFailedOnce reads all streams that have ever shown a difference.
func TestStreamsThatFailedOnce(t *testing.T) {
	file, err := os.Open("testdata/failed.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	rows, n := bufio.NewScanner(file), 0
	rows.Buffer(nil, 1<<20)
	for rows.Scan() {
		if row := rows.Text(); row != "" && row[0] != '#' {
			text, err := strconv.Unquote(row)
			if err != nil {
				t.Fatalf("%s: %v", row, err)
			}
			n++
			if verdict, why := Judge(Program, text); verdict == Different {
				t.Errorf("%q\n%s", text, why)
			}
		}
	}
	if n == 0 || rows.Err() != nil {
		t.Errorf("%d streams, %v", n, rows.Err())
	}
}

func TestGenerateIsTheSameEachTime(t *testing.T) {
	for seed := range uint64(100) {
		a, b := Generate(seed), Generate(seed)
		if a.Text != b.Text || !slices.Equal(a.Features, b.Features) {
			t.Fatalf("seed %d gives two streams", seed)
		}
	}
}
