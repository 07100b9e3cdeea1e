package linediff

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiff(t *testing.T) {
	for _, tc := range []struct {
		name, old, updated string
		want               []Hunk
	}{
		{"both empty", "", "", nil},
		{"equal", "a b c", "a b c", nil},
		{"from nothing", "", "a b", []Hunk{{0, 0, 0, 2}}},
		{"to nothing", "a b", "", []Hunk{{0, 2, 0, 0}}},
		{"replaced", "a b c", "a x c", []Hunk{{1, 2, 1, 2}}},
		{"inserted", "a c", "a b c", []Hunk{{1, 1, 1, 2}}},
		{"deleted", "a b c", "a c", []Hunk{{1, 2, 1, 1}}},
		{"everything", "a b", "x y z", []Hunk{{0, 2, 0, 3}}},
		{"two places", "a b c d e", "a x c d y", []Hunk{{1, 2, 1, 2}, {4, 5, 4, 5}}},
		{"swapped", "a b c", "b a c", []Hunk{{0, 1, 0, 0}, {2, 2, 1, 2}}},
		{"repeated line", "x x x", "x x", []Hunk{{2, 3, 2, 2}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Diff(strings.Fields(tc.old), strings.Fields(tc.updated))
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("hunks (-want +got):\n%s", d)
			}
		})
	}
}

func TestLinesJoinToTheText(t *testing.T) {
	for _, text := range []string{"", "a", "a\n", "\n", "a\n\nb", "a\r\nb\r\n"} {
		if got := strings.Join(Lines(text), ""); got != text {
			t.Errorf("Lines(%q) join to %q", text, got)
		}
	}
}

// check holds the hunks to what Diff promises.
func check(t *testing.T, old, updated []string) []Hunk {
	t.Helper()
	hunks := Diff(old, updated)
	var applied []string
	i, j := 0, 0
	for n, h := range hunks {
		if h.OldFrom > h.OldTo || h.NewFrom > h.NewTo || h.OldFrom == h.OldTo && h.NewFrom == h.NewTo {
			t.Fatalf("hunk %d is empty or runs backwards: %+v", n, h)
		}
		if n > 0 && h.OldFrom == i || h.OldFrom-i != h.NewFrom-j {
			t.Fatalf("hunk %d does not follow the one before: %+v", n, hunks)
		}
		applied = append(applied, old[i:h.OldFrom]...)
		applied = append(applied, updated[h.NewFrom:h.NewTo]...)
		i, j = h.OldTo, h.NewTo
	}
	applied = append(applied, old[i:]...)
	if !slices.Equal(applied, updated) {
		t.Fatalf("old with the hunks %+v is not the new text", hunks)
	}
	return hunks
}

// TestRandom tries all kinds of texts: few and many different lines, few and
// many edits, so that each part of the search is reached.
func TestRandom(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		kinds := []int{2, 5, 50, 100000}[seed%4]
		old := make([]string, r.IntN(3000))
		for i := range old {
			old[i] = strconv.Itoa(r.IntN(kinds))
		}
		updated := slices.Clone(old)
		for range r.IntN(len(old) + 2) {
			switch i := r.IntN(len(updated) + 1); {
			case i == len(updated) || r.IntN(3) == 0:
				updated = slices.Insert(updated, i, strconv.Itoa(r.IntN(kinds)))
			case r.IntN(2) == 0:
				updated = slices.Delete(updated, i, i+1)
			default:
				j := r.IntN(len(updated))
				updated[i], updated[j] = updated[j], updated[i]
			}
		}
		check(t, old, updated)
		if hunks := Diff(old, slices.Clone(old)); hunks != nil {
			t.Fatalf("equal texts differ: %+v", hunks)
		}
	}
}

// TestLeast compares with the least number of edits, found the slow way.
func TestLeast(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		texts := [2][]string{}
		for side := range texts {
			for range r.IntN(30) {
				texts[side] = append(texts[side], strconv.Itoa(r.IntN(6)))
			}
		}
		got := 0
		for _, h := range check(t, texts[0], texts[1]) {
			got += h.OldTo - h.OldFrom + h.NewTo - h.NewFrom
		}
		if want := distance(texts[0], texts[1]); got != want {
			t.Fatalf("seed %d: %d edits, %d would do", seed, got, want)
		}
	}
}

func distance(a, b []string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			best := min(row[j], row[j+1]) + 1
			if a[i] == b[j] {
				best = diagonal
			}
			diagonal, row[j+1] = row[j+1], best
		}
	}
	return row[len(b)]
}

// big are texts on which a search for the least difference would take minutes.
func big(lines int) map[string][2][]string {
	r := rand.New(rand.NewPCG(1, 3))
	base := make([]string, lines)
	for i := range base {
		base[i] = fmt.Sprintf("line %d of the text\n", i)
	}
	few := slices.Clone(base)
	for i := range 5 {
		few[lines/7*(i+1)] = "changed\n"
	}
	all := make([]string, lines)
	for i := range all {
		all[i] = fmt.Sprintf("line %d of another text\n", i)
	}
	shuffled := slices.Clone(base)
	r.Shuffle(lines, func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	dull := [2][]string{make([]string, lines), make([]string, lines)}
	for i := range lines {
		dull[0][i], dull[1][i] = strconv.Itoa(i%2)+"\n", strconv.Itoa(i%2)+"\n"
		if r.IntN(20) == 0 {
			dull[0][i], dull[1][i] = strconv.Itoa(r.IntN(3))+"\n", strconv.Itoa(r.IntN(3))+"\n"
		}
	}
	return map[string][2][]string{
		"few": {base, few}, "all": {base, all}, "shuffled": {base, shuffled}, "dull": dull,
	}
}

func TestBig(t *testing.T) {
	for name, texts := range big(50_000) {
		t.Run(name, func(t *testing.T) { check(t, texts[0], texts[1]) })
	}
}

func BenchmarkDiff(b *testing.B) {
	for _, lines := range []int{50_000, 200_000} {
		texts := big(lines)
		for _, name := range []string{"few", "all", "shuffled", "dull"} {
			old, updated := strings.Join(texts[name][0], ""), strings.Join(texts[name][1], "")
			b.Run(fmt.Sprintf("%s/%d", name, lines), func(b *testing.B) {
				for b.Loop() {
					Diff(Lines(old), Lines(updated))
				}
			})
		}
	}
}

func FuzzDiff(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nc\nd")
	f.Add("", "\n\n")
	f.Fuzz(func(t *testing.T, old, updated string) {
		hunks := check(t, Lines(old), Lines(updated))
		if (old == updated) != (len(hunks) == 0) {
			t.Fatalf("%d hunks", len(hunks))
		}
	})
}
