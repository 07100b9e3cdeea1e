// Package htmlreport writes a report as one HTML page that needs no network and no script.
// Callers pass everything that it shows as text. It judges nothing and knows no Set.
package htmlreport

// Page is a report. Every text in it is one line that is safe to print. This package
// escapes what a browser would read as markup.
type Page struct {
	// Title is the title of the document, Verdict one word in lower case, Sentence the text
	// after it.
	Title, Verdict, Sentence string
	// About are lines about the whole report.
	About []string
	// Table lists charts or releases, if there are several; nil for one.
	Table *Table
	Parts []Part
	// Exit says why the exit code is what it is; "" if the page is part of another report.
	Exit string
	// Maker is the name and the version of the program.
	Maker string
}

// Table is a table of text.
type Table struct {
	Columns []string
	Rows    [][]string
}

// Part is one upgrade.
type Part struct {
	// Title is "" if there is only one upgrade.
	Title string
	// Verdict is "" if it is that of the page.
	Verdict string
	About   []string
	// Objects are the objects that change, worst first.
	Objects []Object
	// Timeline and Graph are the drawings; nil if their data is not known.
	Timeline *Timeline
	Graph    *Graph
	Notes    []Note
}

// Note is a paragraph with a title.
type Note struct {
	Title string
	Lines []string
}

// Object is an object, or several objects about which the report says the same.
type Object struct {
	// Classes are the classes of its findings, worst first.
	Classes []string
	// Op is what Helm does with it.
	Op string
	// Name names all of the objects. Kinds and Namespaces are for filters.
	Name              string
	Kinds, Namespaces []string
	// State is what else the reader must know at once, such as "not reached"; "" for nothing.
	State string
	// Why is a short reason.
	Why string
	// Open says that it is unfolded at first.
	Open     bool
	Findings []Finding
	// Told are sentences about the object: what happens to its pods, whether a hook runs.
	Told []string
	// Edits are the edits that cause a finding, or all edits if there is no finding. Rest are
	// the other edits, which are folded.
	Edits, Rest []Edit
	// More says how many other edits there are; "" for none.
	More string
	// Notices say what could not be judged, what a rollback does not bring back, and how the
	// object differs in the cluster.
	Notices []Note
	// Source is the template that makes the object.
	Source string
}

// Finding is a finding about an object.
type Finding struct {
	Class, Rule, Message string
	// Why is the reason for the rule, Hint what to do instead, Accept the command that accepts
	// the finding.
	Why, Hint, Accept string
	// Marks say what a policy has done with it.
	Marks []string
	// Evidence is what makes the finding true.
	Evidence []string
}

// Edit is a field that differs.
type Edit struct {
	// Sign is one of + - ~.
	Sign, Path string
	// Short is the edit on one line, if it fits.
	Short string
	// Lines are the lines that differ, and a few around them.
	Lines []Line
	// Mark is what else the report says about the edit.
	Mark string
}

// Line is a line of a text that differs. Sign is one of + - @, or a blank.
type Line struct{ Sign, Text string }
