package report

import (
	"slices"
	"strings"
)

// room is how much of an object is shown.
type room struct {
	// limit is how many lines the page may have, 0 for any number.
	limit int
	// edits and lines of one value are shown of an object at risk, restarts are the edits of
	// one whose pods are replaced and nothing else.
	edits, lines, restarts int
	// plain and plainLines are those of an object without a finding; with 0 such objects
	// have one line each, and with gather those to which the same happens have one together.
	plain, plainLines int
	gather            bool
	// bare leaves out what helps and is no part of what was found.
	bare bool
}

// The lengths of a report: what is read at a glance, what is on one screen, and what a
// report only exceeds if it has that much to say.
const (
	glance = 12
	screen = 24
	most   = 40
)

// rooms returns how much of each object is shown, until the report is short enough. What can
// be read at a glance comes first; where that is too little, less is shown each time. What is
// at risk is cut last. Where nothing is at risk, the changes themselves are what there is to
// read.
func rooms(safe bool) []room {
	first := glance
	if safe {
		first = screen
	}
	list := []room{
		{limit: first, edits: maxEdits, lines: maxLines, restarts: maxEdits, plain: maxEdits, plainLines: maxLines},
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
func chartRooms() []room {
	list := rooms(true)
	for i := range list[:len(list)-1] {
		list[i].limit = len(list) * screen / 2
	}
	return list
}

// enough reports whether the page is short enough.
func (p *page) enough() bool {
	return p.all || p.room.limit == 0 || strings.Count(p.out.String(), "\n") <= p.room.limit
}

// roomy reports whether there is room for what helps and is no part of what was found.
func (p *page) roomy() bool { return !p.room.bare || p.all }
