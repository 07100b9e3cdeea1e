package traffic

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// EndpointRules are about endpoints that a chart makes by hand, and about which of a
// Service's endpoints get requests.
func EndpointRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "endpoints-gone", Risk: change.Outage,
			Why:  "a Service without a selector only has the endpoints that Endpoints or EndpointSlices list for it; without a ready one it serves nothing",
			Fix:  "keep an address that answers, or give the Service a selector",
			Find: endpointsGone,
		},
		{
			ID: "endpoints-beside-selector", Risk: change.Exposure,
			Why: "a Service sends requests to all endpoints that carry its name (kubernetes.io/service-name), those of pods and those that somebody has written; " +
				"what is at such an address sees the requests of its clients",
			Fix:  "give written endpoints a Service of their own, without a selector",
			Find: endpointsBeside,
		},
		{
			ID: "traffic-stays-on-node", Risk: change.Outage, Kinds: []string{"Service"},
			Why:  "with the traffic policy Local a node sends requests to its own pods only, and drops them if it has none (k8s.io/kubernetes/pkg/proxy)",
			Fix:  "keep the policy Cluster, or run a pod on each node from which requests come (a DaemonSet)",
			Find: staysOnNode,
		},
		{
			ID: "client-address-hidden", Risk: change.Exposure, Kinds: []string{"Service"},
			Why:  "with externalTrafficPolicy Cluster, pods see a node's address instead of the client's; address lists in programs and NetworkPolicies no longer match the clients they were written for",
			Fix:  "keep externalTrafficPolicy: Local where the address of the client counts",
			Find: clientHidden,
		},
	}
}

// written are endpoints that a manifest holds: of which Service, and at which addresses for each
// of its ports.
type written struct {
	service manifest.Identity
	ports   map[endpointPort][]string
}

// endpointPort is by what kube-proxy finds the endpoints of a port of a Service (ServicePortName in
// k8s.io/kubernetes/pkg/proxy): its name, not its number.
type endpointPort struct{ name, protocol string }

func newEndpointPort(name *string, protocol *corev1.Protocol) endpointPort {
	at := endpointPort{protocol: string(corev1.ProtocolTCP)}
	if name != nil {
		at.name = *name
	}
	if protocol != nil && *protocol != "" {
		at.protocol = string(*protocol)
	}
	return at
}

const sliceOf = discoveryv1.LabelServiceName

// readEndpoints reads Endpoints or an EndpointSlice; nil if it is none, or belongs to no
// Service. What is not ready gets no requests.
func readEndpoints(o *manifest.Object) *written {
	if o == nil || !isEndpoints(o.Ref) {
		return nil
	}
	value, err := o.Value()
	if err != nil {
		return nil
	}
	w := &written{service: manifest.Identity{Kind: "Service", Namespace: o.Ref.Namespace, Name: o.Ref.Name}, ports: map[endpointPort][]string{}}
	if o.Ref.Group == "" {
		var e corev1.Endpoints //nolint:staticcheck // charts still make them
		if runtime.DefaultUnstructuredConverter.FromUnstructured(value, &e) != nil {
			return nil
		}
		for _, s := range e.Subsets {
			for _, port := range s.Ports {
				at := newEndpointPort(&port.Name, &port.Protocol)
				for _, a := range s.Addresses {
					w.ports[at] = append(w.ports[at], a.IP)
				}
			}
		}
		return w
	}
	var e discoveryv1.EndpointSlice
	if runtime.DefaultUnstructuredConverter.FromUnstructured(value, &e) != nil || e.Labels[sliceOf] == "" {
		return nil
	}
	w.service.Name = e.Labels[sliceOf]
	for _, port := range e.Ports {
		of := newEndpointPort(port.Name, port.Protocol)
		for _, at := range e.Endpoints {
			if at.Conditions.Ready == nil || *at.Conditions.Ready {
				w.ports[of] = append(w.ports[of], at.Addresses...)
			}
		}
	}
	return w
}

func isEndpoints(ref manifest.Ref) bool {
	return ref.Group == "" && ref.Kind == "Endpoints" || ref.Group == discoveryv1.GroupName && ref.Kind == "EndpointSlice"
}

// endpointsGone tells of ports of a Service that had written endpoints and have none any more: the
// endpoints go, or Service and endpoints no longer call the port by the same name.
func endpointsGone(u *upgrade.Upgrade) []rule.Found {
	before, after := endpointsAt(u, upgrade.Before), endpointsAt(u, upgrade.After)
	var found []rule.Found
	for i := range u.Objects {
		s := &u.Objects[i]
		if !upgrade.IsService(s.Ref()) || s.Old == nil || s.Standing(upgrade.After) == nil || before[s.Ref().Identity()] == nil {
			continue
		}
		is := u.Service(s.Standing(upgrade.After))
		if is.External || len(is.Selector) > 0 {
			continue
		}
		had, has := before[s.Ref().Identity()], after[s.Ref().Identity()]
		for _, port := range u.Service(s.Old).Ports {
			at := endpointPort{port.Called, port.Protocol}
			k := slices.IndexFunc(is.Ports, func(p upgrade.Port) bool { return p.Own == port.Own && p.Protocol == port.Protocol })
			if k < 0 {
				k = slices.IndexFunc(is.Ports, port.Same)
			}
			if k < 0 || len(had[at]) == 0 || len(has[endpointPort{is.Ports[k].Called, port.Protocol}]) > 0 {
				continue
			}
			on := endpointsLost(u, s, at)
			if on == nil {
				continue
			}
			message := fmt.Sprintf("Service %s has no ready endpoint at port %d any more", s.Ref().Name, port.Own)
			if len(has[at]) > 0 {
				message += fmt.Sprintf(": its endpoints name the port %q, the Service %q", at.name, is.Ports[k].Called)
			}
			found = append(found, rule.Found{
				On: on, Message: message, Paths: rule.Edits(on.Change, "subsets", "endpoints", "ports", "labels"),
				Evidence: []change.Evidence{{What: "endpoints that go", Objects: []manifest.Ref{on.Ref(), s.Ref()}, Names: had[at]}},
			})
		}
	}
	return found
}

// endpointsAt lists the written endpoints of each Service at a moment.
func endpointsAt(u *upgrade.Upgrade, m upgrade.Moment) map[manifest.Identity]map[endpointPort][]string {
	all := map[manifest.Identity]map[endpointPort][]string{}
	for i := range u.Objects {
		w := readEndpoints(u.Objects[i].Standing(m))
		if w == nil {
			continue
		}
		if all[w.service] == nil {
			all[w.service] = map[endpointPort][]string{}
		}
		for port, addresses := range w.ports {
			all[w.service][port] = append(all[w.service][port], addresses...)
		}
	}
	return all
}

// endpointsLost returns the written endpoints of a port that go, or else the Service, if that
// changes; nil if neither does.
func endpointsLost(u *upgrade.Upgrade, s *upgrade.Object, at endpointPort) *upgrade.Object {
	for i := range u.Objects {
		o := &u.Objects[i]
		if !isEndpoints(o.Ref()) || !o.Does(change.Update, change.Delete) {
			continue
		}
		was, is := readEndpoints(o.Old), readEndpoints(o.Standing(upgrade.After))
		if was != nil && was.service == s.Ref().Identity() && len(was.ports[at]) > 0 && (is == nil || is.service != was.service || len(is.ports[at]) == 0) {
			return o
		}
	}
	if s.Does(change.Update) {
		return s
	}
	return nil
}

// endpointsBeside tells of written addresses that come to a Service which selects pods.
// Endpoints of its own name are the controller's, and are overwritten.
func endpointsBeside(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Ref().Kind != "EndpointSlice" || !isEndpoints(o.Ref()) || !o.Does(change.Create, change.Update) {
			continue
		}
		is, was := readEndpoints(o.New), readEndpoints(o.Change.Before())
		if is == nil {
			continue
		}
		s := u.Object(is.service)
		if s == nil || s.Standing(upgrade.After) == nil || len(u.Service(s.Standing(upgrade.After)).Selector) == 0 {
			continue
		}
		var fresh []string
		for port, addresses := range is.ports {
			for _, a := range addresses {
				if (was == nil || was.service != is.service || !slices.Contains(was.ports[port], a)) && !slices.Contains(fresh, a) {
					fresh = append(fresh, a)
				}
			}
		}
		if slices.Sort(fresh); len(fresh) > 0 {
			found = append(found, rule.Found{
				On: o, Message: fmt.Sprintf("Service %s also sends requests to %s", s.Ref().Name, rule.Shortened(fresh)), Paths: rule.Edits(o.Change, "endpoints", "labels"),
				Evidence: []change.Evidence{{What: "sends requests to", Objects: []manifest.Ref{s.Ref()}, Names: fresh}},
			})
		}
	}
	return found
}

// staysOnNode tells Services that from now on lead only to pods of the node at which a
// request comes in, unless each node has one. A load balancer asks the nodes which of them do.
func staysOnNode(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for _, t := range u.UpdatedServices() {
		is := u.Service(t.New)
		everywhere := len(t.After) > 0 && !slices.ContainsFunc(t.After, func(w *upgrade.Workload) bool { return w.Ref().Kind != "DaemonSet" })
		if everywhere || t.Is.External || len(t.Before) == 0 {
			continue
		}
		tell := func(field, who string) {
			found = append(found, rule.Found{
				On: t.Object, Message: fmt.Sprintf("requests %s reach only pods of the same node (%s: Local)", who, field), Paths: rule.Edits(t.Change, field),
				Evidence: []change.Evidence{{What: "leads to pods of the same node", Objects: upgrade.Refs(t.After), Names: []string{field}}},
			})
		}
		if is.InternalPolicy == "Local" && t.Was.InternalPolicy != "Local" {
			tell("internalTrafficPolicy", "from within the cluster")
		}
		if is.ExternalPolicy == "Local" && t.Was.ExternalPolicy != "Local" && is.Type == "NodePort" {
			tell("externalTrafficPolicy", "to the port of a node")
		}
	}
	return found
}

// clientHidden tells Services whose pods no longer see the addresses of clients.
func clientHidden(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for _, t := range u.UpdatedServices() {
		is, was := u.Service(t.New), t.Was.ExternalPolicy
		if was != "Local" || is.ExternalPolicy == "Local" || t.Was.Type == "ClusterIP" || is.Type != "NodePort" && is.Type != "LoadBalancer" {
			continue
		}
		found = append(found, rule.Found{
			On: t.Object, Message: "its pods see the address of a node in the place of the client's (externalTrafficPolicy: Cluster)", Paths: rule.Edits(t.Change, "externalTrafficPolicy"),
			Evidence: []change.Evidence{{What: "externalTrafficPolicy before", Names: []string{was}}},
		})
	}
	return found
}
