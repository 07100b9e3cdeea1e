package networkpolicies

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// CutoffRules are about network policies that close.
func CutoffRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "network-policy-cuts-service-off", Risk: change.Outage,
			Why:  "once a NetworkPolicy selects a pod, only the peers that some policy allows can reach it; connections from all others time out",
			Fix:  "allow all clients of the Service before the policy that restricts its pods comes, at the ports of the pods and not those of the Service",
			Find: servicesCutOff,
		},
		{
			ID: "network-policy-cuts-pods-off", Risk: change.Outage,
			Why:  "once a NetworkPolicy selects a pod for egress, it can only reach what some policy allows; without port 53 it cannot resolve names",
			Fix:  "let the pods reach what they use, and DNS (UDP and TCP at port 53) in any case",
			Find: podsCutOff,
		},
		{
			ID: "service-names-unresolved", Risk: change.Outage,
			Why: "pods with dnsPolicy Default, and those with hostNetwork and dnsPolicy ClusterFirst, ask the name servers of their node " +
				"(getPodDNSType in k8s.io/kubernetes/pkg/kubelet/network/dns), which do not know the names of Services",
			Fix:  "set dnsPolicy: ClusterFirstWithHostNet beside hostNetwork: true; else leave dnsPolicy out",
			Find: namesUnresolved,
		},
	}
}

// policyView are the network policies at one moment, those of the release and those that are
// known to be in the cluster besides.
type policyView []*netPolicy

func policyViews(u *upgrade.Upgrade) (before, after policyView) {
	for i := range u.Objects {
		o := &u.Objects[i]
		if !isPolicy(o.Ref()) || o.Idle() {
			continue
		}
		if p := readPolicy(o.Was()); p != nil {
			p.object = o
			before = append(before, p)
		}
		if p := readPolicy(o.Standing(upgrade.After)); p != nil {
			p.object = o
			after = append(after, p)
		}
	}
	for _, o := range u.Cluster {
		if p := readPolicy(o); p != nil && u.Object(o.Ref.Identity()) == nil {
			before, after = append(before, p), append(after, p)
		}
	}
	return before, after
}

// of lists what is let through to or from some pods; everything where no policy selects them.
func (v policyView) of(namespace string, pods *upgrade.PodTemplate, d networkingv1.PolicyType) []allowance {
	var list []allowance
	restricted := false
	for _, p := range v {
		if p.policy.Namespace == namespace && p.restrictsIn(d) && p.selector.Matches(labels.Set(pods.Labels)) {
			restricted = true
			list = append(list, p.allows(d)...)
		}
	}
	if !restricted {
		return []allowance{{everyone: true}}
	}
	return list
}

// blamed returns the object because of which pods are restricted differently: a policy that
// selects them, or else their own workload.
func blamed(w *upgrade.Workload, d networkingv1.PolicyType, views ...policyView) *upgrade.Object {
	for _, v := range views {
		for _, p := range v {
			if o := p.object; o != nil && o.Done() && p.policy.Namespace == w.Ref().Namespace && p.restrictsIn(d) &&
				(p.selector.Matches(labels.Set(w.Before.Labels)) || p.selector.Matches(labels.Set(w.After.Labels))) {
				return o
			}
		}
	}
	if w.Done() && (w.Relabels() || w.MovesPorts()) {
		return w.Object
	}
	return nil
}

// policiesMove reports whether a policy changes, or something by which policies let pods through:
// labels and ports of pods, the ports of a Service, the labels of a namespace.
func policiesMove(u *upgrade.Upgrade) bool {
	some := slices.ContainsFunc(u.Cluster, func(o *manifest.Object) bool { return isPolicy(o.Ref) })
	moves := false
	for i := range u.Objects {
		o := &u.Objects[i]
		if isPolicy(o.Ref()) {
			some, moves = true, moves || o.Done()
		}
		moves = moves || o.Done() && (o.Relabels() || o.MovesPorts() || o.Change.Renamed != nil || upgrade.Opens(o.Change) ||
			o.Ref().Kind == "Namespace" && o.Edited("metadata", "labels"))
	}
	return some && moves
}

// lostPeers lists the peers that are let through before and not after.
func lostPeers(before, after []allowance, covers func(a, b allowance) bool) []allowance {
	if k := slices.IndexFunc(before, func(a allowance) bool { return a.everyone && len(a.ports) == 0 }); k >= 0 {
		before = before[k : k+1] // the others are among them
	}
	after = joined(after)
	return slices.DeleteFunc(slices.Clone(before), func(b allowance) bool {
		return slices.ContainsFunc(after, func(a allowance) bool { return covers(a, b) })
	})
}

// servicesCutOff tells of Services whose pods some no longer reach.
func servicesCutOff(u *upgrade.Upgrade) []rule.Found {
	if !policiesMove(u) {
		return nil
	}
	before, after := policyViews(u)
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !upgrade.IsService(o.Ref()) || o.Old == nil || o.Standing(upgrade.After) == nil {
			continue
		}
		was, is := u.Service(o.Old), u.Service(o.Standing(upgrade.After))
		for _, w := range upgrade.Lasting(u.Selecting(o.Ref().Namespace, was.Selector, upgrade.Before)) {
			if w.After == nil || !w.After.Carries(is.Selector) || onHostNetwork(w.Object) {
				continue
			}
			on := blamed(w, networkingv1.PolicyTypeIngress, after, before)
			if on == nil && o.Done() && upgrade.Opens(o.Change) {
				on = o
			}
			if on == nil {
				continue
			}
			for _, port := range is.Ports {
				if f := cutOff(o.Ref(), w, portBefore(was, port), port, before, after); f != nil {
					f.On, f.Paths = on, rule.Edits(on.Change, "spec", "labels")
					found = append(found, *f)
				}
			}
		}
	}
	return append(found, peersCutOff(u, policyPeers(u), before, after)...)
}

// cutOff judges one port of a Service over the pods of a workload; nil if all reach it who did.
func cutOff(service manifest.Ref, w *upgrade.Workload, old, port upgrade.Port, before, after policyView) *rule.Found {
	was, is := servedBy(before, w, w.Before, old), servedBy(after, w, w.After, port)
	for i := range was {
		was[i].ports = nil
	}
	gone := lostPeers(was, is, allowance.reaches)
	if len(gone) == 0 {
		return nil
	}
	message := fmt.Sprintf("port %d of Service %s is no longer reached by %s", port.Own, service.Name, peersSaid(gone))
	if len(is) == 0 {
		message = fmt.Sprintf("nobody reaches port %d of Service %s any more", port.Own, service.Name)
	} else if gone[0].everyone {
		message = fmt.Sprintf("port %d of Service %s is reached only by %s", port.Own, service.Name, peersSaid(is))
	}
	return &rule.Found{Message: message, Evidence: []change.Evidence{
		{What: "no longer reached by", Objects: []manifest.Ref{service, w.Ref()}, Names: append([]string{strconv.FormatInt(port.Own, 10)}, peerNames(gone)...)},
		{What: "reached by", Names: peerNames(is)},
	}}
}

func peerNames(list []allowance) []string {
	all := make([]string, 0, len(list))
	for _, a := range list {
		if who := a.who(); !slices.Contains(all, who) {
			all = append(all, who)
		}
	}
	return all
}

func peersSaid(list []allowance) string { return rule.Shortened(peerNames(list)) }

// podsCutOff tells of workloads whose pods no longer reach what they reached.
func podsCutOff(u *upgrade.Upgrade) []rule.Found {
	if !policiesMove(u) {
		return nil
	}
	before, after := policyViews(u)
	const dns = 53
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		w := u.PodsOf(o)
		if w == nil || w.Ends || w.Before == nil || w.After == nil || onHostNetwork(o) {
			continue
		}
		on := blamed(w, networkingv1.PolicyTypeEgress, after, before)
		if on == nil {
			continue
		}
		was, is := before.of(o.Ref().Namespace, w.Before, networkingv1.PolicyTypeEgress), after.of(o.Ref().Namespace, w.After, networkingv1.PolicyTypeEgress)
		gone := lostPeers(was, is, allowance.covers)
		if len(gone) == 0 {
			continue
		}
		resolves := func(list []allowance, pods *upgrade.PodTemplate) bool {
			return slices.ContainsFunc(list, func(a allowance) bool { return a.at(dns, "UDP", pods) })
		}
		var message string
		switch {
		case len(is) == 0:
			message = fmt.Sprintf("the pods of %s reach nothing any more", o.Ref())
		case resolves(was, w.Before) && !resolves(is, w.After):
			message = fmt.Sprintf("the pods of %s resolve no names any more: port 53 is closed to them", o.Ref())
		case gone[0].everyone && len(gone[0].ports) == 0:
			message = fmt.Sprintf("the pods of %s reach only %s", o.Ref(), peersAndPorts(is))
		default:
			message = fmt.Sprintf("the pods of %s no longer reach %s", o.Ref(), peersAndPorts(gone))
		}
		found = append(found, rule.Found{On: on, Message: message, Paths: rule.Edits(on.Change, "spec", "labels"), Evidence: []change.Evidence{
			{What: "no longer reaches", Objects: []manifest.Ref{o.Ref()}, Names: peerNames(gone)}, {What: "reaches", Names: peerNames(is)},
		}})
	}
	return append(found, peersOutOfReach(u, policyPeers(u), before, after)...)
}

// namesUnresolved tells of workloads whose new pods do not resolve names of Services that their
// containers are told. Where none is known, that is a notice (Altered in upgrade).
func namesUnresolved(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for _, n := range u.Unresolving() {
		if len(n.Names) == 0 {
			continue
		}
		found = append(found, rule.Found{
			On: n.Object, Message: fmt.Sprintf("its new pods do not resolve names of Services (%s), and use %s", n.Why, rule.Shortened(n.Names)),
			Paths: rule.Edits(n.Change, "hostNetwork", "dnsPolicy"), Evidence: []change.Evidence{{What: "names that are not resolved", Objects: []manifest.Ref{n.Ref()}, Names: n.Names}},
		})
	}
	return found
}

// peersAndPorts names peers with their ports.
func peersAndPorts(list []allowance) string {
	all := make([]string, 0, len(list))
	for _, a := range list {
		text := a.who()
		if where := a.where(); where != "" {
			text += " (" + where + ")"
		}
		if text = strings.Replace(text, "everybody", "everything", 1); !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return rule.Shortened(all)
}

// onHostNetwork reports whether pods share the network of their node, which no policy restricts.
func onHostNetwork(o *upgrade.Object) bool {
	side := o.Standing(upgrade.After)
	return side != nil && untyped.At(upgrade.Spec(side), "template", "spec", "hostNetwork") == true
}
