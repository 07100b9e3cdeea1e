package textreport

import (
	"cmp"
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
)

// DefaultMaxBytes is the maximum length of a comment on GitHub, in characters. GitLab
// accepts more.
const DefaultMaxBytes = 65_536

// LeastMaxBytes leaves room for the verdict and for the text that says how much was cut.
const LeastMaxBytes = 4_096

// WriteMarkdown prints a comment for a pull request: a marker by which a job can find and
// update it, the verdict, a table of the changes, and the folded blocks of the text report.
// If this is too long, the last objects, which are the least harmful, are left out as a
// whole and counted.
func WriteMarkdown(w io.Writer, set *change.Set, opt reporting.Options) error {
	p := Page{Styles: reporting.StylesFor(false), All: opt.ShowHidden, Operation: string(cmp.Or(set.Release.Operation, change.Upgrade))}
	sum := set.Summary()
	limit := max(cmp.Or(opt.MaxBytes, DefaultMaxBytes), LeastMaxBytes)
	m := comment{head: markdownHead(&p, set, &sum, opt.FailOn)}
	m.body(&p, set, &sum, limit)
	if ledger := p.Text(func(q *Page) { q.Ledger(&sum.Hidden) }); ledger != "" {
		m.tail.WriteString("\n" + InMarkdown(strings.TrimSpace(ledger)) + "\n")
	}
	if !opt.Part {
		m.tail.WriteString("\n" + InMarkdown(reporting.ExitLine(&opt, reporting.VerdictOn{Set: set, FailOn: opt.FailOn})) + "\n")
	}
	_, err := io.WriteString(w, m.String(limit))
	return err
}

// body writes everything below the head, within a limit for the whole.
func (m *comment) body(p *Page, set *change.Set, sum *change.Summary, limit int) {
	m.left = limit - len(m.head) - len(tableHead) - roomForCuts
	var shown, hidden []*change.Change
	for i := range set.Changes {
		if c := &set.Changes[i]; !c.Hidden() {
			shown = append(shown, c)
		} else if p.All {
			hidden = append(hidden, c)
		}
	}
	for _, g := range append(reporting.Groups(shown, p.All), reporting.Groups(hidden, p.All)...) {
		block := Page{Styles: p.Styles, All: p.All, Operation: p.Operation}
		if reporting.Routine(g[0]) {
			block.restart(g)
		} else {
			block.group(g)
		}
		fold := ""
		if title, rest, _ := strings.Cut(block.Out.String(), "\n"); rest != "" {
			fold = folded(title, rest)
		}
		m.add(p.row(g), fold, len(g))
	}
	m.part("what the policy did", 0, p.Text(func(q *Page) { q.Policy(set, sum) }))
	m.part("that cannot be rolled back", len(set.OneWay), p.Text(func(q *Page) { q.Notices(OneWay, set.OneWay) }))
	m.part("rotating", len(set.Rotating), p.Text(func(q *Page) { q.Rotating(set.Rotating) }))
	m.part("changed behind Helm's back", len(set.Drift), p.Text(func(q *Page) { q.Drift(set.Drift) }))
	m.part("unchecked", len(Unshipped(set.Unchecked)), p.Text(func(q *Page) { q.Notices(Unchecked, Unshipped(set.Unchecked)) }))
}

const (
	tableHead = "\n| risk | change | object | why |\n|---|---|---|---|\n"
	// roomForCuts is reserved for the text that says what was cut, and for the ledger.
	roomForCuts = 1_024
	// maxHead limits the text before the table, in bytes.
	maxHead = 2_048
)

// comment is a Markdown report while it is written.
type comment struct {
	head              string
	rows, folds, tail strings.Builder
	// left is how many more bytes may be written.
	left int
	// cut counts the objects that were left out. parts names the other parts that were.
	cut   int
	parts []string
}

// add adds a group of objects, unless this or an earlier group is too long.
func (m *comment) add(row, fold string, objects int) {
	if m.cut > 0 || len(row)+len(fold) > m.left {
		m.cut += objects
		return
	}
	m.left -= len(row) + len(fold)
	m.rows.WriteString(row)
	m.folds.WriteString(fold)
}

// part adds a folded part about the whole report, unless it is empty. The first line of
// text is its title. If the part does not fit, what names what is left out, and n counts
// it, or is 0 if it is not counted.
func (m *comment) part(what string, n int, text string) {
	title, text, _ := strings.Cut(strings.TrimPrefix(text, "\n"), "\n")
	if text == "" {
		return
	}
	if n > 0 {
		what = fmt.Sprintf("%d %s", n, what)
		title = fmt.Sprintf("%s (%d)", title, n)
	}
	fold := folded(title, text)
	if len(fold) > m.left {
		m.parts = append(m.parts, what)
		return
	}
	m.left -= len(fold)
	m.folds.WriteString(fold)
}

// String assembles the comment.
func (m *comment) String(limit int) string {
	var b strings.Builder
	b.WriteString(m.head)
	if m.rows.Len() > 0 {
		b.WriteString(tableHead + m.rows.String())
	}
	cuts := m.parts
	if m.cut > 0 {
		cuts = append([]string{reporting.Plural(m.cut, "object")}, cuts...)
	}
	if len(cuts) > 0 {
		fmt.Fprintf(&b, "\n**Cut to stay within %d bytes: %s**\n", limit, strings.Join(cuts, ", "))
	}
	return b.String() + m.folds.String() + m.tail.String()
}

// markdownHead is the marker, the verdict, and what the text report says below it.
func markdownHead(p *Page, set *change.Set, sum *change.Summary, failOn change.FailOn) string {
	head := strings.Split(strings.TrimSpace(p.Text(func(q *Page) { q.Head(set, sum, failOn) })), "\n")
	var b strings.Builder
	fmt.Fprintf(&b, "<!-- %s -->\n### %s\n", marker(&set.Release), InMarkdown(head[0]))
	for _, line := range head[1:] {
		line = "\n" + InMarkdown(strings.TrimSpace(line)) + "\n"
		if b.Len()+len(line) > maxHead {
			b.WriteString("\n…\n")
			break
		}
		b.WriteString(line)
	}
	return b.String()
}

// marker is the same in every report about a release.
func marker(r *change.Release) string {
	name := "helm-safe-diff"
	if r.Name != "" {
		name += " " + reporting.Named{Namespace: r.Namespace, Name: r.Name}.String()
	}
	return strings.NewReplacer("<", "", ">", "").Replace(reporting.Printable(name))
}

// Text returns what write prints on a page of the same kind.
func (p *Page) Text(write func(*Page)) string {
	q := Page{Styles: p.Styles, All: p.All, Operation: p.Operation}
	write(&q)
	return q.Out.String()
}

// row is the line of a group in the table.
func (p *Page) row(g reporting.Group) string {
	c := g[0]
	risks := reporting.Each(c.Risks(), func(r *change.Risk) string { return string(*r) })
	var why []string
	for i := range c.Findings {
		f := &c.Findings[i]
		why = append(why, InMarkdown(reporting.Printable(f.Message)+RuleID(f)))
	}
	if c.Outcome.Pods != nil && c.Outcome.Pods.Cause != "" && len(c.Findings) > 0 {
		why = append(why, InMarkdown("cause: "+replacedBy(g)))
	}
	for i := range c.Accepted {
		why = append(why, InMarkdown(Accepted(&c.Accepted[i])))
	}
	if meaning := strings.TrimPrefix(p.Meaning(c), ": "); meaning != "" {
		why = append(why, InMarkdown(meaning))
	}
	object := code(reporting.Printable(c.Ref.Kind)+" "+reporting.GroupNames(g, false)) + reporting.Times(len(g))
	return fmt.Sprintf("| %s | %s | %s | %s |\n", strings.Join(risks, ", "), c.Op, object, strings.Join(why, "<br>"))
}

// folded is a part that opens when its title is clicked. Its text is shown as it is: the
// fence is longer than any run of backticks in it.
func folded(title, text string) string {
	fence := strings.Repeat("`", max(3, longestRun(text)+1))
	return fmt.Sprintf("\n<details><summary><code>%s</code></summary>\n\n%stext\n%s\n%s\n\n</details>\n",
		html.EscapeString(title), fence, strings.TrimRight(text, "\n"), fence)
}

// code writes text as code in a cell of a table. A bar ends a cell even in code, unless a
// backslash precedes it.
func code(text string) string {
	fence := strings.Repeat("`", longestRun(text)+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + strings.ReplaceAll(text, "|", `\|`) + fence
}

// longestRun is the length of the longest run of backticks in text.
func longestRun(text string) int {
	longest, run := 0, 0
	for i := range len(text) {
		if text[i] != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// InMarkdown writes a line so that Markdown shows it as it is: nothing in it is markup or
// HTML, mentions a person (@) or refers to an issue (#).
func InMarkdown(line string) string {
	var b strings.Builder
	for _, r := range line {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '@' || r == '#':
			b.WriteRune(r)
			b.WriteString("<!-- -->")
		case r == '\n' || r == '\r':
			b.WriteByte(' ')
		case strings.ContainsRune("\\`*_{}[]|~!$", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
