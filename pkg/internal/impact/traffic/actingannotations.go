package traffic

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/exposure"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// AnnotationRules are about annotations by which a controller makes load balancers and names.
func AnnotationRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "load-balancer-replaced", Risk: change.Outage, Kinds: []string{"Service", "Ingress"},
			Why: "the controller cannot change this on an existing load balancer: it creates another one, with another address, and deletes the first; " +
				"clients, DNS records and firewalls that use the old address do not reach it",
			Fix:  "create a second Service or Ingress with the new annotation, move the clients to its address, and delete the first later",
			Find: loadBalancersReplaced,
		},
		{
			ID: "dns-name-gone", Risk: change.Outage,
			Why:  "external-dns deletes the records of names that no object has any more (policy sync, its default); clients can no longer resolve them",
			Fix:  "keep the old name beside the new one until nobody asks for it",
			Find: namesGone,
		},
	}
}

// movers are the annotations of which another value, after Default where there is none, makes
// another load balancer, of one kind of objects.
var movers = []struct{ Kind, Name, Default, Source string }{ //nolint:gochecknoglobals // a constant table
	{"Ingress", "alb.ingress.kubernetes.io/scheme", "internal", "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/"},
	{"Ingress", "alb.ingress.kubernetes.io/group.name", "", "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/"},
	{"Ingress", "alb.ingress.kubernetes.io/load-balancer-name", "", "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/"},
	{"Service", "service.beta.kubernetes.io/aws-load-balancer-scheme", "internal", "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/"},
	{"Service", "service.beta.kubernetes.io/aws-load-balancer-type", "", "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/"},
	{"Service", "service.beta.kubernetes.io/aws-load-balancer-name", "", "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/"},
	{"Service", "service.beta.kubernetes.io/oci-load-balancer-shape", "", "https://github.com/oracle/oci-cloud-controller-manager/blob/master/docs/load-balancer-annotations.md"},
	{"Service", "oci.oraclecloud.com/load-balancer-type", "lb", "https://github.com/oracle/oci-cloud-controller-manager/blob/master/docs/load-balancer-annotations.md"},
}

// loadBalancersReplaced tells of Services and Ingresses for which a controller makes another
// load balancer.
func loadBalancersReplaced(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !o.Does(change.Update) || !o.Edited("metadata", "annotations") || !upgrade.IsService(o.Ref()) && !isIngress(o.Ref()) {
			continue
		}
		old, updated := o.Change.Before(), o.New
		if upgrade.IsService(o.Ref()) && (upgrade.Spec(old)["type"] != "LoadBalancer" || upgrade.Spec(updated)["type"] != "LoadBalancer") {
			continue
		}
		for _, name := range moved(o.Ref().Kind, annotationsOf(old), annotationsOf(updated)) {
			found = append(found, rule.Found{
				On: o, Message: fmt.Sprintf("it gets another load balancer, with another address (%s)", name), Paths: []fieldpath.Path{fieldpath.Fields("metadata", "annotations", name)},
				Evidence: []change.Evidence{{What: "annotation by which the load balancer is another one", Objects: []manifest.Ref{o.Ref()}, Names: []string{name}}},
			})
		}
	}
	return found
}

// moved lists the annotations because of which the load balancer is another one.
func moved(kind string, old, updated map[string]any) []string {
	var list []string
	for _, m := range movers {
		was, is := untyped.Text(old, m.Name), untyped.Text(updated, m.Name)
		if was == "" {
			was = m.Default
		}
		if is == "" {
			is = m.Default
		}
		if m.Kind == kind && !strings.EqualFold(was, is) {
			list = append(list, m.Name)
		}
	}
	if kind != "Service" {
		return list
	}
	for _, n := range exposure.Internals() {
		if n.Holds(untyped.Text(old, n.Name)) != n.Holds(untyped.Text(updated, n.Name)) && !slices.Contains(list, n.Name) {
			list = append(list, n.Name)
		}
	}
	return list
}

func annotationsOf(o *manifest.Object) map[string]any {
	return untyped.Map(upgrade.Value(o), "metadata", "annotations")
}

// hostnames are the annotations by which external-dns makes names
// (https://kubernetes-sigs.github.io/external-dns/latest/docs/annotations/annotations/).
var hostnames = []string{ //nolint:gochecknoglobals // a constant table
	"external-dns.alpha.kubernetes.io/hostname", "external-dns.alpha.kubernetes.io/internal-hostname",
}

// namesOf lists the names that an object has external-dns make.
func namesOf(o *manifest.Object) []string {
	var list []string
	for _, name := range hostnames {
		for _, host := range strings.Split(untyped.Text(annotationsOf(o), name), ",") {
			if host = strings.TrimSuffix(strings.TrimSpace(host), "."); host != "" {
				list = append(list, host)
			}
		}
	}
	return list
}

// namesGone tells of names that an object had external-dns make, and that no object of the
// release holds any more. An object that goes takes its names along.
func namesGone(u *upgrade.Upgrade) []rule.Found {
	var after []string
	var found []rule.Found
	read := false
	for i := range u.Objects {
		o := &u.Objects[i]
		if !o.Does(change.Update) || !o.Edited("metadata", "annotations") {
			continue
		}
		before := namesOf(o.Change.Before())
		if len(before) == 0 {
			continue
		}
		if !read {
			after, read = namesAfter(u), true
		}
		gone := slices.DeleteFunc(before, func(host string) bool { return slices.Contains(after, host) })
		if len(gone) > 0 {
			found = append(found, rule.Found{
				On: o, Message: "external-dns deletes the record of " + rule.Shortened(gone), Paths: rule.Edits(o.Change, "annotations"),
				Evidence: []change.Evidence{{What: "names that go", Objects: []manifest.Ref{o.Ref()}, Names: gone}},
			})
		}
	}
	return found
}

func namesAfter(u *upgrade.Upgrade) []string {
	var list []string
	for _, o := range u.StandingAt(upgrade.After) {
		if o.MayHold(hostnames[0]) || o.MayHold(hostnames[1]) {
			list = append(list, namesOf(o)...)
		}
		if isIngress(o.Ref) {
			for _, r := range routesOf(u, o, upgrade.After) {
				list = append(list, r.host)
			}
		}
	}
	return list
}
