package reference

import (
	"strconv"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// parents reads the listeners of gateways that a route names
// (https://gateway-api.sigs.k8s.io/reference/spec/#parentreference).
func (r *reader) parents(value map[string]any) {
	for i, parent := range objects(object(value["spec"])["parentRefs"]) {
		section, kind := text(parent["sectionName"]), text(parent["kind"])
		if section == "" || kind != "" && kind != "Gateway" {
			continue
		}
		to := manifest.Identity{Group: gatewayGroup, Kind: "Gateway", Namespace: r.namespace, Name: text(parent["name"])}
		if namespace := text(parent["namespace"]); namespace != "" {
			to.Namespace = namespace
		}
		r.to(AsListener, to, section, false, fieldpath.Path{fieldpath.Field("spec"), fieldpath.Field("parentRefs"), fieldpath.Index(i), fieldpath.Field("sectionName")})
	}
}

// openShift reads the Services behind a Route. A port by name is one of the Service, one by number
// one of its pods (RoutePort in https://github.com/openshift/api/blob/master/route/v1/types.go).
func (r *reader) openShift(value map[string]any) {
	spec, at := object(value["spec"]), fieldpath.Fields("spec")
	port, _ := object(spec["port"])["targetPort"].(string)
	if _, err := strconv.Atoi(port); err == nil {
		port = ""
	}
	r.upstream(at.Child(fieldpath.Field("to")), object(spec["to"]), port)
	for i, to := range objects(spec["alternateBackends"]) {
		r.upstream(at.Join(fieldpath.Path{fieldpath.Field("alternateBackends"), fieldpath.Index(i)}), to, port)
	}
}

// upstream notes a Service that takes requests.
func (r *reader) upstream(at fieldpath.Path, service map[string]any, port string) {
	name := text(service["name"])
	if kind := text(service["kind"]); kind != "" && kind != "Service" || strings.Contains(name, "@") { // api@internal is the proxy itself
		return
	}
	to := manifest.Identity{Kind: "Service", Namespace: r.namespace, Name: name}
	if namespace := text(service["namespace"]); namespace != "" {
		to.Namespace = namespace
	}
	r.to(AsBackend, to, port, false, at.Child(fieldpath.Field("name")))
}

// services reads the Services behind the routes of Traefik and of Contour
// (https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/crd/http/ingressroute/,
// https://projectcontour.io/docs/main/config/api/).
func (r *reader) services(value map[string]any) {
	at := fieldpath.Fields("spec", "routes")
	for i, route := range objects(object(value["spec"])["routes"]) {
		for k, service := range objects(route["services"]) {
			r.upstream(at.Join(fieldpath.Path{fieldpath.Index(i), fieldpath.Field("services"), fieldpath.Index(k)}), service, text(service["port"]))
		}
	}
}

// destinations reads the Services of Istio's routes: a host without a dot is one of the same
// namespace (https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination).
func (r *reader) destinations(value map[string]any) {
	for _, list := range []string{"http", "tls", "tcp"} {
		for i, rule := range objects(object(value["spec"])[list]) {
			for k, route := range objects(rule["route"]) {
				destination := object(route["destination"])
				labels := strings.Split(text(destination["host"]), ".")
				to := manifest.Identity{Kind: "Service", Namespace: r.namespace, Name: labels[0]}
				if len(labels) > 2 && labels[2] == "svc" {
					to.Namespace = labels[1]
				} else if len(labels) > 1 {
					continue
				}
				path := fieldpath.Path{fieldpath.Field("spec"), fieldpath.Field(list), fieldpath.Index(i), fieldpath.Field("route"), fieldpath.Index(k)}
				r.to(AsBackend, to, text(object(destination["port"])["number"]), false, path.Join(fieldpath.Fields("destination", "host")))
			}
		}
	}
}
