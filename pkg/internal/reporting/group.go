package reporting

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// Group holds changes that a reader would call one change: the same happens to every object
// for the same reason. The order is that of the set.
type Group []*change.Change

// maxVariants is how many groups may differ only in numbers before they become one. A
// handful is shown in full, but a change that only follows the numbers in the names of
// objects is not shown a thousand times.
const maxVariants = 3

// Groups puts equal changes together. Each group stands where its first member stood. It
// takes time linear in the size of the changes.
func Groups(changes []*change.Change, hidden bool) []Group {
	equal := Gather(changes, func(c *change.Change) Signature {
		return Sign(c, hidden, func(s string) string { return Anonymous(s, c) })
	})
	firsts := make([]*change.Change, len(equal))
	members := make(map[*change.Change]Group, len(equal))
	for i, g := range equal {
		firsts[i] = g[0]
		members[g[0]] = g
	}
	alike := Gather(firsts, func(c *change.Change) Signature {
		return Sign(c, hidden, func(s string) string { return Numberless(Anonymous(s, c)) }, Numberless(c.Ref.Name))
	})
	var out []Group
	for _, variants := range alike {
		if len(variants) <= maxVariants {
			for _, first := range variants {
				out = append(out, members[first])
			}
			continue
		}
		var merged Group
		for _, first := range variants {
			merged = append(merged, members[first]...)
		}
		slices.SortStableFunc(merged, func(a, b *change.Change) int { return natural(a.Ref.Name, b.Ref.Name) })
		out = append(out, merged)
	}
	return out
}

// Gather collects changes with the same signature, in the order of the first ones.
func Gather(changes []*change.Change, sign func(*change.Change) Signature) []Group {
	var out []Group
	place := make(map[Signature]int, len(changes))
	for _, c := range changes {
		s := sign(c)
		i, known := place[s]
		if !known {
			i = len(out)
			place[s] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], c)
	}
	return out
}

// Signature is equal for changes about which a report would print the same.
type Signature [sha256.Size]byte

// Sign computes the signature of a change. normal removes from each text what may differ.
// The signature does not include the name of the object. more is what else must be equal, as it is.
func Sign(c *change.Change, hidden bool, normal func(string) string, more ...string) Signature {
	var b bytes.Buffer
	put := func(texts ...string) {
		for _, text := range texts {
			text = normal(text)
			fmt.Fprintf(&b, "%d:%s", len(text), text)
		}
	}
	paths := func(list []fieldpath.Path) {
		for _, path := range list {
			put(path.String())
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%q\n", more)
	if Routine(c) {
		b.WriteString("routine\n")
		put(Rollout(c), c.Outcome.Pods.Cause, c.Findings[0].Rule)
		shownEdits(c, hidden, put)
		return sha256.Sum256(b.Bytes())
	}
	fmt.Fprintf(&b, "%q %q %q %t %t\n", c.Op, c.Ref.Group, c.Ref.Kind, c.Hidden(), c.Outcome.Unreached)
	if r := c.Renamed; r != nil {
		fmt.Fprintf(&b, "%q %q %q %t\n", r.Old.Kind, r.Old.Namespace, r.New.Namespace, r.Stays)
	}
	if c.Hook != nil {
		fmt.Fprintf(&b, "hook %q %t\n", c.Hook.Events, c.Hook.Runs)
	}
	for _, e := range c.Outcome.Refused {
		put(e.Field, e.Message)
	}
	b.WriteByte('\n')
	put(c.Outcome.Ignored...)
	b.WriteByte('\n')
	put(PodLines(c)...)
	b.WriteByte('\n')
	for i := range c.Findings {
		f := &c.Findings[i]
		put(f.Rule, f.Message, f.Hint, string(f.Risk), string(f.Was))
		paths(f.Paths)
	}
	for i := range c.Accepted {
		a := &c.Accepted[i]
		put(a.Rule, a.Message, a.By, a.Reason, a.Until)
	}
	if c.Outcome.Pods != nil {
		put(c.Outcome.Pods.Cause)
	}
	shownEdits(c, hidden, put)
	return sha256.Sum256(b.Bytes())
}

func shownEdits(c *change.Change, hidden bool, put func(...string)) {
	if c.Because != nil {
		put(c.Because.String())
	}
	for i := range c.Edits {
		if e := &c.Edits[i]; Shows(c, e, hidden) {
			put(e.Path.String(), e.Noise, strconv.FormatBool(e.Rotates))
			put(KindOf(e.Old), e.Old.Text(), KindOf(e.New), e.New.Text())
			put(e.Watchers...)
			if e.Because != nil {
				put(e.Because.String())
			}
		}
	}
}

// Mixed reports whether a group holds workloads of several kinds.
func Mixed(g Group) bool {
	return slices.ContainsFunc(g, func(c *change.Change) bool { return c.Ref.Kind != g[0].Ref.Kind || c.Ref.Group != g[0].Ref.Group })
}

// KindOf distinguishes values that look the same as text: nothing, "1" and 1.
func KindOf(v change.Value) string { return fmt.Sprintf("%t %T", v.Present(), v.Shown()) }

// Nameless returns text without the object's own name, where the name is a word or is
// joined to other words, for example by dashes.
func Nameless(text, name string) string {
	if name == "" || !strings.Contains(text, name) {
		return text
	}
	var b strings.Builder
	for i := 0; ; {
		at := strings.Index(text[i:], name)
		if at < 0 {
			b.WriteString(text[i:])
			return b.String()
		}
		from, to := i+at, i+at+len(name)
		if from > 0 && wordy(text[from-1]) || to < len(text) && wordy(text[to]) {
			b.WriteString(text[i:to])
		} else {
			b.WriteString(text[i:from])
			b.WriteByte(0)
		}
		i = to
	}
}

func wordy(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// Numberless returns text with a single 0 in place of every number.
func Numberless(text string) string {
	out := make([]byte, 0, len(text))
	for i := range len(text) {
		isDigit := text[i] >= '0' && text[i] <= '9'
		switch {
		case !isDigit:
			out = append(out, text[i])
		case i == 0 || text[i-1] < '0' || text[i-1] > '9':
			out = append(out, '0')
		}
	}
	return string(out)
}

// minRun is how many numbered names are written as "first … last".
const minRun = 3

// maxNames is the maximum number of names in a title or a notice.
const maxNames = 8

// Named is an object as a report names it.
type Named struct{ Namespace, Name string }

// String is the name, after the namespace if there is one.
func (n Named) String() string {
	if n.Namespace == "" {
		return n.Name
	}
	return n.Namespace + "/" + n.Name
}

// Names lists objects. Names that differ only in their numbers are written as the first and
// the last one. If there are many others, the first few are listed and the rest counted,
// unless all are requested.
func Names(objects []Named, all bool) string {
	var runs [][]Named
	place := map[Named]int{}
	for _, o := range objects {
		pattern := Named{o.Namespace, Numberless(o.Name)}
		i, known := place[pattern]
		if !known {
			i = len(runs)
			place[pattern] = i
			runs = append(runs, nil)
		}
		runs[i] = append(runs[i], o)
	}
	var items []string
	left, namespace := 0, ""
	name := func(o Named) string {
		if o.Namespace == namespace {
			return o.Name
		}
		namespace = o.Namespace
		return o.String()
	}
	for _, run := range runs {
		slices.SortFunc(run, func(a, b Named) int { return natural(a.Name, b.Name) })
		if !all && len(items) >= maxNames {
			left += len(run)
			continue
		}
		if len(run) >= minRun && run[0] != run[len(run)-1] {
			items = append(items, name(run[0])+" … "+run[len(run)-1].Name)
			continue
		}
		for _, o := range run {
			items = append(items, name(o))
		}
	}
	if left > 0 {
		items = append(items, fmt.Sprintf("… %d more", left))
	}
	return Printable(strings.Join(items, ", "))
}

// natural compares names that differ only in their numbers, by value: a number with more
// digits is greater.
func natural(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// GroupNames names the objects of a group, without their kind.
func GroupNames(g Group, all bool) string {
	objects := make([]Named, len(g))
	for i, c := range g {
		name := c.Ref.Name
		if o := Standing(c); name == "" && o != nil {
			name = o.GenerateName + "*"
		}
		objects[i] = Named{c.Ref.Namespace, name}
		if c.Renamed != nil {
			objects[i] = Named{c.Renamed.Old.Namespace, RenamedName(c)}
		}
	}
	return Names(objects, all)
}
