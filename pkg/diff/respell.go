package diff

import (
	"slices"
	"strings"
)

// Respelling tells what words of an old manifest are called in the new one; found
// is false for a word that keeps its name.
type Respelling func(word string) (now string, found bool)

// Value returns an old value with the names of the new one, wherever that makes
// both say the same; anything else stays, to be seen as an edit. Neither value is
// changed.
func (r Respelling) Value(old, updated any) any {
	switch o := old.(type) {
	case string:
		if n, is := updated.(string); is && o != n {
			return r.lines(o, n)
		}
	case map[string]any:
		if n, is := updated.(map[string]any); is {
			out := make(map[string]any, len(o))
			for key, value := range o {
				out[key] = value
				if other, both := n[key]; both {
					out[key] = r.Value(value, other)
				}
			}
			return out
		}
	case []any:
		if n, is := updated.([]any); is {
			out := slices.Clone(o)
			named := itemsByName(n)
			for i := range o {
				if partner, found := r.partner(o[i], named, n, i); found {
					out[i] = r.Value(o[i], partner)
				}
			}
			return out
		}
	}
	return old
}

func itemsByName(list []any) map[string]any {
	named := make(map[string]any, len(list))
	for _, item := range list {
		fields, _ := item.(map[string]any)
		if name, is := fields["name"].(string); is {
			named[name] = item
		}
	}
	return named
}

// partner returns the item of the new list that stands for an old one: the one of
// its name, the one of what its name has become, else the one at its place.
func (r Respelling) partner(old any, named map[string]any, list []any, place int) (item any, found bool) {
	fields, _ := old.(map[string]any)
	if name, is := fields["name"].(string); is {
		for _, candidate := range []string{name, r.Text(name)} {
			if item, found = named[candidate]; found {
				return item, true
			}
		}
	}
	if place >= len(list) {
		return nil, false
	}
	return list[place], true
}

// lines returns the new text if the old one says the same in other names, else the
// old one with those lines of the new text that do.
func (r Respelling) lines(old, updated string) string {
	if r.Text(old) == updated {
		return updated
	}
	lines := strings.Split(old, "\n")
	if len(lines) == 1 {
		return old
	}
	others := make(map[string]bool, len(lines))
	for other := range strings.SplitSeq(updated, "\n") {
		others[other] = true
	}
	for i, line := range lines {
		if now := r.Text(line); !others[line] && others[now] {
			lines[i] = now
		}
	}
	return strings.Join(lines, "\n")
}

// Text returns a text with every word respelled that has another name now. Words
// are what names of objects are made of, except for the dot: the name of a Service is
// a word of its DNS name. What follows a name after a dash, such as the number of
// a pod, stays.
func (r Respelling) Text(text string) string {
	if now, found := r(text); found {
		return now
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		end := i
		for end < len(text) && inName(text[end]) {
			end++
		}
		if end > i {
			b.WriteString(r.word(text[i:end]))
			i = end
			continue
		}
		b.WriteByte(text[i])
		i++
	}
	return b.String()
}

// maxName is how long the name of an object can be (a DNS subdomain).
const maxName = 253

func (r Respelling) word(word string) string {
	end := len(word)
	if end > maxName {
		end = strings.LastIndexByte(word[:maxName+1], '-')
	}
	for ; end > 0; end = strings.LastIndexByte(word[:end], '-') {
		if now, found := r(word[:end]); found {
			return now + word[end:]
		}
	}
	return word
}

func inName(c byte) bool {
	return c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
