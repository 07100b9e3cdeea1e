package valuelens

import (
	"strconv"
	"strings"
	"text/template/parse"
)

// frame is one run of a template.
type frame struct {
	*interpreter
	dot  *value
	vars []variable
	// printed is what the last branch or loop has printed.
	printed []string
}

type variable struct {
	name  string
	value *value
}

func (f *frame) lookup(name string) *variable {
	for i := len(f.vars) - 1; i >= 0; i-- {
		if f.vars[i].name == name {
			return &f.vars[i]
		}
	}
	return nil
}

// list runs nodes one after the other, and returns what they print.
func (f *frame) list(n *parse.ListNode) []string {
	out := []string{""}
	if n == nil {
		return out
	}
	scope := len(f.vars)
	for _, node := range n.Nodes {
		out = chained(out, f.node(node))
	}
	f.vars = f.vars[:scope]
	return out
}

// node runs a node. Of a branch both ways are taken.
func (f *frame) node(n parse.Node) []string {
	if f.steps++; f.steps > mostSteps {
		return []string{hole}
	}
	switch n := n.(type) {
	case *parse.TextNode:
		return bounded([]string{string(n.Text)})
	case *parse.ActionNode:
		v := f.pipe(n.Pipe)
		if len(n.Pipe.Decl) > 0 {
			return []string{""}
		}
		f.use(v)
		return v.asTexts()
	case *parse.IfNode:
		f.scoped(func() { f.test(f.pipe(n.Pipe)); f.branches(&n.BranchNode, f.dot) })
		return f.printed
	case *parse.WithNode:
		f.scoped(func() {
			v := f.pipe(n.Pipe)
			f.test(v)
			f.branches(&n.BranchNode, v)
		})
		return f.printed
	case *parse.RangeNode:
		f.scoped(func() { f.loop(n) })
		return f.printed
	case *parse.TemplateNode:
		dot := &value{}
		if n.Pipe != nil {
			dot = f.pipe(n.Pipe)
		}
		return f.call(n.Name, dot)
	case *parse.ListNode:
		return f.list(n)
	}
	return []string{""}
}

// scoped runs something that declares variables of its own.
func (f *frame) scoped(run func()) {
	scope := len(f.vars)
	run()
	f.vars = f.vars[:scope]
}

func (f *frame) branches(n *parse.BranchNode, dot *value) {
	outer := f.dot
	f.dot = dot
	out := f.list(n.List)
	f.dot = outer
	f.printed = union(out, f.list(n.ElseList))
}

// mostRounds is how often the body of a loop is run, until nothing new comes of it.
const mostRounds = 10

func (f *frame) loop(n *parse.RangeNode) {
	over := f.pipeValue(n.Pipe)
	f.test(over)
	items, outer := f.item(over), f.dot
	if names := n.Pipe.Decl; len(names) > 0 {
		if len(names) > 1 {
			f.vars = append(f.vars, variable{names[0].Ident[0], f.keysOf(over)})
		}
		f.vars = append(f.vars, variable{names[len(names)-1].Ident[0], items})
	}
	f.dot = items
	prints := false
	for range mostRounds {
		before := f.variables()
		out := f.list(n.List)
		prints = prints || len(out) != 1 || out[0] != ""
		if f.variables() == before {
			break
		}
	}
	f.dot = outer
	f.printed = f.list(n.ElseList)
	if prints {
		f.printed = []string{hole}
	}
}

// variables tells whether a variable has changed.
func (f *frame) variables() string {
	var b strings.Builder
	for i := range f.vars {
		b.WriteString(f.vars[i].value.signature(0))
	}
	return b.String()
}

// keysOf returns what a loop over a value has as its keys.
func (f *frame) keysOf(v *value) *value {
	if len(v.fields) == 0 || len(v.paths) > 0 || len(v.texts) > 0 {
		return unknown()
	}
	return f.names(v)
}

// names returns the names of the fields of a map.
func (f *frame) names(v *value) *value {
	names := make([]string, 0, len(v.fields))
	for name := range v.fields {
		names = append(names, name)
	}
	return textOf(union(names, nil)...)
}

// pipe runs a pipeline and sets the variables that it declares or assigns.
func (f *frame) pipe(n *parse.PipeNode) *value {
	v := f.pipeValue(n)
	for _, decl := range n.Decl {
		if n.IsAssign {
			if known := f.lookup(decl.Ident[0]); known != nil {
				known.value = f.joined(known.value, v)
			}
			continue
		}
		f.vars = append(f.vars, variable{decl.Ident[0], v})
	}
	return v
}

func (f *frame) pipeValue(n *parse.PipeNode) *value {
	var v *value
	if n == nil {
		return &value{}
	}
	for _, cmd := range n.Cmds {
		v = f.command(cmd, v)
	}
	return v
}

func (f *frame) command(n *parse.CommandNode, last *value) *value {
	if word, is := n.Args[0].(*parse.IdentifierNode); is {
		args := make([]*value, 0, len(n.Args))
		for _, arg := range n.Args[1:] {
			args = append(args, f.eval(arg))
		}
		if last != nil {
			args = append(args, last)
		}
		return f.function(word.Ident, args)
	}
	v := f.eval(n.Args[0])
	if len(n.Args) == 1 && last == nil {
		return v
	}
	// A method, of .Files or .Capabilities, with what it is given.
	for _, arg := range n.Args[1:] {
		f.use(f.eval(arg))
	}
	f.use(last)
	return f.joined(v, unknown())
}

func (f *frame) eval(n parse.Node) *value {
	if f.steps++; f.steps > mostSteps {
		return unknown()
	}
	switch n := n.(type) {
	case *parse.DotNode:
		return f.dot
	case *parse.FieldNode:
		return f.fields(f.dot, n.Ident)
	case *parse.ChainNode:
		return f.fields(f.eval(n.Node), n.Field)
	case *parse.VariableNode:
		known := f.lookup(n.Ident[0])
		if known == nil {
			return unknown()
		}
		return f.fields(known.value, n.Ident[1:])
	case *parse.PipeNode:
		return f.pipe(n)
	case *parse.IdentifierNode:
		return f.function(n.Ident, nil)
	case *parse.StringNode:
		return textOf(n.Text)
	case *parse.NumberNode:
		return textOf(n.Text)
	case *parse.BoolNode:
		return textOf(strconv.FormatBool(n.True))
	}
	return &value{}
}

// fields follows a chain of fields. One that is named by what a text was put together from
// is a pattern.
func (f *frame) fields(v *value, names []string) *value {
	for _, name := range names {
		v = f.field(v, strings.ReplaceAll(name, holeWord, hole))
	}
	return v
}
