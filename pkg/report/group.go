package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// group is a run of changes that say the same of different objects. A report
// shows it once.
type group struct {
	changes []*change.Change
}

func (g *group) first() *change.Change { return g.changes[0] }

// grouped folds equal changes into groups, in the order of their first members.
// Two changes are equal if nothing but the objects' own names tells them apart.
func grouped(changes []*change.Change, showHidden bool) []*group {
	var groups []*group
	byKey := make(map[string]*group, len(changes))
	for _, c := range changes {
		k := groupKey(c, showHidden)
		g := byKey[k]
		if g == nil {
			g = &group{}
			byKey[k] = g
			groups = append(groups, g)
		}
		g.changes = append(g.changes, c)
	}
	return groups
}

// groupKey writes down all that a report shows of a change, with its name left
// open.
func groupKey(c *change.Change, showHidden bool) string {
	var b strings.Builder
	put := func(parts ...string) {
		for _, p := range parts {
			if c.Ref.Name != "" {
				p = strings.ReplaceAll(p, c.Ref.Name, "\x00")
			}
			b.WriteString(p)
			b.WriteByte('\x01')
		}
	}
	b.WriteString(string(c.Op) + "\x01" + c.Ref.APIVersion() + "\x01" + c.Ref.Kind + "\x01" + c.Ref.Namespace + "\x01")
	for i := range c.Findings {
		put(c.Findings[i].Rule, c.Findings[i].Message)
	}
	for _, e := range c.Outcome.Refused {
		put(e.String())
	}
	put(c.Outcome.Ignored...)
	if c.Hook != nil {
		put(hookText(c.Hook))
	}
	for i := range c.Edits {
		e := &c.Edits[i]
		if e.Noise != "" && !showHidden {
			continue
		}
		put(e.Path.String(), valueKey(e.Old), valueKey(e.New), e.Noise)
	}
	return b.String()
}

// valueKey tells values apart, secret ones too: two Secrets that change in the
// same key are shown alike.
func valueKey(v change.Value) string {
	if !v.Present() {
		return "\x02"
	}
	return v.Text()
}

// title names the objects of a group: "Deployment prod/web", or "Job ×333
// prod/migrate-0 … migrate-332".
func (g *group) title() string {
	c := g.first()
	if len(g.changes) == 1 {
		return c.Ref.String()
	}
	low, high := c.Ref.Name, c.Ref.Name
	for _, other := range g.changes[1:] {
		if natural(other.Ref.Name, low) < 0 {
			low = other.Ref.Name
		}
		if natural(other.Ref.Name, high) > 0 {
			high = other.Ref.Name
		}
	}
	place := ""
	if c.Ref.Namespace != "" {
		place = c.Ref.Namespace + "/"
	}
	separator := " … "
	if len(g.changes) == 2 {
		separator = ", "
	}
	return fmt.Sprintf("%s ×%d %s%s%s%s", c.Ref.Kind, len(g.changes), place, low, separator, high)
}

// natural compares names as people do: numbers in them count as numbers.
func natural(a, b string) int {
	for a != "" && b != "" {
		da, db := digits(a), digits(b)
		if da > 0 && db > 0 {
			na, errA := strconv.Atoi(a[:da])
			nb, errB := strconv.Atoi(b[:db])
			if errA == nil && errB == nil && na != nb {
				return na - nb
			}
			if a[:da] != b[:db] {
				return strings.Compare(a[:da], b[:db])
			}
			a, b = a[da:], b[db:]
			continue
		}
		if a[0] != b[0] {
			return int(a[0]) - int(b[0])
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
