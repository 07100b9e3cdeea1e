package impact

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

// endpointRules are about endpoints that a chart makes by hand, and about which of a
// Service's endpoints get requests.
func endpointRules() []rule.Rule {
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

// written are endpoints that a manifest holds: of which Service, and by the name of each of
// its ports at which addresses.
type written struct {
	service manifest.Identity
	ports   map[string][]string
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
	w := &written{service: manifest.Identity{Kind: "Service", Namespace: o.Ref.Namespace, Name: o.Ref.Name}, ports: map[string][]string{}}
	if o.Ref.Group == "" {
		var e corev1.Endpoints //nolint:staticcheck // charts still make them
		if runtime.DefaultUnstructuredConverter.FromUnstructured(value, &e) != nil {
			return nil
		}
		for _, s := range e.Subsets {
			for _, port := range s.Ports {
				for _, a := range s.Addresses {
					w.ports[port.Name] = append(w.ports[port.Name], a.IP)
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
		name := ""
		if port.Name != nil {
			name = *port.Name
		}
		for _, at := range e.Endpoints {
			if at.Conditions.Ready == nil || *at.Conditions.Ready {
				w.ports[name] = append(w.ports[name], at.Addresses...)
			}
		}
	}
	return w
}

func isEndpoints(ref manifest.Ref) bool {
	return ref.Group == "" && ref.Kind == "Endpoints" || ref.Group == discoveryv1.GroupName && ref.Kind == "EndpointSlice"
}

// endpointsGone tells of ports of a Service that had written endpoints and have none any more.
func endpointsGone(u *upgrade.Upgrade) []rule.Found { //nolint:cyclop // each condition leaves out one thing
	if !slices.ContainsFunc(u.Objects, func(o upgrade.Object) bool { return isEndpoints(o.Ref()) && o.Done() }) {
		return nil
	}
	after := map[manifest.Identity]map[string]bool{}
	for i := range u.Objects {
		if w := readEndpoints(u.Objects[i].Standing(upgrade.After)); w != nil {
			if after[w.service] == nil {
				after[w.service] = map[string]bool{}
			}
			for port := range w.ports {
				after[w.service][port] = true
			}
		}
	}
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !isEndpoints(o.Ref()) || !o.Does(change.Update, change.Delete) {
			continue
		}
		was := readEndpoints(o.Change.Before())
		if was == nil {
			continue
		}
		s := u.Object(was.service)
		if s == nil || s.Old == nil || s.Standing(upgrade.After) == nil {
			continue
		}
		if is := upgrade.NewService(s.Standing(upgrade.After)); is.External || len(is.Selector) > 0 {
			continue
		}
		for _, port := range upgrade.NewService(s.Old).Ports {
			if len(was.ports[port.Called]) == 0 || after[was.service][port.Called] {
				continue
			}
			found = append(found, rule.Found{
				On: o, Message: fmt.Sprintf("Service %s has no ready endpoint at port %d any more", s.Ref().Name, port.Own), Paths: rule.Edits(o.Change, "subsets", "endpoints", "ports", "labels"),
				Evidence: []change.Evidence{{What: "endpoints that go", Objects: []manifest.Ref{o.Ref(), s.Ref()}, Names: was.ports[port.Called]}},
			})
		}
	}
	return found
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
		if s == nil || s.Standing(upgrade.After) == nil || len(upgrade.NewService(s.Standing(upgrade.After)).Selector) == 0 {
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

// policies are the traffic policies of a Service, which are Cluster unless it says otherwise.
func policies(o *manifest.Object) (internal, external, kind string) {
	spec := upgrade.Spec(o)
	text := func(field, otherwise string) string {
		if value, is := spec[field].(string); is && value != "" {
			return value
		}
		return otherwise
	}
	return text("internalTrafficPolicy", "Cluster"), text("externalTrafficPolicy", "Cluster"), text("type", "ClusterIP")
}

// staysOnNode tells Services that from now on lead only to pods of the node at which a
// request comes in, unless each node has one. A load balancer asks the nodes which of them do.
func staysOnNode(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for _, t := range updatedServices(u) {
		internal, external, kind := policies(t.New)
		wasInternal, wasExternal, _ := policies(t.Change.Before())
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
		if internal == "Local" && wasInternal != "Local" {
			tell("internalTrafficPolicy", "from within the cluster")
		}
		if external == "Local" && wasExternal != "Local" && kind == "NodePort" {
			tell("externalTrafficPolicy", "to the port of a node")
		}
	}
	return found
}

// clientHidden tells Services whose pods no longer see the addresses of clients.
func clientHidden(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for _, t := range updatedServices(u) {
		_, external, kind := policies(t.New)
		_, was, wasKind := policies(t.Change.Before())
		if was != "Local" || external == "Local" || wasKind == "ClusterIP" || kind != "NodePort" && kind != "LoadBalancer" {
			continue
		}
		found = append(found, rule.Found{
			On: t.Object, Message: "its pods see the address of a node in the place of the client's (externalTrafficPolicy: Cluster)", Paths: rule.Edits(t.Change, "externalTrafficPolicy"),
			Evidence: []change.Evidence{{What: "externalTrafficPolicy before", Names: []string{was}}},
		})
	}
	return found
}
