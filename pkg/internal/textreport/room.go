package textreport

import (
	"slices"
	"strings"
)

// Room is how much of an object is shown.
type Room struct {
	// limit is the maximum number of lines of the page, 0 for any number.
	limit int
	// edits is how many edits of an object at risk are shown, and lines how many lines of one
	// value. restarts is how many edits are shown if the object's pods are replaced and
	// nothing else is at risk.
	edits, lines, restarts int
	// plain and plainLines are the same for an object without a finding. With 0, such objects
	// have one line each. With gather, objects to which the same happens share one line.
	plain, plainLines int
	gather            bool
	// bare leaves out what helps but is not part of a finding.
	bare bool
}

// The lengths of a report: what can be read at a glance, what fits on one screen, and what
// a report exceeds only if it has that much to say.
const (
	glance = 12
	screen = 24
	most   = 40
)

// rooms returns how much of each object is shown, in the order in which the report tries
// them until it is short enough. The first fits what can be read at a glance; each of the
// next shows less. What is at risk is cut last. If nothing is at risk, the changes
// themselves are the content.
func rooms(safe bool) []Room {
	first := glance
	if safe {
		first = screen
	}
	list := []Room{
		{limit: first, edits: MaxEdits, lines: MaxLines, restarts: MaxEdits, plain: MaxEdits, plainLines: MaxLines},
		{limit: glance, edits: 10, lines: 6, restarts: 3},
		{limit: screen, edits: 10, lines: 6, restarts: 3, plain: 4, plainLines: 4},
		{limit: screen, edits: 6, lines: 4, restarts: 1},
		{limit: screen, edits: 4, gather: true},
		{limit: most, edits: 3, gather: true},
		{limit: most, edits: 1, gather: true},
		{gather: true, bare: true},
	}
	if safe {
		list = slices.Delete(list, 1, 2)
	}
	return list
}

// chartRooms returns rooms for a report about several charts, which may be longer.
func chartRooms() []Room {
	list := rooms(true)
	for i := range list[:len(list)-1] {
		list[i].limit = len(list) * screen / 2
	}
	return list
}

// enough reports whether the page is short enough.
func (p *Page) enough() bool {
	return p.All || p.room.limit == 0 || strings.Count(p.Out.String(), "\n") <= p.room.limit
}

// roomy reports whether there is room for what helps but is not part of a finding.
func (p *Page) roomy() bool { return !p.room.bare || p.All }
