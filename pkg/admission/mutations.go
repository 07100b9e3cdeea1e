package admission

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/generic"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	"k8s.io/apiserver/pkg/cel/environment"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
)

// mutations returns the policies, if some of them mutate; nil if none does.
func (g *Guards) mutations() *policies {
	if g == nil || g.policies == nil || len(g.policies.mutating) == 0 {
		return nil
	}
	return g.policies
}

// Mutator returns the policies that mutate; nil if none does.
func (g *Guards) Mutator() apiserver.Mutator {
	if p := g.mutations(); p != nil {
		return p
	}
	return nil
}

// Mutate asks those policies that match a request, and asks them again where one has changed what
// another one has seen (newReinvocationHandler in k8s.io/apiserver/pkg/admission).
//
//nolint:contextcheck,nolintlint // admission in this process waits for nobody
func (p *policies) Mutate(attributes admission.Attributes, types patch.TypeConverterManager) string {
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
