package manifest

import (
	"iter"
	"strings"
)

// document is a stretch of a stream between two separators.
type document struct {
	text   string
	source string // the template that a comment before text names, "" without one
	line   int    // of the first line of text, counted from 1
	number int    // counted from 1
	unread bool   // it begins behind "..." without a separator: see Object.Unread
}

const byteOrderMark = "\ufeff"

// documents cuts a stream at its separators. A separator is a line that begins
// with three dashes and then ends or goes on with a blank. A line of three dots
// ends a document, too. Comments and directives ("%YAML 1.1") before the
// separator of a document are no document of their own.
//
// A document begins on the line after its separator, unless the separator's own
// line holds a part of it ("--- {kind: Job, …}"): then the separator is part of
// the text, because YAML reads what follows it differently from a line of its
// own. Every document keeps its final newline: a block scalar at its end needs it.
func documents(stream string) iter.Seq[document] {
	return func(yield func(document) bool) {
		var (
			doc   = document{line: 1, number: 1}
			begun bool // the document has had its separator
			ended bool // three dots ended the one before
			start = bom(stream, 0)
			line  = 1
		)
		for pos := start; pos < len(stream); line++ {
			row, rest := cutLine(stream[pos:])
			end := len(stream) - len(rest)
			mark, after := marker(row)
			if mark == "" {
				pos = end
				continue
			}
			if stretch := stream[start:pos]; begun || !blank(stretch) {
				doc.text, doc.unread = stretch, ended && !begun
				if !yield(doc) {
					return
				}
				doc = document{number: doc.number + 1}
			} else {
				doc.source = source(stretch)
			}
			begun, ended = mark == "---", mark == "..."
			switch {
			case blank(after):
				if from := source(after); from != "" {
					doc.source = from
				}
				start, doc.line = bom(stream, end), line+1
				end = start
			case begun:
				start, doc.line = pos, line
			default: // what stands behind dots is no document, and whoever reads it will say so
				start, doc.line = pos+len(mark), line
			}
			pos = end
		}
		if doc.text, doc.unread = stream[start:], ended && !begun; begun || !blank(doc.text) {
			yield(doc)
		}
	}
}

// bom returns the offset behind the byte order mark that may stand at pos, where
// a stream or a document begins.
func bom(stream string, pos int) int {
	if strings.HasPrefix(stream[pos:], byteOrderMark) {
		pos += len(byteOrderMark)
	}
	return pos
}

// cutLine cuts a text behind its first newline.
func cutLine(text string) (line, rest string) {
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		return text[:i+1], text[i+1:]
	}
	return text, ""
}

// marker returns the mark with which a row begins or ends a document and what
// stands behind it on the row; "" if it is no such row. A byte order mark may
// precede it, where files were put one behind the other.
func marker(row string) (mark, after string) {
	if row[0] != '-' && row[0] != '.' && row[0] != byteOrderMark[0] {
		return "", ""
	}
	row = strings.TrimPrefix(row, byteOrderMark)
	if !strings.HasPrefix(row, "---") && !strings.HasPrefix(row, "...") {
		return "", ""
	}
	if mark, after = row[:3], row[3:]; after != "" && strings.IndexByte(" \t\r\n", after[0]) < 0 {
		return "", ""
	}
	return mark, after
}

// blank reports whether a stretch holds nothing but comments, directives and
// white space.
func blank(text string) bool {
	for text != "" {
		var row string
		row, text = cutLine(text)
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
	for text != "" {
		var row string
		row, text = cutLine(text)
		row = strings.TrimSpace(row)
		if name, found := strings.CutPrefix(row, sourceComment); found {
			return strings.TrimSpace(name)
		}
		if row != "" && row[0] != '#' {
			return ""
		}
	}
	return ""
}
