package policy

import (
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/version"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// Condition is a CEL expression about a change, in the dialect of Kubernetes' own policies.
type Condition struct {
	// Text is the expression as it is written.
	Text string
	// At is where it is written.
	At      string
	program cel.Program
	// edits says that the condition is about one edit, so it is evaluated for each edit.
	edits bool
}

// The names that a condition can use. The names of the objects are those of Kubernetes'
// admission policies.
const (
	varChange  = "change"
	varEdit    = "edit"
	varRelease = "release"
	varNew     = "object"
	varOld     = "oldObject"
)

// conditionEnv returns the language of conditions: that of Kubernetes, with the variables
// of a change.
func conditionEnv() (*cel.Env, error) {
	text, yes, number := apiservercel.StringType, apiservercel.BoolType, apiservercel.IntType
	object := func(name string, fields map[string]*apiservercel.DeclType) *apiservercel.DeclType {
		decls := make(map[string]*apiservercel.DeclField, len(fields))
		for field, of := range fields {
			decls[field] = apiservercel.NewDeclField(field, of, true, nil, nil)
		}
		return apiservercel.NewObjectType(name, decls)
	}
	list := func(of *apiservercel.DeclType) *apiservercel.DeclType { return apiservercel.NewListType(of, -1) }
	edit := object("safediff.Edit", map[string]*apiservercel.DeclType{
		"path": text, "old": apiservercel.DynType, "new": apiservercel.DynType, "secret": yes,
	})
	pods := object("safediff.Pods", map[string]*apiservercel.DeclType{
		"replaced": yes, "allDown": yes, "before": number, "desired": number,
	})
	change := object("safediff.Change", map[string]*apiservercel.DeclType{
		"kind": text, "group": text, "version": text, "namespace": text, "name": text, "op": text,
		"refused": yes, "hook": yes, "rules": list(text), "edits": list(edit), "pods": pods,
	})
	release := object("safediff.Release", map[string]*apiservercel.DeclType{
		"name": text, "namespace": text, "chart": text, "oldChart": text, "operation": text, "context": text, "environment": text,
	})
	set, err := environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()).Extend(environment.VersionedOptions{
		IntroducedVersion: version.MajorMinor(1, 0),
		DeclTypes:         []*apiservercel.DeclType{edit, pods, change, release},
		EnvOptions: []cel.EnvOption{
			cel.Variable(varChange, change.CelType()),
			cel.Variable(varEdit, edit.CelType()),
			cel.Variable(varRelease, release.CelType()),
			cel.Variable(varNew, cel.DynType),
			cel.Variable(varOld, cel.DynType),
		},
	})
	if err != nil {
		return nil, fmt.Errorf("set up CEL: %w", err)
	}
	return set.NewExpressionsEnv(), nil
}

// condition reads an expression and checks its types.
func (r *reader) condition(place **Condition) func(*yaml.Node) {
	return func(n *yaml.Node) {
		text := r.text(n, "when")
		if r.env == nil {
			env, err := conditionEnv()
			if err != nil {
				r.fail(n, "when: %v", err)
				return
			}
			r.env = env
		}
		ast, issues := r.env.Compile(text)
		if issues.Err() != nil {
			for _, e := range issues.Errors() {
				r.fail(n, "when: column %d of %q: %s", e.Location.Column()+1, lineOf(text, e.Location.Line()), e.Message)
			}
			return
		}
		if ast.OutputType() != cel.BoolType {
			r.fail(n, "when: the expression is of type %s, and has to say yes or no (bool)", ast.OutputType())
			return
		}
		program, err := r.env.Program(ast, cel.CostLimit(celconfig.PerCallLimit))
		if err != nil {
			r.fail(n, "when: %v", err)
			return
		}
		c := &Condition{Text: text, At: r.at(n), program: program}
		for _, info := range ast.NativeRep().ReferenceMap() {
			c.edits = c.edits || info.Name == varEdit
		}
		*place = c
	}
}

// lineOf returns a line of a text, counted from 1.
func lineOf(text string, number int) string {
	lines := strings.Split(text, "\n")
	return lines[min(max(number, 1), len(lines))-1]
}

// holds evaluates the condition. The error says why it could not be evaluated, for example
// because a field is missing.
func (c *Condition) holds(vars map[string]any) (bool, error) {
	out, _, err := c.program.Eval(vars)
	if err != nil {
		return false, err
	}
	is, _ := out.Value().(bool)
	return is, nil
}
