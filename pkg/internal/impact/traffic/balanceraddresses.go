package traffic

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// AddressRules are about the addresses that load balancers are asked for.
func AddressRules() []rule.Rule {
	return []rule.Rule{{
		ID: "load-balancer-address-changed", Risk: change.Outage, Kinds: []string{"Service"},
		Why: "a load balancer that takes its address from the Service moves to the new one at once; clients, DNS records and firewalls that use the old address do not reach it " +
			"(loadBalancerIP and the annotations in its place; a controller that does not support them ignores them)",
		Fix:  "keep the address, or create a second Service with the new one and move the clients first",
		Find: addressesChanged,
	}}
}

// askedAddresses are the annotations by which a Service asks for addresses of its load balancer, each with
// the page that says so.
var askedAddresses = []struct{ Name, Source string }{ //nolint:gochecknoglobals // a constant table
	{"metallb.io/loadBalancerIPs", "https://metallb.io/usage/"},
	{"metallb.universe.tf/loadBalancerIPs", "https://metallb.io/usage/"},
	{"kube-vip.io/loadbalancerIPs", "https://kube-vip.io/docs/usage/kubernetes-services/"},
	{"lbipam.cilium.io/ips", "https://docs.cilium.io/en/stable/network/lb-ipam/"},
	{"io.cilium/lb-ipam-ips", "https://docs.cilium.io/en/stable/network/lb-ipam/"},
	{"service.beta.kubernetes.io/azure-load-balancer-ipv4", "https://cloud-provider-azure.sigs.k8s.io/topics/loadbalancer/"},
}

// requestedAddresses returns the addresses that a Service asks for as a load balancer, in order.
func requestedAddresses(o *manifest.Object) []string {
	if untyped.Text(upgrade.Spec(o), "type") != "LoadBalancer" {
		return nil
	}
	list := []string{untyped.Text(upgrade.Spec(o), "loadBalancerIP")}
	for _, a := range askedAddresses {
		list = append(list, strings.Split(untyped.Text(annotationsOf(o), a.Name), ",")...)
	}
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	slices.Sort(list)
	return slices.DeleteFunc(slices.Compact(list), func(address string) bool { return address == "" })
}

// askedOtherwise lists the Services that are load balancers before and after the upgrade and ask for other
// addresses, with both.
func askedOtherwise(u *upgrade.Upgrade, tell func(o *upgrade.Object, was, is []string)) {
	for i := range u.Objects {
		o := &u.Objects[i]
		asks := o.Edited("spec") || o.Edited("metadata", "annotations")
		if !asks || !upgrade.IsService(o.Ref()) || !o.Does(change.Update) || o.Change.Before() == nil {
			continue
		}
		was, is := o.Change.Before(), o.New
		if untyped.Text(upgrade.Spec(was), "type") != "LoadBalancer" || untyped.Text(upgrade.Spec(is), "type") != "LoadBalancer" {
			continue
		}
		if was, is := requestedAddresses(was), requestedAddresses(is); !slices.Equal(was, is) {
			tell(o, was, is)
		}
	}
}

// addressesChanged tells of load balancers that give up all addresses that they asked for, for others.
func addressesChanged(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	askedOtherwise(u, func(o *upgrade.Object, was, is []string) {
		if len(is) == 0 || !lost(was, is) {
			return
		}
		found = append(found, rule.Found{
			On: o, Message: fmt.Sprintf("its load balancer moves to %s, and is no longer at %s", strings.Join(is, ", "), strings.Join(was, ", ")),
			Paths:    rule.Edits(o.Change, "loadBalancerIP", "annotations"),
			Evidence: []change.Evidence{{What: "addresses before", Objects: []manifest.Ref{o.Ref()}, Names: was}, {What: "addresses after", Names: is}},
		})
	})
	return found
}

// lost reports whether some addresses were asked for, and none of them is any more.
func lost(was, is []string) bool {
	return len(was) > 0 && !slices.ContainsFunc(was, func(address string) bool { return slices.Contains(is, address) })
}

// OtherAddresses notes load balancers that ask for no address any more, or for one for the first time: what
// has one keeps it with some controllers, and gets another one with others.
func OtherAddresses(u *upgrade.Upgrade) []upgrade.Note {
	var notes []upgrade.Note
	askedOtherwise(u, func(o *upgrade.Object, was, is []string) {
		var says string
		switch {
		case len(is) == 0:
			says = "it no longer asks for " + strings.Join(was, ", ")
		case len(was) == 0 && !slices.Equal(is, held(u, o)):
			says = fmt.Sprintf("it asks for %s from now on", strings.Join(is, ", "))
		default:
			return
		}
		notes = append(notes, upgrade.Note{On: o, Doubt: change.Doubt{Reason: "whether its load balancer keeps its address: " + says, Hides: change.Outage, Never: true}})
	})
	return notes
}

// held returns the addresses that the load balancer of a Service has in the cluster, if that is known.
func held(u *upgrade.Upgrade, o *upgrade.Object) []string {
	live, _ := u.Found(o.Ref())
	ingress := untyped.Maps(live, "status", "loadBalancer", "ingress")
	list := make([]string, 0, len(ingress))
	for _, at := range ingress {
		list = append(list, untyped.Text(at, "ip"))
	}
	slices.Sort(list)
	return list
}
