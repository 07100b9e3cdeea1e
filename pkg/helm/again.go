package helm

import (
	"context"
	"maps"
	"regexp"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/release"
)

// What decides whether a chart is rendered once more. Actions are what stands
// between braces; a function is a word in them that is no field, no variable and
// not the beginning of a text.
//
// varying are the functions of Helm (Sprig's, github.com/Masterminds/sprig) that
// return something else each time: random, salted, or by the clock; and those that
// return what a map holds in any order. timed are those that know what time it is;
// the ones that format a time take what is none for now.
var (
	actions = regexp.MustCompile(`(?s)\{\{-?\s*/\*.*?\*/|\{\{.*?\}\}`)
	varying = regexp.MustCompile(word + `(?:rand[A-Z]\w*|gen[A-Z]\w*|uuidv4|shuffle|bcrypt|htpasswd|encryptAES|getHostByName|keys|values|` + clock + `)\b`)
	timed   = regexp.MustCompile(word + `(?:` + clock + `)\b`)
	lookup  = regexp.MustCompile(word + `lookup\b`)
)

const (
	word  = "[^.\\w$\"'`/-]"
	clock = `now|ago|date|date_in_zone|dateInZone|htmlDate|htmlDateInZone|durationRound`
)

// nature is what can be told of a chart without rendering it.
type nature struct {
	// varies says that it may come out differently each time, timed that the clock
	// is a reason, looksUp that templates ask the cluster what is there.
	varies, timed, looksUp bool
}

// natureOf looks for function names in all that a release was rendered from, the
// subcharts, and the values and files that `tpl` may render, included. A name that
// is not called does no more harm than a rendering too many.
func natureOf(rel *release.Release) nature {
	var n nature
	n.value(rel.Config)
	n.chart(rel.Chart)
	return n
}

func (n *nature) chart(ch *chart.Chart) {
	for _, files := range [][]*chart.File{ch.Templates, ch.Files} {
		for _, file := range files {
			n.text(string(file.Data))
		}
	}
	n.value(ch.Values)
	for _, d := range ch.Dependencies() {
		n.chart(d)
	}
}

func (n *nature) value(value any) {
	switch v := value.(type) {
	case string:
		n.text(v)
	case []any:
		for _, item := range v {
			n.value(item)
		}
	case map[string]any:
		for item := range maps.Values(v) {
			n.value(item)
		}
	}
}

func (n *nature) text(text string) {
	for _, action := range actions.FindAllString(text, -1) {
		if strings.HasSuffix(action, "*/") {
			continue // a comment
		}
		n.varies = n.varies || varying.MatchString(action)
		n.timed = n.timed || timed.MatchString(action)
		n.looksUp = n.looksUp || lookup.MatchString(action)
	}
}

// renderings is a release that was rendered.
type renderings struct {
	first *release.Release
	// second is the same rendered once more; nil if that cannot differ.
	second  *release.Release
	looksUp bool
	lens    *Lens
}

// renderTwice renders a release, and once more if it may come out differently. A
// post-renderer runs each time.
func renderTwice(ctx context.Context, render func() (*release.Release, error)) (r renderings, err error) {
	if r.first, err = render(); err != nil {
		return r, err
	}
	n := natureOf(r.first)
	r.looksUp = n.looksUp
	if !n.varies {
		return r, nil
	}
	if n.timed {
		nextSecond(ctx)
	}
	r.second, err = render()
	return r, err
}

// nextSecond waits until the clock shows another second, the unit in which most
// charts write a time: whether two renderings differ is then not left to chance.
func nextSecond(ctx context.Context) {
	now := time.Now()
	select {
	case <-ctx.Done():
	case <-time.After(now.Truncate(time.Second).Add(time.Second).Sub(now)):
	}
}

// again returns the manifest of the second rendering; "" if it is that of the first.
func (r *renderings) again(noHooks bool) string {
	if r.second == nil {
		return ""
	}
	if text := stream(r.second, noHooks); text != stream(r.first, noHooks) {
		return text
	}
	return ""
}
