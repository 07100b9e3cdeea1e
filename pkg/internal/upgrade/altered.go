package upgrade

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// altering are the annotations by which a controller makes other requests of those that come
// in, or sends them elsewhere; what the programs then answer, nobody knows.
// https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/,
// https://docs.nginx.com/nginx-ingress-controller/configuration/ingress-resources/advanced-configuration-with-annotations/,
// https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/,
// https://www.haproxy.com/documentation/kubernetes-ingress/community/configuration-reference/ingress/,
// https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/ingress/ and
// https://cert-manager.io/docs/usage/ingress/ say what each does; of Services
// https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/,
// https://docs.digitalocean.com/products/kubernetes/how-to/configure-load-balancers/,
// https://github.com/hetznercloud/hcloud-cloud-controller-manager/blob/main/docs/reference/load_balancer_annotations.md,
// https://cloud-provider-azure.sigs.k8s.io/topics/loadbalancer/,
// https://cloud.google.com/kubernetes-engine/docs/how-to/ingress-configuration,
// https://metallb.io/usage/, https://kube-vip.io/docs/usage/kubernetes-services/,
// https://docs.cilium.io/en/stable/network/lb-ipam/,
// https://support.huaweicloud.com/intl/en-us/usermanual-cce/cce_10_0014.html,
// https://github.com/kubernetes/cloud-provider-alibaba-cloud/blob/master/docs/usage.md,
// https://www.tencentcloud.com/document/product/457/36833 and
// https://github.com/kubernetes/cloud-provider-openstack/blob/master/docs/openstack-cloud-controller-manager/expose-applications-using-loadbalancer-type-service.md.
var altering = []struct{ name, what string }{ //nolint:gochecknoglobals // a constant table
	{"nginx.ingress.kubernetes.io/rewrite-target", "the paths of requests are rewritten differently"},
	{"nginx.ingress.kubernetes.io/app-root", "the root leads to another path"},
	{"nginx.ingress.kubernetes.io/use-regex", "paths are read differently"},
	{"nginx.ingress.kubernetes.io/backend-protocol", "the load balancer talks to the pods in another protocol"},
	{"nginx.ingress.kubernetes.io/ssl-passthrough", "TLS ends elsewhere"},
	{"nginx.ingress.kubernetes.io/upstream-vhost", "the pods are asked for another host"},
	{"nginx.ingress.kubernetes.io/canary", "another share of requests goes there"},
	{"nginx.ingress.kubernetes.io/canary-weight", "another share of requests goes there"},
	{"nginx.ingress.kubernetes.io/canary-by-header", "other requests go there"},
	{"nginx.ingress.kubernetes.io/canary-by-cookie", "other requests go there"},
	{"nginx.ingress.kubernetes.io/permanent-redirect", "requests are sent to another address"},
	{"nginx.ingress.kubernetes.io/temporal-redirect", "requests are sent to another address"},
	{"nginx.org/rewrites", "the paths of requests are rewritten differently"},
	{"nginx.org/ssl-services", "the load balancer talks to the pods in another protocol"},
	{"nginx.org/grpc-services", "the load balancer talks to the pods in another protocol"},
	{"alb.ingress.kubernetes.io/backend-protocol", "the load balancer talks to the pods in another protocol"},
	{"alb.ingress.kubernetes.io/target-type", "requests go to nodes, or to pods, instead"},
	{"alb.ingress.kubernetes.io/listen-ports", "the load balancer listens on other ports"},
	{"haproxy.org/path-rewrite", "the paths of requests are rewritten differently"},
	{"haproxy.org/server-ssl", "the load balancer talks to the pods in another protocol"},
	{"traefik.ingress.kubernetes.io/router.entrypoints", "the proxy listens on other ports"},
	{"traefik.ingress.kubernetes.io/router.middlewares", "requests pass other middlewares"},
	{"traefik.ingress.kubernetes.io/service.serversscheme", "the load balancer talks to the pods in another protocol"},
	{"konghq.com/strip-path", "the paths of requests are rewritten differently"},
	{"konghq.com/protocol", "the load balancer talks to the pods in another protocol"},
	{"cert-manager.io/cluster-issuer", "another issuer, or none, renews the certificate"},
	{"cert-manager.io/issuer", "another issuer, or none, renews the certificate"},
	{"service.beta.kubernetes.io/aws-load-balancer-nlb-target-type", "requests go to nodes, or to pods, instead"},
	{"service.beta.kubernetes.io/aws-load-balancer-backend-protocol", "the load balancer talks to the pods in another protocol"},
	{"service.beta.kubernetes.io/aws-load-balancer-ssl-ports", "TLS ends at other ports"},
	{"service.beta.kubernetes.io/aws-load-balancer-ssl-cert", "TLS terminates elsewhere, or with another certificate"},
	{"service.beta.kubernetes.io/do-loadbalancer-certificate-id", "TLS terminates elsewhere, or with another certificate"},
	{"service.beta.kubernetes.io/do-loadbalancer-tls-passthrough", "TLS ends elsewhere"},
	{"service.beta.kubernetes.io/do-loadbalancer-protocol", "the load balancer speaks another protocol"},
	{"load-balancer.hetzner.cloud/http-certificates", "TLS terminates elsewhere, or with another certificate"},
	{"load-balancer.hetzner.cloud/protocol", "the load balancer speaks another protocol"},
	{"service.beta.kubernetes.io/oci-load-balancer-ssl-ports", "TLS ends at other ports"},
	{"service.beta.kubernetes.io/aws-load-balancer-proxy-protocol", proxied},
	{"service.beta.kubernetes.io/do-loadbalancer-enable-proxy-protocol", proxied},
	{"load-balancer.hetzner.cloud/uses-proxyprotocol", proxied},
	{"service.beta.kubernetes.io/scw-loadbalancer-proxy-protocol-v2", proxied},
	{"cloud.google.com/app-protocols", "the load balancer talks to the pods in another protocol"},
	{"kubernetes.io/ingress.allow-http", "the load balancer listens on other ports"},
	{"service.beta.kubernetes.io/aws-load-balancer-eip-allocations", addressed},
	{"service.beta.kubernetes.io/aws-load-balancer-private-ipv4-addresses", addressed},
	{"service.beta.kubernetes.io/azure-pip-name", addressed},
	{"networking.gke.io/load-balancer-ip-addresses", addressed},
	{"metallb.io/address-pool", addressed},
	{"metallb.universe.tf/address-pool", addressed},
	{"kubernetes.io/ingress.global-static-ip-name", addressed},
	{"kubernetes.io/ingress.regional-static-ip-name", addressed},
	{"kubernetes.io/elb.id", addressed},
	{"service.beta.kubernetes.io/alibaba-cloud-loadbalancer-id", addressed},
	{"service.kubernetes.io/tke-existed-lbid", addressed},
	{"loadbalancer.openstack.org/load-balancer-id", addressed},
}

const (
	proxied   = "the pods now get a PROXY header before each connection, or no longer do"
	addressed = "its address changes, unless both settings name the same one"
)

// injecting are the beginnings of annotations of pods by which an injector gives them files,
// environment or a sidecar that their programs may need.
// https://developer.hashicorp.com/vault/docs/deploy/kubernetes/injector/annotations,
// https://bank-vaults.dev/docs/mutating-webhook/annotations/,
// https://docs.dapr.io/reference/arguments-annotations-overview/ and
// https://developer.1password.com/docs/k8s/injector/ say what each does.
var injecting = []struct{ name, what string }{ //nolint:gochecknoglobals // a constant table
	{"vault.hashicorp.com/agent-inject", "the Vault agent writes other files, or none"},
	{"vault.security.banzaicloud.io/", "the Vault webhook fills in the environment differently, or not at all"},
	{"dapr.io/enabled", "the Dapr sidecar comes or goes"},
	{"dapr.io/app-id", "Dapr knows the pods by another name"},
	{"operator.1password.io/inject", "1Password fills in the environment of other containers, or of none"},
}

// Altered lists objects of which an annotation changes what requests arrive at the pods, or
// what an injector gives the pods, and those whose pods no longer ask the DNS of the cluster.
func (u *Upgrade) Altered() []Note {
	list := u.unresolved()
	for i := range u.Objects {
		o := &u.Objects[i]
		if !o.Does(change.Update) || o.Change.Before() == nil {
			continue
		}
		list = append(list, u.injected(o)...)
		list = append(list, u.unpulledFromNow(o)...)
		if !o.Edited("metadata", "annotations") {
			continue
		}
		old, err1 := o.Change.Before().Value()
		updated, err2 := o.New.Value()
		if err1 != nil || err2 != nil {
			continue
		}
		var said []string
		for _, a := range altering {
			was, is := untyped.Text(old, "metadata", "annotations", a.name), untyped.Text(updated, "metadata", "annotations", a.name)
			if was != is && !slices.Contains(said, a.what) {
				said = append(said, a.what)
				list = append(list, Note{o, change.Doubt{Reason: "whether requests are answered as before: " + a.what + " (" + a.name + ")", Hides: change.Outage, Never: true}})
			}
		}
	}
	return list
}

// unresolved notes the workloads whose new pods do not resolve the names of Services, where none is
// known that their programs use.
func (u *Upgrade) unresolved() []Note {
	var list []Note
	for _, n := range u.Unresolving() {
		if len(n.Names) > 0 {
			continue
		}
		reason := "whether its programs use names of Services, which the new pods do not resolve (" + n.Why + ")"
		if n.Servers {
			reason = "whether the name servers in dnsConfig know the names of Services (" + n.Why + ")"
		}
		list = append(list, Note{n.Object, change.Doubt{Reason: reason, Hides: change.Outage, Never: true}})
	}
	return list
}

// unpulledFromNow notes that the new pods of an object, or of an account, name no Secret any more with
// which their images are pulled.
func (u *Upgrade) unpulledFromNow(o *Object) []Note {
	field := []string{"imagePullSecrets"}
	if o.Ref().GroupKind() != "ServiceAccount" {
		template, runs := u.Rollout.PodTemplate(o.Ref().Group, o.Ref().Kind)
		if !runs || len(template) == 0 {
			return nil
		}
		field = append(slices.Clone(template), "spec", "imagePullSecrets")
	}
	if !o.Edited(field...) || len(untyped.Maps(Value(o.Change.Before()), field...)) == 0 || len(untyped.Maps(Value(o.New), field...)) > 0 {
		return nil
	}
	if pod := field[:len(field)-1]; len(pod) > 0 {
		if !slices.Equal(imagesIn(Value(o.Change.Before()), pod), imagesIn(Value(o.New), pod)) {
			return nil // whoever gives them another image may give it to everybody
		}
		account := manifest.Identity{Kind: "ServiceAccount", Namespace: o.Ref().Namespace, Name: cmp.Or(untyped.Text(Value(o.New), append(slices.Clone(pod), "serviceAccountName")...), "default")}
		if by := u.Object(account); by != nil && len(untyped.Maps(Value(by.Standing(After)), "imagePullSecrets")) > 0 {
			return nil // it adds them to each pod (plugin/pkg/admission/serviceaccount in k8s.io/kubernetes)
		}
	}
	return []Note{{o, change.Doubt{Reason: "whether the registry serves the images to pods that no longer name a pull secret (imagePullSecrets)", Hides: change.Stuck, Never: true}}}
}

// imagesIn lists the images of the containers in a pod spec.
func imagesIn(value map[string]any, pod []string) []string {
	var images []string
	for _, containers := range []string{"initContainers", "containers"} {
		for _, c := range untyped.Maps(value, append(slices.Clone(pod), containers)...) {
			images = append(images, untyped.Text(c, "image"))
		}
	}
	return images
}

// injected notes the injectors that give the pods of an object something else than before.
func (u *Upgrade) injected(o *Object) []Note {
	template, runs := u.Rollout.PodTemplate(o.Ref().Group, o.Ref().Kind)
	field := append(slices.Clone(template), "metadata", "annotations")
	if !runs || len(template) == 0 || !o.Edited(field...) {
		return nil
	}
	old, updated := untyped.Map(Value(o.Change.Before()), field...), untyped.Map(Value(o.New), field...)
	var list []Note
	for _, in := range injecting {
		differs := func(name string) bool {
			return strings.HasPrefix(name, in.name) && untyped.Text(old, name) != untyped.Text(updated, name)
		}
		names := slices.DeleteFunc(slices.Concat(slices.Collect(maps.Keys(old)), slices.Collect(maps.Keys(updated))), func(name string) bool { return !differs(name) })
		if len(names) > 0 {
			list = append(list, Note{o, change.Doubt{Reason: "whether its programs still find what they need: " + in.what + " (" + slices.Min(names) + ")", Hides: change.Stuck, Never: true}})
		}
	}
	return list
}
