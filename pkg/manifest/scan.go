package manifest

import "strings"

// head is what identifies an object.
type head struct {
	apiVersion, kind                  string
	name, generateName, namespace     string
	list                              bool // there is a top-level "items"
	hasKind, hasAPIVersion, hasObject bool
}

// scanHead reads the head of a document from its lines, without decoding it. It
// knows block style as Helm charts write it; for anything else (flow style,
// anchors, tags, escapes, quoted keys, duplicate keys, tabs) it reports false
// and the document has to be decoded.
func scanHead(text string) (head, bool) {
	var h head
	for rest := text; rest != ""; {
		var row string
		row, rest = cutRow(rest)
		if skippable(row) || row[0] == ' ' || strings.HasPrefix(row, "- ") || row == "-" {
			continue
		}
		key, value, ok := scanEntry(row)
		if !ok {
			return h, false
		}
		switch key {
		case "apiVersion":
			ok = !h.hasAPIVersion && value != ""
			h.apiVersion, h.hasAPIVersion = value, true
		case "kind":
			ok = !h.hasKind && value != ""
			h.kind, h.hasKind = value, true
		case "items":
			h.list = true
		case "metadata":
			if h.hasObject || value != "" {
				return h, false
			}
			h.hasObject = true
			rest, ok = h.scanMetadata(rest)
		default:
			ok = value == "" || balanced(value)
		}
		if !ok {
			return h, false
		}
	}
	return h, h.hasKind && h.hasAPIVersion && h.hasObject
}

// scanMetadata reads the entries directly under "metadata:" and returns the
// stretch that follows them.
func (h *head) scanMetadata(text string) (rest string, ok bool) {
	indent := 0
	seen := [3]bool{}
	for text != "" {
		row, next := cutRow(text)
		if skippable(row) {
			text = next
			continue
		}
		depth := len(row) - len(strings.TrimLeft(row, " "))
		if depth == 0 {
			return text, true
		}
		if indent == 0 {
			indent = depth
		}
		if depth < indent {
			return "", false
		}
		text = next
		entry := row[depth:]
		if depth > indent {
			if !nestedIsPlain(entry) {
				return "", false
			}
			continue
		}
		key, value, ok := scanEntry(entry)
		if !ok || strings.HasPrefix(key, "- ") {
			return "", false
		}
		var field *string
		at := 0
		switch key {
		case "name":
			field, at = &h.name, 0
		case "namespace":
			field, at = &h.namespace, 1
		case "generateName":
			field, at = &h.generateName, 2
		default:
			continue
		}
		if seen[at] || value == "" {
			return "", false
		}
		*field, seen[at] = value, true
	}
	return "", true
}

// nestedIsPlain reports whether a line deeper inside metadata cannot hide the
// lines that follow it: no block scalar begins there, and no quote stays open.
func nestedIsPlain(entry string) bool {
	_, value, found := strings.Cut(entry, ": ")
	if !found {
		return true
	}
	value = strings.TrimSpace(value)
	return value == "" || value[0] != '|' && value[0] != '>' && balanced(value)
}

// balanced reports whether a value that begins with a quote or a bracket ends on
// its own line. A value of another form cannot hide top-level lines.
func balanced(value string) bool {
	last := value[len(value)-1]
	switch value[0] {
	case '"', '\'':
		return len(value) > 1 && last == value[0] && strings.Count(value, value[:1])%2 == 0
	case '{':
		return last == '}'
	case '[':
		return last == ']'
	}
	return true
}

func cutRow(text string) (row, rest string) {
	i := strings.IndexByte(text, '\n')
	if i < 0 {
		return strings.TrimSuffix(text, "\r"), ""
	}
	return strings.TrimSuffix(text[:i], "\r"), text[i+1:]
}

func skippable(row string) bool {
	trimmed := strings.TrimLeft(row, " ")
	return trimmed == "" || trimmed[0] == '#'
}

// scanEntry reads "key: value" where both are plain, or the value is simply
// quoted. A value that the line does not hold comes back empty.
func scanEntry(row string) (key, value string, ok bool) {
	colon := strings.IndexByte(row, ':')
	if colon <= 0 || strings.IndexByte("\"'{[&*!|>%@`?<\t", row[0]) >= 0 {
		return "", "", false
	}
	key = row[:colon]
	if colon+1 == len(row) {
		return key, "", true
	}
	if row[colon+1] != ' ' {
		return "", "", false
	}
	value = strings.TrimSpace(row[colon+1:])
	if i := strings.Index(value, " #"); i >= 0 {
		value = strings.TrimSpace(value[:i])
	}
	if value == "" || value[0] == '#' {
		return key, "", true
	}
	if key != "apiVersion" && key != "kind" && key != "name" && key != "namespace" && key != "generateName" && key != "metadata" {
		return key, value, true
	}
	value, ok = plainText(value)
	return key, value, ok
}

// plainText returns the text of a scalar that is certainly a string.
func plainText(value string) (string, bool) {
	if quote := value[0]; quote == '"' || quote == '\'' {
		if len(value) < 2 || value[len(value)-1] != quote {
			return "", false
		}
		value = value[1 : len(value)-1]
		if value == "" || strings.IndexByte(value, quote) >= 0 || strings.IndexByte(value, '\\') >= 0 {
			return "", false
		}
		return value, true
	}
	letter := false
	for i := range len(value) {
		switch c := value[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			letter = true
		case c >= '0' && c <= '9', c == '-', c == '.', c == '_', c == '/', c == ':' && i > 0 && i+1 < len(value):
		default:
			return "", false
		}
	}
	return value, letter && !resolves(value)
}

// resolves reports whether YAML 1.1 may read a bare word as something else than
// text: a boolean, null, infinity, or a number with letters in it.
func resolves(word string) bool {
	switch strings.ToLower(word) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf":
		return true
	}
	c := word[0]
	return c == '.' || c == '-' || c == '+' || c >= '0' && c <= '9' && !strings.ContainsAny(word, "ghijklmnpqrstuvwyzGHIJKLMNPQRSTUVWYZ-/")
}
