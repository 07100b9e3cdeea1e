package policy

import (
	"regexp"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Pattern is a text to compare with. In most places a "*" stands for any text, and
// values are compared with a regular expression.
type Pattern struct {
	Text   string
	regexp *regexp.Regexp
}

// Wildcard reads a text in which "*" stands for any text.
func Wildcard(text string) Pattern {
	return Pattern{text, regexp.MustCompile("(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(text), `\*`, ".*") + "$")}
}

// below reads the path of a field, which also fits what is inside that field.
func below(text string) Pattern {
	quoted := strings.ReplaceAll(regexp.QuoteMeta(text), `\*`, ".*")
	return Pattern{text, regexp.MustCompile("(?s)^" + quoted + `(?:[.\[].*)?$`)}
}

// whole reads a regular expression that the whole text has to fit.
func whole(text string) (Pattern, error) {
	compiled, err := regexp.Compile("^(?:" + text + ")$")
	return Pattern{text, compiled}, err
}

// Fits reports whether a text is what the pattern stands for.
func (p Pattern) Fits(text string) bool { return p.regexp.MatchString(text) }

// anyFits reports whether a pattern fits, or nothing is said.
func anyFits(patterns []Pattern, texts ...string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p Pattern) bool { return slices.ContainsFunc(texts, p.Fits) })
}

// kinds are the names by which a pattern may call the kind of an object.
func kinds(ref manifest.Ref) []string { return []string{ref.Kind, ref.Kind + "." + ref.Group} }

// chartName takes the version off a chart: it begins behind the first dash that a
// number of three parts follows.
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

// value reports whether the filter says so of a value. What is secret is not looked
// at, and so fits no pattern.
func (h *Hide) value(v change.Value) bool {
	return len(h.Values) == 0 || !v.Present() || !v.Secret() && anyFits(h.Values, v.Text())
}

// acts reports whether the label is the one that an edit of the object is about.
func (l *Label) acts(ref manifest.Ref, path fieldpath.Path) bool {
	return anyFits([]Pattern{l.Kind}, kinds(ref)...) && (len(path) < 3 || l.Label.Fits(path[2].Field))
}
