package linediff

import "slices"

// Bounds of the search for the least difference, in added and deleted lines. Up
// to maxEdits the answer is the least one. A text with more is cut at the lines
// that are in it once, and each piece gets its own search up to maxPieceEdits.
// A piece that has more still counts as replaced as a whole. Both bounds are
// constants, so that the cost is linear in the number of lines.
const (
	maxEdits      = 1000
	maxPieceEdits = 250
)

// search finds which lines of a stay as which lines of b.
type search struct {
	a, b    sequence
	kinds   int     // line numbers are below it
	partner []int32 // by place in the old text, the place in the new one
}

func (s *search) pair(a, b sequence, i, j int) { s.partner[a.at[i]] = b.at[j] }

// find pairs the lines of a with those of b. cut says whether a pair of texts
// that differ in more than limit lines may be cut into pieces.
func (s *search) find(a, b sequence, limit int, cut bool) {
	start, aEnd, bEnd := trim(a.line, b.line)
	for i := range start {
		s.pair(a, b, i, i)
	}
	for i, j := aEnd, bEnd; i < len(a.line); i, j = i+1, j+1 {
		s.pair(a, b, i, j)
	}
	a, b = a.slice(start, aEnd), b.slice(start, bEnd)
	if len(a.line) == 0 || len(b.line) == 0 || s.shortest(a, b, limit) || !cut {
		return
	}
	i, j := 0, 0
	for _, anchor := range s.anchors(a, b) {
		s.find(a.slice(i, anchor[0]), b.slice(j, anchor[1]), maxPieceEdits, false)
		s.pair(a, b, anchor[0], anchor[1])
		i, j = anchor[0]+1, anchor[1]+1
	}
	s.find(a.slice(i, len(a.line)), b.slice(j, len(b.line)), maxPieceEdits, false)
}

// shortest pairs the lines by a shortest script of deletions and insertions
// (Myers, An O(ND) Difference Algorithm and Its Variations, 1986), unless that
// has more than limit steps; then it pairs none and returns false.
func (s *search) shortest(a, b sequence, limit int) bool {
	n, m := len(a.line), len(b.line)
	limit = min(limit, n+m)
	// reach[k+limit+1] is how far into a one comes on diagonal k (place in a
	// minus place in b) with d steps; trail keeps it for every d, to walk back.
	reach := make([]int32, 2*limit+3)
	var trail [][]int32
	for d := 0; d <= limit; d++ {
		for k := -d; k <= d; k += 2 {
			x := int(advance(reach, k+limit+1, k == -d, k == d))
			for x < n && x-k < m && a.line[x] == b.line[x-k] {
				x++
			}
			reach[k+limit+1] = int32(x) //nolint:gosec // an index
			if x >= n && x-k >= m {
				s.walkBack(a, b, trail)
				return true
			}
		}
		trail = append(trail, slices.Clone(reach[limit+1-d:limit+2+d]))
	}
	return false
}

// advance returns where a step from a neighbouring diagonal leads: down from
// the one above (an insertion) or right from the one below (a deletion).
func advance(reach []int32, at int, lowest, highest bool) int32 {
	if lowest || !highest && reach[at-1] < reach[at+1] {
		return reach[at+1]
	}
	return reach[at-1] + 1
}

// walkBack pairs the lines on the way that shortest found.
func (s *search) walkBack(a, b sequence, trail [][]int32) {
	x, y := len(a.line), len(b.line)
	for d := len(trail); d > 0; d-- {
		row, k := trail[d-1], x-y
		from := k - 1
		if k == -d || k != d && row[k-1+d-1] < row[k+1+d-1] {
			from = k + 1
		}
		fromX := int(row[from+d-1])
		fromY := fromX - from
		for x > fromX && y > fromY {
			x, y = x-1, y-1
			s.pair(a, b, x, y)
		}
		x, y = fromX, fromY
	}
	for ; x > 0; x-- { // what is left is the diagonal from the start
		s.pair(a, b, x-1, x-1)
	}
}

// anchors returns the places in a and b of lines that stand once in either, as
// many as keep their order.
func (s *search) anchors(a, b sequence) [][2]int {
	inA, inB := places(a.line, s.kinds), places(b.line, s.kinds)
	var candidates [][2]int
	for i, n := range a.line {
		if inA[n] >= 0 && inB[n] >= 0 {
			candidates = append(candidates, [2]int{i, int(inB[n])})
		}
	}
	return rising(candidates)
}

const (
	nowhere = -1
	several = -2
)

// places returns where each line stands, if it is in one place.
func places(lines []int32, kinds int) []int32 {
	at := make([]int32, kinds)
	for i := range at {
		at[i] = nowhere
	}
	for i, n := range lines {
		if at[n] == nowhere {
			at[n] = int32(i)
		} else {
			at[n] = several
		}
	}
	return at
}

// rising returns a longest selection of the pairs, which come in order of their
// first numbers, in which the second numbers rise as well.
func rising(pairs [][2]int) [][2]int {
	var tails []int // tails[l] is the pair that ends the best selection of l+1 pairs
	before := make([]int, len(pairs))
	for i, p := range pairs {
		l, _ := slices.BinarySearchFunc(tails, p[1], func(tail, second int) int { return pairs[tail][1] - second })
		before[i] = -1
		if l > 0 {
			before[i] = tails[l-1]
		}
		if l == len(tails) {
			tails = append(tails, i)
		} else {
			tails[l] = i
		}
	}
	selection := make([][2]int, len(tails))
	if len(tails) == 0 {
		return selection
	}
	for i, l := tails[len(tails)-1], len(tails)-1; l >= 0; i, l = before[i], l-1 {
		selection[l] = pairs[i]
	}
	return selection
}
