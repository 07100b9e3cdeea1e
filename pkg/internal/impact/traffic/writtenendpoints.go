package traffic

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// MovedEndpoints notes written endpoints by which a Service without a selector sends requests to
// other addresses or ports than before. Whether something answers there, nobody knows.
func MovedEndpoints(u *upgrade.Upgrade) []upgrade.Note {
	if !u.Any(func(o *upgrade.Object) bool { return isEndpoints(o.Ref()) && o.Does(change.Update, change.Create) }) {
		return nil
	}
	before, after := targetsAt(u, upgrade.Before), targetsAt(u, upgrade.After)
	var notes []upgrade.Note
	for i := range u.Objects {
		o := &u.Objects[i]
		if !isEndpoints(o.Ref()) || !o.Does(change.Update, change.Create) {
			continue
		}
		service, list := targetsOf(o.New)
		s := u.Object(service)
		if s == nil || s.Old == nil || s.Standing(upgrade.After) == nil || len(u.Service(s.Standing(upgrade.After)).Selector) > 0 {
			continue
		}
		for _, port := range slices.SortedFunc(maps.Keys(list), endpointPort.compare) {
			was, is := before[service][port], after[service][port]
			fresh := slices.DeleteFunc(slices.Clone(list[port]), func(at string) bool { return slices.Contains(was, at) })
			if len(was) == 0 || len(fresh) == 0 {
				continue
			}
			says := fmt.Sprintf("Service %s also sends requests to %s", service.Name, rule.Shortened(fresh))
			if !slices.ContainsFunc(was, func(at string) bool { return slices.Contains(is, at) }) {
				says = fmt.Sprintf("Service %s sends requests to %s, and no longer to %s", service.Name, rule.Shortened(fresh), rule.Shortened(was))
			}
			notes = append(notes, upgrade.Note{On: o, Doubt: change.Doubt{Reason: "whether requests are answered as before: " + says, Hides: change.Outage, Never: true}})
		}
	}
	return notes
}

func (p endpointPort) compare(other endpointPort) int {
	return cmp.Or(cmp.Compare(p.name, other.name), cmp.Compare(p.protocol, other.protocol))
}

// targetsAt lists the addresses with their port numbers that are written for each port of each Service.
func targetsAt(u *upgrade.Upgrade, m upgrade.Moment) map[manifest.Identity]map[endpointPort][]string {
	all := map[manifest.Identity]map[endpointPort][]string{}
	for i := range u.Objects {
		service, list := targetsOf(u.Objects[i].Standing(m))
		for port, targets := range list {
			if all[service] == nil {
				all[service] = map[endpointPort][]string{}
			}
			all[service][port] = append(all[service][port], targets...)
		}
	}
	return all
}

// targetsOf returns of which Service Endpoints or an EndpointSlice are, and for each of its ports the
// addresses that are ready, with their number.
func targetsOf(o *manifest.Object) (service manifest.Identity, list map[endpointPort][]string) {
	w := readEndpoints(o)
	if w == nil {
		return service, nil
	}
	value, err := o.Value()
	if err != nil {
		return service, nil
	}
	list = map[endpointPort][]string{}
	if o.Ref.Group == "" {
		var e corev1.Endpoints //nolint:staticcheck // charts still make them
		if runtime.DefaultUnstructuredConverter.FromUnstructured(value, &e) != nil {
			return service, nil
		}
		for _, s := range e.Subsets {
			for _, port := range s.Ports {
				at := newEndpointPort(&port.Name, &port.Protocol)
				for _, a := range s.Addresses {
					list[at] = append(list[at], fmt.Sprintf("%s:%d", a.IP, port.Port))
				}
			}
		}
		return w.service, list
	}
	var e discoveryv1.EndpointSlice
	if runtime.DefaultUnstructuredConverter.FromUnstructured(value, &e) != nil {
		return service, nil
	}
	for _, port := range e.Ports {
		of := newEndpointPort(port.Name, port.Protocol)
		for i := range e.Endpoints {
			if ready := e.Endpoints[i].Conditions.Ready; port.Port == nil || ready != nil && !*ready {
				continue
			}
			for _, a := range e.Endpoints[i].Addresses {
				list[of] = append(list[of], fmt.Sprintf("%s:%d", a, *port.Port))
			}
		}
	}
	return w.service, list
}
