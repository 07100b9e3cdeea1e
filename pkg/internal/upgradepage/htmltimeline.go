package upgradepage

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/htmlreport"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/textreport"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// course makes the timeline of an upgrade from the judgement.
type course struct {
	set     *change.Set
	changes map[manifest.Ref]*change.Change
	bounds  map[manifest.Ref]*change.Rollout
	column  map[manifest.Ref]int
	line    htmlreport.Timeline
	// applied is the first column after everything that Helm applies and deletes. There it
	// waits for pods, if it waits.
	applied int
}

// States of a column.
const (
	failsHere  = "fails"
	notReached = "not reached"
)

// timeline draws the steps of an upgrade, pods and endpoints; nil if they are not known.
func (h *htmlMaker) timeline(set *change.Set) *htmlreport.Timeline {
	if set.Picture == nil || len(set.Picture.Steps) == 0 {
		return nil
	}
	c := course{set: set, changes: map[manifest.Ref]*change.Change{}, bounds: map[manifest.Ref]*change.Rollout{}, column: map[manifest.Ref]int{}}
	for i := range set.Changes {
		c.changes[set.Changes[i].Ref] = &set.Changes[i]
	}
	for i := range set.Picture.Rollouts {
		c.bounds[set.Picture.Rollouts[i].Ref] = &set.Picture.Rollouts[i]
	}
	c.columns()
	c.line.Axis = "The axis is Helm's order, not time: how long a step takes is unknown. "
	if set.Release.Waits {
		c.line.Axis += "Helm waits until pods are ready."
	} else {
		c.line.Axis += "Helm does not wait for pods: they are replaced while it goes on, and after it has ended."
	}
	c.lanes()
	c.line.Tables = c.tables()
	return &c.line
}

// columns puts equal steps into one column.
func (c *course) columns() {
	steps := c.set.Picture.Steps
	phase, hung := "", false
	for from := 0; from < len(steps); {
		first := c.cell(&steps[from], hung)
		to := from + 1
		for to < len(steps) && steps[to].Event == steps[from].Event && c.cell(&steps[to], hung) == first {
			to++
		}
		column := htmlreport.Column{State: first.state, Detail: reporting.Printable(first.kind)}
		objects := make([]reporting.Named, 0, to-from)
		var ops []string
		for i := from; i < to; i++ {
			if _, known := c.column[steps[i].Ref]; !known || steps[i].Event == "" {
				c.column[steps[i].Ref] = len(c.line.Columns)
			}
			objects = append(objects, reporting.Named{Namespace: steps[i].Ref.Namespace, Name: steps[i].Ref.Name})
			op := string(steps[i].Op)
			if steps[i].Event != "" {
				op = "run"
			}
			ops = once(ops, op)
		}
		column.Names, column.Title = reporting.Names(objects, false), strings.Join(ops, ", ")
		switch {
		case to-from > 1:
			column.Detail += reporting.Times(to - from)
		case steps[from].Event != "":
			column.Detail = reporting.Printable(steps[from].Ref.Name)
			column.Title += " " + reporting.Printable(first.kind)
		}
		if first.phase != phase {
			column.Phase, phase = reporting.Printable(first.phase), first.phase
		}
		c.line.Columns = append(c.line.Columns, column)
		if steps[from].Event == "" || c.applied == 0 && from == 0 {
			c.applied = len(c.line.Columns)
		}
		hung = hung || first.state == failsHere && c.set.Release.Waits
		from = to
	}
	n := len(c.line.Columns)
	c.line.Ends, c.line.Failed = n, c.set.Fails()
	if i := slices.IndexFunc(c.line.Columns, func(column htmlreport.Column) bool { return column.State == notReached }); i >= 0 {
		c.line.Ends = i
	}
}

// cell is what equal steps have in common.
type cell struct{ phase, kind, state string }

func (c *course) cell(s *change.Step, hung bool) cell {
	one := cell{kind: s.Ref.Kind, phase: "apply"}
	about := c.changes[s.Ref]
	switch {
	case s.Unreached, hung && s.Event != "":
		one.state = notReached
	case about != nil && c.set.Stops(about):
		one.state = failsHere
	}
	switch {
	case s.Event != "":
		one.phase = s.Event + " hooks"
	case s.Op == change.Delete:
		one.phase = "delete"
	}
	return one
}

// lanes draws what happens to pods and endpoints, equal lanes once.
func (c *course) lanes() {
	var lanes []htmlreport.Lane
	var of [][]reporting.Named
	add := func(ref manifest.Ref, spans []htmlreport.Span) {
		for i := range lanes {
			if lanes[i].Kind == reporting.Printable(ref.Kind) && slices.Equal(lanes[i].Spans, spans) {
				of[i] = append(of[i], reporting.Named{Namespace: ref.Namespace, Name: ref.Name})
				return
			}
		}
		lanes, of = append(lanes, htmlreport.Lane{Kind: reporting.Printable(ref.Kind), Spans: spans}), append(of, []reporting.Named{{Namespace: ref.Namespace, Name: ref.Name}})
	}
	for i := range c.set.Picture.Rollouts {
		ref := c.set.Picture.Rollouts[i].Ref
		if about := c.changes[ref]; about != nil && about.Outcome.Pods != nil && about.Hook == nil {
			add(ref, c.pods(about))
		}
	}
	steady := map[manifest.Ref]bool{} // Services that have endpoints all the time
	spansOf := map[manifest.Ref][]htmlreport.Span{}
	for i := range c.set.Picture.Routes {
		r := &c.set.Picture.Routes[i]
		spans := c.endpoints(r)
		spansOf[r.Ref] = spans
		if len(r.Before) > 0 && !slices.ContainsFunc(spans, func(s htmlreport.Span) bool { return s.Tone == "down" }) {
			steady[r.Ref] = true
		}
	}
	folded := len(steady) > maxSteady
	for i := range c.set.Picture.Routes {
		if ref := c.set.Picture.Routes[i].Ref; !folded || !steady[ref] {
			add(ref, spansOf[ref])
		}
	}
	for i := range lanes {
		lanes[i].Name = short(of[i])
	}
	if folded {
		lanes = append(lanes, htmlreport.Lane{Kind: "Service", Name: fmt.Sprintf("%d others", len(steady)), Spans: []htmlreport.Span{{To: c.last(), Tone: "new", Text: "endpoints at all times"}}})
	}
	c.line.Lanes = lanes
}

// maxSteady is how many Services that keep their endpoints have their own lanes.
const maxSteady = 3

// last is the right end of the drawing.
func (c *course) last() int { return 2*len(c.line.Columns) + 3 }

// short names objects of one kind within the width of a lane.
func short(objects []reporting.Named) string {
	if len(objects) == 1 {
		return reporting.Printable(objects[0].Name)
	}
	return fmt.Sprintf("%s +%d", reporting.Printable(objects[0].Name), len(objects)-1)
}

// end is where a rollout ends in the drawing: where Helm waits for it, or somewhere after
// Helm's end.
func (c *course) end(after int) int {
	end := 2*len(c.line.Columns) + 1
	if c.set.Release.Waits {
		end = 2 * c.applied
	}
	return max(end, after+1)
}

// pods draws the pods of one workload.
func (c *course) pods(about *change.Change) []htmlreport.Span {
	p, last := about.Outcome.Pods, c.last()
	column, known := c.column[about.Ref]
	if !known || about.Outcome.Unreached || len(about.Outcome.Refused) > 0 {
		return []htmlreport.Span{{From: 0, To: last, Tone: "old", Text: counted(p.Before, "old pod") + ", as before"}}
	}
	from := 2*column + 1
	end := c.end(from)
	var spans []htmlreport.Span
	if about.Op != change.Create && p.Before != 0 {
		spans = append(spans, htmlreport.Span{From: 0, To: from, Tone: "old", Text: counted(p.Before, "old pod")})
	}
	meanwhile := htmlreport.Span{From: from, To: end, Tone: "moving", Text: "old and new pods, " + fewest(p)}
	switch {
	case about.Op == change.Delete:
		meanwhile.Tone, meanwhile.Text = "down", "its pods end"
	case p.Blocked():
		meanwhile.To, meanwhile.Text = last, "no new pod starts"
		if p.AllDown {
			meanwhile.Tone, meanwhile.Text = "down", "no pod is ready"
		}
		return append(spans, meanwhile)
	case p.AllDown:
		meanwhile.Tone, meanwhile.Text = "down", "no pod is ready"
	case about.Op == change.Create:
		meanwhile.Text = "new pods start"
	case !p.Replaced:
		meanwhile.Text = "scaled, " + fewest(p)
	}
	spans = append(spans, meanwhile)
	if about.Op != change.Delete && p.Desired != 0 {
		kind := "new pod"
		if !p.Replaced && about.Op == change.Update {
			kind = "pod"
		}
		spans = append(spans, htmlreport.Span{From: end, To: last, Tone: "new", Text: counted(p.Desired, kind)})
	}
	return spans
}

// counted counts pods. A number below 0 is unknown.
func counted(n int, noun string) string {
	if n < 0 {
		return noun + "s"
	}
	return reporting.Plural(n, noun)
}

// fewest says what the minimum number of ready pods is.
func fewest(p *change.Pods) string {
	switch {
	case p.AllDown:
		return "none ready"
	case p.Fewest < 0:
		return "ready: unknown"
	default:
		return fmt.Sprintf("%d or more ready", p.Fewest)
	}
}

// endpoints draws the endpoints of one Service.
func (c *course) endpoints(r *change.Route) []htmlreport.Span {
	last, at := c.last(), 0
	if column, changes := c.column[r.Ref]; changes && !c.unmade(r.Ref) {
		at = 2*column + 1
	}
	moved := last
	for _, ref := range slices.Concat(r.During, r.After) {
		if column, moves := c.column[ref]; moves && !c.unmade(ref) && c.bounds[ref] != nil {
			moved = min(moved, 2*column+1)
		}
	}
	var spans []htmlreport.Span
	add := func(from, to int, list []manifest.Ref, gap bool) {
		objects := make([]reporting.Named, len(list))
		for i, ref := range list {
			objects[i] = reporting.Named{Namespace: "", Name: ref.Name}
		}
		span := htmlreport.Span{From: from, To: to, Tone: "new", Text: reporting.Names(objects, false)}
		if gap || len(list) == 0 {
			span.Tone, span.Text = "down", "no endpoint"
		}
		if n := len(spans) - 1; n >= 0 && spans[n].Tone == span.Tone && spans[n].Text == span.Text {
			spans[n].To = to
		} else if from < to {
			spans = append(spans, span)
		}
	}
	if len(r.Before) > 0 {
		add(0, at, r.Before, false)
	}
	if moved == last {
		add(at, last, r.After, false)
		return spans
	}
	moved = max(moved, at)
	if at > 0 || len(r.Before) > 0 {
		add(at, moved, r.During, false)
	}
	end := min(c.end(moved), last)
	add(moved, end, r.During, r.Gap)
	add(end, last, r.After, false)
	return spans
}

// unmade reports whether nothing happens to an object although its manifest changes.
func (c *course) unmade(ref manifest.Ref) bool {
	about := c.changes[ref]
	return about == nil || about.Outcome.Unreached || len(about.Outcome.Refused) > 0
}

const unknown = "unknown"

// tables describe the drawing in words, and what is known about times.
func (c *course) tables() []htmlreport.Table {
	pods := htmlreport.Table{Columns: []string{"Pods of", "pods", "ready meanwhile", "a new pod is ready after", "an old pod ends within", "given up after"}}
	for i := range c.set.Picture.Rollouts {
		r := &c.set.Picture.Rollouts[i]
		about := c.changes[r.Ref]
		row := []string{reporting.Printable(r.Ref.String()), "hook", "", seconds(r.Ready, "at least "), "", seconds(r.Deadline, "")}
		switch {
		case about != nil && about.Outcome.Pods != nil && about.Hook == nil:
			p := about.Outcome.Pods
			row[1], row[2] = number(p.Before)+" → "+number(p.Desired), fewest(p)
			if p.Before != 0 {
				row[4] = seconds(r.Grace, "")
			}
		case about != nil && about.Hook == nil:
			continue
		}
		pods.Rows = append(pods.Rows, row)
	}
	services := htmlreport.Table{Columns: []string{"Endpoints of", "before", "meanwhile", "afterwards"}}
	for i := range c.set.Picture.Routes {
		r := &c.set.Picture.Routes[i]
		during := endpointsIn(r.During)
		if r.Gap {
			during = "at some moment none is ready"
		}
		services.Rows = append(services.Rows, []string{reporting.Printable(r.Ref.String()), endpointsIn(r.Before), during, endpointsIn(r.After)})
	}
	return slices.DeleteFunc([]htmlreport.Table{pods, services}, func(t htmlreport.Table) bool { return len(t.Rows) == 0 })
}

func endpointsIn(list []manifest.Ref) string {
	if len(list) == 0 {
		return "none"
	}
	return textreport.RefsIn(list, false)
}

func number(n int) string {
	if n < 0 {
		return unknown
	}
	return strconv.Itoa(n)
}

func seconds(n int, least string) string {
	if n == 0 {
		return unknown
	}
	return fmt.Sprintf("%s%d s", least, n)
}
