// Package closedports tells which ports and addresses of a Service an upgrade closes.
package closedports

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/exposure"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Notice notes of each Service which of its doors close: its pods go on, and whoever
// came in there no longer reaches them. Whether somebody does no manifest says.
func Notice(u *upgrade.Upgrade) {
	for i := range u.Objects {
		o := &u.Objects[i]
		shutOutNotice(o)
		if c := o.Change; c != nil && upgrade.Opens(c) && upgrade.Done(c) && c.Renamed == nil {
			o.Unchecked = append(o.Unchecked, o.Closing...)
		}
	}
}

// shutOutNotice notes that the annotation of a controller lets in fewer addresses than before.
func shutOutNotice(o *upgrade.Object) {
	if !o.Does(change.Update) || !o.Edited("metadata", "annotations") || o.Change.Before() == nil || !exposure.MayLetIn(o.New) {
		return
	}
	read := func(o *manifest.Object) map[string]any {
		return untyped.Map(upgrade.Value(o), "metadata", "annotations")
	}
	if name := exposure.ShutsOut(read(o.Change.Before()), read(o.New)); name != "" {
		o.Unchecked = append(o.Unchecked, change.Doubt{Reason: "whether clients come from addresses that it no longer lets in (" + name + ")", Hides: change.Outage, Never: true})
	}
}

// Of returns what is to be noted of an updated Service, while it is decoded.
func Of(o *upgrade.Object) []change.Doubt {
	c := o.Change
	if !upgrade.IsService(c.Ref) || c.Op != change.Update || !c.Outcome.Changed {
		return nil
	}
	was, is := typed(c.Old), typed(o.Result())
	if was == nil || is == nil {
		return nil
	}
	var list []change.Doubt
	if was.Spec.ExternalName != "" && was.Spec.ExternalName != is.Spec.ExternalName {
		to := "the pods that it selects"
		if is.Spec.ExternalName != "" {
			to = is.Spec.ExternalName
		}
		list = append(list, change.Doubt{
			Reason: "whether " + to + " answers what " + was.Spec.ExternalName + " answered, to which requests went before", Hides: change.Outage, Never: true,
		})
	}
	if closed := closedAccess(was, is); len(closed) > 0 {
		list = append(list, change.Doubt{
			Reason: "whether clients use " + strings.Join(closed, ", ") + ", which this upgrade closes", Hides: change.Outage, Never: true,
		})
	}
	return list
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

// closedAccess lists the ports and addresses at which a Service was reached and is no
// longer. One that has no address of its own is reached at that of its pods.
func closedAccess(old, updated *corev1.Service) []string {
	if leadsOut(old) || leadsOut(updated) {
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
	return list
}

// closedAddresses lists addresses outside of the cluster.
func closedAddresses(old, updated *corev1.Service) []string {
	var list []string
	if old.Spec.Type == corev1.ServiceTypeLoadBalancer {
		list = append(list, closedSources(old, updated)...)
	}
	for _, ip := range old.Spec.ExternalIPs {
		if !slices.Contains(updated.Spec.ExternalIPs, ip) {
			list = append(list, ip)
		}
	}
	return list
}

// closedSources says from where a load balancer let in and no longer does.
func closedSources(old, updated *corev1.Service) []string {
	before, after := old.Spec.LoadBalancerSourceRanges, updated.Spec.LoadBalancerSourceRanges
	if updated.Spec.Type != corev1.ServiceTypeLoadBalancer || len(after) == 0 {
		return nil
	}
	if len(before) == 0 {
		before = []string{"0.0.0.0/0"}
	}
	if len(exposure.SourceRangesBeyond(before, after)) == 0 {
		return nil
	}
	return []string{"its load balancer from elsewhere than " + rule.Shortened(after)}
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
