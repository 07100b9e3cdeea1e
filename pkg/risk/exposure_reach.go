package risk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// reachRules are about who reaches what runs in the cluster.
func reachRules() []Rule {
	return []Rule{
		{
			ID: "service-exposed", Risk: change.Exposure, Kinds: []string{"Service"},
			Why:  "what the Service leads to can be reached from outside of the cluster",
			Fix:  "keep the type ClusterIP, or let in only who needs it (loadBalancerSourceRanges, an internal load balancer)",
			When: serviceExposed,
		},
		{
			ID: "ingress-without-tls", Risk: change.Exposure, Kinds: []string{"Ingress"},
			Why:  "passwords, cookies and content go over the network in the clear",
			Fix:  "name the host under spec.tls, with the Secret of its certificate",
			When: ingressWithoutTLS,
		},
		{
			ID: "network-policy-opened", Risk: change.Exposure, Kinds: []string{"NetworkPolicy"},
			Why:  "a rule that names no peers lets in, or out to, everybody",
			Fix:  "name the peers that need it",
			When: policyOpened,
		},
		{
			ID: "network-policy-removed", Risk: change.Exposure,
			Why:     "pods that no policy selects any more can be reached by, or reach, everything",
			Fix:     "keep a policy that selects them",
			Instead: "apply a policy that selects them first",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				bared := c.Outcome.Bared
				if len(bared) == 0 {
					return "", nil, false
				}
				var paths []fieldpath.Path
				for _, e := range c.Edits {
					if e.Path.Under("spec") {
						paths = append(paths, e.Path)
					}
				}
				if c.Ref.Kind != "NetworkPolicy" {
					return "with these labels no policy of the release restricts its pods any more", editsOf(c, "labels"), true
				}
				return "no policy of the release restricts " + shortened(bared) + " any more", paths, true
			},
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

// internal are the annotations that make a load balancer one of the inner network,
// and the value that does.
var internal = [][2]string{ //nolint:gochecknoglobals // a constant table
	{"service.beta.kubernetes.io/aws-load-balancer-internal", "true"},
	{"service.beta.kubernetes.io/aws-load-balancer-internal", "0.0.0.0/0"},
	{"service.beta.kubernetes.io/aws-load-balancer-scheme", "internal"},
	{"service.beta.kubernetes.io/azure-load-balancer-internal", "true"},
	{"service.beta.kubernetes.io/openstack-internal-load-balancer", "true"},
	{"service.beta.kubernetes.io/oci-load-balancer-internal", "true"},
	{"service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type", "intranet"},
	{"service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type", "private"},
	{"networking.gke.io/load-balancer-type", "Internal"},
	{"cloud.google.com/load-balancer-type", "Internal"},
}

// reach returns from how far a Service can be reached, and which field says so.
func (r reading) reach() (reach, fieldpath.Path) {
	path := fieldpath.Fields("spec", "type")
	switch at(r.value, "spec", "type") {
	case "NodePort":
		return nearby, path
	case "LoadBalancer":
		for _, a := range internal {
			if r.annotation(a[0]) == a[1] {
				return nearby, fieldpath.Fields("metadata", "annotations", a[0])
			}
		}
		return anywhere, path
	default:
		return withinCluster, path
	}
}

// serviceExposed fires if a Service, one of its ports or an address of it can be
// reached from further away.
func serviceExposed(c *change.Change) (string, []fieldpath.Path, bool) {
	old, updated, lands := sides(c)
	if !lands {
		return "", nil, false
	}
	before, was := old.reach()
	is, path := updated.reach()
	var list []exposed
	if is > before {
		e := exposed{says: "becomes reachable from outside of the cluster (%s)", of: text(at(updated.value, "spec", "type")), path: path}
		if before != withinCluster && at(old.value, "spec", "type") == at(updated.value, "spec", "type") {
			e = exposed{says: "its load balancer is no longer internal", path: was}
		}
		list = append(list, e)
	} else if is > withinCluster && before > withinCluster {
		list = opensPorts(old, updated)
	}
	list = append(list, added(externalIPs(old), externalIPs(updated), false)...)
	if before > withinCluster && is > withinCluster && restricted(old) && !restricted(updated) {
		list = append(list, exposed{says: "lets in all addresses", path: fieldpath.Fields("spec", "loadBalancerSourceRanges")})
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
	ports, _ := at(r.value, "spec", "ports").([]any)
	list := make([]exposed, 0, len(ports))
	for i, port := range ports {
		target, protocol := at(port, "targetPort"), text(at(port, "protocol"))
		if target == nil || number(target) == 0 {
			target = at(port, "port")
		}
		if protocol == "" {
			protocol = "TCP"
		}
		list = append(list, exposed{
			what: fmt.Sprintf("%v/%s", target, protocol), who: text(at(port, "name")),
			says: "opens port %s to the outside", of: fmt.Sprint(at(port, "port")),
			path: fieldpath.Fields("spec", "ports").Child(fieldpath.Index(i)),
		})
	}
	return list
}

func externalIPs(r reading) []exposed {
	ips := texts(at(r.value, "spec", "externalIPs"))
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
	ranges := texts(at(r.value, "spec", "loadBalancerSourceRanges"))
	if annotation := r.annotation("service.beta.kubernetes.io/load-balancer-source-ranges"); len(ranges) == 0 && annotation != "" {
		ranges = strings.Split(annotation, ",")
	}
	return len(ranges) > 0 && !slices.ContainsFunc(ranges, all)
}

// all reports whether a range holds all addresses.
func all(cidr string) bool { return strings.HasSuffix(strings.TrimSpace(cidr), "/0") }

// secures are the annotations by which ingress controllers take a certificate from
// elsewhere, or leave TLS to the pods.
var secures = []string{ //nolint:gochecknoglobals // a constant table
	"alb.ingress.kubernetes.io/certificate-arn", "networking.gke.io/managed-certificates", "ingress.gcp.kubernetes.io/pre-shared-cert",
	"traefik.ingress.kubernetes.io/router.tls", "nginx.ingress.kubernetes.io/ssl-passthrough", "haproxy.org/ssl-passthrough",
	"haproxy-ingress.github.io/ssl-passthrough", "route.openshift.io/termination",
}

// ingressWithoutTLS fires for hosts that are new, or have lost their certificate.
func ingressWithoutTLS(c *change.Change) (string, []fieldpath.Path, bool) {
	old, updated, lands := sides(c)
	if !lands {
		return "", nil, false
	}
	list := added(clearHosts(old), clearHosts(updated), false)
	rules, _ := at(old.value, "spec", "rules").([]any)
	for i := range list {
		if slices.ContainsFunc(rules, func(rule any) bool { return text(at(rule, "host")) == list[i].what }) {
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
	rules, _ := at(r.value, "spec", "rules").([]any)
	entries, _ := at(r.value, "spec", "tls").([]any)
	var list []exposed
	for i, rule := range rules {
		host := text(at(rule, "host"))
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
	hosts := texts(at(entry, "hosts"))
	return len(hosts) == 0 || slices.ContainsFunc(hosts, func(h string) bool {
		suffix, wildcard := strings.CutPrefix(h, "*")
		first, rest, _ := strings.Cut(host, ".")
		return h == host || wildcard && first != "" && "."+rest == suffix
	})
}

// policyOpened fires if a network policy gets a rule that holds for all peers. A new
// policy restricts: without it everything is open.
func policyOpened(c *change.Change) (string, []fieldpath.Path, bool) {
	old, updated, lands := sides(c)
	if !lands || old.value == nil {
		return "", nil, false
	}
	var list []exposed
	for _, d := range []direction{{"ingress", "from", "Ingress", "lets in everybody"}, {"egress", "to", "Egress", "lets out to everywhere"}} {
		list = append(list, added(d.openIn(old), d.openIn(updated), false)...)
	}
	return told(list)
}

// direction is one of the two in which a network policy restricts.
type direction struct{ rules, peers, kind, says string }

// openIn are the rules of a policy without peers, each for its ports. A policy that
// does not restrict the direction leaves all of it open.
func (d direction) openIn(r reading) []exposed {
	rules, _ := at(r.value, "spec", d.rules).([]any)
	kinds := texts(at(r.value, "spec", "policyTypes"))
	if len(kinds) > 0 && !slices.Contains(kinds, d.kind) || len(kinds) == 0 && d.kind == "Egress" && len(rules) == 0 {
		return []exposed{{what: everything}}
	}
	var list []exposed
	for i, rule := range rules {
		list = append(list, d.openRule(rule, fieldpath.Fields("spec", d.rules).Child(fieldpath.Index(i)))...)
	}
	return list
}

func (d direction) openRule(rule any, path fieldpath.Path) []exposed {
	named, _ := at(rule, d.peers).([]any)
	whole := func(peer any) bool {
		except, _ := at(peer, "ipBlock", "except").([]any)
		return all(text(at(peer, "ipBlock", "cidr"))) && len(except) == 0
	}
	if len(named) > 0 && !slices.ContainsFunc(named, whole) {
		return nil
	}
	ports, _ := at(rule, "ports").([]any)
	if len(ports) == 0 {
		return []exposed{{what: everything, says: d.says, path: path}}
	}
	// Another port of a rule for everybody is the same door elsewhere.
	list := make([]exposed, 0, len(ports))
	for _, port := range ports {
		e := exposed{what: "ports", says: d.says + " (port %s)", of: fmt.Sprint(at(port, "port")), path: path}
		if at(port, "port") == nil {
			e = exposed{what: "protocol", says: d.says + " (all ports of %s)", of: text(at(port, "protocol")), path: path}
		}
		list = append(list, e)
	}
	return list
}
