package traffic

import (
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// IngressRules are about paths that no Ingress and no HTTPRoute leads on any more.
func IngressRules() []rule.Rule {
	return []rule.Rule{{
		ID: "route-gone", Risk: change.Outage, Kinds: []string{"Ingress", "HTTPRoute", "GRPCRoute"},
		Why:  "requests for a host or path that no Ingress or HTTPRoute handles, or that one hands to backends of weight 0, get an error, although the pods are fine",
		Fix:  "keep the old host or path beside the new one until nobody asks for it",
		Find: routesGone,
	}}
}

// route is a host and a path for which an Ingress takes requests.
type route struct {
	class string // of the Ingress; "" for the default one
	// host is "" for all hosts, and "*.example.com" for all of one more label.
	host, path string
	kind       networkingv1.PathType
	// free says that the controller may read the path as an expression of its own.
	free bool
	// when is what else a request must have, such as a header; "" for nothing.
	when string
	to   manifest.Identity
}

// routesGone tells the Ingresses that go, or take other requests, for which hosts and paths
// no Ingress of the release takes requests any more, though what answered them stays.
func routesGone(u *upgrade.Upgrade) []rule.Found {
	if !u.Any(losesRoutes) {
		return nil
	}
	leaving := map[manifest.Identity]bool{}
	var after []route
	for i := range u.Objects {
		o := &u.Objects[i]
		stays := o.Standing(upgrade.After)
		switch {
		case isIngress(o.Ref()), isHTTPRoute(o.Ref()):
			after = append(after, routesOf(u, stays, upgrade.After)...)
		case upgrade.IsService(o.Ref()) && o.Old != nil && stays == nil:
			leaving[o.Old.Ref.Identity()] = true
		}
	}
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !losesRoutes(o) {
			continue
		}
		if lost := lostRoutes(routesOf(u, o.Change.Before(), upgrade.Before), after, leaving); len(lost) > 0 {
			found = append(found, rule.Found{
				On: o, Message: "no " + o.Ref().Kind + " of the release takes requests for " + rule.Shortened(lost) + " any more" + emptied(o), Paths: rule.Edits(o.Change, "spec"),
				Evidence: []change.Evidence{{What: "takes no requests for", Objects: []manifest.Ref{o.Ref()}, Names: lost}},
			})
		}
	}
	return found
}

// lostRoutes names what an Ingress took requests for and none does after the upgrade.
func lostRoutes(before, after []route, leaving map[manifest.Identity]bool) []string {
	var lost []string
	for _, was := range before {
		if leaving[was.to] || slices.ContainsFunc(after, func(by route) bool { return was.shares(by) && was.taken(by) }) {
			continue
		}
		name := was.String()
		if slices.ContainsFunc(after, was.taken) {
			name += " in class " + was.class
		}
		if !slices.Contains(lost, name) {
			lost = append(lost, name)
		}
	}
	return lost
}

// losesRoutes reports whether the object is an Ingress that may take fewer requests than
// before.
func losesRoutes(o *upgrade.Object) bool {
	c := o.Change
	if !isIngress(o.Ref()) && !isHTTPRoute(o.Ref()) || !o.Done() || c.Before() == nil {
		return false
	}
	return c.Op == change.Delete || c.Op == change.Update && c.Outcome.Changed && (o.Edited("spec") || o.Edited("metadata", "annotations"))
}

func isIngress(ref manifest.Ref) bool {
	return ref.Kind == "Ingress" && (ref.Group == networkingv1.GroupName || ref.Group == "extensions")
}

// freely are the annotations by which controllers read paths as expressions.
var freely = []string{ //nolint:gochecknoglobals // a constant table
	"nginx.ingress.kubernetes.io/use-regex", "nginx.ingress.kubernetes.io/rewrite-target", "nginx.org/path-regex", "haproxy.org/path-rewrite",
}

// routesOf reads what an Ingress takes requests for (networking/v1, IngressSpec); nil if
// there is none.
func routesOf(u *upgrade.Upgrade, o *manifest.Object, m upgrade.Moment) []route {
	if o == nil || diff.IsHook(o) {
		return nil
	}
	value, err := o.Value()
	if err != nil {
		return nil
	}
	if isHTTPRoute(o.Ref) {
		return httpRoutes(value, o.Ref.Namespace, listenerOf(u, o.Ref.Namespace, m))
	}
	var in networkingv1.Ingress
	if runtime.DefaultUnstructuredConverter.FromUnstructured(value, &in) != nil {
		return nil
	}
	base := route{class: in.Annotations["kubernetes.io/ingress.class"], path: "/", kind: networkingv1.PathTypePrefix}
	if in.Spec.IngressClassName != nil {
		base.class = *in.Spec.IngressClassName
	}
	base.free = slices.ContainsFunc(freely, func(name string) bool { return in.Annotations[name] != "" })
	to := func(backend *networkingv1.IngressBackend) manifest.Identity {
		if backend == nil || backend.Service == nil {
			return manifest.Identity{}
		}
		return manifest.Identity{Kind: "Service", Namespace: o.Ref.Namespace, Name: backend.Service.Name}
	}
	var list []route
	if in.Spec.DefaultBackend != nil {
		r := base
		r.to = to(in.Spec.DefaultBackend)
		list = append(list, r)
	}
	for _, rule := range in.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for i := range rule.HTTP.Paths {
			p, r := &rule.HTTP.Paths[i], base
			r.host, r.to = rule.Host, to(&p.Backend)
			if p.Path != "" {
				r.path = p.Path
			}
			if p.PathType != nil {
				r.kind = *p.PathType
			}
			r.free = r.free || r.kind == networkingv1.PathTypeImplementationSpecific
			list = append(list, r)
		}
	}
	return list
}

// shares reports whether two routes may be those of one controller, as they may if one
// leaves its class to the cluster.
func (r route) shares(by route) bool { return r.class == by.class || r.class == "" || by.class == "" }

// taken reports whether another route takes the requests of this one. Of paths that a
// controller reads as it likes only the host is known.
func (r route) taken(by route) bool {
	if by.host != "" && by.host != r.host {
		suffix, wildcard := strings.CutPrefix(by.host, "*")
		first, rest, _ := strings.Cut(r.host, ".")
		if !wildcard || first == "" || "."+rest != suffix {
			return false
		}
	}
	switch {
	case by.when != "" && by.when != r.when:
		return false
	case r.free || by.free:
		return true
	case by.kind == networkingv1.PathTypeExact:
		return r.kind == networkingv1.PathTypeExact && r.path == by.path
	default: // a prefix holds for whole elements of a path
		prefix := strings.TrimSuffix(by.path, "/")
		return strings.TrimSuffix(r.path, "/") == prefix || strings.HasPrefix(r.path, prefix+"/")
	}
}

// String returns the route as one would type it.
func (r route) String() string {
	host := r.host
	if host == "" {
		host = "*"
	}
	if r.path == "/" {
		return host
	}
	return host + r.path
}
