// Package restartcause tells in one clause why the pods of a workload are replaced.
package restartcause

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
)

// Write writes into the changes why pods are replaced.
func Write(u *upgrade.Upgrade) {
	renewing := renewed(u)
	for i := range u.Objects {
		if c := u.Objects[i].Change; c != nil && c.Op == change.Update && c.Outcome.Pods != nil && c.Outcome.Pods.Replaced && c.Outcome.Pods.Cause == "" {
			writeCause(u, &u.Objects[i], &renewing)
		}
	}
}

// writeCause says in one clause why the pods of a workload are replaced, whether
// nothing about what they do is any different, and which fields the clause says all of.
func writeCause(u *upgrade.Upgrade, o *upgrade.Object, renewing *renewal) {
	pods := o.Change.Outcome.Pods
	e := evidence{edits: o.Change.Edits}
	for _, path := range pods.Causes {
		e.add(path)
	}
	pods.Cause, pods.Needless = e.cause(u, o, renewing)
	pods.Told = e.told
}

// cause puts the clause together.
func (e *evidence) cause(u *upgrade.Upgrade, o *upgrade.Object, renewing *renewal) (cause string, needless bool) {
	parts := slices.Concat(e.imageList(), rule.Prefixed("env ", e.variables, 2), rule.Prefixed("", e.fields, 3))
	read, reads := changedReads(u, o, renewing)
	if len(e.checksums) > 0 && len(read) > 0 {
		parts = append(parts, counted(read, 2, "ConfigMaps and Secrets")...)
		e.checksums = nil
	}
	marks := slices.Concat(e.checksums, e.marks)
	switch {
	case len(parts)+len(e.others) == 0 && len(marks) > 0 && len(read) > 0:
		return strings.Join(rule.Prefixed("", marks, 3), ", ") + "; the new pods read what is new: " + strings.Join(counted(read, 3, "ConfigMaps and Secrets"), ", "), false
	case len(parts)+len(e.others) > 0:
		return strings.Join(append(parts, rule.Prefixed("", e.others, 3)...), ", "), false
	case len(marks) == 0:
		return "its pods were not made from the template that it has", false
	case len(e.checksums) > 0 && !reads:
		return strings.Join(rule.Prefixed("", marks, 3), ", "), false
	case len(e.checksums) > 0:
		return "nothing functional: only " + strings.Join(rule.Prefixed("", marks, 3), ", ") + ", and nothing that it reads changes", true
	default:
		return "nothing functional: only " + strings.Join(rule.Prefixed("", marks, 3), ", "), true
	}
}

// renewal is what a checksum may be of: some says that a ConfigMap or Secret is new, or that
// there are operated ones, the custom resources whose spec is.
type renewal struct {
	some     bool
	operated []*upgrade.Object
}

func renewed(u *upgrade.Upgrade) renewal {
	var r renewal
	for i := range u.Objects {
		o := &u.Objects[i]
		if operated(u, o) {
			r.operated = append(r.operated, o)
		}
		r.some = r.some || renews(o.Change) != ""
	}
	r.some = r.some || len(r.operated) > 0
	return r
}

// changedReads names the ConfigMaps and Secrets that a workload reads and that change, and the
// custom resources that change and of which its Secrets may be made. settled says that a checksum
// can be of nothing else: the workload reads some, or none of the release changes.
func changedReads(u *upgrade.Upgrade, o *upgrade.Object, renewing *renewal) (changed []string, settled bool) {
	if !renewing.some {
		return nil, true
	}
	if o.Names == nil {
		return nil, false
	}
	for _, r := range o.Names.New {
		if r.To.Group != "" || r.To.Kind != "ConfigMap" && r.To.Kind != "Secret" {
			continue
		}
		settled = true
		texts := []string{}
		if to := u.Object(r.To); to != nil {
			texts = append(texts, renews(to.Change))
		} else {
			texts = renewing.remade(r.To.Name)
		}
		for _, text := range texts {
			if text != "" && !slices.Contains(changed, text) {
				changed = append(changed, text)
			}
		}
	}
	return changed, settled
}

// remade names the custom resources that change and have the name of an object in them that
// is not in the release: an operator may make it of them.
func (r *renewal) remade(name string) []string {
	var list []string
	for _, o := range r.operated {
		if o.Ref().Name == name || o.New.MayHold(name) {
			list = append(list, fmt.Sprintf("%s %s changes", o.Ref().Kind, o.Ref().Name))
		}
	}
	return list
}

// operated reports whether an object is a custom resource whose spec is new.
func operated(u *upgrade.Upgrade, o *upgrade.Object) bool {
	return (o.Does(change.Create) || o.Does(change.Update) && o.Edited("spec")) && !u.Builtin(o.Ref().Group, o.Ref().Kind) && !u.RunsPods(o.Ref())
}

// renews says of a ConfigMap or Secret that what it holds is new; "" if it is not.
func renews(c *change.Change) string {
	switch {
	case c == nil || !upgrade.Done(c) || c.Ref.Group != "" || c.Ref.Kind != "ConfigMap" && c.Ref.Kind != "Secret":
		return ""
	case c.Op == change.Create:
		return fmt.Sprintf("%s %s is new", c.Ref.Kind, c.Ref.Name)
	case c.Op == change.Delete:
		return fmt.Sprintf("%s %s goes", c.Ref.Kind, c.Ref.Name)
	case c.Op != change.Update || !upgrade.Contents(c):
		return ""
	}
	how := "changes"
	if rotates(c.Edits, contentOf) {
		how = "rotates"
	}
	text := fmt.Sprintf("%s %s %s", c.Ref.Kind, c.Ref.Name, how)
	if keys, _ := upgrade.ChangedKeys(c); len(keys) > 0 {
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
	edits                                       []change.Edit
	images                                      []imageChange
	variables, fields, checksums, marks, others []string
	// told are the fields of which the clause says all that there is to say.
	told []fieldpath.Path
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
		e.metadata(path, rest, put)
	case len(rest) > 3 && strings.HasSuffix(strings.ToLower(rest[1].Field), "containers"):
		switch field := rest[3].Field; {
		case field == "image":
			e.image(path, turns)
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
func (e *evidence) metadata(path, rest fieldpath.Path, put func(*[]string, string)) {
	if len(rest) < 3 {
		put(&e.others, "metadata of the pod template")
		return
	}
	what := strings.TrimSuffix(rest[1].Field, "s") + " " + rest[2].Field
	switch name := strings.ToLower(rest[2].Field); {
	case rest[1].Field == "annotations" && isChecksum(name):
		put(&e.checksums, what)
		e.told = append(e.told, path)
	case descriptive(name):
		put(&e.marks, what)
		e.told = append(e.told, path)
	default:
		put(&e.others, what)
	}
}

// isChecksum reports whether an annotation is called like one that is there to
// replace pods when something else changes. A domain says nothing: hashicorp.com is none.
func isChecksum(name string) bool {
	if domain, rest, is := strings.Cut(name, "/"); is && strings.Contains(domain, ".") {
		name = rest
	}
	return strings.Contains(name, "checksum") || strings.Contains(name, "hash") || strings.Contains(name, "sha256") || strings.Contains(name, "sha1sum")
}

// descriptive reports whether a label tells people about the chart, and pods nothing
// (helm.sh/docs/chart_best_practices/labels).
func descriptive(name string) bool {
	return slices.Contains([]string{"helm.sh/chart", "chart", "chart-version", "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "heritage", "helm.sh/revision", "revision"}, name)
}

// counted returns the items, or how many there are if these are too many.
func counted(items []string, most int, noun string) []string {
	if len(items) > most {
		return []string{fmt.Sprintf("%d %s", len(items), noun)}
	}
	return items
}
