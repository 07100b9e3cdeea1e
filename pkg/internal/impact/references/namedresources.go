package references

import (
	"cmp"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// NamedResourceRules are about custom resources that go while others name them.
func NamedResourceRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "route-part-missing", Risk: change.Outage,
			Why: "a route whose middleware, gateway or grant is not there is not served: Traefik drops the router, Istio has no listener for it, " +
				"and the Gateway API answers with an error (RefNotPermitted)",
			Fix:  "keep what the route names, or take the name out of the route first",
			Find: namesWithout(change.Outage),
		},
		{
			ID: "custom-resource-missing", Risk: change.Stuck,
			Why:  "the operator of a custom resource cannot do its work without the one that it names: KEDA does not scale, cert-manager does not issue or renew, External Secrets does not refresh the Secret",
			Fix:  "keep what is named as long as something names it",
			Find: namesWithout(change.Stuck),
		},
	}
}

// namer says where objects of a kind name custom resources without which they do not work.
type namer struct {
	group  string
	kinds  []string
	risk   change.Risk
	names  func(o *manifest.Object, value map[string]any) []manifest.Identity
	source string
}

func namerTable() []namer {
	return []namer{
		{
			group: traefikGroup, kinds: []string{"IngressRoute", "IngressRouteTCP", "Middleware"}, risk: change.Outage, names: middlewares,
			source: "https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/crd/http/ingressroute/",
		},
		{
			group: "networking.k8s.io", kinds: []string{"Ingress"}, risk: change.Outage, names: annotatedMiddlewares,
			source: "https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/ingress/",
		},
		{
			group: istioGroup, kinds: []string{"VirtualService"}, risk: change.Outage, names: istioGateways,
			source: "https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService",
		},
		{
			group: "keda.sh", kinds: []string{"ScaledObject", "ScaledJob"}, risk: change.Stuck, names: triggerAuthentications,
			source: "https://keda.sh/docs/latest/concepts/authentication/",
		},
		{
			group: "cert-manager.io", kinds: []string{"Certificate"}, risk: change.Stuck, names: issuers,
			source: "https://cert-manager.io/docs/concepts/issuer/",
		},
		{
			group: "external-secrets.io", kinds: []string{"ExternalSecret"}, risk: change.Stuck, names: secretStores,
			source: "https://external-secrets.io/latest/api/secretstore/",
		},
	}
}

const (
	traefikGroup = "traefik.io"
	istioGroup   = "networking.istio.io"
)

func namerOf(ref manifest.Ref, table []namer) *namer {
	i := slices.IndexFunc(table, func(n namer) bool { return n.group == ref.Group && slices.Contains(n.kinds, ref.Kind) })
	if i < 0 {
		return nil
	}
	return &table[i]
}

// namesWithout tells of custom resources that go while an object of the release goes on naming them.
func namesWithout(risk change.Risk) func(*upgrade.Upgrade) []rule.Found {
	return func(u *upgrade.Upgrade) []rule.Found {
		if !u.Any(func(o *upgrade.Object) bool { return o.Goes() && !u.Builtin(o.Ref().Group, o.Ref().Kind) }) {
			return nil
		}
		var found []rule.Found
		table := namerTable()
		for i := range u.Objects {
			from := &u.Objects[i]
			after := from.Standing(upgrade.After)
			if after == nil || from.Idle() {
				continue
			}
			if risk == change.Outage {
				found = append(found, ungranted(u, from, after)...)
			}
			row := namerOf(after.Ref, table)
			if row == nil || row.risk != risk {
				continue
			}
			for _, id := range row.names(after, upgrade.Value(after)) {
				if to := u.Object(id); to != nil && to.Goes() {
					found = append(found, nameless(from, to, "names "+to.Ref().String()))
				}
			}
		}
		return found
	}
}

// nameless tells of one object without which another one does not work: to the latter, if that changes
// itself.
func nameless(from, to *upgrade.Object, does string) rule.Found {
	f := rule.Found{On: to, Message: from.Ref().String() + " still " + does, Evidence: []change.Evidence{
		{What: "names what is deleted", Objects: []manifest.Ref{from.Ref(), to.Ref()}},
	}}
	if from.Done() {
		f.On, f.Message = from, "it "+does+", which is deleted"
	}
	return f
}

func middlewares(o *manifest.Object, value map[string]any) []manifest.Identity {
	kind := "Middleware"
	if o.Ref.Kind == "IngressRouteTCP" {
		kind = "MiddlewareTCP"
	}
	list := untyped.Maps(value, "spec", "chain", "middlewares")
	for _, route := range untyped.Maps(value, "spec", "routes") {
		list = append(list, untyped.Maps(route, "middlewares")...)
	}
	ids := make([]manifest.Identity, 0, len(list))
	for _, m := range list {
		ids = append(ids, manifest.Identity{Group: traefikGroup, Kind: kind, Namespace: cmp.Or(untyped.Text(m, "namespace"), o.Ref.Namespace), Name: untyped.Text(m, "name")})
	}
	return ids
}

// annotatedMiddlewares reads NAMESPACE-NAME@kubernetescrd. Where the two parts meet is not written: that of
// the Ingress's own namespace counts.
func annotatedMiddlewares(o *manifest.Object, _ map[string]any) []manifest.Identity {
	text, _ := o.Annotation("traefik.ingress.kubernetes.io/router.middlewares")
	var ids []manifest.Identity
	for _, one := range strings.Split(text, ",") {
		name, is := strings.CutSuffix(strings.TrimSpace(one), "@kubernetescrd")
		if name, own := strings.CutPrefix(name, o.Ref.Namespace+"-"); is && own {
			ids = append(ids, manifest.Identity{Group: traefikGroup, Kind: "Middleware", Namespace: o.Ref.Namespace, Name: name})
		}
	}
	return ids
}

func istioGateways(o *manifest.Object, value map[string]any) []manifest.Identity {
	texts := untyped.Texts(value, "spec", "gateways")
	ids := make([]manifest.Identity, 0, len(texts))
	for _, text := range texts {
		namespace, name, two := strings.Cut(text, "/")
		if !two {
			namespace, name = o.Ref.Namespace, text
		}
		ids = append(ids, manifest.Identity{Group: istioGroup, Kind: "Gateway", Namespace: namespace, Name: name})
	}
	return ids
}

func triggerAuthentications(o *manifest.Object, value map[string]any) []manifest.Identity {
	triggers := untyped.Maps(value, "spec", "triggers")
	ids := make([]manifest.Identity, 0, len(triggers))
	for _, trigger := range triggers {
		ids = append(ids, namedOfTwo(o, untyped.Map(trigger, "authenticationRef"), "TriggerAuthentication", "ClusterTriggerAuthentication"))
	}
	return ids
}

func issuers(o *manifest.Object, value map[string]any) []manifest.Identity {
	return []manifest.Identity{namedOfTwo(o, untyped.Map(value, "spec", "issuerRef"), "Issuer", "ClusterIssuer")}
}

func secretStores(o *manifest.Object, value map[string]any) []manifest.Identity {
	return []manifest.Identity{namedOfTwo(o, untyped.Map(value, "spec", "secretStoreRef"), "SecretStore", "ClusterSecretStore")}
}

// namedOfTwo reads a reference to an object of one of two kinds, the first unless it says otherwise, the
// second one of the whole cluster.
func namedOfTwo(o *manifest.Object, ref map[string]any, inside, everywhere string) manifest.Identity {
	id := manifest.Identity{Group: o.Ref.Group, Kind: cmp.Or(untyped.Text(ref, "kind"), inside), Namespace: o.Ref.Namespace, Name: untyped.Text(ref, "name")}
	if id.Kind == everywhere {
		id.Namespace = ""
	}
	return id
}

const gatewayAPI = "gateway.networking.k8s.io"

// ungranted tells of routes and Gateways that name an object of another namespace, and of the ReferenceGrant
// there that goes, if no other one allows it (https://gateway-api.sigs.k8s.io/reference/spec/#referencegrant).
func ungranted(u *upgrade.Upgrade, from *upgrade.Object, after *manifest.Object) []rule.Found {
	if after.Ref.Group != gatewayAPI || after.Ref.Kind == "ReferenceGrant" {
		return nil
	}
	var found []rule.Found
	for _, to := range acrossNamespaces(after) {
		grants := func(o *manifest.Object) bool { return o != nil && granted(o, after.Ref, to) }
		if slices.ContainsFunc(u.StandingAt(upgrade.After), grants) || slices.ContainsFunc(u.Cluster, grants) {
			continue
		}
		for i := range u.Objects {
			if g := &u.Objects[i]; g.Goes() && grants(g.Old) {
				found = append(found, nameless(from, g, "needs "+g.Ref().String()+" for "+to.Kind+" "+to.Namespace+"/"+to.Name))
				break
			}
		}
	}
	return found
}

// acrossNamespaces lists the objects of other namespaces to which a route leads, or of which a Gateway has
// its certificates.
func acrossNamespaces(o *manifest.Object) []manifest.Identity {
	spec := upgrade.Spec(o)
	routes := untyped.Maps(spec, "rules")
	refs := make([]map[string]any, 0, len(routes))
	for _, r := range routes {
		refs = append(refs, untyped.Maps(r, "backendRefs")...)
	}
	kind := "Service"
	for _, l := range untyped.Maps(spec, "listeners") {
		refs, kind = append(refs, untyped.Maps(l, "tls", "certificateRefs")...), "Secret"
	}
	var ids []manifest.Identity
	for _, ref := range refs {
		if namespace := untyped.Text(ref, "namespace"); namespace != "" && namespace != o.Ref.Namespace {
			ids = append(ids, manifest.Identity{Group: untyped.Text(ref, "group"), Kind: cmp.Or(untyped.Text(ref, "kind"), kind), Namespace: namespace, Name: untyped.Text(ref, "name")})
		}
	}
	return ids
}

// granted reports whether a ReferenceGrant lets one object name another.
func granted(grant *manifest.Object, from manifest.Ref, to manifest.Identity) bool {
	if grant.Ref.Group != gatewayAPI || grant.Ref.Kind != "ReferenceGrant" || grant.Ref.Namespace != to.Namespace {
		return false
	}
	spec := upgrade.Spec(grant)
	return slices.ContainsFunc(untyped.Maps(spec, "from"), func(f map[string]any) bool {
		return untyped.Text(f, "group") == from.Group && untyped.Text(f, "kind") == from.Kind && untyped.Text(f, "namespace") == from.Namespace
	}) && slices.ContainsFunc(untyped.Maps(spec, "to"), func(t map[string]any) bool {
		name := untyped.Text(t, "name")
		return untyped.Text(t, "group") == to.Group && untyped.Text(t, "kind") == to.Kind && (name == "" || name == to.Name)
	})
}
