package traffic

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// LeadRules are about Services that stay, and no longer lead to the pods that they led to.
func LeadRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "service-leads-out", Risk: change.Outage, Kinds: []string{"Service"},
			Why:  "an ExternalName Service is a DNS alias: clients connect to another host, and the pods no longer get requests",
			Fix:  "keep the selector until the other host answers at the same ports, and give clients a Service of another name for it",
			Find: leadsOut,
		},
		{
			ID: "service-keeps-endpoints", Risk: change.Outage, Kinds: []string{"Service"},
			Why: "without a selector the endpoints are no longer updated (syncService in k8s.io/kubernetes/pkg/controller/endpointslice): " +
				"pods that are gone stay among them, and new pods get no requests",
			Fix:  "keep the selector; a Service whose endpoints are made by hand should be a new one",
			Find: keepsEndpoints,
		},
		{
			ID: "service-port-undeclared", Risk: change.Outage,
			Why:  "connections to a port on which no program listens are refused; none of the containers declares this port",
			Fix:  "let targetPort name a port that a container declares, by name if the number may change",
			Find: undeclared(false),
		},
		{
			ID: "service-port-undeclared-late", Risk: change.Downtime,
			Why:  "a Service uses the new port at once, and the running pods do not listen on it: until new pods are ready, connections are refused",
			Fix:  "let targetPort name the port by its name, which each pod has for its own number",
			Find: undeclared(true),
		},
		{
			ID: "service-port-missing", Risk: change.Outage, Kinds: []string{"Service"},
			Why:  "a Service looks up a named port in each pod; if no container has a port of that name, this port of the Service has no endpoints",
			Fix:  "let targetPort name a port that a container has",
			Find: missingPorts,
		},
	}
}

// leadsOut tells Services that become an alias of another host while the pods that they
// selected stay. The alias of a Service that selects them, at the same ports, leads to them.
func leadsOut(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for _, t := range u.UpdatedServices() {
		if !t.Is.External || len(t.During) == 0 || aliasOfSame(u, &t) {
			continue
		}
		found = append(found, rule.Found{
			On: t.Object, Message: fmt.Sprintf("requests go to %s, and %s gets none", t.Is.Host, rule.Names(upgrade.Refs(t.During))),
			Paths: rule.Edits(t.Change, "type", "externalName", "selector"),
			Evidence: []change.Evidence{
				{What: "leads to", Names: []string{t.Is.Host}}, {What: "endpoints before", Objects: upgrade.Refs(t.Before)},
			},
		})
	}
	return found
}

// aliasOfSame reports whether the host is that of a Service of the release that selects one
// of the same workloads and has the same ports.
func aliasOfSame(u *upgrade.Upgrade, t *upgrade.Traffic) bool {
	labels := strings.Split(t.Is.Host, ".")
	if len(labels) < 3 || labels[2] != "svc" {
		return false
	}
	o := u.Object(manifest.Identity{Kind: "Service", Name: labels[0], Namespace: labels[1]})
	if o == nil || o.Standing(upgrade.After) == nil {
		return false
	}
	other := u.Service(o.Standing(upgrade.After))
	ports := func(s *upgrade.Service) []int64 {
		list := make([]int64, len(s.Ports))
		for i, p := range s.Ports {
			list[i] = p.Own
		}
		return list
	}
	has := ports(other)
	return !slices.ContainsFunc(ports(t.Was), func(n int64) bool { return !slices.Contains(has, n) }) &&
		slices.ContainsFunc(u.Selecting(labels[1], other.Selector, upgrade.After), func(w *upgrade.Workload) bool { return slices.Contains(t.Before, w) })
}

// keepsEndpoints tells Services that selected pods and have no selector any more.
func keepsEndpoints(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for _, t := range u.UpdatedServices() {
		if t.Is.External || len(t.Is.Selector) > 0 || len(t.Before) == 0 {
			continue
		}
		message := "it has no selector any more, and keeps its endpoints as they are"
		if slices.ContainsFunc(t.Before, func(w *upgrade.Workload) bool {
			return w.Done() && w.Change.Outcome.Pods != nil && (w.Change.Outcome.Pods.Replaced || w.Change.Outcome.Pods.AllDown)
		}) {
			message += ", those of pods that this upgrade stops"
		}
		found = append(found, rule.Found{
			On: t.Object, Message: message, Paths: []fieldpath.Path{fieldpath.Fields("spec", "selector")},
			Evidence: []change.Evidence{{What: "endpoints before, which nobody follows", Objects: upgrade.Refs(t.Before)}},
		})
	}
	return found
}

// noLongerElsewhere tells Services that led out of the cluster, or to endpoints that nobody
// follows, and get a selector that selects no pods.
func noLongerElsewhere(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for _, t := range u.UpdatedServices() {
		if t.Is.External || len(t.Is.Selector) == 0 || !t.Was.External && len(t.Was.Selector) > 0 || len(t.After) > 0 {
			continue
		}
		was := "the endpoints that it had"
		if t.Was.External {
			was = t.Was.Host
		}
		found = append(found, rule.Found{
			On: t.Object, Message: "it no longer leads to " + was + ", and no pods of the release carry the labels of its selector",
			Paths:    rule.Edits(t.Change, "type", "externalName", "selector"),
			Evidence: []change.Evidence{{What: "no longer leads to", Names: []string{was}}},
		})
	}
	return found
}

// undeclared tells of ports of a Service that led to a port which a container declares, and
// lead to one that none does: for good, or only until new pods are ready.
func undeclared(late bool) func(*upgrade.Upgrade) []rule.Found {
	return func(u *upgrade.Upgrade) []rule.Found {
		var found []rule.Found
		for _, t := range u.Traffic() {
			if t.Goes() || t.Is.Headless || len(upgrade.Lasting(t.Before)) == 0 {
				continue
			}
			for _, port := range t.Is.Ports {
				if f := undeclaredPort(&t, port, late); f != nil {
					found = append(found, *f)
				}
			}
		}
		return found
	}
}

// undeclaredPort judges one port of a Service; nil if nothing is wrong with it. Containers
// need not declare a port: only where the one before was declared, and others are now, it
// tells anything.
func undeclaredPort(t *upgrade.Traffic, port upgrade.Port, late bool) *rule.Found { //nolint:cyclop // each condition leaves out one thing
	k := slices.IndexFunc(t.Was.Ports, port.Same)
	if k < 0 {
		k = slices.IndexFunc(t.Was.Ports, func(p upgrade.Port) bool { return p.Own == port.Own })
	}
	if k < 0 || port.Number == 0 {
		return nil
	}
	old := t.Was.Ports[k]
	has := func(list []*upgrade.Workload, m upgrade.Moment, p upgrade.Port) bool {
		return slices.ContainsFunc(list, func(w *upgrade.Workload) bool { return !w.Ends && w.At(m).Has(p) })
	}
	declares := slices.ContainsFunc(t.After, func(w *upgrade.Workload) bool { return !w.Ends && w.After.Declares() })
	comes := has(t.After, upgrade.After, port)
	if !has(t.Before, upgrade.Before, old) || !declares || comes != late || has(t.During, upgrade.Before, port) && late || len(t.During) == 0 {
		return nil
	}
	on := t.Object
	if old.Name == port.Name && old.Number == port.Number && old.Protocol == port.Protocol {
		i := slices.IndexFunc(t.Before, func(w *upgrade.Workload) bool { return w.Before.Has(old) && w.Done() })
		if i < 0 || late {
			return nil
		}
		on = t.Before[i].Object
	}
	message := fmt.Sprintf("port %d of Service %s leads to port %d/%s, which no container of its pods declares", port.Own, t.Is.Ref.Name, port.Number, port.Protocol)
	lasts := 0
	if late {
		lasts = upgrade.ReadyAfter(upgrade.Lasting(t.After))
		message += " until the new ones are ready" + rule.AtLeast(", for ", lasts)
	}
	return &rule.Found{On: on, Message: message, Lasts: lasts, Paths: rule.Edits(on.Change, "ports"), Evidence: []change.Evidence{
		{What: "port that no container declares", Objects: []manifest.Ref{t.Is.Ref}, Names: []string{strconv.FormatInt(port.Number, 10), port.Protocol}},
	}}
}

// missingPorts tells of Services, and ports of Services, that come and lead to a port by a
// name that no container of their pods has.
func missingPorts(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !upgrade.IsService(o.Ref()) || !o.Does(change.Create, change.Update) || o.New == nil || o.Idle() || o.Change.Op == change.Update && !o.Edited("spec") {
			continue
		}
		is, was := u.Service(o.Result()), &upgrade.Service{}
		if before := o.Change.Before(); before != nil {
			was = u.Service(before)
		}
		pods := upgrade.Lasting(u.Selecting(o.Ref().Namespace, is.Selector, upgrade.After))
		if is.External || len(pods) == 0 {
			continue
		}
		for _, port := range is.Ports {
			there := slices.ContainsFunc(pods, func(w *upgrade.Workload) bool { return w.After.Has(port) })
			if port.Name == "" || there || slices.ContainsFunc(was.Ports, port.Same) {
				continue
			}
			found = append(found, rule.Found{
				On: o, Message: fmt.Sprintf("port %d leads to a port named %s, which no container of its pods has", port.Own, port.Name), Paths: rule.Edits(o.Change, "ports"),
				Evidence: []change.Evidence{{What: "port without endpoints", Objects: append([]manifest.Ref{o.Ref()}, upgrade.Refs(pods)...), Names: []string{port.Name}}},
			})
		}
	}
	return found
}
