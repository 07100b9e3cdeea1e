package cireport

import (
	"fmt"
	"io"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/textreport"
)

// WriteGitHub prints workflow commands, from which GitHub Actions makes annotations: an
// error for a finding that fails the run, a warning for any other finding, a notice for
// what was accepted, what was not judged and what the policy did. GitHub shows ten of each
// in a step. The same finding about many objects at the same line is therefore one
// annotation. The last line is for readers of the log.
func WriteGitHub(w io.Writer, set *change.Set, opt Options) error {
	var order []string
	var first []finding
	objects := map[string]reporting.Group{}
	for _, f := range placed(set, opt) {
		key := f.annotation()
		if objects[key] == nil {
			order = append(order, key)
			first = append(first, f)
		}
		objects[key] = append(objects[key], f.about)
	}
	var out strings.Builder
	for i := range opt.failures {
		out.WriteString(opt.failures[i].githubError())
	}
	for i, key := range order {
		f, g := first[i], objects[key]
		command, title := "warning", string(f.Risk)+" ("+f.Rule+")"
		switch {
		case f.fails:
			command = "error"
		case f.accepted != nil:
			command, title = "notice", "accepted "+title
		}
		var where string
		if at := f.single(); at.file != "" {
			where = fmt.Sprintf("file=%s,line=%d,", property(at.file), at.line)
		}
		text := fmt.Sprintf("%s %s %s%s: %s", f.about.Op, reporting.Printable(f.about.Ref.Kind), reporting.GroupNames(g, false), reporting.Times(len(g)), reporting.Printable(f.Message)) + f.cause.lines()
		if f.accepted != nil {
			text += "\n" + textreport.Accepted(f.accepted)
		} else if hint := textreport.HintOf(f.Finding); hint != "" {
			text += "\nhint: " + reporting.Printable(hint)
		}
		fmt.Fprintf(&out, "::%s %stitle=%s::%s\n", command, where, property(reporting.Printable(title)), data(text))
	}
	for _, reason := range textreport.UncheckedLines(set, opt.ShowHidden) {
		fmt.Fprintf(&out, "::notice title=unchecked::%s\n", data(reason))
	}
	sum := set.Summary()
	if lines := textreport.PolicyLines(set, &sum, opt.ShowHidden); len(lines) > 0 {
		fmt.Fprintf(&out, "::notice title=policy::%s\n", data(strings.Join(lines, "\n")))
	}
	last := strings.ToUpper(string(opt.verdictOf(set))) + ": " + textreport.Plan(&sum)
	if opt.Values != nil {
		last = opt.Values.Line
	}
	out.WriteString("helm safe-diff: " + last + "\n")
	_, err := io.WriteString(w, out.String())
	return err
}

// annotation is equal for findings that share one annotation: the same finding about
// several objects.
func (f *finding) annotation() string {
	says := reporting.Numberless(reporting.Nameless(f.Message, f.about.Ref.Name))
	if f.about.Op == change.Configure { // one object whose findings name different keys
		says = f.Message
	}
	at := f.single()
	key := fmt.Sprintf("%q %d %q %q %q %t", at.file, at.line, f.about.Ref.Kind, f.about.Op, f.Rule, f.fails) + says + f.cause.lines()
	if f.accepted != nil {
		key += textreport.Accepted(f.accepted)
	}
	return key
}

// data escapes the text of a workflow command, property one of its properties (escapeData
// and escapeProperty in actions/toolkit, packages/core/src/command.ts).
func data(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

func property(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(text)
}
