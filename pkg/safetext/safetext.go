// Package safetext makes text safe to print that a chart, a manifest, a plan or a
// cluster has chosen. A terminal, a CI system and a reader see what it says, and nothing
// in it steers them: no control character, no escape sequence, no change of the writing
// direction, no line break of Unicode, nothing invisible, and no command of a CI system.
//
// What is not safe is written as Go writes it in a string: \x1b, \u202e. Only JSON and
// YAML keep such text as it is, by escapes of their own.
package safetext

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf16"
)

// Line returns text for a part of one line: a line break is escaped, too.
func Line(text string) string { return withoutBrackets(escaped(text, "")) }

// Text returns text that may have several lines. A line that ends with CR and LF ends
// with LF then.
func Text(text string) string {
	return WithoutCommands(escaped(strings.ReplaceAll(text, "\r\n", "\n"), "\n"))
}

// WithoutCommands returns a page, which may have colours, without what a CI system takes
// for a command:
//   - GitHub Actions looks for ::NAME::, whatever blanks are before it, and for ##[NAME]
//     anywhere in a line (ActionCommand.TryParseV2 and TryParse in actions/runner),
//   - Azure Pipelines for ##vso[NAME], TeamCity for ##teamcity[NAME], anywhere in a line.
func WithoutCommands(page string) string {
	if strings.Contains(page, "::") {
		page = colons.ReplaceAllString(page, `${1}\x3a${2}`)
	}
	return withoutBrackets(page)
}

func withoutBrackets(text string) string {
	if !strings.Contains(text, "#") {
		return text
	}
	return brackets.ReplaceAllString(text, `\x23${1}`)
}

// Marks between the characters count as nothing to a comparison by .NET, in which the
// runner of GitHub Actions is written.
var (
	colons   = regexp.MustCompile(`(?m)^((?:[ \t\r\f\v\p{Z}\p{M}]|\x1b\[[0-9;]*m)*):(\p{M}*:.*:\p{M}*:)`)
	brackets = regexp.MustCompile(`#(\p{M}*#\p{M}*[\w.-]*\p{M}*\[)`)
)

// JSON returns a JSON document in which all strings are safe to print. It says the same.
func JSON(document []byte) []byte {
	text := string(document)
	if strings.IndexFunc(text, func(r rune) bool { return steers(r) && r != '\n' }) >= 0 {
		var b strings.Builder
		for _, r := range text {
			switch {
			case !steers(r) || r == '\n':
				b.WriteRune(r)
			case r > 0xffff:
				high, low := utf16.EncodeRune(r)
				fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
			default:
				fmt.Fprintf(&b, `\u%04x`, r)
			}
		}
		text = b.String()
	}
	return []byte(brackets.ReplaceAllString(text, `\u0023${1}`))
}

// YAML returns text as a quoted scalar of YAML in which all is safe to print.
func YAML(text string) string { return brackets.ReplaceAllString(strconv.Quote(text), `\x23${1}`) }

// Safe reports whether text can be printed as it is, at any place in a line.
func Safe(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return steers(r) && r != '\n' }) < 0 &&
		!brackets.MatchString(text) && strings.Count(text, "::") < 2
}

// Writer passes lines on as Text makes them. It keeps the beginning of a line until its
// end comes, or Flush, so that nobody can put a command together from two parts.
type Writer struct {
	To io.Writer

	mu   sync.Mutex
	line []byte
}

// Write implements io.Writer.
func (w *Writer) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.line = append(w.line, text...)
	end := bytes.LastIndexByte(w.line, '\n') + 1
	if end == 0 {
		return len(text), nil
	}
	whole := string(w.line[:end])
	w.line = append(w.line[:0], w.line[end:]...)
	_, err := io.WriteString(w.To, Text(whole))
	return len(text), err
}

// Flush passes on what is left of a line without an end.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.line) == 0 {
		return nil
	}
	rest := string(w.line)
	w.line = nil
	_, err := io.WriteString(w.To, Text(rest))
	return err
}

func escaped(text, allowed string) string {
	bad := func(r rune) bool { return steers(r) && !strings.ContainsRune(allowed, r) }
	if strings.IndexFunc(text, bad) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if bad(r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// steers reports whether a character does something, or is seen as nothing: what is
// neither a letter, mark, number, sign nor blank, and what Unicode lets a reader ignore.
func steers(r rune) bool {
	if r < 0x80 {
		return (r < ' ' || r == 0x7f) && r != '\t'
	}
	return !unicode.IsPrint(r) && !unicode.Is(unicode.Zs, r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}
