package report

import (
	"github.com/fatih/color"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/safetext"
)

// style paints text for a terminal, or leaves it as it is.
type style func(text string) string

// styles are the colours of a report. They show how bad something is, and add nothing to
// the words.
type styles struct{ bad, warn, good, strong, faint style }

func stylesFor(colored bool) styles {
	with := func(attributes ...color.Attribute) style {
		if !colored {
			return func(text string) string { return text }
		}
		c := color.New(attributes...)
		// The library reads the environment and stdout. The caller has already done that.
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

// printable returns text from a chart in a form that can be a part of a line.
func printable(text string) string { return safetext.Line(text) }
