package admission

import (
	"context"
	"fmt"
	"slices"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// openPolicy is a policy of which is not known whether it denies what it may be asked about.
type openPolicy struct {
	hook validating.PolicyHook
	// undefined is the kind of its parameters, of which no definition is known; "" for one that
	// depends on the labels of a namespace, where these are not known.
	undefined string
}

// add takes in a policy with its bindings. looked says that the cluster was asked for its parameters.
func (p *policies) add(s *apiserver.Server, hook validating.PolicyHook, with params, looked bool) {
	if kind := hook.Policy.Spec.ParamKind; kind != nil && !looked && len(with.of.indexer.List()) == 0 {
		gv, _ := schema.ParseGroupVersion(kind.APIVersion) // it was validated when the policy was applied
		if gk := gv.WithKind(kind.Kind).GroupKind(); !s.Defined(gk) {
			p.open = append(p.open, openPolicy{denying(hook), gk.String()})
			return
		}
	}
	p.hooks = append(p.hooks, hook)
	sure, open := hook, hook
	sure.Bindings, open.Bindings = nil, nil
	constraints, cut := byName(hook.Policy.Spec.MatchConstraints)
	reads := mentions(hook.Policy, "namespaceObject")
	for _, binding := range hook.Bindings {
		resources, cutToo := byName(binding.Spec.MatchResources)
		if !cut && !cutToo && !reads {
			sure.Bindings = append(sure.Bindings, binding)
			continue
		}
		binding = binding.DeepCopy()
		binding.Spec.MatchResources = resources
		open.Bindings = append(open.Bindings, binding)
	}
	if len(sure.Bindings) > 0 {
		p.sure = append(p.sure, sure)
	}
	if len(open.Bindings) == 0 {
		return
	}
	if open.Policy = hook.Policy.DeepCopy(); reads {
		open = denying(open)
	}
	open.Policy.Spec.MatchConstraints = constraints
	p.open = append(p.open, openPolicy{hook: open})
}

// byName returns what is to be matched without the labels of the namespace, its name aside, and
// whether there was something to leave out.
func byName(match *admissionregistrationv1.MatchResources) (stripped *admissionregistrationv1.MatchResources, cut bool) {
	if match == nil || match.NamespaceSelector == nil {
		return match, false
	}
	stripped = match.DeepCopy()
	for label := range match.NamespaceSelector.MatchLabels {
		if label != corev1.LabelMetadataName {
			delete(stripped.NamespaceSelector.MatchLabels, label)
			cut = true
		}
	}
	stripped.NamespaceSelector.MatchExpressions = slices.DeleteFunc(stripped.NamespaceSelector.MatchExpressions, func(r metav1.LabelSelectorRequirement) bool {
		cut = cut || r.Key != corev1.LabelMetadataName
		return r.Key != corev1.LabelMetadataName
	})
	return stripped, cut
}

// mentions reports whether a policy reads a variable.
func mentions(policy *validatingPolicy, variable string) bool {
	has := func(expression string) bool { return strings.Contains(expression, variable) }
	return slices.ContainsFunc(policy.Spec.Validations, func(v admissionregistrationv1.Validation) bool { return has(v.Expression) }) ||
		slices.ContainsFunc(policy.Spec.Variables, func(v admissionregistrationv1.Variable) bool { return has(v.Expression) }) ||
		slices.ContainsFunc(policy.Spec.MatchConditions, func(c admissionregistrationv1.MatchCondition) bool { return has(c.Expression) })
}

// denying returns a policy that denies all that it matches, for one that cannot be evaluated.
func denying(hook validating.PolicyHook) validating.PolicyHook {
	policy := hook.Policy.DeepCopy()
	policy.Spec.ParamKind, policy.Spec.Variables = nil, nil
	policy.Spec.Validations = []admissionregistrationv1.Validation{{Expression: "false"}}
	policy.Spec.MatchConditions = slices.DeleteFunc(policy.Spec.MatchConditions, func(c admissionregistrationv1.MatchCondition) bool {
		return strings.Contains(c.Expression, "params") || strings.Contains(c.Expression, "variables") || strings.Contains(c.Expression, "namespaceObject")
	})
	hook.Policy, hook.Evaluator, hook.ParamScope, hook.ParamInformer = policy, lazily(policy), nil, nil
	return hook
}

// unclear says of which policies is not known whether they deny a request, of what.
func (p *policies) unclear(attributes admission.Attributes, what string) []string {
	if p == nil || attributes == nil || len(p.open) == 0 || exempt(attributes) {
		return nil
	}
	p.asking.Lock()
	defer p.asking.Unlock()
	namespace := attributes.GetNamespace()
	p.know(namespace)
	var list []string
	for _, o := range p.open {
		if o.undefined == "" && !p.unknown[namespace] {
			continue
		}
		if p.dispatcher.Dispatch(context.Background(), attributes, p.interfaces, []validating.PolicyHook{o.hook}) == nil {
			continue
		}
		depends := "the labels of namespace " + namespace + ", which are not known"
		if o.undefined != "" {
			depends = "its parameters, and the definition of " + o.undefined + " is not known"
		}
		list = append(list, fmt.Sprintf("whether ValidatingAdmissionPolicy %s denies %s depends on %s", o.hook.Policy.Name, what, depends))
	}
	return list
}

// Unclear says of which policies is not known whether they deny that an object comes, or changes.
func (g *Guards) Unclear(o *manifest.Object, result *apiserver.Result, exists bool) []string {
	if g == nil || g.policies == nil {
		return nil
	}
	return g.policies.unclear(g.attributes(o, result, exists), "it")
}

// UnclearPods says of which policies is not known whether they deny the pods that a controller makes.
func (g *Guards) UnclearPods(m PodMaker) []string {
	if g == nil || g.policies == nil || len(g.policies.open) == 0 {
		return nil
	}
	pod := m.pod()
	if pod == nil {
		return nil
	}
	g.defaults(m, pod)
	g.settled(pod)
	return g.policies.unclear(m.request(pod), "its pods")
}
