package textreport

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/safe-diff/helm-safe-diff/pkg/safetext"
)

// minWidth is the least number of columns at which lines are wrapped.
const minWidth = 40

// escapes are the colours of a terminal, which take no columns.
var escapes = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// wrapped returns the page with lines no longer than its width, if they have blanks at
// which they can be broken. Continuation lines are indented. Lines of a value are not
// wrapped: they show how a text looks.
func (p *Page) wrapped() string {
	if p.width <= 0 {
		return p.Out.String()
	}
	width := max(p.width, minWidth)
	var b strings.Builder
	for line := range strings.Lines(p.Out.String()) {
		line = strings.TrimSuffix(line, "\n")
		if columns(line) <= width || strings.HasPrefix(line, valueIndent) {
			b.WriteString(line + "\n")
			continue
		}
		for _, part := range wrap(line, width) {
			// A part may begin with what a CI system reads as a command.
			b.WriteString(safetext.WithoutCommands(part) + "\n")
		}
	}
	return b.String()
}

// valueIndent precedes each line of a value with several lines.
const valueIndent = "      "

// wrap breaks a line at blanks.
func wrap(line string, width int) []string {
	text := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(text)]
	var parts []string
	part, used := indent, len(indent)
	hanging := indent + "    "
	for i, word := range strings.SplitAfter(text, " ") {
		n := columns(strings.TrimSuffix(word, " "))
		if i > 0 && used+n > width && used > len(hanging) {
			parts = append(parts, strings.TrimRight(part, " "))
			part, used = hanging, len(hanging)
		}
		part += word
		used += columns(word)
	}
	return append(parts, strings.TrimRight(part, " "))
}

func columns(text string) int { return utf8.RuneCountInString(escapes.ReplaceAllString(text, "")) }
