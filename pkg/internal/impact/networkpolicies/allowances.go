package networkpolicies

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/selectors"
)

// netPolicy is a NetworkPolicy as one side has it.
type netPolicy struct {
	object   *upgrade.Object // nil for one that is not of the release
	policy   networkingv1.NetworkPolicy
	selector labels.Selector
}

// readPolicy reads a NetworkPolicy; nil if it is none.
func readPolicy(o *manifest.Object) *netPolicy {
	if o == nil || !isPolicy(o.Ref) {
		return nil
	}
	value, err := o.Value()
	p := &netPolicy{}
	if err != nil || runtime.DefaultUnstructuredConverter.FromUnstructured(value, &p.policy) != nil {
		return nil
	}
	p.policy.Namespace = o.Ref.Namespace
	if p.selector, err = metav1.LabelSelectorAsSelector(&p.policy.Spec.PodSelector); err != nil {
		return nil
	}
	return p
}

// restrictsIn reports whether the policy restricts pods in a direction: of those that it lists, or
// Ingress, and Egress also if it has rules for it (NetworkPolicySpec in k8s.io/api/networking/v1).
func (p *netPolicy) restrictsIn(d networkingv1.PolicyType) bool {
	if types := p.policy.Spec.PolicyTypes; len(types) > 0 {
		return slices.Contains(types, d)
	}
	return d == networkingv1.PolicyTypeIngress || len(p.policy.Spec.Egress) > 0
}

// allowance is one peer that a policy lets through, at some ports; no ports are all.
type allowance struct {
	everyone bool
	// own says that peer names pods of the namespace of the policy.
	peer  networkingv1.NetworkPolicyPeer
	ports []networkingv1.NetworkPolicyPort
}

// allows lists what the policy lets through in a direction.
func (p *netPolicy) allows(d networkingv1.PolicyType) []allowance {
	var list []allowance
	add := func(peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) {
		if len(peers) == 0 || coverAll(peers) {
			list = append(list, allowance{everyone: true, ports: ports})
			return
		}
		for _, peer := range peers {
			list = append(list, allowance{peer: ofOwnNamespace(peer, p.policy.Namespace), ports: ports})
		}
	}
	if d == networkingv1.PolicyTypeIngress {
		for _, r := range p.policy.Spec.Ingress {
			add(r.From, r.Ports)
		}
		return list
	}
	for _, r := range p.policy.Spec.Egress {
		add(r.To, r.Ports)
	}
	return list
}

// ofOwnNamespace leaves out a namespace selector that selects the policy's own by its name.
func ofOwnNamespace(peer networkingv1.NetworkPolicyPeer, namespace string) networkingv1.NetworkPolicyPeer {
	s := peer.NamespaceSelector
	if s == nil || len(s.MatchExpressions) > 0 || len(s.MatchLabels) != 1 || s.MatchLabels[corev1.LabelMetadataName] != namespace {
		return peer
	}
	own := networkingv1.NetworkPolicyPeer{PodSelector: peer.PodSelector}
	if own.PodSelector == nil {
		own.PodSelector = &metav1.LabelSelector{}
	}
	return own
}

// coverAll reports whether the blocks of some peers make up all addresses of IPv4 or IPv6:
// one of them, or two halves, and so on.
func coverAll(peers []networkingv1.NetworkPolicyPeer) bool {
	_, whole := joinHalves(peers)
	return whole
}

// joinHalves returns the blocks that two halves among the blocks of some peers make up, and
// whether one of them is all addresses.
func joinHalves(peers []networkingv1.NetworkPolicyPeer) (made []netip.Prefix, whole bool) {
	have := map[netip.Prefix]bool{}
	for _, peer := range peers {
		if peer.IPBlock != nil && len(peer.IPBlock.Except) == 0 {
			if prefix, err := netip.ParsePrefix(peer.IPBlock.CIDR); err == nil {
				have[prefix.Masked()] = true
			}
		}
	}
	for merged := true; merged; {
		merged = false
		for prefix := range have {
			if prefix.Bits() == 0 {
				return made, true
			}
			parent := netip.PrefixFrom(prefix.Addr(), prefix.Bits()-1).Masked()
			if sibling := otherHalf(parent, prefix); have[sibling] && !have[parent] {
				have[parent], merged = true, true
				made = append(made, parent)
			}
		}
	}
	return made, false
}

// joined adds to allowances the blocks that several of them make up together, at the same
// ports: 10.0.0.0/9 and 10.128.0.0/9 are 10.0.0.0/8.
func joined(list []allowance) []allowance {
	all := slices.Clone(list)
	for i := range list {
		var peers []networkingv1.NetworkPolicyPeer
		for _, other := range list {
			if other.peer.IPBlock != nil && portsCover(other.ports, list[i].ports) {
				peers = append(peers, other.peer)
			}
		}
		made, whole := joinHalves(peers)
		if whole {
			all = append(all, allowance{everyone: true, ports: list[i].ports})
		}
		for _, prefix := range made {
			all = append(all, allowance{peer: networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: prefix.String()}}, ports: list[i].ports})
		}
	}
	return all
}

// otherHalf returns the half of a block that another half leaves.
func otherHalf(parent, half netip.Prefix) netip.Prefix {
	bytes := half.Addr().AsSlice()
	bit := half.Bits() - 1
	bytes[bit/8] ^= 1 << (7 - bit%8)
	addr, _ := netip.AddrFromSlice(bytes)
	return netip.PrefixFrom(addr, parent.Bits()+1)
}

// covers reports whether a lets through all that b does.
func (a allowance) covers(b allowance) bool { return a.reaches(b) && portsCover(a.ports, b.ports) }

// reaches reports whether all peers of b are peers of a.
func (a allowance) reaches(b allowance) bool {
	switch {
	case a.everyone || b.everyone:
		return a.everyone
	case a.peer.IPBlock != nil || b.peer.IPBlock != nil:
		return a.peer.IPBlock != nil && b.peer.IPBlock != nil && blockCovers(a.peer.IPBlock, b.peer.IPBlock)
	case a.peer.NamespaceSelector == nil:
		return b.peer.NamespaceSelector == nil && selectors.Covers(a.peer.PodSelector, b.peer.PodSelector)
	case b.peer.NamespaceSelector == nil:
		return selectors.Empty(a.peer.NamespaceSelector) && selectors.Covers(a.peer.PodSelector, b.peer.PodSelector)
	default:
		return selectors.Covers(a.peer.NamespaceSelector, b.peer.NamespaceSelector) && selectors.Covers(a.peer.PodSelector, b.peer.PodSelector)
	}
}

// blockCovers reports whether all addresses of b are among those of a.
func blockCovers(a, b *networkingv1.IPBlock) bool {
	outer, err1 := netip.ParsePrefix(a.CIDR)
	inner, err2 := netip.ParsePrefix(b.CIDR)
	if err1 != nil || err2 != nil {
		return a.CIDR == b.CIDR
	}
	if outer.Bits() > inner.Bits() || !outer.Contains(inner.Addr()) {
		return false
	}
	return !slices.ContainsFunc(a.Except, func(text string) bool {
		hole, err := netip.ParsePrefix(text)
		return err == nil && hole.Overlaps(inner) && !slices.ContainsFunc(b.Except, func(other string) bool {
			same, err := netip.ParsePrefix(other)
			return err == nil && same.Bits() <= hole.Bits() && same.Contains(hole.Addr())
		})
	})
}

// portsCover reports whether the ports of a hold all of b; no ports are all.
func portsCover(a, b []networkingv1.NetworkPolicyPort) bool {
	if len(a) == 0 || len(b) == 0 {
		return len(a) == 0
	}
	a = joinedPorts(a)
	return !slices.ContainsFunc(joinedPorts(b), func(p networkingv1.NetworkPolicyPort) bool {
		return !slices.ContainsFunc(a, func(q networkingv1.NetworkPolicyPort) bool { return portCovers(q, p) })
	})
}

// joinedPorts returns ports with those that follow each other as one range, and the range of all
// ports as one without a port.
func joinedPorts(ports []networkingv1.NetworkPolicyPort) []networkingv1.NetworkPolicyPort {
	ranges := slices.DeleteFunc(slices.Clone(ports), func(p networkingv1.NetworkPolicyPort) bool { return p.Port == nil || p.Port.Type == intstr.String })
	slices.SortFunc(ranges, func(a, b networkingv1.NetworkPolicyPort) int {
		return cmp.Or(cmp.Compare(portProtocol(a), portProtocol(b)), cmp.Compare(a.Port.IntVal, b.Port.IntVal))
	})
	list := slices.DeleteFunc(slices.Clone(ports), func(p networkingv1.NetworkPolicyPort) bool { return p.Port != nil && p.Port.Type == intstr.Int })
	for i := 0; i < len(ranges); {
		made, end := ranges[i], lastPort(ranges[i])
		for i++; i < len(ranges) && portProtocol(ranges[i]) == portProtocol(made) && ranges[i].Port.IntVal <= end+1; i++ {
			end = max(end, lastPort(ranges[i]))
		}
		made.EndPort = &end
		if made.Port.IntVal <= 1 && end >= lastOfAll {
			made.Port, made.EndPort = nil, nil
		}
		list = append(list, made)
	}
	return list
}

const lastOfAll = 65535

func portCovers(a, b networkingv1.NetworkPolicyPort) bool {
	switch {
	case portProtocol(a) != portProtocol(b):
		return false
	case a.Port == nil || b.Port == nil:
		return a.Port == nil
	case a.Port.Type == intstr.String || b.Port.Type == intstr.String:
		return *a.Port == *b.Port
	default:
		return a.Port.IntVal <= b.Port.IntVal && lastPort(a) >= lastPort(b)
	}
}

func lastPort(p networkingv1.NetworkPolicyPort) int32 {
	if p.EndPort != nil {
		return *p.EndPort
	}
	return p.Port.IntVal
}

func portProtocol(p networkingv1.NetworkPolicyPort) corev1.Protocol {
	if p.Protocol == nil || *p.Protocol == "" {
		return corev1.ProtocolTCP
	}
	return *p.Protocol
}

// at reports whether the allowance holds for a port of some pods, by number; names of ports
// are those of their containers.
func (a allowance) at(number int64, protocol string, pods *upgrade.PodTemplate) bool {
	return len(a.ports) == 0 || slices.ContainsFunc(a.ports, func(p networkingv1.NetworkPolicyPort) bool {
		switch {
		case string(portProtocol(p)) != protocol:
			return false
		case p.Port == nil:
			return true
		case p.Port.Type == intstr.String:
			return pods.Has(upgrade.Port{Name: p.Port.StrVal, Protocol: protocol}) && pods.Number(p.Port.StrVal, protocol) == number
		default:
			return int64(p.Port.IntVal) <= number && number <= int64(lastPort(p))
		}
	})
}

// who names the peer in a sentence.
func (a allowance) who() string {
	pods := "pods"
	if s := a.peer.PodSelector; !selectors.Empty(s) {
		pods = "pods with " + metav1.FormatLabelSelector(s)
	}
	switch s := a.peer.NamespaceSelector; {
	case a.everyone:
		return "everybody"
	case a.peer.IPBlock != nil && len(a.peer.IPBlock.Except) > 0:
		return a.peer.IPBlock.CIDR + " except " + strings.Join(a.peer.IPBlock.Except, ", ")
	case a.peer.IPBlock != nil:
		return a.peer.IPBlock.CIDR
	case s == nil && pods == "pods":
		return "the pods of its namespace"
	case s == nil:
		return pods
	case selectors.Empty(s):
		return pods + " of all namespaces"
	default:
		return pods + " of namespaces with " + metav1.FormatLabelSelector(s)
	}
}

// where names the ports in a sentence; "" for all.
func (a allowance) where() string {
	names := make([]string, 0, len(a.ports))
	for _, p := range a.ports {
		switch {
		case p.Port == nil:
			names = append(names, string(portProtocol(p)))
		case p.EndPort != nil:
			names = append(names, fmt.Sprintf("%d-%d/%s", p.Port.IntVal, *p.EndPort, portProtocol(p)))
		default:
			names = append(names, p.Port.String()+"/"+string(portProtocol(p)))
		}
	}
	return strings.Join(names, ", ")
}
