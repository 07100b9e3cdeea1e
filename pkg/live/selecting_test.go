package live_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/live"
)

// relabelled returns a Service of which a label changes.
func relabelled(name string) live.Wanted {
	w := want("v1 Service " + name)
	w.LabelReaders = []live.LabelReader{
		{Group: "admissionregistration.k8s.io", Kind: "MutatingAdmissionPolicy", Everywhere: true},
		{Group: "monitoring.coreos.com", Kind: "ServiceMonitor", Everywhere: true},
		{Group: "operator.victoriametrics.com", Kind: "VMServiceScrape", Everywhere: true},
		{Group: "policy", Kind: "PodDisruptionBudget"},
	}
	return w
}

func lists(c *cluster) []string {
	var found []string
	for _, request := range c.requests() {
		if list, isList := strings.CutSuffix(request, "?limit=500"); isList {
			found = append(found, list)
		}
	}
	return found
}

// What may select is read once, in whatever version it is served, and stands apart
// from what is around.
func TestWhatSelects(t *testing.T) {
	c := serve(t)
	c.servesMore()
	delete(c.served, "/apis/operator.victoriametrics.com/v1beta1")
	c.add("monitoring.coreos.com/v1 servicemonitors ServiceMonitor test/m", `{"spec":{"selector":{"matchLabels":{"team":"a"}}},"status":{"bindings":[]}}`)
	c.add("policy/v1 poddisruptionbudgets PodDisruptionBudget prod/b")
	c.add("policy/v1 poddisruptionbudgets PodDisruptionBudget test/b")
	state := c.read(live.Options{}, relabelled("prod/a"), relabelled("prod/b"))
	check(t, "selecting", []map[string]any{
		{"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": map[string]any{"name": "b", "namespace": "prod"}},
		{
			"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor", "metadata": map[string]any{"name": "m", "namespace": "test"},
			"spec": map[string]any{"selector": map[string]any{"matchLabels": map[string]any{"team": "a"}}},
		},
	}, state.Selecting)
	check(t, "around", []map[string]any(nil), state.Surroundings)
	check(t, "gaps", []live.Gap(nil), slices.Concat(state.Unread, state.Unseen))
	check(t, "lists", []string{
		"/apis/admissionregistration.k8s.io/v1beta1/mutatingadmissionpolicies", "/apis/monitoring.coreos.com/v1/servicemonitors",
		"/apis/policy/v1/namespaces/prod/poddisruptionbudgets",
	}, lists(c))
}

// Nobody is looked for where no label changes.
func TestNothingSelects(t *testing.T) {
	c := serve(t)
	c.servesMore()
	c.read(live.Options{}, want("v1 Service prod/a"))
	check(t, "requests", []string{"/api/v1", "/api/v1/namespaces/prod/services/a"}, c.requests())
}

func TestWhatSelectsIsForbidden(t *testing.T) {
	c := serve(t)
	c.servesMore()
	for _, path := range []string{
		"/apis/monitoring.coreos.com/v1/servicemonitors", "/apis/policy/v1/namespaces/prod/poddisruptionbudgets", "/apis/operator.victoriametrics.com",
		"/apis/admissionregistration.k8s.io/v1beta1",
	} {
		c.at(path, forbid)
	}
	state := c.read(live.Options{}, relabelled("prod/a"), relabelled("prod/b"))
	unknown := func(path string) string {
		return fmt.Sprintf("what the cluster serves of %s could not be read: no permission to get /apis/%s", path, path)
	}
	check(t, "unseen", []live.Gap{
		{Kind: "MutatingAdmissionPolicy.admissionregistration.k8s.io", Reason: unknown("admissionregistration.k8s.io/v1beta1")},
		{Kind: "PodDisruptionBudget.policy", Namespace: "prod", Reason: `no permission to list poddisruptionbudgets.policy in namespace "prod"`},
		{Kind: "ServiceMonitor.monitoring.coreos.com", Reason: "no permission to list servicemonitors.monitoring.coreos.com in all namespaces"},
		{Kind: "VMServiceScrape.operator.victoriametrics.com", Reason: unknown("operator.victoriametrics.com")},
	}, state.Unseen)
	check(t, "gaps", []live.Gap(nil), state.Unread)
	check(t, "selecting", []map[string]any(nil), state.Selecting)
}
