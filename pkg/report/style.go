package report

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/fatih/color"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// style paints text for a terminal, or leaves it as it is.
type style func(text string) string

// styles are the colours of a report. They say how bad something is, and add
// nothing that the words do not say.
type styles struct{ bad, warn, good, strong, faint style }

func stylesFor(colored bool) styles {
	with := func(attributes ...color.Attribute) style {
		if !colored {
			return func(text string) string { return text }
		}
		c := color.New(attributes...)
		// The library looks at the environment and at stdout; that was for the
		// caller to do.
		c.EnableColor()
		return func(text string) string { return c.Sprint(text) }
	}
	return styles{
		bad:    with(color.FgRed),
		warn:   with(color.FgYellow),
		good:   with(color.FgGreen),
		strong: with(color.Bold),
		faint:  with(color.Faint),
	}
}

func (s *styles) risk(r change.Risk) style {
	if r.Compare(change.Restart) < 0 {
		return s.bad
	}
	return s.warn
}

// printable returns text that a chart has chosen without what would steer the
// terminal: control characters and the like are written as Go writes them.
func printable(text string) string {
	if strings.IndexFunc(text, steers) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if steers(r) {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func steers(r rune) bool {
	return !unicode.IsPrint(r) && !unicode.IsSpace(r) || unicode.IsControl(r) && r != '\t'
}
