package manifest

import "strings"

// walk goes over the lines of a document in block style that say something, the
// content of block scalars left out. It gives up (unsure) at the first line that
// may leave something open that hides what follows, such as a quote.
type walk struct {
	text   string
	rest   string
	at     int    // where the current line begins in text
	entry  string // the current line without indentation and line end
	indent int
	tabs   bool // the text holds tabs; a line with one is given up
	unsure bool
	// scalar is 1 + the indentation of what a block scalar belongs to while
	// its content is passed over, else 0.
	scalar int
}

func newWalk(text string) walk {
	return walk{text: text, rest: text, tabs: strings.IndexByte(text, '\t') >= 0, unsure: oddBreaks(text)}
}

// next moves to the next line; false at the end, and when the walk is unsure.
func (w *walk) next() bool {
	for w.rest != "" && !w.unsure {
		var row string
		w.at = len(w.text) - len(w.rest)
		row, w.rest = cutRow(w.rest)
		w.indent = indentation(row)
		w.entry = row[w.indent:]
		if w.entry == "" {
			continue
		}
		if w.scalar > 0 && w.indent >= w.scalar {
			continue
		}
		w.scalar = 0
		if w.entry[0] == '#' {
			continue
		}
		column, ends, ok := lastNode(w.entry)
		if w.unsure = !ok || w.tabs && strings.IndexByte(w.entry, '\t') >= 0; w.unsure {
			return false
		}
		if !ends {
			w.scalar = w.indent + column + 1
		}
		return true
	}
	return false
}

// lastNode looks at the node that a line ends with. ok is false if it may go on
// over the next lines in another way than as plain text; ends is false if it is
// the first line of a block scalar, which belongs to the key or dash at column.
func lastNode(entry string) (column int, ends, ok bool) {
	dash, node := -1, 0
	for node < len(entry) && entry[node] == '-' {
		if node+1 == len(entry) {
			return 0, true, true
		}
		if entry[node+1] != ' ' {
			break
		}
		dash = node
		node++
		node += indentation(entry[node:])
	}
	if node == len(entry) || entry[node] == '#' {
		return 0, true, true
	}
	column, value := dash, entry[node:]
	switch value[0] {
	case '&', '!', '*', '@', '`', '%', '?', ',', '}', ']':
		return 0, false, false
	case '"', '\'':
		rest, closed := cutQuoted(value)
		if !closed {
			return 0, false, false
		}
		if rest == "" || rest[0] != ':' {
			return 0, true, ended(rest)
		}
		column, value = node, strings.TrimLeft(rest[1:], " ")
	case '|', '>':
		if dash < 0 { // which key it belongs to is not on this line
			return 0, false, false
		}
	case '{', '[':
	default:
		column, value = node, afterKey(value)
	}
	ends, ok = scalarOrFlow(value)
	return column, ends, ok
}

// afterKey returns what stands behind the key with which a line of plain text
// begins, "" without one.
func afterKey(text string) string {
	for i := range len(text) {
		switch {
		case text[i] == '#' && i > 0 && text[i-1] == ' ':
			return ""
		case text[i] == ':' && i+1 < len(text) && text[i+1] == ' ':
			return text[i+1+indentation(text[i+1:]):]
		}
	}
	return ""
}

// scalarOrFlow is lastNode for what stands behind a key or a dash.
func scalarOrFlow(value string) (ends, ok bool) {
	if value == "" {
		return true, true
	}
	switch value[0] {
	case '"', '\'':
		rest, closed := cutQuoted(value)
		return true, closed && ended(rest)
	case '{', '[':
		return true, flowEnds(value)
	case '|', '>':
		header := strings.TrimLeft(value[1:], "+-0123456789")
		return false, ended(header)
	case '&', '!', '@', '`', '%', '?', ',', '}', ']':
		return false, false
	}
	return true, true
}

// cutQuoted returns what follows a quoted scalar; closed is false if the scalar
// goes on over the next line.
func cutQuoted(text string) (rest string, closed bool) {
	quote := text[0]
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote == '"':
			i++
		case text[i] != quote:
		case quote == '\'' && i+1 < len(text) && text[i+1] == quote:
			i++
		default:
			return text[i+1:], true
		}
	}
	return "", false
}

// ended reports whether nothing but a comment follows on a line.
func ended(rest string) bool {
	trimmed := strings.TrimLeft(rest, " ")
	return trimmed == "" || trimmed[0] == '#' && len(trimmed) < len(rest)
}

// flowEnds reports whether a flow collection certainly ends on its line.
func flowEnds(text string) bool {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return ended(text[i+1:])
			}
		case '#':
			return false
		case '"', '\'':
			// Inside plain text a quote is a letter; at the start of a value it
			// opens one. Only the second case is looked into.
			before := strings.TrimRight(text[:i], " ")
			last := before[len(before)-1]
			if strings.IndexByte("{[,:", last) < 0 || last == ':' && len(before) == i {
				return false
			}
			rest, closed := cutQuoted(text[i:])
			if !closed {
				return false
			}
			i = len(text) - len(rest) - 1
		}
	}
	return false
}

// oddBreaks reports whether a text has line breaks that YAML knows and that are
// no newlines: a carriage return alone, and three of Unicode.
func oddBreaks(text string) bool {
	if strings.IndexByte(text, '\r') >= 0 && strings.Count(text, "\r") != strings.Count(text, "\r\n") {
		return true
	}
	return strings.Contains(text, "\u0085") || strings.Contains(text, "\u2028") || strings.Contains(text, "\u2029")
}

func cutRow(text string) (row, rest string) {
	i := strings.IndexByte(text, '\n')
	if i < 0 {
		return strings.TrimSuffix(text, "\r"), ""
	}
	return strings.TrimSuffix(text[:i], "\r"), text[i+1:]
}

// indentation counts the blanks with which a row begins.
func indentation(row string) int {
	i := 0
	for i < len(row) && row[i] == ' ' {
		i++
	}
	return i
}
