package safediff

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// closures notes of each Service which of its doors close: its pods go on, and whoever
// came in there no longer reaches them. Whether somebody does no manifest says.
func (j *judge) closures(pairs []diff.Pair, judged []judgement) {
	for i := range pairs {
		c := judged[i].change
		if c == nil || !opens(c) || !done(c) || c.Op != change.Update || !c.Outcome.Changed || c.Renamed != nil {
			continue
		}
		if closed := closedDoors(typed(c.Before()), typed(c.New)); len(closed) > 0 {
			judged[i].unchecked = append(judged[i].unchecked, "whether anybody comes by "+strings.Join(closed, ", ")+", which this upgrade closes")
		}
	}
}

func typed(o *manifest.Object) *corev1.Service {
	if o == nil {
		return nil
	}
	value, err := o.Value()
	if err != nil {
		return nil
	}
	var s corev1.Service
	if runtime.DefaultUnstructuredConverter.FromUnstructured(value, &s) != nil {
		return nil
	}
	return &s
}

// closedDoors lists the ports and addresses at which a Service was reached and is no
// longer. One that has no address of its own is reached at that of its pods.
func closedDoors(old, updated *corev1.Service) []string {
	if old == nil || updated == nil || leadsOut(old) || leadsOut(updated) {
		return nil
	}
	list := slices.Concat(closedPorts(old, updated), closedAddresses(old, updated))
	slices.Sort(list)
	return slices.Compact(list)
}

// closedPorts lists ports of the Service and of the nodes. Of the latter one that the
// manifest leaves out stays as it is (patchAllocatedValues in the registry of Services).
func closedPorts(old, updated *corev1.Service) []string {
	var list []string
	for i := range old.Spec.Ports {
		p := &old.Spec.Ports[i]
		k := slices.IndexFunc(updated.Spec.Ports, func(q corev1.ServicePort) bool { return q.Port == p.Port && transport(&q) == transport(p) })
		switch {
		case k < 0:
			list = append(list, fmt.Sprintf("port %d/%s", p.Port, transport(p)))
		case onNodes(old) && onNodes(updated) && p.NodePort != 0:
			if q := &updated.Spec.Ports[k]; q.NodePort != 0 && q.NodePort != p.NodePort {
				list = append(list, fmt.Sprintf("port %d of the nodes", p.NodePort))
			}
		}
	}
	if onNodes(old) && !onNodes(updated) {
		list = append(list, "the ports on the nodes")
	}
	return list
}

// closedAddresses lists addresses outside of the cluster.
func closedAddresses(old, updated *corev1.Service) []string {
	var list []string
	if old.Spec.Type == corev1.ServiceTypeLoadBalancer {
		is, was := updated.Spec.LoadBalancerIP, old.Spec.LoadBalancerIP
		switch {
		case updated.Spec.Type != corev1.ServiceTypeLoadBalancer:
			list = append(list, "the address of its load balancer")
		case was != "" && is != "" && was != is:
			list = append(list, was+", the address of its load balancer")
		}
	}
	for _, ip := range old.Spec.ExternalIPs {
		if !slices.Contains(updated.Spec.ExternalIPs, ip) {
			list = append(list, ip)
		}
	}
	return list
}

func leadsOut(s *corev1.Service) bool {
	return s.Spec.Type == corev1.ServiceTypeExternalName || s.Spec.ClusterIP == corev1.ClusterIPNone
}

func onNodes(s *corev1.Service) bool {
	return s.Spec.Type == corev1.ServiceTypeNodePort || s.Spec.Type == corev1.ServiceTypeLoadBalancer
}

func transport(p *corev1.ServicePort) corev1.Protocol {
	if p.Protocol == "" {
		return corev1.ProtocolTCP
	}
	return p.Protocol
}
