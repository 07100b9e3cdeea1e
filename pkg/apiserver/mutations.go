package apiserver

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/generic"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	"k8s.io/apiserver/pkg/cel/environment"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// Admitting returns a copy of the server on which the MutatingAdmissionPolicies of now change
// what is sent, and those of installed have changed what is there.
func (s *Server) Admitting(now, installed *Guards) *Server {
	admitting := *s
	admitting.mutating, admitting.mutated = now.mutations(), installed.mutations()
	return &admitting
}

// mutations returns the policies, if some of them mutate; nil if none does.
func (g *Guards) mutations() *policies {
	if g == nil || g.policies == nil || len(g.policies.mutating) == 0 {
		return nil
	}
	return g.policies
}

// mutate changes an object as policies want it that is about to be stored in the place of live;
// nil for an object that is not there yet. It refuses what one of them fails to judge.
//
//nolint:contextcheck,nolintlint // admission in this process waits for nobody
func (s *Server) mutate(p *policies, r request, object, live runtime.Object) []change.FieldError {
	if p == nil || !r.known {
		return nil
	}
	why := p.mutate(s.attributes(r, object, live), s.types(r))
	if r.custom != nil {
		r.custom.Default(object)
	}
	if why == "" {
		return nil
	}
	return []change.FieldError{{Type: "Denied", Message: why}}
}

// mutate asks those policies that match a request, and asks them again where one has changed what
// another one has seen (newReinvocationHandler in k8s.io/apiserver/pkg/admission).
//
//nolint:contextcheck,nolintlint // admission in this process waits for nobody
func (p *policies) mutate(attributes admission.Attributes, types oneType) string {
	if exempt(attributes) {
		return ""
	}
	p.asking.Lock()
	defer p.asking.Unlock()
	p.know(attributes.GetNamespace())
	interfaces := p.interfaces
	matcher := generic.NewPolicyMatcher(p.matcher)
	var hooks []mutating.PolicyHook
	for i := range p.mutating {
		hook := p.mutating[i].PolicyHook
		matches, _, _, err := matcher.DefinitionMatches(attributes, interfaces, mutating.NewMutatingAdmissionPolicyAccessor(hook.Policy))
		if matches || err != nil {
			hook.Evaluator = p.mutating[i].compiled()
			hook.ConfigurationError = hook.Evaluator.Error
			hooks = append(hooks, hook)
		}
	}
	if len(hooks) == 0 {
		return ""
	}
	dispatcher := mutating.NewDispatcher(everybody{}, p.matcher, types)
	err := dispatcher.Dispatch(context.Background(), attributes, interfaces, hooks)
	if again := attributes.GetReinvocationContext(); err == nil && again.ShouldReinvoke() {
		again.SetIsReinvoke()
		err = dispatcher.Dispatch(context.Background(), attributes, interfaces, hooks)
	}
	if why := refusal(err, "policy '", p.silent(attributes)); why != "" {
		return "MutatingAdmissionPolicy " + strings.TrimPrefix(why, "policy ")
	}
	return ""
}

// mutatingHook is a policy whose expressions are compiled when it first matches something.
type mutatingHook struct {
	mutating.PolicyHook
	compiled func() mutating.PolicyEvaluator
}

func lazilyMutating(hook mutating.PolicyHook) mutatingHook {
	return mutatingHook{hook, sync.OnceValue(func() mutating.PolicyEvaluator { return compileMutating(hook.Policy) })}
}

// sortedByName puts policies into the order in which the API server asks them.
func sortedByName(list []*mutating.Policy) []*mutating.Policy {
	slices.SortFunc(list, func(a, b *mutating.Policy) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// compileMutating does what the plugin does with a policy (compilePolicy in
// k8s.io/apiserver/pkg/admission/plugin/policy/mutating, which is not exported).
func compileMutating(policy *mutating.Policy) mutating.PolicyEvaluator {
	spec := &policy.Spec
	compiler, err := cel.NewCompositedCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
	if err != nil {
		return mutating.PolicyEvaluator{Error: err}
	}
	with := cel.OptionalVariableDeclarations{HasParams: spec.ParamKind != nil, HasAuthorizer: true}
	var variables []cel.NamedExpressionAccessor
	for _, v := range spec.Variables {
		variables = append(variables, &validating.Variable{Name: v.Name, Expression: v.Expression})
	}
	compiler.CompileAndStoreVariables(variables, with, environment.StoredExpressions)
	var conditions []cel.ExpressionAccessor
	for i := range spec.MatchConditions {
		conditions = append(conditions, (*matchconditions.MatchCondition)(&spec.MatchConditions[i]))
	}
	evaluator := mutating.PolicyEvaluator{CompositedCompiler: compiler}
	if len(conditions) > 0 {
		evaluator.Matcher = matchconditions.NewMatcher(compiler.CompileCondition(conditions, with, environment.StoredExpressions), spec.FailurePolicy, "policy", "validate", policy.Name)
	}
	with.HasPatchTypes = true
	for _, m := range spec.Mutations {
		switch {
		case m.JSONPatch != nil:
			compiled := compiler.CompileMutatingEvaluator(&patch.JSONPatchCondition{Expression: m.JSONPatch.Expression}, with, environment.StoredExpressions)
			evaluator.Mutators = append(evaluator.Mutators, patch.NewJSONPatcher(compiled))
		case m.ApplyConfiguration != nil:
			compiled := compiler.CompileMutatingEvaluator(&patch.ApplyConfigurationCondition{Expression: m.ApplyConfiguration.Expression}, with, environment.StoredExpressions)
			evaluator.Mutators = append(evaluator.Mutators, patch.NewApplyConfigurationPatcher(compiled))
		}
	}
	return evaluator
}

// oneType tells the schema of the one type that is asked about.
type oneType struct {
	converter func() managedfields.TypeConverter
}

// types returns what knows the schema of the kind of a request.
func (s *Server) types(r request) oneType {
	return oneType{func() managedfields.TypeConverter {
		if r.custom != nil {
			if types, err := r.custom.types(); err == nil {
				return types
			}
			return nil
		}
		return s.appliers.types(r.gvk.Group)
	}}
}

// GetTypeConverter implements patch.TypeConverterManager.
func (t oneType) GetTypeConverter(schema.GroupVersionKind) managedfields.TypeConverter {
	return t.converter()
}

// Run implements patch.TypeConverterManager.
func (oneType) Run(context.Context) {}
