package traffic

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// isHTTPRoute reports whether an object is a route of the Gateway API that takes requests by
// host and path.
func isHTTPRoute(ref manifest.Ref) bool {
	return ref.Group == "gateway.networking.k8s.io" && (ref.Kind == "HTTPRoute" || ref.Kind == "GRPCRoute")
}

// httpRoutes reads what a route takes requests for, at each gateway that it is attached to
// (https://gateway-api.sigs.k8s.io/reference/spec/). Without a host it takes those of the
// gateway, without a match every path.
func httpRoutes(value map[string]any, namespace string, listener func(parent map[string]any) string) []route {
	spec := untyped.Map(value, "spec")
	hosts := untyped.Texts(spec, "hostnames")
	if len(hosts) == 0 {
		hosts = []string{""}
	}
	var list []route
	for _, parent := range untyped.Maps(spec, "parentRefs") {
		gateway := listener(parent)
		for _, r := range untyped.Maps(spec, "rules") {
			if weightless(r) {
				continue
			}
			to := manifest.Identity{}
			if backends := untyped.Maps(r, "backendRefs"); len(backends) == 1 {
				to = manifest.Identity{Kind: "Service", Namespace: namespace, Name: untyped.Text(backends[0], "name")}
			}
			for _, match := range matches(r) {
				for _, host := range hosts {
					m := match
					m.class, m.host, m.to = gateway, host, to
					list = append(list, m)
				}
			}
		}
	}
	return list
}

// listenerOf names what hands requests to a route at a moment. A listener of the release is known by
// its port and host: it may have another name.
func listenerOf(u *upgrade.Upgrade, namespace string, m upgrade.Moment) func(parent map[string]any) string {
	return func(parent map[string]any) string {
		name, section := untyped.Text(parent, "name"), untyped.Text(parent, "sectionName")
		if section == "" {
			return "gateway " + name
		}
		id := manifest.Identity{Group: "gateway.networking.k8s.io", Kind: "Gateway", Namespace: cmp.Or(untyped.Text(parent, "namespace"), namespace), Name: name}
		if o := u.Object(id); o != nil {
			for _, l := range untyped.Maps(upgrade.Value(o.Standing(m)), "spec", "listeners") {
				if untyped.Text(l, "name") == section {
					return fmt.Sprintf("gateway %s, port %v %s", name, l["port"], untyped.Text(l, "hostname"))
				}
			}
		}
		return "gateway " + name + "/" + section
	}
}

// emptied says that a route has a rule whose backends all have weight 0; "" if it has none.
func emptied(o *upgrade.Object) string {
	if isHTTPRoute(o.Ref()) && slices.ContainsFunc(untyped.Maps(upgrade.Value(o.Standing(upgrade.After)), "spec", "rules"), weightless) {
		return ": all backends of a rule have weight 0"
	}
	return ""
}

// weightless reports whether all backends of a rule have weight 0: then its requests get an error
// (https://gateway-api.sigs.k8s.io/reference/spec/#httpbackendref).
func weightless(r map[string]any) bool {
	backends := untyped.Maps(r, "backendRefs")
	return len(backends) > 0 && !slices.ContainsFunc(backends, func(b map[string]any) bool { return b["weight"] != int64(0) })
}

// matches reads which paths a rule of a route is for, and under which other conditions.
func matches(r map[string]any) []route {
	all := untyped.Maps(r, "matches")
	if len(all) == 0 {
		return []route{{path: "/", kind: networkingv1.PathTypePrefix}}
	}
	list := make([]route, 0, len(all))
	for _, m := range all {
		p := route{path: untyped.Text(m, "path", "value"), kind: networkingv1.PathTypePrefix}
		switch untyped.Text(m, "path", "type") {
		case "Exact":
			p.kind = networkingv1.PathTypeExact
		case "RegularExpression":
			p.free = true
		}
		if p.path == "" {
			p.path = "/"
		}
		var when []string
		for _, field := range []string{"headers", "queryParams"} {
			for _, c := range untyped.Maps(m, field) {
				when = append(when, field+" "+untyped.Text(c, "name")+"="+untyped.Text(c, "value"))
			}
		}
		if method := m["method"]; method != nil {
			when = append(when, fmt.Sprint("method ", method))
		}
		slices.Sort(when)
		p.when = strings.Join(when, ", ")
		list = append(list, p)
	}
	return list
}
