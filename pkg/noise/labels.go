package noise

import (
	"slices"
	"strings"
)

// Label is a label that some controller or admission plugin looks at by itself,
// without an object that says so by a selector.
type Label struct {
	// Name is the label. One that ends in "*" stands for all that begin so, "*"
	// alone for all but those that only describe an object. "NAME=VALUE" is for one
	// value only, to which or from which the label changes.
	Name string
	// Kinds are the kinds on which it is looked at, as kubectl writes them; none
	// means all.
	Kinds []string
	// Who says in one clause who does what about it.
	Who string
}

// Labels returns the well-known ones, those of Kubernetes itself first.
func Labels() []Label { return slices.Concat(ofKubernetes(), ofAdmission(), ofOthers()) }

func ofKubernetes() []Label {
	return []Label{
		{"pod-security.kubernetes.io/*", []string{"Namespace"}, "Pod Security admission decides by it which pods may run"},
		{"rbac.authorization.k8s.io/aggregate-to-*", []string{"ClusterRole.rbac.authorization.k8s.io"}, "the roles that Kubernetes aggregates take in the rules of what has the label"},
		{"service.kubernetes.io/*", []string{"Service", "Endpoints"}, "kube-proxy decides by it whether it serves the Service"},
		{"endpointslice.kubernetes.io/*", []string{"Endpoints", "EndpointSlice.discovery.k8s.io"}, "the controllers of EndpointSlices decide by it whose the object is"},
		{"kubernetes.io/service-name", []string{"EndpointSlice.discovery.k8s.io"}, "it names the Service of the EndpointSlice"},
		{"topology.kubernetes.io/*", []string{"PersistentVolume"}, "the scheduler puts pods by it where the volume is"},
		{"failure-domain.beta.kubernetes.io/*", []string{"PersistentVolume"}, "the scheduler puts pods by it where the volume is"},
		{"addonmanager.kubernetes.io/mode", nil, "the addon manager decides by it whether it writes the object"},
		{"*", []string{"Node"}, "the scheduler places pods by the labels of Nodes"},
		{"*", []string{"Pod"}, "Services, policies and budgets select Pods by their labels"},
	}
}

// ofAdmission are the labels of meshes and of other webhooks.
func ofAdmission() []Label {
	namespaces := []string{"Namespace"}
	return []Label{
		{"istio-injection", namespaces, "Istio decides by it whether pods get a sidecar"},
		{"istio.io/*", []string{"Namespace", "Service", "Gateway.gateway.networking.k8s.io", "ServiceEntry.networking.istio.io"}, "Istio decides by it how traffic goes"},
		{"topology.istio.io/*", namespaces, "Istio takes it for the network of the pods"},
		{"linkerd.io/*", namespaces, "Linkerd decides by it what is its own"},
		{"config.linkerd.io/*", namespaces, "Linkerd decides by it whether its webhooks see the pods"},
		{"mirror.linkerd.io/*", []string{"Service"}, "Linkerd mirrors the Service to other clusters by it"},
		{"kuma.io/*", namespaces, "Kuma decides by it whether pods get a sidecar"},
		{"admission.gatekeeper.sh/ignore", namespaces, "Gatekeeper leaves alone what is in a Namespace with it"},
		{"policy.sigstore.dev/include", namespaces, "Sigstore's policy controller checks images by it"},
		{"cert-manager.io/disable-validation", namespaces, "the webhook of cert-manager leaves alone what is in a Namespace with it"},
		{"elbv2.k8s.aws/pod-readiness-gate-inject", namespaces, "the AWS Load Balancer Controller gives pods a readiness gate by it"},
		{"goldilocks.fairwinds.com/*", namespaces, "Goldilocks makes VerticalPodAutoscalers by it"},
	}
}

// ofOthers are the labels of what monitors, delivers and operates.
func ofOthers() []Label {
	var (
		namespaces = []string{"Namespace"}
		configs    = []string{"ConfigMap", "Secret"}
		secrets    = []string{"Secret"}
	)
	const grafana = "the sidecar of Grafana loads what has the label"
	return []Label{
		// Which of them a Prometheus selects by is up to its owner, and it
		// is most often of another release.
		{"*", []string{
			"ServiceMonitor.monitoring.coreos.com", "PodMonitor.monitoring.coreos.com", "Probe.monitoring.coreos.com", "ScrapeConfig.monitoring.coreos.com",
			"PrometheusRule.monitoring.coreos.com", "AlertmanagerConfig.monitoring.coreos.com",
		}, "a Prometheus or an Alertmanager may select by it"},
		{"grafana_alert", configs, grafana},
		{"grafana_dashboard", configs, grafana},
		{"grafana_datasource", configs, grafana},
		{"grafana_notifier", configs, grafana},
		{"grafana_plugin", configs, grafana},
		{"loki_rule", configs, "the sidecar of Loki loads what has the label"},
		{"openshift.io/cluster-monitoring", namespaces, "OpenShift's own Prometheus looks into a Namespace with it"},
		{"openshift.io/user-monitoring", namespaces, "OpenShift's Prometheus for users looks into a Namespace by it"},
		{"argocd.argoproj.io/secret-type", secrets, "Argo CD takes the Secret for a cluster or a repository by it"},
		{"argocd.argoproj.io/instance", nil, "Argo CD tells by it to which Application the object belongs"},
		{"argocd.argoproj.io/managed-by", namespaces, "the Argo CD operator gives an instance rights in the Namespace by it"},
		{"app.kubernetes.io/part-of=argocd", configs, "Argo CD reads only those of its settings that have the label"},
		{"reconcile.fluxcd.io/watch", configs, "Flux acts at once on a change of what has the label"},
		{"sharding.fluxcd.io/key", nil, "Flux decides by it which controller has the object"},
		{"cnpg.io/reload", configs, "CloudNativePG reloads its instances when something with it changes"},
		{"cluster.x-k8s.io/*", nil, "Cluster API tells by it to which cluster the object belongs"},
		{"config.openshift.io/inject-trusted-cabundle", []string{"ConfigMap"}, "OpenShift writes the cluster's CA certificates into what has the label"},
		{"fluentbit.fluent.io/*", nil, "the Fluent operator takes what has the label for configuration"},
		{"fluentd.fluent.io/*", nil, "the Fluent operator takes what has the label for configuration"},
		{"jenkins.io/credentials-type", secrets, "Jenkins takes what has the label for credentials"},
		{"konghq.com/*", configs, "Kong reads only what has the label"},
		{"kueue.x-k8s.io/*", nil, "Kueue queues the object by it"},
		{"networking.knative.dev/*", nil, "Knative decides by it who reaches the service"},
		{"sealedsecrets.bitnami.com/sealed-secrets-key", secrets, "Sealed Secrets decrypts with the keys that have the label"},
		{"strimzi.io/cluster", []string{
			"KafkaTopic.kafka.strimzi.io", "KafkaUser.kafka.strimzi.io", "KafkaConnector.kafka.strimzi.io", "KafkaNodePool.kafka.strimzi.io", "KafkaRebalance.kafka.strimzi.io",
		}, "Strimzi tells by it to which cluster the object belongs"},
		{"velero.io/*", nil, "Velero decides by it what it backs up, and how"},
	}
}

// describing are labels that say which version of which chart an object is from:
// they change with every upgrade, and next to nobody selects by them.
var describing = []string{ //nolint:gochecknoglobals // a constant table
	"app.kubernetes.io/managed-by", "app.kubernetes.io/version", "chart", "helm.sh/chart", "heritage",
}

// Describing reports whether a label only says which version of which chart an object
// is from.
func Describing(label string) bool { return slices.Contains(describing, label) }

// General reports whether the row is about whatever label there is.
func (l *Label) General() bool { return l.Name == "*" }

// Concerns reports whether the row is about a label of an object of a kind that changes from
// one value to another; "" is none.
func (l *Label) Concerns(kind, label, before, after string) bool {
	if len(l.Kinds) > 0 && !slices.Contains(l.Kinds, kind) {
		return false
	}
	if l.General() {
		return !Describing(label)
	}
	if prefix, all := strings.CutSuffix(l.Name, "*"); all {
		return strings.HasPrefix(label, prefix)
	}
	name, value, one := strings.Cut(l.Name, "=")
	return label == name && (!one || value == before || value == after)
}
