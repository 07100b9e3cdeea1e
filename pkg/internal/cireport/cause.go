package cireport

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/safetext"
)

// cause is what causes a finding.
type cause struct {
	// texts describe it, one for each cause.
	texts []string
	// given is where the keys that cause it are given, each place once. A key that is no
	// longer given has no place: its only place is on the old side.
	given []keyLine
}

// keyLine is a line of a values file.
type keyLine struct {
	place
	keys []string // that are given there
	text string   // the place as in texts
}

// causeOf returns what causes a finding: the reason why its object is created or deleted,
// or the causes of the edits of the fields that it is about. It is empty for a finding that
// is about no field, and if nobody asked (change.Set.Why).
func causeOf(c *change.Change, f *change.Finding, opt *reporting.Options) cause {
	var found cause
	paths := f.Paths
	if blamed := toBlame(c, f); len(paths) == 0 && len(blamed) > 0 {
		paths = []fieldpath.Path{blamed}
	}
	c.EachCause(func(b *change.Because, e *change.Edit) {
		if e != nil && !slices.ContainsFunc(paths, e.Path.Overlaps) {
			return
		}
		text := reporting.Printable(b.String())
		if slices.Contains(found.texts, text) {
			return
		}
		found.texts = append(found.texts, text)
		for i := range b.Keys {
			if k := &b.Keys[i]; !k.Gone {
				found.add(k, placeOfKey(k.At, opt))
			}
		}
	})
	return found
}

func (c *cause) add(k *change.KeyCause, at place) {
	if at.file == "" {
		return
	}
	key := reporting.Printable(k.Key)
	i := slices.IndexFunc(c.given, func(g keyLine) bool { return g.place == at })
	if i < 0 {
		c.given = append(c.given, keyLine{at, []string{key}, reporting.Printable(k.At.String())})
	} else if !slices.Contains(c.given[i].keys, key) {
		c.given[i].keys = append(c.given[i].keys, key)
	}
}

// placeOfKey returns where a key is given, if that is a file below the folder that the
// report is about. A flag, stdin and the installed release are not.
func placeOfKey(at change.KeyPlace, opt *reporting.Options) place {
	if at.Line < 1 || strings.TrimSpace(at.Name) == "-" {
		return place{line: 1}
	}
	name := at.Name
	if opt.Seen != nil {
		name = opt.Seen(name)
	}
	return place{safetext.RepositoryPath(name), at.Line}
}

// single is the place for a format that has room for one: a line of a values file that
// causes the finding, or else the place of the object.
func (f *finding) single() place {
	if len(f.cause.given) > 0 {
		return f.cause.given[0].place
	}
	return f.at
}

// lines says what causes a finding, each cause on its own line; "" if nothing is known.
func (c *cause) lines() string {
	var b strings.Builder
	for _, text := range c.texts {
		b.WriteString("\nbecause: " + text)
	}
	return b.String()
}

// linked is lines with a link to each related location, by the number of its place (SARIF
// 2.1.0, 3.11.6 "Messages with embedded links").
func (c *cause) linked() string {
	text := c.lines()
	escape := strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`)
	for i := range c.given {
		at := c.given[i].text
		text = strings.ReplaceAll(text, "("+at+")", fmt.Sprintf("([%s](%d))", escape.Replace(at), i+1))
	}
	return text
}
