package api

import (
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
)

func TestNarrows(t *testing.T) {
	cluster, namespaced, all := admissionv1.ClusterScope, admissionv1.NamespacedScope, admissionv1.AllScopes
	ruleFor := func(group, resource string, scope *admissionv1.ScopeType) []admissionv1.RuleWithOperations {
		return []admissionv1.RuleWithOperations{{
			Operations: []admissionv1.OperationType{admissionv1.Create},
			Rule:       admissionv1.Rule{APIGroups: []string{group}, APIVersions: []string{"*"}, Resources: []string{resource}, Scope: scope},
		}}
	}
	for _, test := range []struct {
		group, resource string
		was, is         *admissionv1.ScopeType
		want            bool
	}{
		{"apps", "deployments", nil, &cluster, true},
		{"apps", "deployments/scale", &all, &namespaced, false},
		{"apps", "*", nil, &namespaced, false},
		{"", "nodes", nil, &namespaced, true},
		{"", "nodes", nil, &cluster, false},
		{"", "*", nil, &namespaced, true},
		{"rbac.authorization.k8s.io", "clusterroles", &namespaced, &cluster, false},
		{"example.com", "things", nil, &namespaced, true},
		{"example.com", "things", &cluster, &all, false},
		{"example.com", "things", &cluster, &namespaced, true},
		{"*", "*", nil, &cluster, true},
	} {
		if got := narrows(ruleFor(test.group, test.resource, test.was), ruleFor(test.group, test.resource, test.is)); got != test.want {
			t.Errorf("%s.%s from %v to %v: %v", test.resource, test.group, test.was, test.is, got)
		}
	}
}
