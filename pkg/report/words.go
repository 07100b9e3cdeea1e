package report

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// each maps a list. A nil list gives an empty one, which JSON writes as [].
func each[From, To any](list []From, to func(*From) To) []To {
	out := make([]To, len(list))
	for i := range list {
		out[i] = to(&list[i])
	}
	return out
}

func same(s *string) string { return *s }

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func times(n int) string {
	if n == 1 {
		return ""
	}
	return " ×" + strconv.Itoa(n)
}

// quoted writes a value as JSON, without the escapes that only HTML needs.
func quoted(value any) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "?"
	}
	return strings.TrimSuffix(b.String(), "\n")
}
