package rollout

import (
	"fmt"
	"net"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/probe"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// conditionSetters tells which controller sets the condition of a readiness gate, by the start of
// its type.
//
//nolint:gochecknoglobals // a constant table
var conditionSetters = []struct{ prefix, controller string }{
	{"target-health.elbv2.k8s.aws/", "the AWS Load Balancer Controller"},
	{"target-health.alb.ingress.k8s.aws/", "the AWS Load Balancer Controller"},
	{"cloud.google.com/load-balancer-neg-ready", "the load balancer controller of GKE"},
	{"InPlaceUpdateReady", "the controller of OpenKruise"},
	{"KruisePodReady", "the controller of OpenKruise"},
}

// ungated finds readiness gates that new pods have and old ones did not: a pod is not ready before
// all their conditions are True (GeneratePodReadyCondition in k8s.io/kubernetes/pkg/kubelet/status),
// and Kubernetes sets none of them.
func ungated(before, after *corev1.PodSpec) (*Obstacle, []change.Doubt) {
	var names []string
	var unclear []change.Doubt
	for _, gate := range after.ReadinessGates {
		name := string(gate.ConditionType)
		if before != nil && slices.Contains(before.ReadinessGates, gate) {
			continue
		}
		k := slices.IndexFunc(conditionSetters, func(s struct{ prefix, controller string }) bool { return strings.HasPrefix(name, s.prefix) })
		if k < 0 {
			names = append(names, name)
			continue
		}
		unclear = append(unclear, change.Doubt{Hides: change.Stuck, Never: true, Reason: fmt.Sprintf(
			"whether %s sets condition %s of the new pods: they are not ready before (readinessGates)", conditionSetters[k].controller, name)})
	}
	if len(names) == 0 {
		return nil, unclear
	}
	condition := "condition "
	if len(names) > 1 {
		condition = "conditions "
	}
	return &Obstacle{
		Kind: NeverReady, Paths: []fieldpath.Path{fieldpath.Fields("readinessGates")},
		Message: "its pods are not ready until somebody sets " + condition + strings.Join(names, ", ") + " (readinessGates)",
	}, unclear
}

// askNode finds probes that the kubelet sends to its own node and not to the pod: their host is a
// loopback address (newProber in k8s.io/kubernetes/pkg/kubelet/prober sends probes from the node).
// A port of the node may lead to the pod. Nobody waits until a pod that ends is ready.
func (c placed) askNode(pod *corev1.PodSpec, ends bool) []Obstacle {
	if pod.HostNetwork || c.init && !c.sidecar {
		return nil
	}
	var list []Obstacle
	for _, p := range []struct {
		what, field string
		probe       *corev1.Probe
		kind        ObstacleKind
	}{
		{"startup probe", "startupProbe", c.StartupProbe, ProbesNode},
		{"readiness probe", "readinessProbe", c.ReadinessProbe, ProbesNode},
		{"liveness probe", "livenessProbe", c.LivenessProbe, RestartedByProbe},
	} {
		if p.probe == nil || ends && p.field == "readinessProbe" {
			continue
		}
		host, how := "", ""
		port := -1
		switch get, socket := p.probe.HTTPGet, p.probe.TCPSocket; {
		case get != nil:
			host, how = get.Host, "httpGet"
			port, _ = probe.ResolveContainerPort(get.Port, c.Container)
		case socket != nil:
			host, how = socket.Host, "tcpSocket"
			port, _ = probe.ResolveContainerPort(socket.Port, c.Container)
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) || onNode(pod, port) {
			continue
		}
		list = append(list, Obstacle{
			Kind: p.kind, Container: c.Name, Paths: c.paths(p.field, how, "host"),
			Message: fmt.Sprintf("the %s of container %s asks %s, which is the node of the pod and not the pod (host)", p.what, c.Name, host),
		})
	}
	return list
}

// onNode reports whether a pod has a port of its node.
func onNode(pod *corev1.PodSpec, port int) bool {
	return slices.ContainsFunc(containersOf(&corev1.Pod{Spec: *pod}), func(c placed) bool {
		return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return int(p.HostPort) == port && port > 0 })
	})
}
