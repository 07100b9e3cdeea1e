package api

import (
	"fmt"
	"reflect"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/selectors"
)

// AdmissionRules are about webhooks and admission policies.
func AdmissionRules() []rule.Rule {
	webhooks := []string{"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"}
	policies := []string{"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"}
	return []rule.Rule{
		{
			ID: "webhook-gone", Risk: change.Exposure, Kinds: webhooks,
			Why:  "what the webhook rejected or filled in is stored unchanged from now on",
			Fix:  "keep the webhook as long as something relies on it",
			Find: webhooksGone,
		},
		{
			ID: "webhook-narrowed", Risk: change.Exposure, Kinds: webhooks,
			Why:  "the API server calls the webhook for fewer requests than before; what it rejected or filled in is stored unchanged where it is not called",
			Fix:  "keep rules, selectors and conditions as wide as they were",
			Find: webhooksNarrowed,
		},
		{
			ID: "webhook-leads-out", Risk: change.Exposure, Kinds: webhooks,
			Why:  "whoever answers at the URL receives every object that the webhook matches, Secrets too, and may change or reject it",
			Fix:  "let clientConfig name a Service",
			Find: webhooksLeadOut,
		},
		{
			ID: "admission-policy-gone", Risk: change.Exposure, Kinds: policies,
			Why:  "a policy only works together with a binding: what it rejected is allowed from now on",
			Fix:  "keep policy and binding as long as something relies on them",
			Find: policiesGone,
		},
		{
			ID: "admission-policy-disarmed", Risk: change.Exposure, Kinds: policies,
			Why:  "a policy that only warns or audits, ignores its own failures, or matches fewer objects allows what it used to reject",
			Fix:  "keep validationActions: [Deny], failurePolicy: Fail, and what it matches and validates",
			Find: policiesDisarmed,
		},
	}
}

// webhook is one webhook of a configuration, in the fields that both kinds have.
type webhook struct {
	fields map[string]any
	typed  admissionv1.ValidatingWebhook
}

// webhooksOf reads the webhooks of a configuration, by name.
func webhooksOf(o *manifest.Object) map[string]webhook {
	list := map[string]webhook{}
	if o == nil {
		return list
	}
	value, err := o.Value()
	if err != nil {
		return list
	}
	for _, fields := range untyped.Maps(value, "webhooks") {
		w := webhook{fields: fields}
		if runtime.DefaultUnstructuredConverter.FromUnstructured(fields, &w.typed) == nil {
			list[w.typed.Name] = w
		}
	}
	return list
}

func isWebhooks(ref manifest.Ref) bool {
	return ref.Group == admissionv1.GroupName && (ref.Kind == "ValidatingWebhookConfiguration" || ref.Kind == "MutatingWebhookConfiguration")
}

// webhooksGone tells of webhooks that go, and are in no other configuration of the same kind.
func webhooksGone(u *upgrade.Upgrade) []rule.Found {
	after := map[string]bool{}
	for _, o := range u.StandingAt(upgrade.After) {
		if isWebhooks(o.Ref) {
			for name := range webhooksOf(o) {
				after[o.Ref.Kind+name] = true
			}
		}
	}
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !isWebhooks(o.Ref()) || !o.Does(change.Delete, change.Update) || o.Change.Before() == nil {
			continue
		}
		var gone []string
		for name := range webhooksOf(o.Change.Before()) {
			if !after[o.Ref().Kind+name] {
				gone = append(gone, name)
			}
		}
		if slices.Sort(gone); len(gone) > 0 {
			found = append(found, rule.Found{
				On: o, Message: "the API server no longer asks " + rule.Shortened(gone), Paths: rule.Edits(o.Change, "webhooks"),
				Evidence: []change.Evidence{{What: "webhooks that go", Objects: []manifest.Ref{o.Ref()}, Names: gone}},
			})
		}
	}
	return found
}

// changedWebhooks asks about each webhook that stays, or comes, in a configuration that changes.
func changedWebhooks(u *upgrade.Upgrade, says func(was *webhook, is webhook) string) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !isWebhooks(o.Ref()) || !o.Does(change.Create, change.Update) || o.New == nil || o.Idle() {
			continue
		}
		before, after := webhooksOf(o.Change.Before()), webhooksOf(o.New)
		var list []string
		for name := range after {
			list = append(list, name)
		}
		slices.Sort(list)
		for _, name := range list {
			var was *webhook
			if w, there := before[name]; there {
				was = &w
			}
			if message := says(was, after[name]); message != "" {
				found = append(found, rule.Found{
					On: o, Message: fmt.Sprintf("webhook %s %s", name, message), Paths: rule.Edits(o.Change, "webhooks"),
					Evidence: []change.Evidence{{What: "webhook " + message, Objects: []manifest.Ref{o.Ref()}, Names: []string{name}}},
				})
			}
		}
	}
	return found
}

func webhooksNarrowed(u *upgrade.Upgrade) []rule.Found {
	return changedWebhooks(u, func(was *webhook, is webhook) string {
		switch {
		case was == nil:
			return ""
		case narrows(was.typed.Rules, is.typed.Rules):
			return "is asked about fewer kinds of requests (rules)"
		case selectsLess(was.typed.NamespaceSelector, is.typed.NamespaceSelector):
			return "is asked about fewer namespaces (namespaceSelector)"
		case selectsLess(was.typed.ObjectSelector, is.typed.ObjectSelector):
			return "is asked about fewer objects (objectSelector)"
		case conditionsAdded(was.typed.MatchConditions, is.typed.MatchConditions):
			return "is asked under one more condition (matchConditions)"
		case untyped.Text(was.fields, "matchPolicy") != "Exact" && untyped.Text(is.fields, "matchPolicy") == "Exact":
			return "is asked about the versions that it names only (matchPolicy: Exact)"
		default:
			return ""
		}
	})
}

// narrows reports whether a request that the rules were for is one that they are not for any
// more.
func narrows(was, is []admissionv1.RuleWithOperations) bool {
	return slices.ContainsFunc(was, func(r admissionv1.RuleWithOperations) bool {
		return !coveredInParts(r, is)
	})
}

// coveredInParts reports whether one rule, or several together, hold each resource, with each
// operation and scope, of another one.
func coveredInParts(r admissionv1.RuleWithOperations, by []admissionv1.RuleWithOperations) bool {
	for _, operation := range operations(r) {
		for _, resource := range r.Resources {
			for _, scope := range scopesOf(r, resource) {
				if !slices.ContainsFunc(by, func(s admissionv1.RuleWithOperations) bool {
					return holdsAll(operations(s), []string{operation}) && holdsAll(s.Resources, []string{resource}) && holdsAll(s.APIGroups, r.APIGroups) &&
						holdsAll(s.APIVersions, r.APIVersions) && slices.Contains(scopes(s), scope)
				}) {
					return false
				}
			}
		}
	}
	return true
}

func operations(r admissionv1.RuleWithOperations) []string {
	list := make([]string, 0, len(r.Operations))
	for _, o := range r.Operations {
		if o == admissionv1.OperationAll {
			return []string{"CREATE", "UPDATE", "DELETE", "CONNECT"}
		}
		list = append(list, string(o))
	}
	return list
}

func holdsAll(list, all []string) bool {
	return slices.Contains(list, "*") || !slices.ContainsFunc(all, func(s string) bool { return !slices.Contains(list, s) })
}

// selectsLess reports whether a selector may select less than another one did.
func selectsLess(was, is *metav1.LabelSelector) bool { return !selectors.Covers(is, was) }

func conditionsAdded(was, is []admissionv1.MatchCondition) bool {
	return slices.ContainsFunc(is, func(c admissionv1.MatchCondition) bool { return !slices.Contains(was, c) })
}

func webhooksLeadOut(u *upgrade.Upgrade) []rule.Found {
	return changedWebhooks(u, func(was *webhook, is webhook) string {
		url := is.typed.ClientConfig.URL
		if url == nil || was != nil && was.typed.ClientConfig.URL != nil && *was.typed.ClientConfig.URL == *url {
			return ""
		}
		return "sends objects to " + *url
	})
}

func isAdmissionPolicy(ref manifest.Ref) bool {
	return ref.Group == admissionv1.GroupName && slices.Contains(
		[]string{"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"}, ref.Kind)
}

// policiesGone tells of policies and bindings that go. One of the same content under another
// name takes over.
func policiesGone(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !isAdmissionPolicy(o.Ref()) || !o.Goes() || u.Any(func(other *upgrade.Object) bool {
			return other.Ref().Kind == o.Ref().Kind && other.Does(change.Create) && reflect.DeepEqual(upgrade.Spec(other.New), upgrade.Spec(o.Old))
		}) {
			continue
		}
		found = append(found, rule.Found{
			On: o, Message: "what it refused, or filled in, passes from now on", Evidence: []change.Evidence{{What: "policy that goes", Objects: []manifest.Ref{o.Ref()}}},
		})
	}
	return found
}

// policiesDisarmed tells of policies and bindings that refuse less than before.
func policiesDisarmed(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !isAdmissionPolicy(o.Ref()) || !o.Does(change.Update) || !o.Edited("spec") || o.Change.Before() == nil {
			continue
		}
		was, is := upgrade.Spec(o.Change.Before()), upgrade.Spec(o.New)
		message := disarmed(was, is)
		if message == "" {
			continue
		}
		found = append(found, rule.Found{
			On: o, Message: message, Paths: rule.SpecEdits(o.Change), Evidence: []change.Evidence{{What: "disarmed: " + message, Objects: []manifest.Ref{o.Ref()}}},
		})
	}
	return found
}

func disarmed(was, is map[string]any) string {
	denies := func(spec map[string]any) bool {
		return slices.Contains(untyped.Texts(spec, "validationActions"), "Deny")
	}
	rules := func(spec map[string]any, field string) (match admissionv1.MatchResources) {
		_ = runtime.DefaultUnstructuredConverter.FromUnstructured(untyped.Map(spec, field), &match)
		return match
	}
	dropped := func(field, key string) bool {
		return slices.ContainsFunc(untyped.Maps(was, field), func(v map[string]any) bool {
			return !slices.ContainsFunc(untyped.Maps(is, field), func(n map[string]any) bool { return untyped.Text(n, key) == untyped.Text(v, key) })
		})
	}
	switch {
	case denies(was) && !denies(is):
		return "it only tells of what it refused (validationActions)"
	case untyped.Text(was, "failurePolicy") != "Ignore" && untyped.Text(is, "failurePolicy") == "Ignore":
		return "what it cannot judge passes (failurePolicy: Ignore)"
	case dropped("validations", "expression"):
		return "one of its validations is gone, or another one"
	case conditionsIn(is) > conditionsIn(was):
		return "it holds under one more condition (matchConditions)"
	}
	for _, field := range []string{"matchConstraints", "matchResources"} {
		old, updated := rules(was, field), rules(is, field)
		if matchesLess(&old, &updated) {
			return "it holds for fewer requests (" + field + ")"
		}
	}
	return ""
}

func conditionsIn(spec map[string]any) int { return len(untyped.Maps(spec, "matchConditions")) }

// matchesLess reports whether some requests match no more.
func matchesLess(was, is *admissionv1.MatchResources) bool {
	plain := func(list []admissionv1.NamedRuleWithOperations) []admissionv1.RuleWithOperations {
		rules := make([]admissionv1.RuleWithOperations, 0, len(list))
		for _, r := range list {
			rules = append(rules, r.RuleWithOperations)
		}
		return rules
	}
	narrower := narrows(plain(was.ResourceRules), plain(is.ResourceRules))
	if len(was.ResourceRules) == 0 || len(is.ResourceRules) == 0 { // no rules are all
		narrower = len(was.ResourceRules) == 0 && len(is.ResourceRules) > 0
	}
	return narrower || selectsLess(was.NamespaceSelector, is.NamespaceSelector) || selectsLess(was.ObjectSelector, is.ObjectSelector) ||
		narrows(plain(is.ExcludeResourceRules), plain(was.ExcludeResourceRules))
}
