package exposure

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
)

// reachRules are about who reaches what runs in the cluster.
func reachRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "service-exposed", Risk: change.Exposure, Kinds: []string{"Service"},
			Why:  "the pods behind the Service can be reached from outside the cluster",
			Fix:  "keep the type ClusterIP, or let in only who needs it (loadBalancerSourceRanges, an internal load balancer)",
			Read: serviceExposed,
		},
		{
			ID: "ingress-without-tls", Risk: change.Exposure, Kinds: []string{"Ingress"},
			Why:  "passwords, cookies and content go over the network in the clear",
			Fix:  "name the host under spec.tls, with the Secret of its certificate",
			Read: ingressWithoutTLS,
		},
		{
			ID: "network-policy-opened", Risk: change.Exposure, Kinds: []string{"NetworkPolicy"},
			Why:  "a rule without peers allows traffic from, or to, everywhere",
			Fix:  "name the peers that need it",
			Read: policyOpened,
		},
	}
}

// reach is from how far a Service can be reached.
type reach int

const (
	withinCluster reach = iota
	nearby              // from the network of the nodes
	anywhere
)

// reach returns from how far a Service can be reached, and which field says so.
func (r reading) reach() (reach, fieldpath.Path) {
	path := fieldpath.Fields("spec", "type")
	switch untyped.At(r.value, "spec", "type") {
	case "NodePort":
		return nearby, path
	case "LoadBalancer":
		for i := range internals {
			if n := &internals[i]; n.Holds(r.annotation(n.Name)) {
				return nearby, fieldpath.Fields("metadata", "annotations", n.Name)
			}
		}
		if scheme := r.annotation(awsScheme); r.byAWSController() && scheme != internetFacing {
			return nearby, fieldpath.Fields("metadata", "annotations", awsScheme)
		}
		return anywhere, path
	default:
		return withinCluster, path
	}
}

// serviceExposed fires if a Service, one of its ports or an address of it can be
// reached from further away.
func serviceExposed(c *change.Change) rule.Found {
	old, updated, lands := sides(c)
	if !lands {
		return rule.Found{}
	}
	before, was := old.reach()
	is, path := updated.reach()
	var list []exposed
	if is > before {
		e := exposed{says: "becomes reachable from outside of the cluster (%s)", of: untyped.Text(untyped.At(updated.value, "spec", "type")), path: path}
		if before != withinCluster && reflect.DeepEqual(untyped.At(old.value, "spec", "type"), untyped.At(updated.value, "spec", "type")) {
			e = exposed{says: "its load balancer is no longer internal", path: was}
		}
		list = append(list, e)
	} else if is > withinCluster && before > withinCluster {
		list = opensPorts(old, updated)
	}
	list = append(list, added(externalIPs(old), externalIPs(updated), false)...)
	if before > withinCluster && is > withinCluster && restricted(old) {
		path := sourcesPath(old)
		if !restricted(updated) {
			list = append(list, exposed{says: "lets in all addresses", path: path})
		} else if more := SourceRangesBeyond(sourceRanges(updated), sourceRanges(old)); len(more) > 0 {
			list = append(list, exposed{what: strings.Join(more, ", "), says: "lets in more addresses (%s)", of: strings.Join(more, ", "), path: path})
		}
	}
	return told(list)
}

// opensPorts lists the ports of pods to which a Service did not lead before. A port
// that keeps its name leads to the same, wherever that listens now.
func opensPorts(old, updated reading) []exposed {
	had := map[string]bool{}
	for _, port := range servicePorts(old) {
		had[port.what], had[port.who] = true, true
	}
	var list []exposed
	for _, port := range servicePorts(updated) {
		if name := port.who; !had[port.what] && (name == "" || !had[name]) {
			port.who = ""
			list = append(list, port)
		}
	}
	return list
}

// servicePorts are the ports of a Service, each with what it leads to and, as who it
// is, its name. Without a targetPort it leads to the port of its own number.
func servicePorts(r reading) []exposed {
	ports, _ := untyped.At(r.value, "spec", "ports").([]any)
	list := make([]exposed, 0, len(ports))
	for i, port := range ports {
		target, protocol := untyped.At(port, "targetPort"), untyped.Text(untyped.At(port, "protocol"))
		if target == nil || number(target) == 0 {
			target = untyped.At(port, "port")
		}
		if protocol == "" {
			protocol = "TCP"
		}
		list = append(list, exposed{
			what: fmt.Sprintf("%v/%s", target, protocol), who: untyped.Text(untyped.At(port, "name")),
			says: "opens port %s to the outside", of: fmt.Sprint(untyped.At(port, "port")),
			path: fieldpath.Fields("spec", "ports").Child(fieldpath.Index(i)),
		})
	}
	return list
}

func externalIPs(r reading) []exposed {
	ips := untyped.Texts(untyped.At(r.value, "spec", "externalIPs"))
	list := make([]exposed, 0, len(ips))
	for i, ip := range ips {
		list = append(list, exposed{
			what: ip, says: "becomes reachable at %s", of: ip, path: fieldpath.Fields("spec", "externalIPs").Child(fieldpath.Index(i)),
		})
	}
	return list
}

// restricted reports whether a load balancer lets in only some addresses.
func restricted(r reading) bool {
	ranges := sourceRanges(r)
	return len(ranges) > 0 && !slices.ContainsFunc(ranges, all)
}

// sourceRanges are those from which a load balancer lets in; none if from all.
func sourceRanges(r reading) []string {
	ranges := untyped.Texts(untyped.At(r.value, "spec", "loadBalancerSourceRanges"))
	if annotation := r.annotation("service.beta.kubernetes.io/load-balancer-source-ranges"); len(ranges) == 0 && annotation != "" {
		ranges = strings.Split(annotation, ",")
	}
	for _, name := range azureSources {
		ranges = append(ranges, split(r.annotation(name))...)
	}
	return ranges
}

// azureSources are the annotations by which Azure lets more in than spec.loadBalancerSourceRanges: ranges,
// and the names that Azure has for some (https://cloud-provider-azure.sigs.k8s.io/topics/loadbalancer/).
var azureSources = []string{ //nolint:gochecknoglobals // a constant table
	"service.beta.kubernetes.io/azure-allowed-ip-ranges", "service.beta.kubernetes.io/azure-allowed-service-tags",
}

// sourcesPath is where a Service says from where its load balancer lets in.
func sourcesPath(r reading) fieldpath.Path {
	for _, name := range azureSources {
		if r.annotation(name) != "" && len(untyped.Texts(untyped.At(r.value, "spec", "loadBalancerSourceRanges"))) == 0 {
			return annotationPath(name)
		}
	}
	return fieldpath.Fields("spec", "loadBalancerSourceRanges")
}

// SourceRangesBeyond returns those of some ranges of addresses that are not within others.
func SourceRangesBeyond(ranges, others []string) []string {
	var list []string
	known := prefixes(others)
	for _, text := range ranges {
		p := prefixes([]string{text})
		named := len(p) == 0 && !slices.Contains(others, text) // a name that a cloud has for some
		if named || len(p) > 0 && !admits(known, p) {
			list = append(list, strings.TrimSpace(text))
		}
	}
	return list
}

// prefixes reads ranges of addresses; what is none is left out.
func prefixes(ranges []string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range ranges {
		if p, err := netip.ParsePrefix(strings.TrimSpace(text)); err == nil {
			list = append(list, p)
		}
	}
	return list
}

// all reports whether a range holds all addresses.
func all(cidr string) bool {
	cidr = strings.TrimSpace(cidr)
	return strings.HasSuffix(cidr, "/0") || cidr == "Internet" // as Azure calls them
}

// secures are the annotations by which ingress controllers take a certificate from
// elsewhere, or leave TLS to the pods.
var secures = []string{ //nolint:gochecknoglobals // a constant table
	"alb.ingress.kubernetes.io/certificate-arn", "networking.gke.io/managed-certificates", "ingress.gcp.kubernetes.io/pre-shared-cert",
	"traefik.ingress.kubernetes.io/router.tls", "nginx.ingress.kubernetes.io/ssl-passthrough", "haproxy.org/ssl-passthrough",
	"haproxy-ingress.github.io/ssl-passthrough", "route.openshift.io/termination",
}

// ingressWithoutTLS fires for hosts that are new, or have lost their certificate.
func ingressWithoutTLS(c *change.Change) rule.Found {
	old, updated, lands := sides(c)
	if !lands {
		return rule.Found{}
	}
	list := added(clearHosts(old), clearHosts(updated), false)
	rules, _ := untyped.At(old.value, "spec", "rules").([]any)
	for i := range list {
		if slices.ContainsFunc(rules, func(rule any) bool { return untyped.Text(untyped.At(rule, "host")) == list[i].what }) {
			list[i].path = fieldpath.Fields("spec", "tls")
		}
	}
	return told(list)
}

// clearHosts are the hosts that an Ingress serves without TLS.
func clearHosts(r reading) []exposed {
	for _, name := range secures {
		if value := r.annotation(name); value != "" && value != "false" {
			return nil
		}
	}
	if strings.Contains(r.annotation("alb.ingress.kubernetes.io/listen-ports"), "HTTPS") {
		return nil
	}
	rules, _ := untyped.At(r.value, "spec", "rules").([]any)
	entries, _ := untyped.At(r.value, "spec", "tls").([]any)
	var list []exposed
	for i, rule := range rules {
		host := untyped.Text(untyped.At(rule, "host"))
		if slices.ContainsFunc(entries, func(entry any) bool { return secured(entry, host) }) {
			continue
		}
		e := exposed{what: host, says: "serves %s without TLS", of: host, path: fieldpath.Fields("spec", "rules").Child(fieldpath.Index(i))}
		if host == "" {
			e.says = "serves all hosts without TLS"
		}
		list = append(list, e)
	}
	return list
}

// secured reports whether an entry under spec.tls holds for a host. One that names no
// hosts holds for all.
func secured(entry any, host string) bool {
	hosts := untyped.Texts(untyped.At(entry, "hosts"))
	return len(hosts) == 0 || slices.ContainsFunc(hosts, func(h string) bool {
		suffix, wildcard := strings.CutPrefix(h, "*")
		first, rest, _ := strings.Cut(host, ".")
		return h == host || wildcard && first != "" && "."+rest == suffix
	})
}
