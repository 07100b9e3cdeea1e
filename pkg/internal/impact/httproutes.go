package impact

import (
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
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
func httpRoutes(value map[string]any, namespace string) []route {
	spec := untyped.Map(value, "spec")
	hosts := untyped.Texts(spec, "hostnames")
	if len(hosts) == 0 {
		hosts = []string{""}
	}
	var list []route
	for _, parent := range untyped.Maps(spec, "parentRefs") {
		gateway := "gateway " + untyped.Text(parent, "name")
		if section := untyped.Text(parent, "sectionName"); section != "" {
			gateway += "/" + section
		}
		for _, r := range untyped.Maps(spec, "rules") {
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
