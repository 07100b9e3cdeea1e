package api

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/selectors"
)

// WebhookServerRules are about webhooks that are asked about Helm's own record while nobody answers.
func WebhookServerRules() []rule.Rule {
	return []rule.Rule{{
		ID: "webhook-blocks-helm", Risk: change.Rejected, Kinds: []string{"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"},
		Why: "Helm stores the state of a release in a Secret, and writes it again at the end of an upgrade; a webhook that matches Secrets and does not answer " +
			"makes that write fail: the release stays pending, and the next upgrade reports that another operation is in progress",
		Fix:  "exclude Secrets or the release's namespace from the webhook (rules, namespaceSelector), set failurePolicy: Ignore, or try --wait",
		Find: webhooksBlocking,
	}}
}

// webhooksBlocking tells of webhooks that refuse Helm's own record, since their server is not
// there yet, or not at all.
func webhooksBlocking(u *upgrade.Upgrade) []rule.Found {
	return changedWebhooks(u, func(was *webhook, is webhook) string {
		if was != nil && asksAboutHelm(was) || !asksAboutHelm(&is) {
			return ""
		}
		after, servers := calledThrough(u, &is)
		switch {
		case after == nil:
			return ""
		case len(servers) == 0:
			return fmt.Sprintf("matches the Secret in which Helm stores the release, and %s has no pods that answer", after.Ref)
		case !u.Waits && !slices.ContainsFunc(servers, answersAllTheTime):
			return fmt.Sprintf("matches the Secret in which Helm stores the release, before the pods of %s are ready", after.Ref)
		default:
			return ""
		}
	})
}

// calledThrough returns the Service of the release through which the API server calls a webhook
// after the upgrade, and the workloads behind it; nil if the release has none that selects pods.
func calledThrough(u *upgrade.Upgrade, w *webhook) (*upgrade.Service, []*upgrade.Workload) {
	ref := w.typed.ClientConfig.Service
	if ref == nil {
		return nil, nil
	}
	return u.ServiceAfter(manifest.Identity{Kind: "Service", Namespace: ref.Namespace, Name: ref.Name})
}

// answersAllTheTime reports whether some pod of a workload is ready throughout the upgrade.
func answersAllTheTime(w *upgrade.Workload) bool { return w.Before != nil && !w.Down() }

// demanding reports whether the API server rejects a request that a webhook does not answer,
// whatever the request holds.
func demanding(w *webhook) bool {
	return (w.typed.FailurePolicy == nil || *w.typed.FailurePolicy != admissionv1.Ignore) && len(w.typed.MatchConditions) == 0
}

// asksAboutHelm reports whether the API server asks a webhook about every Secret that is written,
// and refuses what it does not answer.
func asksAboutHelm(w *webhook) bool {
	t := &w.typed
	if !demanding(w) || t.NamespaceSelector != nil && !selectors.Empty(t.NamespaceSelector) || t.ObjectSelector != nil && !selectors.Empty(t.ObjectSelector) {
		return false
	}
	return slices.ContainsFunc(t.Rules, func(r admissionv1.RuleWithOperations) bool {
		return holdsAll(r.APIGroups, []string{""}) && holdsAll(r.APIVersions, []string{"v1"}) && (r.Scope == nil || *r.Scope != admissionv1.ClusterScope) &&
			(holdsAll(r.Resources, []string{"secrets"}) || slices.Contains(r.Resources, "*/*")) && slices.Contains(operations(r), "UPDATE")
	})
}

// UnknownServers lists the webhooks of a change that are asked about Helm's own record from this
// upgrade on, by a server of which the release has nothing.
func UnknownServers(u *upgrade.Upgrade, o *upgrade.Object) []string {
	if !isWebhooks(o.Ref()) || !o.Does(change.Create, change.Update) || o.New == nil || o.Idle() {
		return nil
	}
	before := webhooksOf(o.Change.Before())
	var list []string
	for name, is := range webhooksOf(o.New) {
		was, there := before[name]
		if !asksAboutHelm(&is) || there && asksAboutHelm(&was) && reflect.DeepEqual(was.typed.ClientConfig, is.typed.ClientConfig) {
			continue
		}
		service := is.typed.ClientConfig.Service
		if service == nil || u.Object(manifest.Identity{Kind: "Service", Namespace: service.Namespace, Name: service.Name}) == nil {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// Server is a workload of the release whose pods serve a webhook with failurePolicy Fail.
type Server struct {
	Webhook  string
	Workload *upgrade.Workload
	// Changes says that the upgrade creates the webhook or changes it, Demanded that it was there
	// before, and that the API server rejected what it did not answer.
	Changes, Demanded bool
	// Alone says that no other workload serves the webhook all the time.
	Alone bool
	// Selects says that the webhook selects namespaces by labels besides their names.
	Selects bool
}

// Servers lists the workloads that serve the webhooks of a configuration after the upgrade. Webhooks
// with matchConditions are left out.
func Servers(u *upgrade.Upgrade, o *upgrade.Object) []Server {
	if !isWebhooks(o.Ref()) || o.Standing(upgrade.After) == nil || o.Idle() {
		return nil
	}
	before := webhooksOf(o.Old)
	if o.Change != nil {
		before = webhooksOf(o.Change.Before())
	}
	var list []Server
	for name, w := range webhooksOf(o.Standing(upgrade.After)) {
		if !demanding(&w) {
			continue
		}
		was, there := before[name]
		_, pods := calledThrough(u, &w)
		pods = upgrade.Lasting(pods)
		for _, server := range pods {
			list = append(list, Server{
				Webhook: name, Workload: server, Changes: o.Does(change.Create, change.Update), Demanded: there && demanding(&was),
				Alone:   !slices.ContainsFunc(pods, func(other *upgrade.Workload) bool { return other != server && answersAllTheTime(other) }),
				Selects: selectsByLabel(w.typed.NamespaceSelector),
			})
		}
	}
	slices.SortFunc(list, func(a, b Server) int {
		return cmp.Or(cmp.Compare(a.Webhook, b.Webhook), cmp.Compare(a.Workload.Ref().String(), b.Workload.Ref().String()))
	})
	return list
}

// selectsByLabel reports whether a selector of namespaces looks at more than their names.
func selectsByLabel(s *metav1.LabelSelector) bool {
	if s == nil {
		return false
	}
	for key := range s.MatchLabels {
		if key != corev1.LabelMetadataName {
			return true
		}
	}
	return slices.ContainsFunc(s.MatchExpressions, func(r metav1.LabelSelectorRequirement) bool { return r.Key != corev1.LabelMetadataName })
}
