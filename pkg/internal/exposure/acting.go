package exposure

// guardKind is what an annotation guards by.
type guardKind string

const (
	authentication guardKind = "authentication"
	firewall       guardKind = "its firewall"
	limited        guardKind = "its limit of requests"
	forced         guardKind = "the redirect to TLS"
	allowed        guardKind = "addresses that are let in"
	denied         guardKind = "addresses that are kept out"
	plugged        guardKind = "plugins"
	redirected     guardKind = "a redirect that is on by itself"
)

// guard is an annotation by which a controller guards what an object serves.
type guard struct {
	Name string
	Kind guardKind
	// Part says that it guards nothing without others.
	Part bool
	// Source is where the controller says so.
	Source string
}

const (
	nginxDocs     = "https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/"
	f5Docs        = "https://docs.nginx.com/nginx-ingress-controller/configuration/ingress-resources/advanced-configuration-with-annotations/"
	albDocs       = "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/"
	traefikDocs   = "https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/ingress/"
	haproxyDocs   = "https://www.haproxy.com/documentation/kubernetes-ingress/community/configuration-reference/ingress/"
	jcmDocs       = "https://haproxy-ingress.github.io/docs/configuration/keys/"
	kongDocs      = "https://developer.konghq.com/kubernetes-ingress-controller/reference/annotations/"
	gkeDocs       = "https://cloud.google.com/kubernetes-engine/docs/how-to/ingress-configuration"
	agicDocs      = "https://azure.github.io/application-gateway-kubernetes-ingress/annotations/"
	tailscaleDocs = "https://tailscale.com/kb/1439/kubernetes-operator-cluster-ingress"
	routeDocs     = "https://docs.openshift.com/container-platform/latest/networking/routes/route-configuration.html"
)

// guards are those that are known.
var guards = []guard{ //nolint:gochecknoglobals // a constant table
	{Name: "nginx.ingress.kubernetes.io/auth-type", Kind: authentication, Source: nginxDocs},
	{Name: "nginx.ingress.kubernetes.io/auth-secret", Kind: authentication, Part: true, Source: nginxDocs},
	{Name: "nginx.ingress.kubernetes.io/auth-url", Kind: authentication, Source: nginxDocs},
	{Name: "nginx.ingress.kubernetes.io/auth-tls-secret", Kind: authentication, Source: nginxDocs},
	{Name: "nginx.ingress.kubernetes.io/whitelist-source-range", Kind: allowed, Source: nginxDocs},
	{Name: "nginx.ingress.kubernetes.io/allowlist-source-range", Kind: allowed, Source: nginxDocs},
	{Name: "nginx.ingress.kubernetes.io/denylist-source-range", Kind: denied, Source: nginxDocs},
	{Name: "nginx.ingress.kubernetes.io/enable-modsecurity", Kind: firewall, Source: nginxDocs},
	{Name: "nginx.ingress.kubernetes.io/enable-owasp-core-rules", Kind: firewall, Part: true, Source: nginxDocs},
	{Name: "nginx.ingress.kubernetes.io/limit-rps", Kind: limited, Source: nginxDocs},
	{Name: "nginx.ingress.kubernetes.io/limit-rpm", Kind: limited, Source: nginxDocs},
	{Name: "nginx.ingress.kubernetes.io/limit-connections", Kind: limited, Source: nginxDocs},
	{Name: "nginx.ingress.kubernetes.io/force-ssl-redirect", Kind: forced, Source: nginxDocs},
	{Name: "nginx.ingress.kubernetes.io/ssl-redirect", Kind: redirected, Source: nginxDocs},
	{Name: "nginx.org/basic-auth-secret", Kind: authentication, Source: f5Docs},
	{Name: "nginx.com/jwt-key", Kind: authentication, Source: f5Docs},
	{Name: "nginx.org/limit-req-rate", Kind: limited, Source: f5Docs},
	{Name: "nginx.org/redirect-to-https", Kind: forced, Source: f5Docs},
	{Name: "ingress.kubernetes.io/ssl-redirect", Kind: redirected, Source: nginxDocs},
	{Name: "ingress.kubernetes.io/force-ssl-redirect", Kind: forced, Source: "https://projectcontour.io/docs/main/config/annotations/"},
	{Name: "alb.ingress.kubernetes.io/auth-type", Kind: authentication, Source: albDocs},
	{Name: "alb.ingress.kubernetes.io/mutual-authentication", Kind: authentication, Source: albDocs},
	{Name: "alb.ingress.kubernetes.io/wafv2-acl-arn", Kind: firewall, Source: albDocs},
	{Name: "alb.ingress.kubernetes.io/waf-acl-id", Kind: firewall, Source: albDocs},
	{Name: "alb.ingress.kubernetes.io/shield-advanced-protection", Kind: firewall, Part: true, Source: albDocs},
	{Name: "alb.ingress.kubernetes.io/inbound-cidrs", Kind: allowed, Source: albDocs},
	{Name: "alb.ingress.kubernetes.io/ssl-redirect", Kind: forced, Source: albDocs},
	{Name: "traefik.ingress.kubernetes.io/router.middlewares", Kind: plugged, Source: traefikDocs},
	{Name: "traefik.ingress.kubernetes.io/whitelist-source-range", Kind: allowed, Source: traefikDocs},
	{Name: "traefik.ingress.kubernetes.io/router.tls.options", Kind: authentication, Part: true, Source: traefikDocs},
	{Name: "konghq.com/plugins", Kind: plugged, Source: kongDocs},
	{Name: "haproxy.org/auth-type", Kind: authentication, Source: haproxyDocs},
	{Name: "haproxy.org/auth-secret", Kind: authentication, Part: true, Source: haproxyDocs},
	{Name: "haproxy.org/allow-list", Kind: allowed, Source: haproxyDocs},
	{Name: "haproxy.org/whitelist", Kind: allowed, Source: haproxyDocs},
	{Name: "haproxy.org/deny-list", Kind: denied, Source: haproxyDocs},
	{Name: "haproxy.org/blacklist", Kind: denied, Source: haproxyDocs},
	{Name: "haproxy.org/rate-limit-requests", Kind: limited, Source: haproxyDocs},
	{Name: "haproxy.org/ssl-redirect", Kind: redirected, Source: haproxyDocs},
	{Name: "haproxy-ingress.github.io/auth-url", Kind: authentication, Source: jcmDocs},
	{Name: "haproxy-ingress.github.io/auth-secret", Kind: authentication, Source: jcmDocs},
	{Name: "haproxy-ingress.github.io/auth-tls-secret", Kind: authentication, Source: jcmDocs},
	{Name: "haproxy-ingress.github.io/allowlist-source-range", Kind: allowed, Source: jcmDocs},
	{Name: "haproxy-ingress.github.io/whitelist-source-range", Kind: allowed, Source: jcmDocs},
	{Name: "haproxy-ingress.github.io/denylist-source-range", Kind: denied, Source: jcmDocs},
	{Name: "haproxy-ingress.github.io/waf", Kind: firewall, Source: jcmDocs},
	{Name: "haproxy-ingress.github.io/ssl-redirect", Kind: redirected, Source: jcmDocs},
	{Name: "cloud.google.com/backend-config", Kind: firewall, Source: gkeDocs},
	{Name: "networking.gke.io/v1beta1.FrontendConfig", Kind: forced, Source: gkeDocs},
	{Name: "appgw.ingress.kubernetes.io/waf-policy-for-path", Kind: firewall, Source: agicDocs},
	{Name: "appgw.ingress.kubernetes.io/ssl-redirect", Kind: forced, Source: agicDocs},
	{Name: "haproxy.router.openshift.io/ip_whitelist", Kind: allowed, Source: routeDocs},
	{Name: "haproxy.router.openshift.io/ip_allowlist", Kind: allowed, Source: routeDocs},
	{Name: "haproxy.router.openshift.io/rate-limit-connections", Kind: limited, Source: routeDocs},
}

// opening is an annotation that opens something: by being there, if Open is "", or by one of the
// values in Open, between which there is a bar.
type opening struct {
	Name, Open, Says, Source string
	// Beside is another annotation without which it opened nothing before.
	Beside string
}

const (
	// unlessInternal is every value but the one that keeps a load balancer inside.
	unlessInternal = "*"
	toTheInternet  = "gets a load balancer on the internet"
	rawConfig      = "puts text into the configuration of the proxy"
	// uncertified are the values by which a proxy lets in callers without a valid certificate.
	uncertified   = "off|optional|optional_no_ca"
	noCertificate = "lets in callers without a certificate"
	// ruleEngine begins the values that set what the firewall does with what its rules match.
	ruleEngine = "SecRuleEngine "
)

// openings are those that are known. Services of type LoadBalancer are another rule's.
var openings = []opening{ //nolint:gochecknoglobals // a constant table
	{"alb.ingress.kubernetes.io/scheme", "internet-facing", toTheInternet, albDocs, ""},
	{"kubernetes.io/ingress.class", unlessInternal, toTheInternet, gkeDocs, ""},
	{"appgw.ingress.kubernetes.io/use-private-ip", unlessInternal, toTheInternet, agicDocs, ""},
	{"nginx.ingress.kubernetes.io/satisfy", "any", "lets in whom one guard of several lets in", nginxDocs, ""},
	{"nginx.ingress.kubernetes.io/enable-global-auth", "false", "is without the authentication of the controller", nginxDocs, ""},
	{"nginx.ingress.kubernetes.io/cors-allow-origin", "*", "lets pages of every origin call it", nginxDocs, ""},
	{"nginx.ingress.kubernetes.io/server-snippet", "", rawConfig, nginxDocs, ""},
	{"nginx.ingress.kubernetes.io/configuration-snippet", "", rawConfig, nginxDocs, ""},
	{"nginx.ingress.kubernetes.io/stream-snippet", "", rawConfig, nginxDocs, ""},
	{"nginx.ingress.kubernetes.io/auth-snippet", "", rawConfig, nginxDocs, ""},
	{"nginx.org/server-snippets", "", rawConfig, f5Docs, ""},
	{"nginx.org/location-snippets", "", rawConfig, f5Docs, ""},
	{"haproxy.org/backend-config-snippet", "", rawConfig, haproxyDocs, ""},
	{"haproxy-ingress.github.io/config-backend", "", rawConfig, jcmDocs, ""},
	{"kubernetes.io/ingress.allow-http", "true", "serves without TLS, too", gkeDocs, ""},
	{"nginx.ingress.kubernetes.io/auth-tls-verify-client", uncertified, noCertificate, nginxDocs, "nginx.ingress.kubernetes.io/auth-tls-secret"},
	{"haproxy-ingress.github.io/auth-tls-verify-client", uncertified, noCertificate, jcmDocs, "haproxy-ingress.github.io/auth-tls-secret"},
	{"alb.ingress.kubernetes.io/auth-on-unauthenticated-request", "allow", "lets in callers that have not logged in", albDocs, "alb.ingress.kubernetes.io/auth-type"},
	{"nginx.ingress.kubernetes.io/modsecurity-snippet", ruleEngine + "Off|" + ruleEngine + "DetectionOnly", "has a firewall that blocks nothing", nginxDocs, ""},
	{"haproxy-ingress.github.io/waf-mode", "detect", "has a firewall that blocks nothing", jcmDocs, "haproxy-ingress.github.io/waf"},
	{"tailscale.com/funnel", "true", "is open to the internet through Tailscale", tailscaleDocs, ""},
	{"tailscale.com/expose", "true", "is open to the whole tailnet", tailscaleDocs, ""},
}

// Identities are the annotations by which the pods of a ServiceAccount have an identity in a
// cloud: of AWS (https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html),
// Google (https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity) and Azure
// (https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html).
func Identities() []string {
	return []string{"eks.amazonaws.com/role-arn", "iam.gke.io/gcp-service-account", "azure.workload.identity/client-id", "azure.workload.identity/tenant-id"}
}

// injection is a label or annotation, of pods or of their namespace, by which a mesh injects
// its proxy; without On any value does.
type injection struct {
	Name   string
	Label  bool
	On     []string
	Source string
}

// injections are those that are known.
var injections = []injection{ //nolint:gochecknoglobals // a constant table
	{"sidecar.istio.io/inject", true, []string{"true"}, "https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/"},
	{"sidecar.istio.io/inject", false, []string{"true"}, "https://istio.io/latest/docs/reference/config/annotations/"},
	{"istio-injection", true, []string{"enabled"}, "https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/"},
	{"istio.io/rev", true, nil, "https://istio.io/latest/docs/setup/upgrade/canary/"},
	{"istio.io/dataplane-mode", true, []string{"ambient"}, "https://istio.io/latest/docs/ambient/usage/add-workloads/"},
	{"linkerd.io/inject", false, []string{"enabled", "ingress"}, "https://linkerd.io/2/features/proxy-injection/"},
	{"consul.hashicorp.com/connect-inject", false, []string{"true"}, "https://developer.hashicorp.com/consul/docs/reference/k8s/annotation-label"},
	{"kuma.io/sidecar-injection", true, []string{"enabled", "true"}, "https://kuma.io/docs/latest/reference/kubernetes-annotations/"},
}
