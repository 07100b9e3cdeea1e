package textreport

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
)

// section is a part of the report.
type section struct {
	title  string
	groups []reporting.Group
	// brief are the changes in fewer groups, for a page on which their edits do not fit.
	brief []reporting.Group
	// short says that each group has one line, however much room there is.
	short bool
}

// sections sorts the changes of a set by how much they matter: what stops the upgrade, what
// is at risk, whose pods are replaced, what is not reached, and everything else.
func (p *Page) sections(set *change.Set) []section {
	var risky, restarts, missed, plain, left, hidden []*change.Change
	var list []*change.Change
	list, p.Going = reporting.Join(set)
	for _, c := range list {
		switch {
		case c.Outcome.Unreached && !p.All && c.Op != change.Leave && (len(c.Findings) > 0 || !c.Hidden()):
			missed = append(missed, c)
		case reporting.Routine(c):
			restarts = append(restarts, c)
		case len(c.Findings) > 0:
			risky = append(risky, c)
		case c.Op == change.Leave && !p.All:
			left = append(left, c)
		case !c.Hidden() || c.Renamed != nil:
			plain = append(plain, c)
		case p.All:
			hidden = append(hidden, c)
		}
	}
	slices.SortStableFunc(risky, func(a, b *change.Change) int { return cmp.Compare(stage(set, a), stage(set, b)) })
	others := "Other changes"
	if len(risky)+len(restarts)+len(missed) == 0 {
		others = ""
	}
	return []section{
		{groups: reporting.Groups(risky, p.All)},
		{groups: reporting.Groups(restarts, p.All)},
		{title: "Not reached: the " + p.Operation + " fails first", groups: p.gatherTitles(missed), short: true},
		{title: others, groups: reporting.Groups(plain, p.All), brief: p.gatherTitles(plain)},
		{title: "In crds/, which no upgrade touches", groups: p.gatherTitles(left), short: true},
		{title: "Hidden", groups: reporting.Groups(hidden, p.All)},
	}
}

// stage orders findings by when they take effect: what fails the upgrade before anything
// changes, what fails it part-way, everything else.
func stage(set *change.Set, c *change.Change) int {
	switch {
	case c.Outcome.Upfront:
		return 0
	case set.Stops(c):
		return 1
	default:
		return 2
	}
}

// section prints changes, one block for each group. Blocks of one line have no blank line
// between them.
func (p *Page) section(s *section) {
	if len(s.groups) == 0 {
		return
	}
	list := s.groups
	gathered := p.room.gather && !p.All && s.brief != nil
	if gathered {
		list = s.brief
	}
	p.under(s.title, p.blocks(list, s.short || gathered))
}

// under prints text below a title, or after the title if the text is a single line. There
// is no blank line between parts of one line, with or without a title.
func (p *Page) under(title, text string) {
	single := p.room != (Room{}) && strings.Count(text, "\n") == 1
	if !single || !p.single {
		p.line()
	}
	p.single = single
	switch {
	case single && title != "":
		p.Out.WriteString(p.Strong(title) + ": ")
	case title != "":
		p.line(p.Strong(title))
	}
	p.Out.WriteString(text)
}

// blocks returns one block for each group. short says that a group of several objects has
// one line.
func (p *Page) blocks(list []reporting.Group, short bool) string {
	var b strings.Builder
	apart := false
	list, secrets := p.withoutSecrets(list)
	for i, g := range list {
		block := Page{Styles: p.Styles, All: p.All, Operation: p.Operation, room: p.room, hinted: p.hinted, FailOn: p.FailOn, Going: p.Going}
		switch {
		case short && (len(g) > 1 || len(g[0].Findings) > 0 || g[0].Outcome.Unreached || g[0].Op == change.Leave):
			block.brief(g)
		case reporting.Routine(g[0]):
			block.restart(g)
		case p.oneLine(g[0]):
			block.plain(g)
		default:
			block.group(g)
		}
		long := strings.Count(block.Out.String(), "\n") > 1
		if i > 0 && (long || apart) {
			b.WriteByte('\n')
		}
		apart = long
		b.WriteString(block.Out.String())
		p.shorter = p.shorter || block.shorter
	}
	return b.String() + p.secrets(secrets)
}

// withoutSecrets removes the groups in which only values of a Secret change, if one line
// covers all of them.
func (p *Page) withoutSecrets(list []reporting.Group) (others, secrets []reporting.Group) {
	for _, g := range list {
		if p.oneLine(g[0]) && !p.room.gather && changesSecrets(g[0]) {
			secrets = append(secrets, g)
		} else {
			others = append(others, g)
		}
	}
	if len(secrets) < 2 {
		return list, nil
	}
	return others, secrets
}

// changesSecrets reports whether an object changes only in values that are not shown.
func changesSecrets(c *change.Change) bool {
	return c.Ref.Kind == "Secret" && c.Op == change.Update && len(c.Outcome.Ignored) == 0 && c.Hook == nil && !slices.ContainsFunc(c.Edits, func(e change.Edit) bool {
		return reporting.Shows(c, &e, false) && (!e.Old.Secret() || !e.New.Secret() || len(e.Watchers) > 0 || len(e.Path) != 2)
	})
}

// secrets says in one line which values of which Secrets change.
func (p *Page) secrets(list []reporting.Group) string {
	if len(list) == 0 {
		return ""
	}
	var parts []string
	for _, g := range list {
		var keys []string
		for _, e := range p.Merged(g) {
			keys = append(keys, reporting.Printable(e.Path[1].Field))
		}
		parts = append(parts, p.Strong(reporting.GroupNames(g, p.All))+" ("+strings.Join(keys, ", ")+")")
	}
	line := Page{Styles: p.Styles}
	line.line(string(change.Update), " ", p.Strong("Secret "), strings.Join(parts, ", "))
	return line.Out.String()
}

// oneLine reports whether there is room for only one line about a change.
func (p *Page) oneLine(c *change.Change) bool {
	return !p.All && p.room != Room{} && p.room.plain == 0 && len(c.Findings)+len(c.Accepted) == 0
}

// gatherTitles puts changes together about which a page says the same if their edits do not
// fit.
func (p *Page) gatherTitles(changes []*change.Change) []reporting.Group {
	return reporting.Gather(changes, func(c *change.Change) reporting.Signature {
		said := []string{string(c.Op), reporting.KindBefore(c), p.Meaning(c), strings.Join(reporting.PodLines(c), "\n"), strings.Join(c.Outcome.Ignored, "\n")}
		for i := range c.Findings {
			said = append(said, c.Findings[i].Rule, reporting.Anonymous(c.Findings[i].Message, c))
		}
		if c.Outcome.Pods != nil && len(c.Findings) > 0 {
			said = append(said, reporting.Anonymous(c.Outcome.Pods.Cause, c))
		}
		return sha256.Sum256([]byte(strings.Join(said, "\x00")))
	})
}
