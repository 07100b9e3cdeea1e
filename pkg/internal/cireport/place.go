package cireport

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/safetext"
)

// place is where a finding belongs in the user's files.
type place struct {
	file string // "" if there is no such file
	line int    // counted from 1
}

// finding is one finding of a set, with what formats for code reviews say about it.
type finding struct {
	*change.Finding
	about *change.Change
	at    place
	// fails says that the finding is of a class that makes the verdict risky.
	fails bool
	// accepted says who has accepted the finding; nil if nobody has.
	accepted *change.Accepted
	cause    cause
}

// placed returns all findings of a set, including accepted ones, in its order, each with
// its place.
func placed(set *change.Set, opt Options) []finding {
	var list []finding
	drafts := map[string]*draft{}
	add := func(c *change.Change, f *change.Finding, fails bool, a *change.Accepted) {
		list = append(list, finding{f, c, placeOfFinding(c, f, opt, drafts), fails, a, causeOf(c, f, &opt.Options)})
	}
	for i := range set.Changes {
		c := &set.Changes[i]
		for j := range c.Findings {
			add(c, &c.Findings[j], opt.fails(c, &c.Findings[j]), nil)
		}
		for j := range c.Accepted {
			add(c, &c.Accepted[j].Finding, false, &c.Accepted[j])
		}
	}
	return list
}

// placeOfFinding finds the line of the field that causes a finding, in the file that makes
// the object. Without such a file, the place is the template that Helm names.
//
// The chart says which template that is, so a path that leads out of the folder in which
// the program runs is ignored.
func placeOfFinding(c *change.Change, f *change.Finding, opt Options, drafts map[string]*draft) place {
	o := reporting.Standing(c)
	if o == nil {
		return place{line: 1}
	}
	if c.Op == change.Configure { // where the values are given
		for _, e := range f.Evidence {
			if e.What == change.GivenAt && len(e.Names) > 0 {
				return placeOfKey(change.KeyPlace{Name: e.Names[0], Line: e.Count}, &opt.Options)
			}
		}
		return place{line: 1}
	}
	if c.Op == change.Amend { // of the policy, which makes no object
		return place{file: o.Source, line: 1}
	}
	file, text := "", ""
	if opt.Locate != nil {
		file, text = opt.Locate(o)
	}
	inside := safetext.RepositoryPath(file)
	if inside == "" {
		return place{file: safetext.RepositoryPath(o.Source), line: 1}
	}
	d := drafts[file]
	if d == nil {
		d = newDraft(text)
		drafts[file] = d
	}
	return place{file: inside, line: d.line(c.Ref, toBlame(c, f))}
}

// toBlame returns the field that causes a finding. For a rejection, it is what was edited
// in the field that the API server names. It is empty if none is known.
func toBlame(c *change.Change, f *change.Finding) fieldpath.Path {
	if len(f.Paths) > 0 {
		return f.Paths[0]
	}
	if f.Risk != change.Rejected || len(c.Outcome.Refused) == 0 {
		return nil
	}
	refused, err := fieldpath.Parse("." + c.Outcome.Refused[0].Field)
	if err != nil {
		return nil
	}
	for i := range c.Edits {
		if c.Edits[i].Path.Overlaps(refused) {
			return c.Edits[i].Path
		}
	}
	return refused
}

// object names the object that a finding is about.
func (f *finding) object() string {
	return f.about.Ref.Kind + " " + reporting.GroupNames(reporting.Group{f.about}, true)
}

// sentence is the finding in one line.
func (f *finding) sentence() string {
	return reporting.Printable(fmt.Sprintf("%s: %s %s: %s", f.Risk, f.about.Op, f.object(), f.Message))
}

// fingerprint is equal for the same rule about the same fields of the same object, whatever
// their values are and wherever the template is.
func (f *finding) fingerprint() string {
	ref := f.about.Ref
	parts := []string{f.Rule, ref.Group, ref.Kind, ref.Namespace, ref.Name}
	if o := reporting.Standing(f.about); o != nil {
		parts = append(parts, o.GenerateName)
	}
	for _, path := range f.Paths {
		parts = append(parts, path.String())
	}
	for _, e := range f.Evidence {
		if e.What == change.GivenKey { // of values, which have no fields
			parts = append(parts, e.Names...)
		}
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// draft is a file that makes objects: YAML, or a template of it. It cannot be parsed before
// it is rendered, so this code looks at its lines as a reader would.
type draft struct {
	lines     []string
	documents []yamlDocument
}

// yamlDocument is a part of a draft that begins with an object's kind.
type yamlDocument struct {
	kind     string
	from, to int      // its lines
	at       int      // the line of its kind
	name     []string // the parts of its name that are not templated
}

var (
	kindLine   = regexp.MustCompile(`^kind:\s*["']?([A-Za-z0-9]+)`)
	nameLine   = regexp.MustCompile(`^\s+(?:- )?name:\s*(.*)$`)
	inlineName = regexp.MustCompile(`^metadata:\s*\{.*\bname:\s*([^,}]+)`)
	action     = regexp.MustCompile(`\{\{.*?\}\}`)
)

func newDraft(text string) *draft {
	d := &draft{lines: strings.Split(text, "\n")}
	from := 0
	for i := 0; i <= len(d.lines); i++ {
		if i < len(d.lines) && !strings.HasPrefix(d.lines[i], "---") {
			continue
		}
		if doc, ok := d.document(from, i); ok {
			d.documents = append(d.documents, doc)
		}
		from = i + 1
	}
	return d
}

// document looks for kind and name in a range of lines.
func (d *draft) document(from, to int) (yamlDocument, bool) {
	doc := yamlDocument{from: from, to: to, at: -1}
	metadata := false
	for i := from; i < to; i++ {
		line := d.lines[i]
		if m := kindLine.FindStringSubmatch(line); m != nil && doc.at < 0 {
			doc.kind, doc.at = m[1], i
		}
		if m := inlineName.FindStringSubmatch(line); m != nil {
			doc.name = fragments(m[1])
		}
		if indentOf(line) == 0 && yamlKey(line) != "" {
			metadata = yamlKey(line) == "metadata"
		}
		if m := nameLine.FindStringSubmatch(line); m != nil && metadata && doc.name == nil {
			doc.name = fragments(m[1])
		}
	}
	return doc, doc.at >= 0
}

// fragments are the parts of a value that are literal text.
func fragments(value string) []string {
	parts := action.Split(strings.TrimSpace(value), -1)
	for i := range parts {
		parts[i] = strings.Trim(parts[i], `"'`)
	}
	return parts
}

// fits returns how many letters of a name are literally in the document; -1 if the document
// cannot have that name.
func (doc *yamlDocument) fits(name string) int {
	n, rest := 0, name
	for i, part := range doc.name {
		at := strings.Index(rest, part)
		last := i == len(doc.name)-1
		if at < 0 || i == 0 && at > 0 || last && !strings.HasSuffix(rest, part) || last && i == 0 && rest != part {
			return -1
		}
		rest = rest[at+len(part):]
		n += len(part)
	}
	return n
}

// line finds the line of a field of an object, or of the nearest field around it that
// exists, or of the object; 1 if it finds none.
func (d *draft) line(ref manifest.Ref, path fieldpath.Path) int {
	best, most := -1, -1
	for i := range d.documents {
		doc := &d.documents[i]
		if doc.kind != ref.Kind {
			continue
		}
		if n := doc.fits(ref.Name); n > most {
			best, most = i, n
		}
	}
	if best < 0 {
		return 1
	}
	doc := d.documents[best]
	at, from, to, indent := doc.at, doc.from, doc.to, -1
	for _, step := range path {
		if step.Field == "" {
			// An item whose name is rendered is not found. Its list is searched then.
			if i := d.item(step, from, to); i >= 0 {
				at, from = i, d.begin(i, from)
				to = d.end(i, to, false)
				indent = indentOf(d.lines[i]) - 1
			}
			continue
		}
		i := d.field(step.Field, from, to, indent)
		if i < 0 {
			break
		}
		at, from, to, indent = i, i+1, d.end(i, to, true), indentOf(d.lines[i])
	}
	return at + 1
}

// field looks for a key among the lines that are indented more than indent. It returns the
// one with the least indentation.
func (d *draft) field(key string, from, to, indent int) int {
	found := -1
	for i := from; i < to; i++ {
		line := d.lines[i]
		if yamlKey(line) == key && indentOf(line) > indent && (found < 0 || indentOf(line) < indentOf(d.lines[found])) {
			found = i
		}
	}
	return found
}

// item looks for the line that names an item of a list.
func (d *draft) item(step fieldpath.Element, from, to int) int {
	for i := from; i < to; i++ {
		for _, key := range step.Keys {
			_, value, _ := strings.Cut(d.lines[i], ":")
			if yamlKey(d.lines[i]) == key.Name && slices.Equal(fragments(value), []string{key.Value}) {
				return i
			}
		}
	}
	return -1
}

// begin returns the first line of the list item that contains line i.
func (d *draft) begin(i, from int) int {
	for j := i; j >= from; j-- {
		if strings.HasPrefix(strings.TrimSpace(d.lines[j]), "- ") && indentOf(d.lines[j]) == indentOf(d.lines[i]) {
			return j
		}
	}
	return i
}

// end returns where the block that starts at line i ends: at the next line with less
// indentation or, for a field, with the same indentation, unless that is an item of its
// list.
func (d *draft) end(i, to int, field bool) int {
	indent := indentOf(d.lines[i])
	for j := i + 1; j < to; j++ {
		line := strings.TrimSpace(d.lines[j])
		if line == "" || strings.HasPrefix(line, "{{") || strings.HasPrefix(line, "#") {
			continue
		}
		column := len(d.lines[j]) - len(strings.TrimLeft(d.lines[j], " "))
		if column < indent || field && column == indent && !strings.HasPrefix(line, "- ") {
			return j
		}
	}
	return to
}

// indentOf is the column of the key in a line, after the dash of a list item.
func indentOf(line string) int {
	return len(line) - len(strings.TrimLeft(line, " -"))
}

// yamlKey is the key in a line of YAML; "" if there is none.
func yamlKey(line string) string {
	key, _, found := strings.Cut(strings.TrimLeft(line, " -"), ":")
	if !found {
		return ""
	}
	return strings.Trim(strings.TrimSpace(key), `"'`)
}
