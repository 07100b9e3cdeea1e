// Package linediff finds the lines in which two texts differ. Its cost grows
// with the number of lines, whatever they say: where the least difference would
// be too dear to find, it settles for a larger one.
package linediff

import "strings"

// Hunk is a run of old lines that a run of new lines replaces: old[OldFrom:OldTo]
// becomes updated[NewFrom:NewTo]. One of the two may be empty, never both.
type Hunk struct{ OldFrom, OldTo, NewFrom, NewTo int }

// Lines cuts a text into its lines. Each keeps its newline, so that joined they
// are the text again.
func Lines(text string) []string {
	lines := make([]string, 0, strings.Count(text, "\n")+1)
	for line := range strings.Lines(text) {
		lines = append(lines, line)
	}
	return lines
}

// Diff returns what turns the old lines into the updated ones, in order. Between
// two hunks there is at least one common line. Equal texts have no hunks.
func Diff(old, updated []string) []Hunk {
	start, oldEnd, newEnd := trim(old, updated)
	partner := match(old[start:oldEnd], updated[start:newEnd])
	var hunks []Hunk
	i, j := start, start
	for i < oldEnd || j < newEnd {
		h := Hunk{OldFrom: i, NewFrom: j}
		for i < oldEnd && partner[i-start] < 0 {
			i++
		}
		next := newEnd
		if i < oldEnd {
			next = start + int(partner[i-start])
		}
		h.OldTo, h.NewTo, j = i, next, next
		if h.OldFrom < h.OldTo || h.NewFrom < h.NewTo {
			hunks = append(hunks, h)
		}
		for i < oldEnd && int(partner[i-start]) == j-start {
			i++
			j++
		}
	}
	return hunks
}

// trim returns where the common head ends and where the common tail begins.
func trim[T comparable](a, b []T) (start, aEnd, bEnd int) {
	aEnd, bEnd = len(a), len(b)
	for start < aEnd && start < bEnd && a[start] == b[start] {
		start++
	}
	for aEnd > start && bEnd > start && a[aEnd-1] == b[bEnd-1] {
		aEnd--
		bEnd--
	}
	return start, aEnd, bEnd
}

// match returns for each old line the updated line that it stays as, or -1.
//
// Lines that stand on one side only can have no partner. They are left out
// before the search, which leaves it little to do in most texts.
func match(old, updated []string) []int32 {
	numbers := make(map[string]int32, max(len(old), len(updated)))
	a, b := number(numbers, old), number(numbers, updated)
	inOld, inNew := make([]bool, len(numbers)), make([]bool, len(numbers))
	for _, n := range a {
		inOld[n] = true
	}
	for _, n := range b {
		inNew[n] = true
	}
	s := search{a: keep(a, inNew), b: keep(b, inOld), kinds: len(numbers)}
	s.partner = make([]int32, len(old))
	for i := range s.partner {
		s.partner[i] = -1
	}
	s.find(s.a, s.b, maxEdits, true)
	return s.partner
}

// number gives equal lines equal numbers, counted from 0.
func number(numbers map[string]int32, lines []string) []int32 {
	out := make([]int32, len(lines))
	for i, line := range lines {
		n, known := numbers[line]
		if !known {
			n = int32(len(numbers)) //nolint:gosec // a text of 2^31 lines does not fit into memory
			numbers[line] = n
		}
		out[i] = n
	}
	return out
}

// sequence is a text of which some lines are left out.
type sequence struct {
	line []int32 // the number of each line
	at   []int32 // where the line is in the whole text
}

func (s sequence) slice(from, to int) sequence {
	return sequence{line: s.line[from:to], at: s.at[from:to]}
}

func keep(lines []int32, shared []bool) sequence {
	var s sequence
	for i, n := range lines {
		if shared[n] {
			s.line = append(s.line, n)
			s.at = append(s.at, int32(i))
		}
	}
	return s
}
