package valuelens

import (
	"slices"
	"strings"
)

// hole stands in a text for a part that is not known. A text with holes is a pattern.
const hole = "\x00"

// Where there are more texts than most, or a longer one, nothing is known of them.
const (
	most    = 12
	longest = 2000
)

// matches reports whether a text may be the one that the pattern stands for.
func matches(pattern, text string) bool {
	parts := strings.Split(pattern, hole)
	if len(parts) == 1 {
		return pattern == text
	}
	rest, is := strings.CutPrefix(text, parts[0])
	if !is {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(rest, part)
		if at < 0 {
			return false
		}
		rest = rest[at+len(part):]
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

// overlap reports whether two patterns may stand for the same text.
func overlap(a, b string) bool {
	if strings.Contains(a, hole) && strings.Contains(b, hole) {
		return true
	}
	return matches(a, b) || matches(b, a)
}

// union returns the texts of both lists.
func union(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return bounded(slices.Compact(out))
}

// chained returns each text of one list followed by each of another.
func chained(a, b []string) []string {
	if len(a)*len(b) > most*most {
		return []string{hole}
	}
	out := make([]string, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			out = append(out, strings.ReplaceAll(x+y, hole+hole, hole))
		}
	}
	slices.Sort(out)
	return bounded(slices.Compact(out))
}

func bounded(texts []string) []string {
	if len(texts) > most || slices.ContainsFunc(texts, func(t string) bool { return len(t) > longest }) {
		return []string{hole}
	}
	return texts
}

// mapped returns what a function makes of each text.
func mapped(texts []string, f func(string) string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = f(text)
	}
	return out
}
