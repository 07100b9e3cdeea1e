package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/document"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// DrainFormats returns all formats for a drain, the default first.
func DrainFormats() []FormatOf[change.Drain] {
	return []FormatOf[change.Drain]{
		{"text", func(w io.Writer, d *change.Drain, opt Options) error {
			_, err := io.WriteString(w, drainText(d, opt))
			return err
		}},
		{"json", func(w io.Writer, d *change.Drain, opt Options) error {
			return document.EncodeJSON(w, document.Drain(d, opt))
		}},
		{"yaml", func(w io.Writer, d *change.Drain, opt Options) error {
			return document.EncodeYAML(w, document.Drain(d, opt))
		}},
	}
}

// mostNodes is how many names of nodes a line of the text has.
const mostNodes = 5

func drainText(d *change.Drain, opt Options) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", strings.ToUpper(string(d.Verdict(opt.FailOn))), drainHead(d))
	for _, s := range []struct {
		heading string
		risks   []change.Risk
	}{
		{"never evicted: draining their node does not finish", []change.Risk{change.Stuck}},
		{"no other node: they stay down until their node is back", []change.Risk{change.Downtime, change.Restart}},
	} {
		heading := "\n" + s.heading + "\n"
		for i := range d.Findings {
			f := &d.Findings[i]
			if f.Risk != s.risks[0] && f.Risk != s.risks[len(s.risks)-1] {
				continue
			}
			b.WriteString(heading)
			heading = ""
			fmt.Fprintf(&b, "  %s: %s\n    %s [%s]%s\n", reporting.Printable(f.Workload.String()), drainPods(f), reporting.Printable(drainWhy(f)), f.Risk, since(f))
		}
	}
	if len(d.Asks) > 0 {
		b.WriteString("\nkubectl drain needs these flags\n")
	}
	for _, a := range d.Asks {
		about := map[string]string{"--force": ", because no controller recreates them", "--delete-emptydir-data": ", because their emptyDir volumes are deleted"}[a.Flag]
		fmt.Fprintf(&b, "  %s: %s%s\n", a.Flag, workloadsOf(a.Workloads), about)
	}
	if len(d.Unknown) > 0 {
		b.WriteString("\nunknown\n")
	}
	for i := range d.Unknown {
		n, about := &d.Unknown[i], ""
		if n.Ref.Name != "" {
			about = n.Ref.String() + ": "
		}
		fmt.Fprintf(&b, "  %s\n", reporting.Printable(about+n.Reason))
	}
	fmt.Fprintf(&b, "\n%s and %s were checked. Exit code %d: %s.\n", reporting.Plural(d.Nodes, "node"), reporting.Plural(d.Pods, "pod"), opt.ExitCode, reporting.DrainReason(d, opt))
	return b.String()
}

// drainHead is the first line behind the verdict.
func drainHead(d *change.Drain) string {
	held, somewhere, elsewhere := d.Held(), 0, 0
	for i := range d.Findings {
		f := &d.Findings[i]
		switch {
		case f.Risk != change.Stuck:
			elsewhere += f.Pods
		case len(f.Nodes) == 0:
			somewhere += f.Pods
		}
	}
	var parts []string
	if len(held) > 0 {
		verb := "never empty"
		if len(held) == 1 {
			verb = "never empties"
		}
		parts = append(parts, fmt.Sprintf("%s %s: %s", reporting.Plural(len(held), "node"), verb, nodesOf(held)))
	}
	switch {
	case somewhere == 1:
		parts = append(parts, "the node that runs 1 pod never empties")
	case somewhere > 1:
		parts = append(parts, fmt.Sprintf("the nodes that run %d pods never empty", somewhere))
	}
	if elsewhere > 0 {
		parts = append(parts, reporting.Plural(elsewhere, "pod")+" without another node")
	}
	switch {
	case len(parts) > 0:
		return strings.Join(parts, "; ")
	case len(d.Unknown) > 0:
		return "no node is known to stay occupied, but not everything is known"
	default:
		return "every node empties, and its pods find other nodes"
	}
}

func drainWhy(f *change.DrainFinding) string {
	switch len(f.Volumes) {
	case 0:
		return f.Why
	case 1:
		return f.Why + " (volume " + f.Volumes[0] + ")"
	default:
		return f.Why + " (volumes " + firstOf(f.Volumes, mostNodes) + ")"
	}
}

func drainPods(f *change.DrainFinding) string {
	switch {
	case len(f.Nodes) == 0 && f.Pods == 1:
		return "1 pod, wherever it runs"
	case len(f.Nodes) == 0:
		return reporting.Plural(f.Pods, "pod") + ", wherever they run"
	}
	return reporting.Plural(f.Pods, "pod") + " on " + nodesOf(f.Nodes)
}

func since(f *change.DrainFinding) string {
	if f.New {
		return " (by this upgrade)"
	}
	return ""
}

// nodesOf lists the first nodes, and counts the rest.
func nodesOf(nodes []string) string { return firstOf(nodes, mostNodes) }

func workloadsOf(refs []manifest.Ref) string {
	names := make([]string, len(refs))
	for i, ref := range refs {
		names[i] = ref.String()
	}
	return firstOf(names, mostNodes)
}

func firstOf(names []string, most int) string {
	text := strings.Join(names[:min(most, len(names))], ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return reporting.Printable(text)
}
