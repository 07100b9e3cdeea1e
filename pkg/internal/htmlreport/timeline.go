package htmlreport

import (
	"strconv"
	"unicode/utf8"
)

// Timeline is an upgrade from left to right: what Helm does, in its order, and below it
// pods and endpoints. The axis shows an order, not time.
type Timeline struct {
	Columns []Column
	// Ends is the column before which Helm ends. Failed says that it ends because the upgrade
	// fails.
	Ends   int
	Failed bool
	Lanes  []Lane
	// Tables describe the drawing in words, and what is known about times.
	Tables []Table
	// Axis says what the axis shows.
	Axis string
}

// Column is one step of Helm, or several equal steps.
type Column struct {
	// Phase is the part of the upgrade that begins with this column; "" inside a part.
	Phase string
	// Title and Detail describe the column. Names are the names of all its objects.
	Title, Detail, Names string
	// State is "", "fails" or "not reached".
	State string
}

// Lane is the pods of a workload, or the endpoints of a Service.
type Lane struct {
	Kind, Name string
	Spans      []Span
}

// Span is a part of a lane. From and To count half columns, so that what Helm does in a
// column takes effect in the middle of it.
type Span struct {
	From, To int
	// Tone is old, moving, down or new.
	Tone, Text string
}

// Measures of the drawing, in pixels.
const (
	laneTitle   = 170 // the column with names of lanes
	columnWidth = 112
	headHeight  = 66
	laneHeight  = 34
	barHeight   = 20
	letter      = 6.7 // width of a letter in the font of the drawing
)

// drawing is made of simple shapes.
type drawing struct {
	Width, Height int
	Title         string
	Boxes         []box
	Lines         []line
	Labels        []label
}

// box is a rectangle. Link is its target, "" for none.
type box struct {
	X, Y, Width, Height int
	Class, Title, Link  string
}

type line struct {
	Path         string
	Class, Title string
}

type label struct {
	X, Y        int
	Class, Text string
}

// draw lays out the timeline.
func (t *Timeline) draw() *drawing {
	n := len(t.Columns)
	d := &drawing{Width: laneTitle + (2*n+3)*columnWidth/2 + 2, Height: headHeight + len(t.Lanes)*laneHeight + 16, Title: "Steps of the upgrade from left to right, and below them pods and endpoints"}
	for i := range t.Columns {
		c := &t.Columns[i]
		x := laneTitle + i*columnWidth
		d.Boxes = append(d.Boxes, box{x + 2, 20, columnWidth - 4, headHeight - 26, "step " + stateClass(c.State), c.Title + " " + c.Detail + ": " + c.Names, ""})
		if c.Phase != "" {
			d.Labels = append(d.Labels, label{x + 2, 13, "phase", fit(c.Phase, 2*columnWidth)})
		}
		d.Labels = append(d.Labels, label{x + 8, 36, "strong", fit(c.Title, columnWidth-16)}, label{x + 8, 51, "", fit(c.Detail, columnWidth-16)})
	}
	end := laneTitle + t.Ends*columnWidth
	d.Labels = append(d.Labels, label{laneTitle + n*columnWidth + 6, 13, "phase", "afterwards"})
	class, what := "end", "Helm ends here"
	if t.Failed {
		class, what = "end failed", "the upgrade fails here"
	}
	d.Lines = append(d.Lines, line{"M" + strconv.Itoa(end) + " 18V" + strconv.Itoa(d.Height), class, what})
	d.Labels = append(d.Labels, label{end + 5, d.Height - 4, "phase", what})
	for i := range t.Lanes {
		d.lane(&t.Lanes[i], headHeight+i*laneHeight)
	}
	return d
}

func (d *drawing) lane(l *Lane, y int) {
	d.Labels = append(d.Labels, label{0, y + 12, "kind", fit(l.Kind, laneTitle-8)}, label{0, y + 25, "strong", fitName(l.Name, laneTitle-8)})
	for _, s := range l.Spans {
		x, width := laneTitle+s.From*columnWidth/2, (s.To-s.From)*columnWidth/2
		if width <= 0 {
			continue
		}
		d.Boxes = append(d.Boxes, box{x, y + 5, width, barHeight, "bar " + s.Tone, l.Kind + " " + l.Name + ": " + s.Text, ""})
		d.Labels = append(d.Labels, label{x + 5, y + 19, "in " + s.Tone, fit(s.Text, width-10)})
	}
}

func stateClass(state string) string {
	switch state {
	case "fails":
		return "failed"
	case "not reached":
		return "missed"
	default:
		return "done"
	}
}

// fit shortens a text to a width.
func fit(text string, width int) string {
	most := int(float64(width) / letter)
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	if most < 2 {
		return ""
	}
	return string([]rune(text)[:most-1]) + "…"
}

// fitName shortens a name to a width in its middle, because names usually differ at their
// ends.
func fitName(name string, width int) string {
	most, runes := int(float64(width)/letter), []rune(name)
	if len(runes) <= most {
		return name
	}
	head := (most - 1) / 2
	return string(runes[:head]) + "…" + string(runes[len(runes)-(most-1-head):])
}
