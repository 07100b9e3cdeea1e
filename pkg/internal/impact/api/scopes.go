package api

import (
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
)

// clusterScoped are the groups of APIs that the API server brings along, each with those of its
// resources that are in no namespace.
var clusterScoped = map[string][]string{ //nolint:gochecknoglobals // a constant table
	"":                             {"namespaces", "nodes", "persistentvolumes", "componentstatuses"},
	"admissionregistration.k8s.io": {"*"},
	"apiextensions.k8s.io":         {"*"},
	"apiregistration.k8s.io":       {"*"},
	"apps":                         nil,
	"authentication.k8s.io":        {"*"},
	"autoscaling":                  nil,
	"batch":                        nil,
	"certificates.k8s.io":          {"certificatesigningrequests", "clustertrustbundles"},
	"coordination.k8s.io":          nil,
	"discovery.k8s.io":             nil,
	"events.k8s.io":                nil,
	"flowcontrol.apiserver.k8s.io": {"*"},
	"networking.k8s.io":            {"ingressclasses", "ipaddresses", "servicecidrs"},
	"node.k8s.io":                  {"*"},
	"policy":                       nil,
	"rbac.authorization.k8s.io":    {"clusterroles", "clusterrolebindings"},
	"resource.k8s.io":              {"deviceclasses", "resourceslices", "devicetaintrules"},
	"scheduling.k8s.io":            {"priorityclasses"},
	"storage.k8s.io":               {"storageclasses", "volumeattachments", "csidrivers", "csinodes", "volumeattributesclasses"},
}

// scopes are those of the requests that a rule is for.
func scopes(r admissionv1.RuleWithOperations) []admissionv1.ScopeType {
	if r.Scope == nil || *r.Scope == "" || *r.Scope == admissionv1.AllScopes {
		return []admissionv1.ScopeType{admissionv1.ClusterScope, admissionv1.NamespacedScope}
	}
	return []admissionv1.ScopeType{*r.Scope}
}

// scopesOf are the scopes in which a rule is for requests for one of its resources: not the one that
// objects of the resource never have.
func scopesOf(r admissionv1.RuleWithOperations, resource string) []admissionv1.ScopeType {
	return slices.DeleteFunc(scopes(r), func(scope admissionv1.ScopeType) bool {
		return len(r.APIGroups) > 0 && !slices.ContainsFunc(r.APIGroups, func(group string) bool { return mayBe(scope, group, resource) })
	})
}

// mayBe reports whether objects of a resource may be of a scope. Those of APIs that others serve may
// be of either.
func mayBe(scope admissionv1.ScopeType, group, resource string) bool {
	outside, known := clusterScoped[group]
	resource, _, _ = strings.Cut(resource, "/")
	switch {
	case !known:
		return true
	case resource == "*":
		return len(outside) > 0 && scope == admissionv1.ClusterScope || !slices.Contains(outside, "*") && scope == admissionv1.NamespacedScope
	default:
		return (slices.Contains(outside, "*") || slices.Contains(outside, resource)) == (scope == admissionv1.ClusterScope)
	}
}
