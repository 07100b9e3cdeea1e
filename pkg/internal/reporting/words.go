package reporting

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Each maps a list. A nil list gives an empty one, which JSON writes as [].
func Each[From, To any](list []From, to func(*From) To) []To {
	out := make([]To, len(list))
	for i := range list {
		out[i] = to(&list[i])
	}
	return out
}

// Same returns the string, for Each.
func Same(s *string) string { return *s }

// Plural is a number with its noun.
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Times says behind a name for how many objects it is; "" for one.
func Times(n int) string {
	if n == 1 {
		return ""
	}
	return " ×" + strconv.Itoa(n)
}

// Quoted writes a value as JSON, without the escapes that only HTML needs.
func Quoted(value any) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "?"
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// NotJudged is the word that replaces a verdict.
const NotJudged = "ERROR"
