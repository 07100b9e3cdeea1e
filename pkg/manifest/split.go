package manifest

import (
	"cmp"
	"iter"
	"strings"
	"unicode"
)

// document is a stretch of a stream between two separators.
type document struct {
	// text begins with the first character of the stretch that is no white space, or on
	// the line after a separator with a comment.
	text   string
	source string // the template that a comment before the first separator names
	line   int    // of the beginning of text, counted from 1
	number int    // counted from 1
}

const (
	dashes        = "---"
	byteOrderMark = "\ufeff"
)

// documents cuts a stream where Helm does (SplitManifests in
// helm.sh/helm/v4/pkg/release/v1/util): at three dashes with which a line begins,
// whatever follows them. So "---x: y" begins a document "x: y", and "--- {a: b}" one
// in flow style. Only a newline ends a line here. What else ends a line or a document
// in YAML is left to the YAML library (decodeDocument).
//
// Each byte of the stream is in the text of a document, in a separator, or is white
// space between the two. A byte order mark at the beginning is left out, as Helm
// leaves it out of the files of a chart. Comments before the first separator are no
// document of their own, and those on the line of a separator belong to none.
func documents(stream string) iter.Seq[document] {
	return func(yield func(document) bool) {
		stream = strings.TrimPrefix(stream, byteOrderMark)
		doc := document{line: 1, number: 1}
		commented := false // a comment on the line of the separator is cut off already
		for first := true; ; first = false {
			stretch, rest, more := cutDocument(stream, first)
			if doc.text = stretch; !commented {
				doc.text = strings.TrimLeftFunc(stretch, unicode.IsSpace)
			}
			line := doc.line
			doc.line += strings.Count(stretch[:len(stretch)-len(doc.text)], "\n")
			switch {
			case first && blank(doc.text):
				doc.source = source(doc.text)
			default:
				if !yield(doc) {
					return
				}
				doc = document{number: doc.number + 1}
			}
			if !more {
				return
			}
			row, below := cutRow(rest)
			// Above a brace the comment stays: without it a hook would be JSON.
			if commented = strings.HasPrefix(row, "#") && blank(row) && !strings.HasPrefix(below, "{"); commented {
				doc.source, rest = cmp.Or(source(row), doc.source), below
			}
			doc.line = line + strings.Count(stream[:len(stream)-len(rest)], "\n")
			stream = rest
		}
	}
}

// cutDocument cuts a stream at the first separator. The beginning of a stream, white
// space aside, is the beginning of a line.
func cutDocument(stream string, first bool) (stretch, rest string, found bool) {
	var end int
	if text := strings.TrimLeftFunc(stream, unicode.IsSpace); first && strings.HasPrefix(text, dashes) {
		end = len(stream) - len(text)
	} else if end = strings.Index(stream, "\n"+dashes); end >= 0 {
		end++
	}
	if end < 0 {
		return stream, "", false
	}
	return stream[:end], strings.TrimLeft(stream[end+len(dashes):], " \t"), true
}

// blank reports whether a document certainly holds nothing but comments and white
// space. A comment with characters that may end it (for YAML, some of Unicode do) or
// that YAML does not allow is not certain.
func blank(text string) bool {
	for text != "" {
		var row string
		row, text = cutRow(text)
		row = strings.TrimLeft(row, " ")
		if row == "" {
			continue
		}
		if row[0] != '#' {
			return false
		}
		for i := range len(row) {
			if (row[i] < ' ' && row[i] != '\t') || row[i] > '~' {
				return false
			}
		}
	}
	return true
}

const sourceComment = "# Source: "

// source returns the template that Helm's comment names, "" without one.
func source(text string) string {
	for text != "" {
		var row string
		row, text = cutRow(text)
		row = strings.TrimSpace(row)
		if name, found := strings.CutPrefix(row, sourceComment); found {
			if end := strings.IndexAny(name, "\r\u0085\u2028\u2029"); end >= 0 {
				name = name[:end]
			}
			return strings.TrimSpace(name)
		}
		if row != "" && row[0] != '#' {
			return ""
		}
	}
	return ""
}
