// Package upgradepage says on one HTML page what an upgrade does. Package htmlreport draws
// the page.
package upgradepage

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/htmlreport"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/textreport"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// MaxHTMLBytes is the maximum length of an HTML report, unless everything is requested. A
// page of this size opens at once, and can be sent by mail.
const MaxHTMLBytes = 300_000

// Write prints one page for the person who approves the upgrade: the verdict, the
// objects that change, worst first, each of which unfolds, and what was not judged.
func Write(w io.Writer, set *change.Set, opt reporting.Options) error {
	h := newHTMLMaker(&opt)
	sum := set.Summary()
	part, verdict := h.part(set, opt.FailOn), set.Verdict(opt.FailOn)
	page := h.start(titleOf(&set.Release), verdict, h.Counted(verdict, set, &sum, opt.FailOn))
	page.About, part.About = part.About, nil
	page.Parts = []htmlreport.Part{part}
	if !opt.Part {
		page.Exit = reporting.ExitLine(&opt, reporting.VerdictOn{Set: set, FailOn: opt.FailOn})
	}
	return h.write(w, page)
}

// WriteCharts prints one page about all charts: a table of charts and value sets, then a
// part for each chart about which there is something to say.
func WriteCharts(w io.Writer, charts *change.Charts, opt reporting.Options) error {
	h := newHTMLMaker(&opt)
	page := h.start("charts", charts.Verdict(), textreport.ChartsCounted(charts))
	if rows := textreport.ChartRows(charts); len(rows) > 0 {
		page.Table = &htmlreport.Table{Columns: textreport.ChartColumns(charts), Rows: rows}
	}
	opt.Color = false
	for _, f := range textreport.Folds(charts, opt, textreport.Room{}) {
		one := f.Cases[0]
		part := h.part(&one.Set, one.FailOn)
		part.Title, part.Verdict = f.Title(), string(one.Set.Verdict(one.FailOn))
		page.Parts = append(page.Parts, part)
	}
	page.Exit = reporting.ExitLine(&opt, textreport.CasesOf(charts)...)
	return h.write(w, page)
}

// WriteReleases prints one page about several releases: a table of them, then a part
// for each release about which there is something to say.
func WriteReleases(w io.Writer, list []change.Judged, opt reporting.Options) error {
	h := newHTMLMaker(&opt)
	verdict, sentence := textreport.OverallOf(list)
	page := h.start("releases", verdict, sentence)
	page.Table = &htmlreport.Table{Columns: []string{"release", "file", "verdict", "found", "objects"}}
	for i := range list {
		j := &list[i]
		if j.Failure != nil {
			page.Table.Rows = append(page.Table.Rows, []string{reporting.Printable(j.Name()), reporting.Printable(j.File), reporting.NotJudged, reporting.Printable(j.Failure.Reason), ""})
			continue
		}
		sum := j.Set.Summary()
		page.Table.Rows = append(page.Table.Rows, []string{reporting.Printable(j.Name()), reporting.Printable(j.File), strings.ToUpper(string(j.Verdict())), textreport.FoundIn(&sum), textreport.Plan(&sum)})
		if len(j.Set.Changes) == 0 && !j.Telling() {
			continue
		}
		part := h.part(j.Set, j.FailOn)
		part.Title, part.Verdict = reporting.Printable(j.Name()), string(j.Verdict())
		if j.Moved != "" {
			part.About = append([]string{"moved: " + reporting.Printable(j.Moved)}, part.About...)
		}
		page.Parts = append(page.Parts, part)
	}
	page.Exit = textreport.ReleasesExit(list, &opt)
	return h.write(w, page)
}

// htmlMaker makes the parts of an HTML report.
type htmlMaker struct {
	textreport.Page
	opt   *reporting.Options
	rules map[string]*change.RuleText
}

func newHTMLMaker(opt *reporting.Options) *htmlMaker {
	h := &htmlMaker{Page: textreport.Page{Styles: reporting.StylesFor(false), All: opt.ShowHidden}, opt: opt, rules: map[string]*change.RuleText{}}
	for i := range opt.Rules {
		h.rules[opt.Rules[i].ID] = &opt.Rules[i]
	}
	return h
}

// start returns a page without its parts.
func (h *htmlMaker) start(title string, verdict change.Verdict, sentence string) *htmlreport.Page {
	p := &htmlreport.Page{Title: strings.ToUpper(string(verdict)) + " " + title, Verdict: string(verdict), Sentence: sentence, Maker: "helm safe-diff"}
	if h.opt.Version != "" {
		p.Maker += " " + reporting.Printable(h.opt.Version)
	}
	return p
}

func (h *htmlMaker) write(w io.Writer, page *htmlreport.Page) error {
	limit := MaxHTMLBytes
	if h.All {
		limit = 0
	}
	return htmlreport.Write(w, page, limit)
}

// titled returns the lines that write prints, the first of which is the title; false if it
// prints nothing.
func (h *htmlMaker) titled(write func(*textreport.Page)) (note htmlreport.Note, some bool) {
	q := textreport.Page{Styles: h.Styles, All: h.All, Operation: h.Operation}
	write(&q)
	for line := range strings.Lines(q.Out.String()) {
		switch line = strings.TrimSpace(line); {
		case line == "":
		case note.Title == "":
			note.Title = line
		default:
			note.Lines = append(note.Lines, line)
		}
	}
	return note, note.Title != ""
}

// part is everything about one upgrade.
func (h *htmlMaker) part(set *change.Set, failOn change.FailOn) htmlreport.Part {
	h.Operation, h.FailOn = string(cmp.Or(set.Release.Operation, change.Upgrade)), failOn
	sum := set.Summary()
	head, _ := h.titled(func(q *textreport.Page) { q.Head(set, &sum, failOn) })
	part := htmlreport.Part{About: head.Lines}
	told := h.perObject(set)
	var list, shown, hidden []*change.Change
	list, h.Going = reporting.Join(set)
	for _, c := range list {
		if !c.Hidden() || c.Renamed != nil {
			shown = append(shown, c)
		} else if h.All {
			hidden = append(hidden, c)
		}
	}
	place := map[manifest.Ref]int{}
	for i, g := range slices.Concat(reporting.Groups(shown, h.All), reporting.Groups(hidden, h.All)) {
		for _, c := range g {
			place[c.Ref] = i
			if old := h.Going[c]; old != nil {
				place[old.Ref] = i
			}
		}
		part.Objects = append(part.Objects, h.object(g, told))
	}
	foldMany(part.Objects)
	part.Timeline, part.Graph = h.timeline(set), h.graph(set, list, place)
	for _, write := range []func(*textreport.Page){
		func(q *textreport.Page) { q.Policy(set, &sum) },
		func(q *textreport.Page) { q.Notices(textreport.OneWay, set.OneWay) },
		func(q *textreport.Page) { q.Rotating(set.Rotating) },
		func(q *textreport.Page) { q.Drift(set.Drift) },
		func(q *textreport.Page) { q.Notices(textreport.Unchecked, textreport.Unshipped(set.Unchecked)) },
	} {
		if note, some := h.titled(write); some {
			part.Notes = append(part.Notes, note)
		}
	}
	if ledger := strings.TrimSpace(h.Text(func(q *textreport.Page) { q.Ledger(&sum.Hidden) })); ledger != "" {
		part.Notes = append(part.Notes, htmlreport.Note{Title: "Hidden", Lines: []string{strings.TrimPrefix(ledger, "hidden: ")}})
	}
	return part
}

// maxOpen is how many objects may be unfolded at first. If there are more, the reader needs
// to see the table first.
const maxOpen = 3

// foldMany closes all objects if too many of them are unfolded.
func foldMany(objects []htmlreport.Object) {
	open := 0
	for i := range objects {
		if objects[i].Open {
			open++
		}
	}
	for i := range objects {
		objects[i].Open = objects[i].Open && open <= maxOpen
	}
}

// perObject collects everything about each object other than findings.
func (h *htmlMaker) perObject(set *change.Set) map[manifest.Ref][]htmlreport.Note {
	told := map[manifest.Ref][]htmlreport.Note{}
	add := func(ref manifest.Ref, title, line string) {
		list := told[ref]
		if len(list) == 0 || list[len(list)-1].Title != title {
			list = append(list, htmlreport.Note{Title: title})
		}
		last := &list[len(list)-1]
		if !slices.Contains(last.Lines, line) {
			last.Lines = append(last.Lines, line)
		}
		told[ref] = list
	}
	for i := range set.Unchecked {
		add(set.Unchecked[i].Ref, textreport.Unchecked, reporting.Printable(textreport.ReasonOf(&set.Unchecked[i])))
	}
	for i := range set.OneWay {
		add(set.OneWay[i].Ref, textreport.OneWay, reporting.Printable(textreport.ReasonOf(&set.OneWay[i])))
	}
	for i := range set.Drift {
		if d := &set.Drift[i]; len(d.Path) > 0 {
			add(d.Ref, "Changed behind Helm's back", reporting.Printable(d.Path.String())+": "+h.Drifted(d)+textreport.Who(d)+": "+textreport.FateOf(d.Fate))
		}
	}
	return told
}

func titleOf(r *change.Release) string {
	return reporting.Printable(cmp.Or(reporting.Named{Namespace: r.Namespace, Name: r.Name}.String(), "manifests"))
}
