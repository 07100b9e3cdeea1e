package networkpolicies

import (
	"net/netip"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/selectors"
)

// WidenedRules are about policies that allow more than before.
func WidenedRules() []rule.Rule {
	return []rule.Rule{{
		ID: "network-policy-widened", Risk: change.Exposure, Kinds: []string{"NetworkPolicy"},
		Why: "a block of addresses may hold most of the internet, an empty selector selects all pods or all namespaces, and a rule without ports allows all of them: " +
			"the policy allows more than it names",
		Fix:  "name the peers, and the ports, that need it",
		Find: widenedPolicies,
	}}
}

// widenedPolicies tells network policies that let through many more than before, in other
// words than a rule without peers.
func widenedPolicies(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !isPolicy(o.Ref()) || !o.Does(change.Update) || !o.Edited("spec") {
			continue
		}
		old, updated := readPolicy(o.Was()), readPolicy(o.Result())
		if old == nil || updated == nil {
			continue
		}
		for _, d := range directions() {
			if !old.restrictsIn(d) || !updated.restrictsIn(d) {
				continue
			}
			said := widerAllowances(joined(old.allows(d)), updated.allows(d), literally(updated, d))
			if len(said) == 0 {
				continue
			}
			verb := map[networkingv1.PolicyType]string{networkingv1.PolicyTypeIngress: "allows ingress from ", networkingv1.PolicyTypeEgress: "allows egress to "}[d]
			found = append(found, rule.Found{On: o, Message: verb + rule.Shortened(said), Paths: rule.SpecEdits(o.Change), Evidence: []change.Evidence{
				{What: "lets through: " + string(d), Objects: []manifest.Ref{o.Ref()}, Names: said},
			}})
		}
	}
	return found
}

// literally reports whether a rule of the policy names no peers, or all addresses as one
// block; that is another rule's.
func literally(p *netPolicy, d networkingv1.PolicyType) bool {
	whole := func(peers []networkingv1.NetworkPolicyPeer) bool {
		return len(peers) == 0 || slices.ContainsFunc(peers, func(peer networkingv1.NetworkPolicyPeer) bool {
			return peer.IPBlock != nil && len(peer.IPBlock.Except) == 0 && prefixBits(peer.IPBlock.CIDR) == 0
		})
	}
	if d == networkingv1.PolicyTypeIngress {
		return slices.ContainsFunc(p.policy.Spec.Ingress, func(r networkingv1.NetworkPolicyIngressRule) bool { return whole(r.From) })
	}
	return slices.ContainsFunc(p.policy.Spec.Egress, func(r networkingv1.NetworkPolicyEgressRule) bool { return whole(r.To) })
}

// prefixBits returns how many bits of a block are given; -1 if it cannot be read.
func prefixBits(cidr string) int {
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		return -1
	}
	return prefix.Bits()
}

// widerAllowances says what is let through after and was not before: peers that stand for many, and
// more ports or addresses for peers that were there.
func widerAllowances(before, after []allowance, literal bool) []string {
	var said []string
	for _, a := range after {
		if a.everyone && literal || slices.ContainsFunc(before, func(b allowance) bool { return b.covers(a) }) {
			continue
		}
		text := a.who()
		if where := a.where(); where != "" {
			text += " at " + where
		}
		same := slices.ContainsFunc(before, func(b allowance) bool { return !b.everyone && a.grows(b) })
		if a.everyone || same || manyPeers(a.peer) {
			if same && len(a.ports) == 0 {
				text += " at all ports"
			}
			if !slices.Contains(said, text) {
				said = append(said, text)
			}
		}
	}
	return said
}

// grows reports whether an allowance is one of before with more peers, without ports, or
// with a longer range of them. A port more is named, and somebody has it in view.
func (a allowance) grows(before allowance) bool {
	if !a.reaches(before) {
		return false
	}
	if !before.reaches(a) {
		return portsCover(a.ports, before.ports)
	}
	return len(a.ports) == 0 || slices.ContainsFunc(a.ports, func(p networkingv1.NetworkPolicyPort) bool {
		return p.EndPort != nil && !portsCover(before.ports, []networkingv1.NetworkPolicyPort{p})
	})
}

// Blocks that hold more than any private network does: 10.0.0.0/8 is the largest of IPv4,
// and fc00::/7 that of IPv6.
const (
	fewBits4, fewBits6 = 8, 16
	localBits6         = 7
)

// manyPeers reports whether a peer stands for more than somebody has in view.
func manyPeers(peer networkingv1.NetworkPolicyPeer) bool {
	if peer.IPBlock != nil {
		prefix, err := netip.ParsePrefix(peer.IPBlock.CIDR)
		if err != nil {
			return false
		}
		if prefix.Addr().Is4() {
			return prefix.Bits() < fewBits4
		}
		return prefix.Bits() < fewBits6 && (prefix.Bits() < localBits6 || !prefix.Addr().IsPrivate())
	}
	return peer.NamespaceSelector != nil && selectors.Empty(peer.NamespaceSelector) || peer.NamespaceSelector == nil && selectors.Empty(peer.PodSelector)
}
