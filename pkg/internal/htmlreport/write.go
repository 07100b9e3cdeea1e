package htmlreport

import (
	"crypto/sha256"
	_ "embed" // for the parts of the page
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed page.html
var layout string

//go:embed style.css
var style string

//go:embed script.js
var script string

// Write prints a page of at most limit bytes, 0 for any number. It first leaves out the
// edits of the least harmful objects, then objects, and counts both.
func Write(w io.Writer, p *Page, limit int) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"join": strings.Join, "upper": strings.ToUpper, "plural": plural, "tone": tone, "sign": signName,
	}).Parse(layout)
	if err != nil {
		return err
	}
	d := document{
		Page:   p,
		Style:  template.HTML("<style>" + style + "</style>"),    //nolint:gosec // our own text
		Script: template.HTML("<script>" + script + "</script>"), //nolint:gosec // our own text
		Policy: "default-src 'none'; base-uri 'none'; form-action 'none'; style-src '" + hash(style) + "'; script-src '" + hash(script) + "'",
		Kinds:  collect(p, func(o *Object) []string { return o.Kinds }), Namespaces: collect(p, func(o *Object) []string { return o.Namespaces }),
		Classes: classes(p), Parts: make([]part, len(p.Parts)),
	}
	room := limit / 2
	for i := range p.Parts {
		d.Parts[i] = part{Part: &p.Parts[i], Number: i + 1}
		used, err := d.Parts[i].picture(t, limit > 0, room/(len(p.Parts)-i))
		if err != nil {
			return err
		}
		room -= used
	}
	var bare strings.Builder
	if err := t.Execute(&bare, &d); err != nil {
		return err
	}
	left := limit - bare.Len() - roomForCuts
	for i := range d.Parts {
		used, err := d.Parts[i].fill(t, limit > 0, left/(len(d.Parts)-i))
		if err != nil {
			return err
		}
		left -= used
	}
	return t.Execute(w, &d)
}

// roomForCuts is reserved for the text that says what was cut.
const roomForCuts = 4_096

// document is the input of the template.
type document struct {
	*Page
	Style, Script              template.HTML
	Policy                     string
	Classes, Kinds, Namespaces []string
	Parts                      []part
}

// part is a part with as many objects as fit.
type part struct {
	*Part
	Number   int
	Rendered []template.HTML
	// Course and Reach are the two drawings. Undrawn says that one does not fit.
	Course, Reach template.HTML
	Undrawn       bool
	// Cut is how many objects are left out, Shorter how many are shown without their edits.
	Cut, Shorter int
}

// picture draws the drawings that fit, and returns how many bytes they take.
func (p *part) picture(t *template.Template, bounded bool, room int) (used int, err error) {
	for _, one := range []struct {
		name string
		to   *template.HTML
		draw func() any
	}{
		{"timeline", &p.Course, func() any { return p.course() }},
		{"graph", &p.Reach, func() any { return p.reach() }},
	} {
		data := one.draw()
		if data == nil {
			continue
		}
		text, err := fragment(t, one.name, data)
		if err != nil {
			return 0, err
		}
		if bounded && used+len(text) > room {
			p.Undrawn = true
			continue
		}
		used += len(text)
		*one.to = text
	}
	return used, nil
}

// course is the timeline as input of the template; nil for none.
func (p *part) course() any {
	if p.Timeline == nil || len(p.Timeline.Columns) == 0 {
		return nil
	}
	return struct {
		*Timeline
		Drawing *drawing
	}{p.Timeline, p.Timeline.draw()}
}

// reach is the graph as input of the template; nil for none.
func (p *part) reach() any {
	if p.Graph == nil || len(p.Graph.Ties) == 0 {
		return nil
	}
	d, words, left := p.Graph.draw(p.id)
	return struct {
		Drawing *drawing
		Words   []string
		Left    int
	}{d, words, left}
}

// fragment renders a part of the page.
func fragment(t *template.Template, name string, data any) (template.HTML, error) {
	var b strings.Builder
	err := t.ExecuteTemplate(&b, name, data)
	return template.HTML(b.String()), err //nolint:gosec // the template has escaped it
}

// numbered is an object and the ID that links use.
type numbered struct {
	*Object
	ID string
}

// fill renders as many objects as fit, and returns how many bytes they take.
func (p *part) fill(t *template.Template, bounded bool, room int) (used int, err error) {
	for i := range p.Objects {
		o := p.Objects[i]
		text, err := fragment(t, "object", numbered{&o, p.id(i)})
		if err != nil {
			return 0, err
		}
		if n := len(o.Edits) + len(o.Rest); bounded && n > 0 && (p.Shorter > 0 || used+len(text) > room-briefRoom*(len(p.Objects)-i-1)) {
			o.More, o.Edits, o.Rest = plural(n, "edit")+" not shown here", nil, nil
			p.Shorter++
			if text, err = fragment(t, "object", numbered{&o, p.id(i)}); err != nil {
				return 0, err
			}
		}
		if bounded && used+len(text) > room {
			p.Cut = len(p.Objects) - i
			break
		}
		used += len(text)
		p.Rendered = append(p.Rendered, text)
	}
	return used, nil
}

// briefRoom is reserved for each object that follows, so that it can be named.
const briefRoom = 512

// id returns the ID of an object for links.
func (p *part) id(i int) string { return fmt.Sprintf("o%d-%d", p.Number, i+1) }

// hash returns the hash of a text for a content security policy.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// collect lists a property of all objects, each value once, in the order of the page.
func collect(p *Page, of func(*Object) []string) []string {
	var list []string
	seen := map[string]bool{}
	for i := range p.Parts {
		for j := range p.Parts[i].Objects {
			for _, name := range of(&p.Parts[i].Objects[j]) {
				if name != "" && !seen[name] {
					seen[name] = true
					list = append(list, name)
				}
			}
		}
	}
	return list
}

// noClass replaces the class of an object without a finding.
const noClass = "no finding"

func classes(p *Page) []string {
	return collect(p, func(o *Object) []string {
		if len(o.Classes) == 0 {
			return []string{noClass}
		}
		return o.Classes
	})
}

// tone says how bad a class or a verdict looks.
func tone(name string) string {
	switch name {
	case "error", "fails", "risky", "rejected", "data-loss", "outage", "stuck", "unapplied", "policy", "downtime":
		return "bad"
	case "undecided", "rolls", "restart", "stale", "exposure", "version":
		return "warn"
	case "changes", "nothing":
		return "good"
	default:
		return "plain"
	}
}

func signName(sign string) string {
	switch sign {
	case "+":
		return "add"
	case "-":
		return "del"
	case "@":
		return "at"
	default:
		return "same"
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
