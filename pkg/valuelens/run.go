package valuelens

import (
	"maps"
	"slices"
	"strings"
	"text/template/parse"
)

// interpreter runs templates with values of which only the place is known.
type interpreter struct {
	scopes    []*scope
	templates map[string][]*parse.Tree
	// values are those that the templates see.
	values any
	// texts are those that `tpl` may render: of values, files, and templates.
	texts   []string
	reads   *reads
	written []written
	// memo is what templates make of a dot, running which of them run.
	memo    map[string][]string
	running map[string]bool
	// grown says that something was found that an earlier step may not have seen.
	grown            bool
	steps, following int
}

// mostSteps is when to give up, mostPasses how often templates are run, which may write
// values that others have read before.
const (
	mostSteps  = 3_000_000
	mostPasses = 6
)

// read returns what the templates of a chart read, where they see these values. Complete is
// false if they could not be followed to the end: then all counts as read.
func read(ch *Chart, values map[string]any) (found *reads, complete bool) {
	in := &interpreter{
		scopes: scopesOf(ch, nil, ch.Name), templates: map[string][]*parse.Tree{}, values: values, reads: &reads{},
	}
	files := in.parse()
	in.roots()
	for range mostPasses {
		in.memo, in.running, in.grown = map[string][]string{}, map[string]bool{}, false
		for i, s := range in.scopes {
			for _, tree := range files[i] {
				in.run(tree, s.root)
			}
		}
		if !in.grown || in.steps > mostSteps {
			break
		}
	}
	if in.steps > mostSteps || in.grown && len(in.written) > 0 {
		in.reads.whole = true
	}
	in.declared()
	return in.reads, !in.reads.whole
}

// parse reads all templates, and returns for each chart those that make objects or notes.
// What Helm could not parse it could not render either.
func (in *interpreter) parse() [][]*parse.Tree {
	files := make([][]*parse.Tree, len(in.scopes))
	seen := map[*Chart]bool{}
	templated(in.values, in.addText)
	for i, s := range in.scopes {
		for _, f := range s.chart.Templates {
			trees := parsed(s.path+"/"+f.Name, f.Text)
			base := f.Name[strings.LastIndexByte(f.Name, '/')+1:]
			for _, name := range slices.Sorted(maps.Keys(trees)) {
				if own := name == s.path+"/"+f.Name; !own && seen[s.chart] {
					continue
				} else if own && !s.chart.Library && !strings.HasPrefix(base, "_") {
					files[i] = append(files[i], trees[name])
				}
				in.templates[name] = append(in.templates[name], trees[name])
				quoted(trees[name].Root, in.addText)
			}
		}
		if seen[s.chart] {
			continue
		}
		seen[s.chart] = true
		templated(s.chart.Values, in.addText)
		for _, f := range s.chart.Files {
			templated(f.Text, in.addText)
		}
	}
	return files
}

func (in *interpreter) addText(text string) {
	if !slices.Contains(in.texts, text) {
		in.texts = append(in.texts, text)
	}
}

// parsed returns the templates of a file by name; none if it cannot be parsed.
func parsed(name, text string) map[string]*parse.Tree {
	trees := map[string]*parse.Tree{}
	tree := parse.New(name)
	tree.Mode = parse.SkipFuncCheck
	if _, err := tree.Parse(text, "", "", trees); err != nil {
		return nil
	}
	return trees
}

// roots makes the object that the templates of each chart get as their dot.
func (in *interpreter) roots() {
	byPath := map[string]*scope{}
	for _, s := range in.scopes {
		byPath[s.path] = s
		name := s.path[strings.LastIndexByte(s.path, '/')+1:]
		rest := map[string]*value{hole: unknown()}
		about := maps.Clone(rest)
		about["Name"] = textOf(name)
		s.root = &value{id: "root " + s.path, fields: map[string]*value{
			"Values": pathOf(s.prefix), "Chart": {fields: about}, "Subcharts": {fields: map[string]*value{}},
			"Template": {fields: map[string]*value{"BasePath": textOf(s.path + "/templates"), "Name": unknown()}},
			"Release":  unknown(), "Capabilities": unknown(), "Files": unknown(),
		}}
	}
	for _, s := range in.scopes {
		for _, need := range s.chart.Needs {
			s.root.fields["Subcharts"].fields[need.As] = byPath[s.path+"/charts/"+need.As].root
		}
	}
}

// declared notes what Helm itself reads: what switches sub-charts on and off, and what a
// parent takes over of their values.
func (in *interpreter) declared() {
	for _, s := range in.scopes {
		for _, need := range s.chart.Needs {
			for _, condition := range need.Conditions {
				in.reads.at(append(slices.Clip(s.prefix), strings.Split(condition, ".")...)).named = true
			}
			for _, tag := range need.Tags {
				in.reads.at([]string{"tags", tag}).named = true
			}
			for _, key := range need.Imports {
				in.reads.at(append(slices.Clip(s.prefix), append([]string{need.As}, strings.Split(key, ".")...)...)).whole = true
			}
		}
	}
}

// run runs a template with a dot, and returns what it prints.
func (in *interpreter) run(tree *parse.Tree, dot *value) []string {
	if tree.Root == nil {
		return []string{""}
	}
	f := &frame{interpreter: in, dot: dot, vars: []variable{{"$", dot}}}
	return f.list(tree.Root)
}

// call runs the templates of a name, which may be a pattern, and returns what they print.
func (in *interpreter) call(name string, dot *value) []string {
	out := []string(nil)
	for _, known := range slices.Sorted(maps.Keys(in.templates)) {
		if !matches(name, known) {
			continue
		}
		key := known + separator + dot.signature(0)
		text, done := in.memo[key]
		if !done {
			if in.running[key] || len(in.running) > 200 {
				out = union(out, []string{hole})
				continue
			}
			in.running[key] = true
			for _, tree := range in.templates[known] {
				text = union(text, in.run(tree, dot))
			}
			delete(in.running, key)
			in.memo[key] = text
		}
		out = union(out, text)
	}
	if out == nil {
		return []string{hole}
	}
	return out
}

// quoted lists the texts in a template that are templates again.
func quoted(n parse.Node, add func(string)) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, item := range n.Nodes {
				quoted(item, add)
			}
		}
	case *parse.ActionNode:
		quoted(n.Pipe, add)
	case *parse.IfNode:
		quotedBranch(&n.BranchNode, add)
	case *parse.WithNode:
		quotedBranch(&n.BranchNode, add)
	case *parse.RangeNode:
		quotedBranch(&n.BranchNode, add)
	case *parse.TemplateNode:
		quoted(n.Pipe, add)
	case *parse.PipeNode:
		if n != nil {
			for _, cmd := range n.Cmds {
				for _, arg := range cmd.Args {
					quoted(arg, add)
				}
			}
		}
	case *parse.StringNode:
		templated(patternOf(n.Text), add)
	}
}

func quotedBranch(n *parse.BranchNode, add func(string)) {
	quoted(n.Pipe, add)
	quoted(n.List, add)
	quoted(n.ElseList, add)
}
