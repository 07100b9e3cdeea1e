package manifest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// yamlReason turns an error of the YAML library into a reason that counts lines
// in the file, not in the document whose first line is given, and that quotes
// nothing of the document. A message that is not known to be a constant of the
// library's gives way to a sentence of our own.
func yamlReason(err error, text string, first int) string {
	if errors.Is(err, errUnread) || errors.Is(err, errSeparator) {
		return err.Error()
	}
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0 // the first line, about which the library is silent
	if number, rest, found := strings.Cut(strings.TrimPrefix(message, "line "), ": "); found {
		if n, err := strconv.Atoi(number); err == nil {
			line, message = n, rest
		}
	}
	switch {
	case hasPrefix(message, "invalid leading", "invalid trailing", "invalid length", "incomplete"):
		line, message = lineOf(text, invalid), "the text is not UTF-8"
	case hasPrefix(message, "control characters", "invalid Unicode character"):
		line = lineOf(text, forbidden)
	case hasPrefix(message, "could not find expected ':'"):
		line-- // noticed only on the line after
	case hasPrefix(message, "found undefined", "found duplicate", "found incompatible") ||
		hasPrefix(message, "did not find expected ") && hasSuffix(message, "key", "node content", "']'", "'}'", "indicator", "start>"):
		line++ // the library's parser counts from 0
	case hasPrefix(message, "did not find ", "could not find ", "found ", "mapping ", "block sequence ", "exceeded max depth"):
	default:
		return unlocated(message)
	}
	return fmt.Sprintf("line %d: %s", first+max(line, 1)-1, message)
}

// unlocated rephrases the errors that the library finds when it builds the value.
// It does not say where, and puts the value itself into most of them.
func unlocated(message string) string {
	switch {
	case hasPrefix(message, "unknown anchor"):
		return "an alias names an anchor that there is not"
	case hasPrefix(message, "anchor"):
		return "an anchor contains itself"
	case hasPrefix(message, "document contains excessive aliasing"):
		return "aliases blow the document up"
	case hasPrefix(message, "map merge requires"):
		return "what is merged with << is not a map"
	case hasPrefix(message, "invalid map key"):
		return "a key is a map or a list; is this a template that nobody rendered?"
	case hasPrefix(message, "!!binary"):
		return "a !!binary value is no base64"
	case hasPrefix(message, "cannot decode"):
		return "a value does not fit its tag"
	default:
		return "the YAML cannot be read"
	}
}

func hasPrefix(s string, prefixes ...string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}

func hasSuffix(s string, suffixes ...string) bool {
	for _, suffix := range suffixes {
		if strings.HasSuffix(s, suffix) {
			return true
		}
	}
	return false
}

// lineOf returns the line of the first character that is bad, counted from 1.
func lineOf(text string, bad func(r rune, size int) bool) int {
	line := 1
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if bad(r, size) {
			return line
		}
		if r == '\n' {
			line++
		}
		i += size
	}
	return line
}

func invalid(r rune, size int) bool { return r == utf8.RuneError && size == 1 }

// forbidden reports whether YAML rules a character out.
func forbidden(r rune, _ int) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7f && r < 0xa0 && r != 0x85 || r == 0xfffe || r == 0xffff
}
