package manifest

import "strings"

// document is a stretch of a stream between two separators.
type document struct {
	text   string
	line   int // of the first line of text, counted from 1
	number int // counted from 1
}

const byteOrderMark = "\ufeff"

// split cuts a stream at its separators. A separator is a line that begins with
// three dashes and then ends or goes on with a blank; what follows the blank
// belongs to the document (a comment, or an inline value). A line of three dots
// ends a document, too, and directives before a document ("%YAML 1.1") are
// dropped with the stretch they stand in. Every document keeps its final
// newline: a block scalar at its end needs it.
func split(stream string) []document {
	stream = strings.TrimPrefix(stream, byteOrderMark)
	var (
		docs  []document
		start int // offset of the current document
		line  = 1 // current line
		first = 1 // line of the current document
	)
	cut := func(end, next, nextLine int) {
		docs = append(docs, document{text: stream[start:end], line: first, number: len(docs) + 1})
		start, first = next, nextLine
	}
	for pos := 0; pos < len(stream); {
		end := strings.IndexByte(stream[pos:], '\n')
		if end < 0 {
			end = len(stream)
		} else {
			end += pos + 1
		}
		switch row := stream[pos:end]; {
		case marker(row, "---"):
			if !blank(stream[start:pos]) || len(docs) > 0 {
				cut(pos, pos+3, line)
			} else {
				start, first = pos+3, line
			}
		case marker(row, "..."):
			cut(pos, end, line+1)
		}
		pos = end
		line++
	}
	cut(len(stream), len(stream), line)
	return docs
}

// marker reports whether a row is the given mark, alone or followed by a blank.
func marker(row, mark string) bool {
	rest, found := strings.CutPrefix(row, mark)
	return found && (rest == "" || strings.IndexByte(" \t\r\n", rest[0]) >= 0)
}

// blank reports whether a stretch holds nothing but comments, directives and
// white space.
func blank(text string) bool {
	for row := range strings.Lines(text) {
		row = strings.TrimSpace(row)
		if row != "" && row[0] != '#' && row[0] != '%' {
			return false
		}
	}
	return true
}

const sourceComment = "# Source: "

// source returns the template that Helm's comment names, "" without one.
func source(text string) string {
	for row := range strings.Lines(text) {
		row = strings.TrimSpace(row)
		if name, found := strings.CutPrefix(row, sourceComment); found {
			return name
		}
		if row != "" && row[0] != '#' {
			return ""
		}
	}
	return ""
}
