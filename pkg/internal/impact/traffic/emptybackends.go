package traffic

import (
	"fmt"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// EmptyBackendRules are about routes that lead to a Service without pods.
func EmptyBackendRules() []rule.Rule {
	return []rule.Rule{{
		ID: "backend-without-pods", Risk: change.Outage, Kinds: []string{"Ingress", "HTTPRoute", "GRPCRoute"},
		Why:  "requests routed to a Service without endpoints get an error; a Service has none if no pods match its selector, and if their workload is scaled to 0",
		Fix:  "scale the workload of the new backend up, and let the route lead to it when its pods are ready",
		Find: emptyBackends,
	}}
}

// emptyBackends tells routes that led to a Service with pods and lead to one without any after
// the upgrade.
func emptyBackends(u *upgrade.Upgrade) []rule.Found {
	if !u.Any(func(o *upgrade.Object) bool { return isRoute(o.Ref()) && o.Does(change.Create, change.Update) }) {
		return nil
	}
	var before, after []route
	for i := range u.Objects {
		if o := &u.Objects[i]; isRoute(o.Ref()) {
			before = append(before, routesOf(u, o.Old, upgrade.Before)...)
			after = append(after, routesOf(u, o.Standing(upgrade.After), upgrade.After)...)
		}
	}
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !isRoute(o.Ref()) || !o.Does(change.Create, change.Update) {
			continue
		}
		var told []manifest.Identity
		for _, is := range routesOf(u, o.Standing(upgrade.After), upgrade.After) {
			if slices.Contains(told, is.to) || !movesToNothing(u, is, before, after) {
				continue
			}
			told = append(told, is.to)
			found = append(found, rule.Found{
				On: o, Message: fmt.Sprintf("requests for %s go to Service %s, which has no pods", is, is.to.Name), Paths: rule.Edits(o.Change, "spec"),
				Evidence: []change.Evidence{{What: "backend without pods", Objects: []manifest.Ref{{Version: "v1", Kind: is.to.Kind, Namespace: is.to.Namespace, Name: is.to.Name}}, Names: []string{is.String()}}},
			})
		}
	}
	return found
}

func isRoute(ref manifest.Ref) bool { return isIngress(ref) || isHTTPRoute(ref) }

// movesToNothing reports whether a route leads to no pods after the upgrade, the same route led
// to some before, and no other route of the release takes its requests to some.
func movesToNothing(u *upgrade.Upgrade, is route, before, after []route) bool {
	if !withoutPods(u, is.to) {
		return false
	}
	same := func(r route) bool { r.to = is.to; return r == is }
	led := slices.ContainsFunc(before, func(was route) bool { return same(was) && was.to != is.to && hadPods(u, was.to) })
	return led && !slices.ContainsFunc(after, func(by route) bool { return same(by) && !withoutPods(u, by.to) })
}

// hadPods reports whether a Service of the release selects pods before the upgrade.
func hadPods(u *upgrade.Upgrade, id manifest.Identity) bool {
	o := u.Object(id)
	if o == nil || o.Old == nil {
		return false
	}
	return len(upgrade.Lasting(u.Selecting(id.Namespace, u.Service(o.Old).Selector, upgrade.Before))) > 0
}

// withoutPods reports whether a Service of the release selects no pods after the upgrade. An
// operator may run some for a custom resource that mentions one of the labels.
func withoutPods(u *upgrade.Upgrade, id manifest.Identity) bool {
	s, pods := u.ServiceAfter(id)
	if s == nil || len(pods) > 0 {
		return false
	}
	var routes []*upgrade.Object // of the Gateway API: they name Services, and run nothing
	for i := range u.Objects {
		if isHTTPRoute(u.Objects[i].Ref()) {
			routes = append(routes, &u.Objects[i])
		}
	}
	for _, value := range s.Selector {
		if u.MayMake(value, routes...) {
			return false
		}
	}
	return true
}
