// Package htmlreport writes a report as one HTML page that needs no network and no script:
// what it shows, it is given as text. It judges nothing and knows no Set.
package htmlreport

// Page is a report. Every text in it is one line that is safe to print; what a browser
// would take for markup is escaped here.
type Page struct {
	// Title is that of the document, Verdict one word in lower case, Sentence what follows it.
	Title, Verdict, Sentence string
	// About are lines about the whole.
	About []string
	// Table lists charts or releases, where there are several; nil for one.
	Table *Table
	Parts []Part
	// Exit says why the exit code is what it is; "" where the page is part of another report.
	Exit string
	// Maker names the program and its version.
	Maker string
}

// Table is a table of text.
type Table struct {
	Columns []string
	Rows    [][]string
}

// Part is one upgrade.
type Part struct {
	// Title is "" where there is one upgrade only.
	Title string
	// Verdict is "" where that of the page is meant.
	Verdict string
	About   []string
	// Objects are what changes, worst first.
	Objects []Object
	// Timeline and Graph draw it; nil where nothing is known of that.
	Timeline *Timeline
	Graph    *Graph
	Notes    []Note
}

// Note is a paragraph with a title.
type Note struct {
	Title string
	Lines []string
}

// Object is an object, or several of which the same is to be said.
type Object struct {
	// Classes are those of its findings, worst first.
	Classes []string
	// Op is what Helm does with it.
	Op string
	// Name names all of them; Kinds and Namespaces are for filters.
	Name              string
	Kinds, Namespaces []string
	// State is what else is to be known at once, such as "not reached"; "" for nothing.
	State string
	// Why is the reason in short.
	Why string
	// Open says that it is unfolded from the start.
	Open     bool
	Findings []Finding
	// Told are sentences about it: what becomes of its pods, whether a hook runs.
	Told []string
	// Edits are those that a finding is due to, or all; Rest are the others, which are
	// folded.
	Edits, Rest []Edit
	// More says how many edits there are besides; "" for none.
	More string
	// Notices are what could not be judged of it, what a rollback does not bring back, and
	// how it differs in the cluster.
	Notices []Note
	// Source is the template that makes it.
	Source string
}

// Finding is what was found about an object.
type Finding struct {
	Class, Rule, Message string
	// Why is why the rule is there, Hint what to do instead, Accept the command by which
	// somebody says that it is known.
	Why, Hint, Accept string
	// Marks say what a policy has made of it.
	Marks []string
	// Evidence is what makes it true.
	Evidence []string
}

// Edit is a field that differs.
type Edit struct {
	// Sign is one of + - ~.
	Sign, Path string
	// Short is the edit on one line, where there is room for it.
	Short string
	// Lines are those that differ, and a few around them.
	Lines []Line
	// Mark is what else is to be said of it.
	Mark string
}

// Line is a line of a text that differs. Sign is one of + - @, or a blank.
type Line struct{ Sign, Text string }
