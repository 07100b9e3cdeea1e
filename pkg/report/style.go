package report

import (
	"github.com/fatih/color"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/safetext"
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

// printable returns text that a chart has chosen as it can be a part of a line.
func printable(text string) string { return safetext.Line(text) }
