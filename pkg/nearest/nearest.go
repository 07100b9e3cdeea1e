// Package nearest finds the word that somebody meant who has mistyped it.
package nearest

// Of returns the word of a list that takes the fewest edits of one letter to get from
// the given one, or "" if none is close.
func Of(word string, among []string) string {
	const most = 3
	best, least := "", min(len(word)/2, most)+1
	for _, candidate := range among {
		if d := distance(word, candidate); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance returns the number of single-letter edits from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
