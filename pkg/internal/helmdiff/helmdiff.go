// Package helmdiff prints a judged change.Set as helm-diff does.
package helmdiff

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/databus23/helm-diff/v3/diff"
	helmdiff "github.com/databus23/helm-diff/v3/manifest"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/linediff"
	"github.com/safe-diff/helm-safe-diff/pkg/safetext"
)

const (
	// helmDiffContext is how many lines are printed around a changed line by default.
	helmDiffContext = 3
	// maxCells limits the memory that helm-diff takes for one object: the product of the
	// numbers of lines. showLarge prints larger objects, in the same form.
	maxCells = 1 << 24
)

// Write prints the set in helm-diff's format, with helm-diff's own code: whole
// objects, changed ones first. Hidden edits are removed first: hidden fields show the old
// value on both sides.
//
// helm-diff's parser ends the process on input that it does not like, so the entries are
// made from our own objects.
func Write(w io.Writer, set *change.Set, opt reporting.Options) error {
	entries, err := entriesOf(set, opt)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	for i := range entries {
		entries[i].show(&page, opt)
	}
	text := safetext.WithoutCommands(page.String())
	if !opt.Color {
		text = withoutColor(text)
	}
	_, err = io.WriteString(w, text)
	return err
}

// entriesOf returns the entries to print, in helm-diff's order.
func entriesOf(set *change.Set, opt reporting.Options) ([]entry, error) {
	var entries []entry
	for i := range set.Changes {
		c := &set.Changes[i]
		if c.Op == change.Keep || c.Op == change.Publish || c.Op == change.Amend || c.Op == change.Configure || c.Hidden() && !opt.ShowHidden {
			continue
		}
		e, err := entryOf(c, opt)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	slices.SortStableFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.place(), b.place()), strings.Compare(a.key, b.key))
	})
	return entries, nil
}

// entry is one object as helm-diff sees it. old or updated is "" if the object does not
// exist on that side.
type entry struct{ key, namespace, name, kind, api, old, updated string }

func entryOf(c *change.Change, opt reporting.Options) (entry, error) {
	old, updated, err := Sides(c, opt)
	name, api := c.Ref.Name, c.Ref.Group
	if o := reporting.Standing(c); name == "" && o != nil {
		name = o.GenerateName + "*"
	}
	if api == "" {
		api = c.Ref.Version
	}
	key := reporting.Printable(fmt.Sprintf("%s, %s, %s (%s)", c.Ref.Namespace, name, c.Ref.Kind, api))
	old, updated = safetext.Text(old), safetext.Text(updated)
	return entry{
		key: key, namespace: c.Ref.Namespace, name: name, kind: c.Ref.Kind, api: api, old: old, updated: updated,
	}, err
}

// place is where helm-diff puts the entry: changed, removed, added.
func (e *entry) place() int {
	switch {
	case e.old != "" && e.updated != "":
		return 0
	case e.old != "":
		return 1
	default:
		return 2
	}
}

func (e *entry) show(w *bytes.Buffer, opt reporting.Options) {
	if e.tooLarge() {
		e.showLarge(w, opt)
		return
	}
	index := func(content string) map[string]*helmdiff.MappingResult {
		if content == "" {
			return nil
		}
		return map[string]*helmdiff.MappingResult{e.key: {Name: e.key, Kind: e.kind, Content: content}}
	}
	// Secrets are already masked, and no entry is an object that Helm keeps.
	diff.Manifests(index(e.old), index(e.updated), &diff.Options{
		OutputFormat: "diff", OutputContext: contextOf(opt), ShowSecrets: true,
	}, w)
}

func contextOf(opt reporting.Options) int {
	if opt.Context == nil {
		return helmDiffContext
	}
	return *opt.Context
}

func (e *entry) tooLarge() bool {
	return strings.Count(e.old, "\n")*strings.Count(e.updated, "\n") > maxCells
}

// showLarge prints in helm-diff's format, in time and memory linear in the number of lines.
func (e *entry) showLarge(w *bytes.Buffer, opt reporting.Options) {
	paint := reporting.StylesFor(opt.Color)
	old, updated := linediff.Lines(e.old+"\n"), linediff.Lines(e.updated+"\n")
	fmt.Fprintln(w, paint.Warn(e.key+" has changed:"))
	put := func(sign string, style reporting.Style, lines []string) {
		for _, line := range lines {
			fmt.Fprintln(w, style(sign+strings.TrimSuffix(line, "\n")))
		}
	}
	plain := func(s string) string { return s }
	around := contextOf(opt)
	if around < 0 {
		around = max(len(old), len(updated))
	}
	done := 0 // lines of old that are printed or left out
	for _, h := range linediff.Diff(old, updated) {
		gap := h.OldFrom - done
		tail := min(gap, around)
		if done > 0 {
			head := min(gap, around)
			put("  ", plain, old[done:done+head])
			tail = min(gap-head, around)
			gap -= head
		}
		if gap > tail {
			fmt.Fprintln(w, "...")
		}
		put("  ", plain, old[h.OldFrom-tail:h.OldFrom])
		put("- ", paint.Bad, old[h.OldFrom:h.OldTo])
		put("+ ", paint.Good, updated[h.NewFrom:h.NewTo])
		done = h.OldTo
	}
	end := min(len(old), done+around)
	put("  ", plain, old[done:end])
	if end < len(old) {
		fmt.Fprintln(w, "...")
	}
}

// colored matches a line that helm-diff has coloured. helm-diff colours a line as a whole
// or not at all, and never an equal line, which begins with two blanks.
var colored = regexp.MustCompile(`(?m)^\x1b\[[0-9;]*m(.*)\x1b\[0m$`)

func withoutColor(text string) string { return colored.ReplaceAllString(text, "$1") }
