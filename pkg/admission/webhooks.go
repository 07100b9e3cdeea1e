package admission

import (
	"slices"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	predicates "k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// webhook is what decides about which requests the API server asks a webhook.
type webhook struct {
	name               string
	rules              []admissionregistrationv1.RuleWithOperations
	namespaces, object *metav1.LabelSelector
	// exact says that it is asked about the versions that it names only.
	exact bool
}

// webhooksOf reads the webhooks of a configuration; nil for what is none.
func webhooksOf(s *apiserver.Server, o *manifest.Object) []webhook {
	var list []webhook
	v1 := admissionregistrationv1.SchemeGroupVersion
	switch o.Ref.GroupKind() {
	case "ValidatingWebhookConfiguration.admissionregistration.k8s.io":
		if c := decodedAs[admissionregistrationv1.ValidatingWebhookConfiguration](s, o, v1); c != nil {
			for i := range c.Webhooks {
				w := &c.Webhooks[i]
				list = append(list, webhook{w.Name, w.Rules, w.NamespaceSelector, w.ObjectSelector, exact(w.MatchPolicy)})
			}
		}
	case "MutatingWebhookConfiguration.admissionregistration.k8s.io":
		if c := decodedAs[admissionregistrationv1.MutatingWebhookConfiguration](s, o, v1); c != nil {
			for i := range c.Webhooks {
				w := &c.Webhooks[i]
				list = append(list, webhook{w.Name, w.Rules, w.NamespaceSelector, w.ObjectSelector, exact(w.MatchPolicy)})
			}
		}
	}
	return list
}

// Webhooks names the webhooks that are asked about an object that comes or changes, their
// conditions aside.
func (g *Guards) Webhooks(o *manifest.Object, result *apiserver.Result, exists bool) []string {
	if g == nil || len(g.hooks) == 0 {
		return nil
	}
	return g.asked(g.attributes(o, result, exists))
}

// PodWebhooks names the webhooks that are asked about the pods that a controller makes.
func (g *Guards) PodWebhooks(m PodMaker) []string {
	if g == nil || len(g.hooks) == 0 {
		return nil
	}
	pod := m.pod()
	if pod == nil {
		return nil
	}
	return g.asked(m.request(pod))
}

func (g *Guards) asked(attributes admission.Attributes) []string {
	if attributes == nil || predicates.IsExemptAdmissionConfigurationResource(attributes) {
		return nil
	}
	versions := []admission.Attributes{attributes}
	for _, resource := range g.server.Interfaces().GetEquivalentResourceMapper().EquivalentResourcesFor(attributes.GetResource(), "") {
		versions = append(versions, asResource{attributes, resource})
	}
	var names []string
	for i := range g.hooks {
		w := &g.hooks[i]
		matches := slices.ContainsFunc(versions, func(a admission.Attributes) bool {
			return (!w.exact || a == attributes) && slices.ContainsFunc(w.rules, func(r admissionregistrationv1.RuleWithOperations) bool {
				matcher := predicates.Matcher{Rule: r, Attr: a}
				return matcher.Matches()
			})
		})
		if matches && g.inNamespace(w, attributes) && (w.selects(attributes.GetObject()) || w.selects(attributes.GetOldObject())) {
			names = append(names, w.name)
		}
	}
	return names
}

func exact(policy *admissionregistrationv1.MatchPolicyType) bool {
	return policy != nil && *policy == admissionregistrationv1.Exact
}

// inNamespace reports whether a webhook is for the namespace of a request. What lives in none
// it is asked about; a Namespace counts by its own labels (MatchNamespaceSelector in
// k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/namespace).
func (g *Guards) inNamespace(w *webhook, attributes admission.Attributes) bool {
	name := attributes.GetNamespace()
	switch {
	case attributes.GetKind().Group == "" && attributes.GetKind().Kind == "Namespace":
		return selects(w.namespaces, labelsOf(attributes.GetObject()))
	case name == "":
		return true
	}
	set := labels.Set{corev1.LabelMetadataName: name}
	known, are := g.namespaces[name]
	if !are { // it may have the labels that the webhook selects
		stripped, _ := byName(&admissionregistrationv1.MatchResources{NamespaceSelector: w.namespaces})
		return selects(stripped.NamespaceSelector, set)
	}
	return selects(w.namespaces, labels.Merge(known, set))
}

// selects reports whether a webhook is for an object by its labels; it is not for one that is not
// there.
func (w *webhook) selects(object runtime.Object) bool {
	return object != nil && selects(w.object, labelsOf(object))
}

func labelsOf(object runtime.Object) labels.Set {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return nil
	}
	return accessor.GetLabels()
}

// selects reports whether a selector selects labels; one that is not there selects all.
func selects(selector *metav1.LabelSelector, set labels.Set) bool {
	if selector == nil {
		return true
	}
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(set)
}

// asResource is a request for an equivalent resource.
type asResource struct {
	admission.Attributes
	resource schema.GroupVersionResource
}

// GetResource implements admission.Attributes.
func (a asResource) GetResource() schema.GroupVersionResource { return a.resource }
