package selectors

import (
	"maps"
	"slices"
	"strings"
)

// row says where the objects of a kind select others by label.
type row struct {
	// kind is the one that selects, as kubectl writes it: "Service", "NetworkPolicy.networking.k8s.io".
	kind string
	// in leads to what holds the selector, selector from there to it. Fields are
	// separated by dots, "[]" stands for every item of a list.
	in, selector string
	// looks is the kind that is selected; "" means whatever the rules beside the
	// selector say, as in a webhook configuration.
	looks string
	// where says in which namespaces.
	where scope
}

// scope says in which namespaces an object selects.
type scope int

const (
	own      scope = iota // its own
	anywhere              // all
	named                 // those of namespaceSelector beside the selector, {any, matchNames}; its own without one
	chosen                // those whose labels fit the selector of the same name with NamespaceSelector; its own without one
)

// Kinds returns the kinds whose objects select others, as kubectl writes them, in
// order.
func Kinds() []string {
	list := rows()
	kinds := make([]string, len(list))
	for i := range list {
		kinds[i] = list[i].kind
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// LabelReader is a kind whose objects may select an object.
type LabelReader struct {
	Group, Kind string
	// Everywhere says that they may be in any namespace, or in none, and else in
	// that of the object.
	Everywhere bool
}

// LabelReaders returns the kinds whose objects may select those of a kind by their labels,
// each once and in order.
func LabelReaders(kind string) []LabelReader {
	everywhere := map[string]bool{}
	for _, r := range rows() {
		if r.looks == kind || r.looks == "" {
			everywhere[r.kind] = everywhere[r.kind] || r.where != own
		}
	}
	readers := make([]LabelReader, 0, len(everywhere))
	for _, k := range slices.Sorted(maps.Keys(everywhere)) {
		name, group, _ := strings.Cut(k, ".")
		readers = append(readers, LabelReader{Group: group, Kind: name, Everywhere: everywhere[k]})
	}
	return readers
}

// rows are the kinds that select, Kubernetes' own and the well-known others.
func rows() []row {
	const monitoring, metrics = ".monitoring.coreos.com", ".operator.victoriametrics.com"
	list := []row{
		{"Service", "spec", "selector", "Pod", own},
		{"PodDisruptionBudget.policy", "spec", "selector", "Pod", own},
		{"PersistentVolumeClaim", "spec", "selector", "PersistentVolume", anywhere},
		{"ClusterRole.rbac.authorization.k8s.io", "aggregationRule.clusterRoleSelectors[]", "", "ClusterRole.rbac.authorization.k8s.io", anywhere},
		{"NetworkPolicy.networking.k8s.io", "spec", "podSelector", "Pod", own},
		{"Gateway.gateway.networking.k8s.io", "spec.listeners[].allowedRoutes.namespaces", "selector", "Namespace", anywhere},
		{"Bundle.trust.cert-manager.io", "spec.target", "namespaceSelector", "Namespace", anywhere},
		{"ClusterExternalSecret.external-secrets.io", "spec", "namespaceSelector", "Namespace", anywhere},
		{"ClusterExternalSecret.external-secrets.io", "spec.namespaceSelectors[]", "", "Namespace", anywhere},
		{"ClusterSecretStore.external-secrets.io", "spec.conditions[]", "namespaceSelector", "Namespace", anywhere},
		{"ServiceMonitor" + monitoring, "spec", "selector", "Service", named},
		{"PodMonitor" + monitoring, "spec", "selector", "Pod", named},
		{"Probe" + monitoring, "spec.targets.ingress", "selector", "Ingress.networking.k8s.io", named},
		{"VMServiceScrape" + metrics, "spec", "selector", "Service", named},
		{"VMPodScrape" + metrics, "spec", "selector", "Pod", named},
	}
	for _, peers := range []string{"spec.ingress[].from[]", "spec.egress[].to[]"} {
		list = append(list,
			row{"NetworkPolicy.networking.k8s.io", peers, "podSelector", "Pod", anywhere},
			row{"NetworkPolicy.networking.k8s.io", peers, "namespaceSelector", "Namespace", anywhere})
	}
	for kind, in := range admission {
		list = append(list,
			row{kind + ".admissionregistration.k8s.io", in, "namespaceSelector", "Namespace", anywhere},
			row{kind + ".admissionregistration.k8s.io", in, "objectSelector", "", anywhere})
	}
	for kind, looks := range operators {
		_, group, _ := strings.Cut(kind, ".")
		for selector, selected := range looks {
			list = append(list,
				row{kind, "spec", selector + "Selector", selected + "." + group, chosen},
				row{kind, "spec", selector + "NamespaceSelector", "Namespace", anywhere})
		}
	}
	for _, kind := range []string{"AlertRuleGroup", "ContactPoint", "Dashboard", "Datasource", "Folder", "LibraryPanel", "MuteTiming", "NotificationPolicy", "NotificationTemplate"} {
		list = append(list, row{"Grafana" + kind + ".grafana.integreatly.org", "spec", "instanceSelector", "Grafana.grafana.integreatly.org", anywhere})
	}
	return list
}

// admission tells where the kinds of admissionregistration.k8s.io have their rules
// and selectors.
var admission = map[string]string{ //nolint:gochecknoglobals // a constant table
	"MutatingWebhookConfiguration":     "webhooks[]",
	"ValidatingWebhookConfiguration":   "webhooks[]",
	"MutatingAdmissionPolicy":          "spec.matchConstraints",
	"MutatingAdmissionPolicyBinding":   "spec.matchResources",
	"ValidatingAdmissionPolicy":        "spec.matchConstraints",
	"ValidatingAdmissionPolicyBinding": "spec.matchResources",
}

// operators tells by which fields custom resources that run a monitoring select
// what they take as their configuration: the field without "Selector", and the
// kind, which is of the same group.
var operators = map[string]map[string]string{ //nolint:gochecknoglobals // a constant table
	"Prometheus.monitoring.coreos.com": {
		"serviceMonitor": "ServiceMonitor", "podMonitor": "PodMonitor", "probe": "Probe", "scrapeConfig": "ScrapeConfig", "rule": "PrometheusRule",
	},
	"PrometheusAgent.monitoring.coreos.com": {
		"serviceMonitor": "ServiceMonitor", "podMonitor": "PodMonitor", "probe": "Probe", "scrapeConfig": "ScrapeConfig",
	},
	"ThanosRuler.monitoring.coreos.com":  {"rule": "PrometheusRule"},
	"Alertmanager.monitoring.coreos.com": {"alertmanagerConfig": "AlertmanagerConfig"},
	"VMAgent.operator.victoriametrics.com": {
		"serviceScrape": "VMServiceScrape", "podScrape": "VMPodScrape", "probe": "VMProbe", "nodeScrape": "VMNodeScrape", "staticScrape": "VMStaticScrape",
	},
	"VMAlert.operator.victoriametrics.com": {"rule": "VMRule"},
}
