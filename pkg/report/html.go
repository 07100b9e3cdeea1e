package report

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/htmlreport"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// MaxHTMLBytes is the maximum length of an HTML report, unless everything is requested. A
// page of this size opens at once, and can be sent by mail.
const MaxHTMLBytes = 300_000

// writeHTML prints one page for the person who approves the upgrade: the verdict, the
// objects that change, worst first, each of which unfolds, and what was not judged.
func writeHTML(w io.Writer, set *change.Set, opt Options) error {
	h := newHTMLMaker(&opt)
	sum := set.Summary()
	part, verdict := h.part(set, opt.FailOn), set.Verdict(opt.FailOn)
	page := h.start(titleOf(&set.Release), verdict, h.counted(verdict, set, &sum, opt.FailOn))
	page.About, part.About = part.About, nil
	page.Parts = []htmlreport.Part{part}
	if !opt.Part {
		page.Exit = exitLine(&opt, verdictOn{set, opt.FailOn})
	}
	return h.write(w, page)
}

// chartsHTML prints one page about all charts: a table of charts and value sets, then a
// part for each chart about which there is something to say.
func chartsHTML(w io.Writer, charts *change.Charts, opt Options) error {
	h := newHTMLMaker(&opt)
	page := h.start("charts", charts.Verdict(), chartsCounted(charts))
	if rows := chartRows(charts); len(rows) > 0 {
		page.Table = &htmlreport.Table{Columns: chartColumns(charts), Rows: rows}
	}
	opt.Color = false
	for _, f := range folds(charts, opt, room{}) {
		one := f.cases[0]
		part := h.part(&one.Set, one.FailOn)
		part.Title, part.Verdict = f.title(), string(one.Set.Verdict(one.FailOn))
		page.Parts = append(page.Parts, part)
	}
	page.Exit = exitLine(&opt, casesOf(charts)...)
	return h.write(w, page)
}

// releasesHTML prints one page about several releases: a table of them, then a part
// for each release about which there is something to say.
func releasesHTML(w io.Writer, list []change.Judged, opt Options) error {
	h := newHTMLMaker(&opt)
	verdict, sentence := overallOf(list)
	page := h.start("releases", verdict, sentence)
	page.Table = &htmlreport.Table{Columns: []string{"release", "file", "verdict", "found", "objects"}}
	for i := range list {
		j := &list[i]
		if j.Failure != nil {
			page.Table.Rows = append(page.Table.Rows, []string{printable(j.Name()), printable(j.File), notJudged, printable(j.Failure.Reason), ""})
			continue
		}
		sum := j.Set.Summary()
		page.Table.Rows = append(page.Table.Rows, []string{printable(j.Name()), printable(j.File), strings.ToUpper(string(j.Verdict())), foundIn(&sum), plan(&sum)})
		if len(j.Set.Changes) == 0 && !j.Telling() {
			continue
		}
		part := h.part(j.Set, j.FailOn)
		part.Title, part.Verdict = printable(j.Name()), string(j.Verdict())
		if j.Moved != "" {
			part.About = append([]string{"moved: " + printable(j.Moved)}, part.About...)
		}
		page.Parts = append(page.Parts, part)
	}
	page.Exit = releasesExit(list, &opt)
	return h.write(w, page)
}

// htmlMaker makes the parts of an HTML report.
type htmlMaker struct {
	page
	opt   *Options
	rules map[string]*Rule
}

func newHTMLMaker(opt *Options) *htmlMaker {
	h := &htmlMaker{page: page{styles: stylesFor(false), all: opt.ShowHidden}, opt: opt, rules: map[string]*Rule{}}
	for i := range opt.Rules {
		h.rules[opt.Rules[i].ID] = &opt.Rules[i]
	}
	return h
}

// start returns a page without its parts.
func (h *htmlMaker) start(title string, verdict change.Verdict, sentence string) *htmlreport.Page {
	p := &htmlreport.Page{Title: strings.ToUpper(string(verdict)) + " " + title, Verdict: string(verdict), Sentence: sentence, Maker: "helm safe-diff"}
	if h.opt.Version != "" {
		p.Maker += " " + printable(h.opt.Version)
	}
	return p
}

func (h *htmlMaker) write(w io.Writer, page *htmlreport.Page) error {
	limit := MaxHTMLBytes
	if h.all {
		limit = 0
	}
	return htmlreport.Write(w, page, limit)
}

// titled returns the lines that write prints, the first of which is the title; false if it
// prints nothing.
func (h *htmlMaker) titled(write func(*page)) (note htmlreport.Note, some bool) {
	q := page{styles: h.styles, all: h.all, operation: h.operation}
	write(&q)
	for line := range strings.Lines(q.out.String()) {
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
	h.operation, h.failOn = string(cmp.Or(set.Release.Operation, change.Upgrade)), failOn
	sum := set.Summary()
	head, _ := h.titled(func(q *page) { q.head(set, &sum, failOn) })
	part := htmlreport.Part{About: head.Lines}
	told := h.perObject(set)
	var list, shown, hidden []*change.Change
	list, h.going = join(set)
	for _, c := range list {
		if !c.Hidden() || c.Renamed != nil {
			shown = append(shown, c)
		} else if h.all {
			hidden = append(hidden, c)
		}
	}
	place := map[manifest.Ref]int{}
	for i, g := range slices.Concat(groups(shown, h.all), groups(hidden, h.all)) {
		for _, c := range g {
			place[c.Ref] = i
			if old := h.going[c]; old != nil {
				place[old.Ref] = i
			}
		}
		part.Objects = append(part.Objects, h.object(g, told))
	}
	foldMany(part.Objects)
	part.Timeline, part.Graph = h.timeline(set), h.graph(set, list, place)
	for _, write := range []func(*page){
		func(q *page) { q.policy(set, &sum) },
		func(q *page) { q.notices(oneWay, set.OneWay) },
		func(q *page) { q.rotating(set.Rotating) },
		func(q *page) { q.drift(set.Drift) },
		func(q *page) { q.notices(unchecked, unshipped(set.Unchecked)) },
	} {
		if note, some := h.titled(write); some {
			part.Notes = append(part.Notes, note)
		}
	}
	if ledger := strings.TrimSpace(h.text(func(q *page) { q.ledger(&sum.Hidden) })); ledger != "" {
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
		add(set.Unchecked[i].Ref, unchecked, printable(reasonOf(&set.Unchecked[i])))
	}
	for i := range set.OneWay {
		add(set.OneWay[i].Ref, oneWay, printable(reasonOf(&set.OneWay[i])))
	}
	for i := range set.Drift {
		if d := &set.Drift[i]; len(d.Path) > 0 {
			add(d.Ref, "Changed behind Helm's back", printable(d.Path.String())+": "+h.drifted(d)+who(d)+": "+fateOf(d.Fate))
		}
	}
	return told
}

func titleOf(r *change.Release) string {
	return printable(cmp.Or(named{r.Namespace, r.Name}.String(), "manifests"))
}
