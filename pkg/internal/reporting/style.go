package reporting

import (
	"github.com/fatih/color"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/safetext"
)

// Style paints text for a terminal, or leaves it as it is.
type Style func(text string) string

// Styles are the colours of a report. They show how bad something is, and add nothing to
// the words.
type Styles struct{ Bad, Warn, Good, Strong, Faint Style }

// StylesFor returns styles that paint, or that leave text as it is.
func StylesFor(colored bool) Styles {
	with := func(attributes ...color.Attribute) Style {
		if !colored {
			return func(text string) string { return text }
		}
		c := color.New(attributes...)
		// The library reads the environment and stdout. The caller has already done that.
		c.EnableColor()
		return func(text string) string { return c.Sprint(text) }
	}
	return Styles{
		Bad:    with(color.FgRed),
		Warn:   with(color.FgYellow),
		Good:   with(color.FgGreen),
		Strong: with(color.Bold),
		Faint:  with(color.Faint),
	}
}

// Risk is the style of a class.
func (s *Styles) Risk(r change.Risk) Style {
	if r.Compare(change.Restart) < 0 {
		return s.Bad
	}
	return s.Warn
}

// Printable returns text from a chart in a form that can be a part of a line.
func Printable(text string) string { return safetext.Line(text) }
