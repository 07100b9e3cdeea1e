package admission

import (
	"context"
	"errors"
	"strings"
	"sync"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/generic"
	"k8s.io/apiserver/pkg/admission/plugin/policy/matching"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/features"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/client-go/informers"
	listersv1 "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// policies are admission policies with their bindings, as the API server's own dispatchers ask
// them.
type policies struct {
	matcher    *matching.Matcher
	dispatcher validatingDispatcher
	// interfaces know the kinds, and which are equivalent.
	interfaces admission.ObjectInterfaces
	hooks      []validating.PolicyHook
	// sure are those, with their bindings, that are for a namespace or not by its name alone. open are
	// those that may or may not be for a request, or of which the parameters are not known.
	sure       []validating.PolicyHook
	open       []openPolicy
	mutating   []mutatingHook
	namespaces cache.Indexer
	// unknown are namespaces of which nothing is known but the name.
	unknown map[string]bool
	// secret says that the parameters of one are a Secret.
	secret bool
	// named are the resources that the policies name.
	named map[string]bool
	// asking is held by who asks: the indexer is filled as it goes.
	asking sync.Mutex
}

type validatingDispatcher = generic.Dispatcher[validating.PolicyHook]

type (
	validatingPolicy  = admissionregistrationv1.ValidatingAdmissionPolicy
	validatingBinding = admissionregistrationv1.ValidatingAdmissionPolicyBinding
)

// newPolicies reads the policies among some objects, with their bindings, parameters and the
// namespaces; nil if there are none. A policy is left aside whose parameters are of a kind of
// which not all objects are known.
func newPolicies(s *apiserver.Server, objects []*manifest.Object, unread map[string]bool) *policies {
	p := &policies{namespaces: cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{}), unknown: map[string]bool{}}
	d := declared{bindings: map[string][]*validatingBinding{}, mutatingBindings: map[string][]*mutating.PolicyBinding{}}
	for _, o := range objects {
		d.read(s, o)
		if o.Ref.GroupKind() == "Namespace" {
			if namespace := decodedAs[corev1.Namespace](s, o, corev1.SchemeGroupVersion); namespace != nil {
				p.addNamespace(namespace)
			}
		}
	}
	p.matcher = matching.NewMatcher(listersv1.NewNamespaceLister(p.namespaces), nil)
	p.interfaces = s.Interfaces()
	p.dispatcher = validating.NewDispatcher(everybody{}, generic.NewPolicyMatcher(p.matcher))
	for _, policy := range d.validations {
		if with, known := p.params(s, policy.Spec.ParamKind, objects, unread); known && len(d.bindings[policy.Name]) > 0 {
			p.add(s, validating.PolicyHook{
				Policy: policy, Evaluator: lazily(policy), Bindings: d.bindings[policy.Name], ParamScope: with.scope, ParamInformer: with.informer(),
			}, with, unread != nil)
		}
	}
	for _, policy := range sortedByName(d.mutations) {
		if with, known := p.params(s, policy.Spec.ParamKind, objects, unread); known && len(d.mutatingBindings[policy.Name]) > 0 {
			p.mutating = append(p.mutating, lazilyMutating(mutating.PolicyHook{
				Policy: policy, Bindings: d.mutatingBindings[policy.Name], ParamScope: with.scope, ParamInformer: with.informer(),
			}))
		}
	}
	if len(p.hooks)+len(p.open)+len(p.mutating) == 0 {
		return nil
	}
	p.named = p.resources()
	return p
}

// declared are the policies among some objects, and their bindings by the policy's name.
type declared struct {
	validations      []*validatingPolicy
	bindings         map[string][]*validatingBinding
	mutations        []*mutating.Policy
	mutatingBindings map[string][]*mutating.PolicyBinding
}

// read adds an object that is a policy or a binding.
func (d *declared) read(s *apiserver.Server, o *manifest.Object) {
	v1 := admissionregistrationv1.SchemeGroupVersion
	switch o.Ref.GroupKind() {
	case "ValidatingAdmissionPolicy.admissionregistration.k8s.io":
		if policy := decodedAs[validatingPolicy](s, o, v1); policy != nil {
			d.validations = append(d.validations, policy)
		}
	case "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io":
		if b := decodedAs[validatingBinding](s, o, v1); b != nil {
			d.bindings[b.Spec.PolicyName] = append(d.bindings[b.Spec.PolicyName], warned(b))
		}
	case "MutatingAdmissionPolicy.admissionregistration.k8s.io":
		if policy := decodedAs[mutating.Policy](s, o, v1); policy != nil && utilfeature.DefaultFeatureGate.Enabled(features.MutatingAdmissionPolicy) {
			d.mutations = append(d.mutations, policy)
		}
	case "MutatingAdmissionPolicyBinding.admissionregistration.k8s.io":
		if b := decodedAs[mutating.PolicyBinding](s, o, v1); b != nil {
			d.mutatingBindings[b.Spec.PolicyName] = append(d.mutatingBindings[b.Spec.PolicyName], b)
		}
	}
}

// resources are those that the policies name.
func (p *policies) resources() map[string]bool {
	named := map[string]bool{}
	add := func(match *admissionregistrationv1.MatchResources) {
		if match == nil {
			return
		}
		for _, rule := range match.ResourceRules {
			for _, resource := range rule.Resources {
				named[resource] = true
			}
		}
	}
	for i := range p.hooks {
		add(p.hooks[i].Policy.Spec.MatchConstraints)
	}
	for i := range p.open {
		add(p.open[i].hook.Policy.Spec.MatchConstraints)
	}
	for i := range p.mutating {
		add(p.mutating[i].Policy.Spec.MatchConstraints)
	}
	return named
}

// params are the objects from which a policy takes its parameters; none if it takes none.
type params struct {
	scope meta.RESTScope
	of    *paramInformer
}

// informer returns them as the dispatcher looks for them.
func (p params) informer() informers.GenericInformer {
	if p.of == nil {
		return nil
	}
	return *p.of
}

// params returns the parameters of a policy, and whether they are known.
func (p *policies) params(s *apiserver.Server, kind *admissionregistrationv1.ParamKind, objects []*manifest.Object, unread map[string]bool) (with params, known bool) {
	switch {
	case kind == nil:
		return params{}, true
	case unread[kind.Kind]:
		return params{}, false
	}
	gv, _ := schema.ParseGroupVersion(kind.APIVersion) // it was validated when the policy was applied
	p.secret = p.secret || manifest.IsSecret(kind.Kind)
	with.scope = meta.RESTScopeNamespace
	if !s.Namespaced(gv.Group, kind.Kind) {
		with.scope = meta.RESTScopeRoot
	}
	informer := parameters(gv.WithKind(kind.Kind), objects)
	with.of = &informer
	return with, true
}

func (p *policies) addNamespace(namespace *corev1.Namespace) {
	if namespace.Labels == nil {
		namespace.Labels = map[string]string{}
	}
	namespace.Labels[corev1.LabelMetadataName] = namespace.Name
	_ = p.namespaces.Add(namespace) // it has a name
}

// warned returns a binding that warns of what it would only write into the audit log.
func warned(binding *admissionregistrationv1.ValidatingAdmissionPolicyBinding) *admissionregistrationv1.ValidatingAdmissionPolicyBinding {
	binding = binding.DeepCopy()
	for i, action := range binding.Spec.ValidationActions {
		if action == admissionregistrationv1.Audit {
			binding.Spec.ValidationActions[i] = admissionregistrationv1.Warn
		}
	}
	return binding
}

// ask returns why the policies deny a request, "" if they do not, and what they warn of.
func (p *policies) ask(attributes admission.Attributes) (why string, warnings []string) {
	if p == nil || len(p.hooks) == 0 || exempt(attributes) {
		return "", nil
	}
	p.asking.Lock()
	defer p.asking.Unlock()
	hooks := p.hooks
	if p.know(attributes.GetNamespace()); p.unknown[attributes.GetNamespace()] {
		hooks = p.sure
	}
	said := &recorder{}
	ctx := warning.WithWarningRecorder(context.Background(), said)
	silent := p.silent(attributes)
	err := p.dispatcher.Dispatch(ctx, attributes, p.interfaces, hooks)
	if silent {
		for i, text := range said.list {
			said.list[i], _, _ = strings.Cut(text, "': ")
		}
	}
	return refusal(err, "ValidatingAdmissionPolicy '", silent), said.list
}

// exempt reports whether a request is about policies, which no policy is asked about (Dispatch in
// k8s.io/apiserver/pkg/admission/plugin/policy/generic).
func exempt(attributes admission.Attributes) bool {
	kind := attributes.GetKind()
	return kind.Group == admissionregistrationv1.GroupName && strings.HasSuffix(strings.TrimSuffix(kind.Kind, "Binding"), "AdmissionPolicy")
}

// silent reports whether what a policy says of a request may hold what is secret.
func (p *policies) silent(attributes admission.Attributes) bool {
	return p.secret || manifest.IsSecret(attributes.GetKind().Kind)
}

// refusal is what a policy says that denies a request, from its name on; "" if none does.
func refusal(err error, begin string, silent bool) string {
	if err == nil {
		return ""
	}
	message := err.Error()
	var status *apierrors.StatusError
	if errors.As(err, &status) {
		if _, after, found := strings.Cut(status.ErrStatus.Message, begin); found {
			message = begin + after
		}
	}
	if head, _, found := strings.Cut(message, denied); silent {
		message = head
		if found {
			message += denied
		}
	}
	return apiserver.FirstLine(message)
}

// know takes a namespace to be there of which nothing is known but its name.
func (p *policies) know(namespace string) {
	if _, known, _ := p.namespaces.GetByKey(namespace); !known && namespace != "" {
		p.unknown[namespace] = true
		p.addNamespace(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	}
}

// denied is how the dispatcher says that a policy denies a request.
const denied = " denied request"

// recorder collects the warnings of a request.
type recorder struct{ list []string }

func (r *recorder) AddWarning(_, text string) { r.list = append(r.list, text) }

// everybody answers for a user who may do everything, as Helm is taken to.
type everybody struct{}

func (everybody) Authorize(context.Context, authorizer.Attributes) (authorizer.Decision, string, error) {
	return authorizer.DecisionAllow, "", nil
}

// lazyValidator compiles the expressions of a policy when it is first asked: most policies
// match nothing that changes.
type lazyValidator struct {
	compiled func() validating.Validator
}

func lazily(policy *admissionregistrationv1.ValidatingAdmissionPolicy) validating.Validator {
	return lazyValidator{sync.OnceValue(func() validating.Validator { return compile(policy) })}
}

// Validate implements validating.Validator.
func (v lazyValidator) Validate(ctx context.Context, resource schema.GroupVersionResource, attributes *admission.VersionedAttributes, params runtime.Object,
	namespace *corev1.Namespace, budget int64, authz authorizer.UnconditionalAuthorizer,
) validating.ValidateResult {
	return v.compiled().Validate(ctx, resource, attributes, params, namespace, budget, authz)
}

// CompileError implements validating.Validator.
func (v lazyValidator) CompileError() error { return v.compiled().CompileError() }

// compile does what the plugin does with a policy (compilePolicy in
// k8s.io/apiserver/pkg/admission/plugin/policy/validating, which is not exported).
func compile(policy *admissionregistrationv1.ValidatingAdmissionPolicy) validating.Validator {
	spec := &policy.Spec
	compiler, err := cel.NewCompositedCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
	if err != nil {
		return validating.NewValidator(nil, nil, nil, nil, spec.FailurePolicy, err)
	}
	with := cel.OptionalVariableDeclarations{HasParams: spec.ParamKind != nil, HasAuthorizer: true}
	var variables []cel.NamedExpressionAccessor
	for i := range spec.Variables {
		variables = append(variables, &validating.Variable{Name: spec.Variables[i].Name, Expression: spec.Variables[i].Expression})
	}
	compiler.CompileAndStoreVariables(variables, with, environment.StoredExpressions)
	var conditions, checks, messages, annotations []cel.ExpressionAccessor
	for i := range spec.MatchConditions {
		conditions = append(conditions, (*matchconditions.MatchCondition)(&spec.MatchConditions[i]))
	}
	messages = make([]cel.ExpressionAccessor, len(spec.Validations))
	for i, v := range spec.Validations {
		checks = append(checks, &validating.ValidationCondition{Expression: v.Expression, Message: v.Message, Reason: v.Reason})
		if v.MessageExpression != "" {
			messages[i] = &validating.MessageExpressionCondition{MessageExpression: v.MessageExpression}
		}
	}
	for _, a := range spec.AuditAnnotations {
		annotations = append(annotations, &validating.AuditAnnotationCondition{Key: a.Key, ValueExpression: a.ValueExpression})
	}
	var matcher matchconditions.Matcher
	if len(conditions) > 0 {
		matcher = matchconditions.NewMatcher(compiler.CompileCondition(conditions, with, environment.StoredExpressions), spec.FailurePolicy, "policy", "validate", policy.Name)
	}
	without := cel.OptionalVariableDeclarations{HasParams: spec.ParamKind != nil}
	return validating.NewValidator(
		compiler.CompileCondition(checks, with, environment.StoredExpressions), matcher,
		compiler.CompileCondition(annotations, with, environment.StoredExpressions),
		compiler.CompileCondition(messages, without, environment.StoredExpressions), spec.FailurePolicy, nil,
	)
}

// parameters returns the objects of a kind in the way in which the dispatcher looks for the
// parameters of a policy.
func parameters(kind schema.GroupVersionKind, objects []*manifest.Object) paramInformer {
	indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	for _, o := range objects {
		if o.Ref.Group != kind.Group || o.Ref.Kind != kind.Kind {
			continue
		}
		if value, err := o.Value(); err == nil {
			u := (&unstructured.Unstructured{Object: value}).DeepCopy()
			u.SetNamespace(o.Ref.Namespace)
			_ = indexer.Add(u) // it has a name
		}
	}
	resource, _ := meta.UnsafeGuessKindToResource(kind)
	return paramInformer{indexer, resource.GroupResource()}
}

// paramInformer implements informers.GenericInformer for objects that are all there.
type paramInformer struct {
	indexer  cache.Indexer
	resource schema.GroupResource
}

// Informer implements informers.GenericInformer.
func (p paramInformer) Informer() cache.SharedIndexInformer { return synced{} }

// Lister implements informers.GenericInformer.
func (p paramInformer) Lister() cache.GenericLister {
	return cache.NewGenericLister(p.indexer, p.resource)
}

// synced is an informer of which nothing is asked but whether it knows all objects.
type synced struct{ cache.SharedIndexInformer }

// HasSynced implements cache.SharedIndexInformer.
func (synced) HasSynced() bool { return true }
