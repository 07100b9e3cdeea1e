// Package rule is what a rule is, and how rules are asked.
//
// A rule is one value: what it is called, how bad its finding is, why, what helps, and one
// function that finds. There are three kinds of functions, for what one object says, for
// what becomes of one object, and for what follows between objects.
package rule

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Rule is one rule. Of Read, When and Find one is set, and none for the rules about the
// version of a chart, which look at a whole Set.
type Rule struct {
	// ID is kebab-case, and is never renamed or used again for something else.
	ID   string
	Risk change.Risk
	// Why tells in one clause what harm is done.
	Why string
	// Fix tells in one clause what to do instead. KIND, NAME and "-n NAMESPACE" in it stand for the
	// object's. A command in it was run in the laboratory for a
	// case, or follows the word "try".
	Fix string
	// Remedy is the Fix for one change, where more than names depends on it; "" where the Fix
	// says it as well.
	Remedy func(c *change.Change) string
	// Instead is the Fix where there is no new chart to change, in a rollback or an
	// uninstall; "" for the same.
	Instead string
	// Kinds are the kinds of Kubernetes itself that the rule is about; empty for
	// all kinds there are.
	Kinds []string
	// Hangs reports of a change for which the rule fires whether a rollout, or the run of a
	// hook, does not come to an end because of that; nil for a rule for which it never is so.
	Hangs func(c *change.Change) bool
	// Breaks says that only a new major version of a chart may bring what the rule finds, as
	// with all that is rejected or loses data.
	Breaks bool
	// Back says how an object comes back of which a rollback brings back the manifest, and
	// not what is lost with it; "" for rules that are about something else.
	Back string

	// Read compares both manifests of one object. It is asked while they are decoded.
	Read func(c *change.Change) Found
	// When looks at what becomes of one object, once that is known.
	When func(c *change.Change) (message string, paths []fieldpath.Path, fires bool)
	// Shows is the evidence of what When finds.
	Shows func(c *change.Change) []change.Evidence
	// Find looks at the whole upgrade, and may find something about any object in it.
	Find func(u *upgrade.Upgrade) []Found
}

// Found is what a rule has found. The zero value is nothing.
type Found struct {
	// On is the object to which it is told. Read leaves it out.
	On *upgrade.Object
	// Message is one clause about this very upgrade.
	Message string
	// Paths are the fields that cause it.
	Paths []fieldpath.Path
	// Evidence is what makes it true.
	Evidence []change.Evidence
	// Unstarted are the objects whose pods do not start because of it.
	Unstarted []manifest.Ref
	// Hangs says that the run of a hook does not come to an end because of it, where that is
	// not so of all that the rule finds.
	Hangs bool
	// Lasts is the least number of seconds for which it is true, which the message says; 0 if
	// that is not known.
	Lasts int
}

// Read asks the rules that compare both manifests of an object, while these are decoded.
func Read(c *change.Change, rules []Rule) []change.Finding {
	var findings []change.Finding
	for i := range rules {
		if r := &rules[i]; r.Read != nil && r.about(c.Ref) {
			if f := r.Read(c); f.Message != "" {
				findings = r.add(c, findings, f)
			}
		}
	}
	return findings
}

// Ask asks all other rules, and writes into each change what they and Read have found, worst
// class first, and in the order of rules within a class. Of the reasons to refuse a change
// only the first rule's is kept, and of what is refused nothing that it would have brought.
// Where a rule panics, all others are asked all the same; the notices name those that did.
// Where nothing changes there is nothing of which a finding could be told.
func Ask(u *upgrade.Upgrade, rules []Rule) []change.Notice {
	if !u.Any(func(o *upgrade.Object) bool { return o.Change != nil }) {
		return nil
	}
	var faults []change.Notice
	findings := make([][]change.Finding, len(u.Objects))
	for i := range rules {
		r := &rules[i]
		if r.Find != nil {
			if fault := Caught(func() { r.between(u, findings) }); fault != nil {
				faults = append(faults, change.Notice{Rule: r.ID, Hides: r.Risk, All: true, Reason: fmt.Sprintf(
					"the rule %s could not be asked: %s; please report it with the two manifests", r.ID, Describe(fault))})
			}
			continue
		}
		for k := range u.Objects {
			if u.Objects[k].Change == nil {
				continue
			}
			if fault := Caught(func() { findings[k] = r.one(&u.Objects[k], findings[k]) }); fault != nil {
				faults = append(faults, change.Notice{Ref: u.Objects[k].Ref(), Rule: r.ID, Hides: r.Risk, Reason: fmt.Sprintf(
					"the rule %s could not be asked: %s; please report it with the two versions of this object", r.ID, Describe(fault))})
			}
		}
	}
	for k := range u.Objects {
		if c := u.Objects[k].Change; c != nil {
			slices.SortStableFunc(findings[k], func(a, b change.Finding) int { return a.Risk.Compare(b.Risk) })
			c.Findings = findings[k]
		}
	}
	return faults
}

// between asks a rule between objects.
func (r *Rule) between(u *upgrade.Upgrade, findings [][]change.Finding) {
	for _, f := range r.Find(u) {
		if k := u.Index(f.On); f.On.Change != nil && r.about(f.On.Change.Ref) && !r.late(findings[k]) {
			findings[k] = r.add(f.On.Change, findings[k], f)
		}
	}
}

// Caught runs one step of a judgement and returns what the step panicked with; nil if it
// came to its end. Most of the code that judges is Kubernetes', and all of it is run on
// objects that nobody has looked at.
func Caught(step func()) (fault any) {
	defer func() { fault = recover() }()
	step()
	return nil
}

// Describe describes a panic without a value of the object: the runtime's own errors name
// types and lengths only.
func Describe(fault any) string {
	what := fmt.Sprintf("%T", fault)
	if err, is := fault.(runtime.Error); is {
		what = err.Error()
	}
	return "internal error (" + what + ")"
}

// one asks a rule about one object.
func (r *Rule) one(o *upgrade.Object, findings []change.Finding) []change.Finding {
	c := o.Change
	switch {
	case r.Read != nil:
		if k := slices.IndexFunc(o.Read, func(f change.Finding) bool { return f.Rule == r.ID }); k >= 0 && len(c.Outcome.Refused) == 0 {
			findings = append(findings, o.Read[k])
		}
	case r.When != nil && r.about(c.Ref) && !r.late(findings):
		if message, paths, fires := r.When(c); fires {
			f := Found{Message: message, Paths: paths}
			if r.Shows != nil {
				f.Evidence = r.Shows(c)
			}
			findings = r.add(c, findings, f)
		}
	}
	return findings
}

// late reports whether another rule has told already why a change is refused.
func (r *Rule) late(findings []change.Finding) bool {
	return r.Risk == change.Rejected && slices.ContainsFunc(findings, func(f change.Finding) bool { return f.Risk == change.Rejected && f.Rule != r.ID })
}

// add adds what a rule has found, to its finding about the same object if there is one.
func (r *Rule) add(c *change.Change, findings []change.Finding, found Found) []change.Finding {
	k := slices.IndexFunc(findings, func(f change.Finding) bool { return f.Rule == r.ID })
	if k < 0 {
		return append(findings, change.Finding{
			Rule: r.ID, Risk: r.Risk, Paths: found.Paths, Message: found.Message, Hint: r.hint(c), Evidence: found.Evidence, Breaks: r.Breaks, Unstarted: found.Unstarted,
			Lasts: found.Lasts, Hangs: found.Hangs || r.Hangs != nil && r.Hangs(c), Rolling: r.Risk == change.Restart && c.Outcome.Pods != nil && c.Outcome.Pods.NoneMissing(),
		})
	}
	f := &findings[k]
	if !slices.Contains(strings.Split(f.Message, "; "), found.Message) {
		f.Message += "; " + found.Message
	}
	for _, path := range found.Paths {
		if !slices.ContainsFunc(f.Paths, func(p fieldpath.Path) bool { return p.String() == path.String() }) {
			f.Paths = append(f.Paths, path)
		}
	}
	f.Evidence, f.Unstarted, f.Lasts = append(f.Evidence, found.Evidence...), append(f.Unstarted, found.Unstarted...), max(f.Lasts, found.Lasts)
	return findings
}

// hint is the Fix for one change.
func (r *Rule) hint(c *change.Change) string {
	fix := r.Fix
	if r.Remedy != nil {
		if remedy := r.Remedy(c); remedy != "" {
			fix = remedy
		}
	}
	if !Plain(c.Ref.Name) || !Plain(resource(c.Ref)) || c.Ref.Namespace != "" && !Plain(c.Ref.Namespace) {
		return fix
	}
	place := ""
	if c.Ref.Namespace != "" {
		place = " -n " + c.Ref.Namespace
	}
	return strings.NewReplacer(" -n NAMESPACE", place, "NAME", c.Ref.Name, "KIND", resource(c.Ref)).Replace(fix)
}

// resource is what kubectl calls a kind: "statefulset", "widget.example.com".
func resource(ref manifest.Ref) string {
	kind := strings.ToLower(ref.Kind)
	if OfKubernetes(ref.Group) {
		return kind
	}
	return kind + "." + ref.Group
}

// Plain reports whether a name can be a word of a command in a shell as it is. A manifest may
// give an object any name, and people copy what a remedy says.
func Plain(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-:") == "" && !strings.HasPrefix(name, "-")
}

// Lost says how an object comes back in a rollback with which more goes than its manifest;
// "" if nothing does.
func Lost(c *change.Change, rules []Rule) string {
	for i := range rules {
		if r := &rules[i]; r.Back != "" && r.about(c.Ref) {
			if _, _, fires := r.When(c); fires {
				return r.Back
			}
		}
	}
	return ""
}

// Advise gives findings the remedy that an operation leaves, where it leaves another: a
// rollback or an uninstall has no new chart to change.
func Advise(findings []change.Finding, operation change.Operation, rules []Rule) {
	if operation != change.Rollback && operation != change.Uninstall {
		return
	}
	for i := range findings {
		f := &findings[i]
		r := slices.IndexFunc(rules, func(r Rule) bool { return r.ID == f.Rule })
		if r >= 0 && rules[r].Instead != "" {
			f.Hint = rules[r].Instead
		}
	}
}

// about reports whether the rule is about objects of a kind.
func (r *Rule) about(ref manifest.Ref) bool {
	return len(r.Kinds) == 0 || OfKubernetes(ref.Group) && slices.Contains(r.Kinds, ref.Kind)
}

// OfKubernetes reports whether a group is one of Kubernetes' own.
func OfKubernetes(group string) bool {
	return !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io")
}

// InGroup reports whether a group is one that a pattern names: a group, or "*" and how it ends.
func InGroup(pattern, group string) bool {
	ends, open := strings.CutPrefix(pattern, "*")
	return pattern == group || open && strings.HasSuffix(group, ends)
}

// Edits are the fields in which the manifests of a change differ and of whose path one
// of these is part.
func Edits(c *change.Change, fields ...string) []fieldpath.Path {
	var paths []fieldpath.Path
	for _, field := range fields {
		for i := range c.Edits {
			if path := c.Edits[i].Path; slices.ContainsFunc(path, func(e fieldpath.Element) bool { return e.Field == field }) {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// SpecEdits are the fields of the spec in which the manifests of a change differ.
func SpecEdits(c *change.Change) []fieldpath.Path {
	var paths []fieldpath.Path
	for i := range c.Edits {
		if c.Edits[i].Path.Under("spec") {
			paths = append(paths, c.Edits[i].Path)
		}
	}
	return paths
}
