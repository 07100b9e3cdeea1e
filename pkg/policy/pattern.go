package policy

import (
	"regexp"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Pattern is a text to compare with. In most places, "*" stands for any text. Values are
// compared with a regular expression.
type Pattern struct {
	Text   string
	regexp *regexp.Regexp
}

// Wildcard reads a text in which "*" stands for any text.
func Wildcard(text string) Pattern {
	return Pattern{text, regexp.MustCompile("(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(text), `\*`, ".*") + "$")}
}

// below reads the path of a field. It also matches what is inside that field.
func below(text string) Pattern {
	quoted := strings.ReplaceAll(regexp.QuoteMeta(text), `\*`, ".*")
	return Pattern{text, regexp.MustCompile("(?s)^" + quoted + `(?:[.\[].*)?$`)}
}

// whole reads a regular expression that must match the whole text.
func whole(text string) (Pattern, error) {
	compiled, err := regexp.Compile("^(?:" + text + ")$")
	return Pattern{text, compiled}, err
}

// Fits reports whether the pattern matches a text.
func (p Pattern) Fits(text string) bool { return p.regexp.MatchString(text) }

// anyFits reports whether a pattern matches, or there are no patterns.
func anyFits(patterns []Pattern, texts ...string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p Pattern) bool { return slices.ContainsFunc(texts, p.Fits) })
}

// kinds are the names that a pattern may use for the kind of an object.
func kinds(ref manifest.Ref) []string { return []string{ref.Kind, ref.Kind + "." + ref.Group} }

// chartName removes the version from a chart. The version begins after the first dash that
// is followed by a number of three parts.
func chartName(chart string) string {
	if at := chartVersion().FindStringIndex(chart); at != nil {
		return chart[:at[0]]
	}
	return chart
}

func chartVersion() *regexp.Regexp { return regexp.MustCompile(`-v?\d+\.\d+\.\d+`) }

// about reports whether the filter may hide something of an object.
func (h *Hide) about(ref manifest.Ref) bool {
	return anyFits(h.Kinds, kinds(ref)...) && anyFits(h.Names, ref.Name)
}

// object reports whether the filter hides an object that is on one side only.
func (h *Hide) object(c *change.Change) bool {
	return len(h.Paths)+len(h.Values)+len(h.Lines) == 0 && h.about(c.Ref)
}

// edit reports whether the filter hides an edit.
func (h *Hide) edit(c *change.Change, e *change.Edit) bool {
	return h.about(c.Ref) && anyFits(h.Paths, e.Path.String()) && h.value(e.Old) && h.value(e.New) && h.lines(e, e.Old) && h.lines(e, e.New)
}

// value reports whether the filter matches a value. It never matches secrets.
func (h *Hide) value(v change.Value) bool {
	return len(h.Values) == 0 || !v.Present() || !v.Secret() && anyFits(h.Values, v.Text())
}

// acts reports whether the label is the one that an edit of the object changes.
func (l *Label) acts(ref manifest.Ref, path fieldpath.Path) bool {
	return anyFits([]Pattern{l.Kind}, kinds(ref)...) && (len(path) < 3 || l.Label.Fits(path[2].Field))
}
