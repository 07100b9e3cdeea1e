package safediff

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// causes writes into the changes why pods are replaced.
func (l *links) causes() {
	for i := range l.judged {
		if c := l.judged[i].change; c != nil && c.Op == change.Update && c.Outcome.Pods != nil && c.Outcome.Pods.Replaced && c.Outcome.Pods.Cause == "" {
			c.Outcome.Pods.Cause, c.Outcome.Pods.Needless = l.cause(i, c)
		}
	}
}

// cause says in one clause why the pods of a workload are replaced, and whether
// nothing about what they do is any different.
func (l *links) cause(i int, c *change.Change) (cause string, needless bool) {
	e := evidence{edits: c.Edits}
	for _, path := range c.Outcome.Pods.Causes {
		e.add(path)
	}
	parts := slices.Concat(counted(e.images, 2, "images"), prefixed("env ", e.variables, 3), prefixed("", e.fields, 4))
	read, reads := l.changedReads(i)
	if len(e.checksums) > 0 && len(read) > 0 {
		parts = append(parts, counted(read, 3, "configurations")...)
		e.checksums = nil
	}
	marks := slices.Concat(e.checksums, e.marks)
	switch {
	case len(parts)+len(e.others) > 0:
		return strings.Join(append(parts, prefixed("", e.others, 3)...), ", "), false
	case len(marks) == 0:
		return "its pods were not made from the template that it has", false
	case len(e.checksums) > 0 && !reads:
		return strings.Join(prefixed("", marks, 3), ", "), false
	case len(e.checksums) > 0:
		return "nothing functional: only " + strings.Join(prefixed("", marks, 3), ", ") + ", and nothing that it reads changes", true
	default:
		return "nothing functional: only " + strings.Join(prefixed("", marks, 3), ", "), true
	}
}

// changedReads names the ConfigMaps and Secrets that a workload reads and that change.
// settled says that a checksum can be of nothing else: the workload reads some, or none
// of the release changes.
func (l *links) changedReads(i int) (changed []string, settled bool) {
	if !slices.ContainsFunc(l.judged, func(j judgement) bool { return renews(j.change) != "" }) {
		return nil, true
	}
	if l.judged[i].names == nil {
		return nil, false
	}
	for _, r := range l.judged[i].names.updated {
		if r.To.Group != "" || r.To.Kind != "ConfigMap" && r.To.Kind != "Secret" {
			continue
		}
		settled = true
		if at, inside := l.place[r.To]; inside {
			if text := renews(l.judged[at].change); text != "" && !slices.Contains(changed, text) {
				changed = append(changed, text)
			}
		}
	}
	return changed, settled
}

// renews says of a ConfigMap or Secret that what it holds is new; "" if it is not.
func renews(c *change.Change) string {
	switch {
	case c == nil || !done(c) || c.Ref.Group != "" || c.Ref.Kind != "ConfigMap" && c.Ref.Kind != "Secret":
		return ""
	case c.Op == change.Create:
		return fmt.Sprintf("%s %s is new", c.Ref.Kind, c.Ref.Name)
	case c.Op != change.Update || !contents(c):
		return ""
	}
	how := "changes"
	if rotates(c.Edits, contentOf) {
		how = "rotates"
	}
	text := fmt.Sprintf("%s %s %s", c.Ref.Kind, c.Ref.Name, how)
	if keys, _ := changedKeys(c); len(keys) > 0 {
		text += " (" + strings.Join(counted(keys, 3, "keys"), ", ") + ")"
	}
	return text
}

// contentOf reports whether a field is part of what a ConfigMap or Secret holds.
func contentOf(path fieldpath.Path) bool {
	return path.Under("data") || path.Under("stringData") || path.Under("binaryData")
}

// rotates reports whether there are edits of such fields, and none of them but what
// comes out differently each time.
func rotates(edits []change.Edit, about func(fieldpath.Path) bool) bool {
	some := false
	for i := range edits {
		if about(edits[i].Path) {
			if some = edits[i].Rotates; !some {
				return false
			}
		}
	}
	return some
}

// evidence sorts the fields for which pods are replaced.
type evidence struct {
	edits                                               []change.Edit
	images, variables, fields, checksums, marks, others []string
}

// add sorts in one field.
func (e *evidence) add(path fieldpath.Path) {
	rest := path
	if i := slices.IndexFunc(path, func(e fieldpath.Element) bool { return e.Field == "template" }); i >= 0 {
		rest = path[i+1:]
	}
	turns := rotates(e.edits, path.Overlaps)
	put := func(list *[]string, text string) {
		if turns {
			text += " (rotates)"
		}
		if !slices.Contains(*list, text) {
			*list = append(*list, text)
		}
	}
	switch {
	case len(rest) == 0:
		put(&e.fields, "the pod template")
	case rest[0].Field == "metadata":
		e.metadata(rest, put)
	case len(rest) > 3 && strings.HasSuffix(strings.ToLower(rest[1].Field), "containers"):
		switch field := rest[3].Field; {
		case field == "image":
			put(&e.images, e.image(path))
		case field == "env" && len(rest) > 4 && len(rest[4].Keys) > 0:
			put(&e.variables, rest[4].Keys[0].Value)
		default:
			put(&e.fields, field)
		}
	case len(rest) == 3 && strings.HasSuffix(strings.ToLower(rest[1].Field), "containers") && len(rest[2].Keys) > 0:
		put(&e.fields, "container "+rest[2].Keys[0].Value)
	case len(rest) > 1:
		put(&e.fields, rest[1].Field)
	default:
		put(&e.fields, rest[0].Field)
	}
}

// metadata sorts in a label or an annotation of the pod template.
func (e *evidence) metadata(rest fieldpath.Path, put func(*[]string, string)) {
	if len(rest) < 3 {
		put(&e.others, "metadata of the pod template")
		return
	}
	what := strings.TrimSuffix(rest[1].Field, "s") + " " + rest[2].Field
	switch name := strings.ToLower(rest[2].Field); {
	case rest[1].Field == "annotations" && isChecksum(name):
		put(&e.checksums, what)
	case descriptive(name):
		put(&e.marks, what)
	default:
		put(&e.others, what)
	}
}

// isChecksum reports whether an annotation is called like one that is there to
// replace pods when something else changes.
func isChecksum(name string) bool {
	return strings.Contains(name, "checksum") || strings.Contains(name, "hash") || strings.Contains(name, "sha256") || strings.Contains(name, "sha1sum")
}

// descriptive reports whether a label tells people about the chart, and pods nothing
// (helm.sh/docs/chart_best_practices/labels).
func descriptive(name string) bool {
	return slices.Contains([]string{"helm.sh/chart", "chart", "chart-version", "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "heritage", "helm.sh/revision", "revision"}, name)
}

var tagged = regexp.MustCompile(`^(.*?)(?::([^:/@]+))?(?:@(.*))?$`)

// image says how an image changes.
func (e *evidence) image(path fieldpath.Path) string {
	i := slices.IndexFunc(e.edits, func(edit change.Edit) bool { return edit.Path.String() == path.String() })
	if i < 0 {
		return "image"
	}
	old, updated := e.edits[i].Old.Text(), e.edits[i].New.Text()
	a, b := tagged.FindStringSubmatch(old), tagged.FindStringSubmatch(updated)
	if a == nil || b == nil || a[1] != b[1] || a[2] == b[2] {
		return fmt.Sprintf("image %s → %s", old, updated)
	}
	return fmt.Sprintf("image %s %s → %s", a[1], cmp.Or(a[2], "latest"), cmp.Or(b[2], "latest"))
}

// counted returns the items, or how many there are if these are too many.
func counted(items []string, most int, noun string) []string {
	if len(items) > most {
		return []string{fmt.Sprintf("%d %s", len(items), noun)}
	}
	return items
}

// prefixed joins items behind a word; of too many the first ones.
func prefixed(word string, items []string, most int) []string {
	if len(items) == 0 {
		return nil
	}
	text := word + strings.Join(items[:min(most, len(items))], ", ")
	if more := len(items) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return []string{text}
}
