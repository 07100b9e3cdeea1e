package networkpolicies

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/selectors"
)

// policyPeer is pods whose labels, ports or namespace change, so that NetworkPolicies for other
// pods fit them differently.
type policyPeer struct {
	on        *upgrade.Object
	namespace string
	// before and after are the pods; nil for all pods of a namespace.
	before, after *upgrade.PodTemplate
}

// name names the pods in a sentence.
func (p *policyPeer) name() string {
	if p.before == nil {
		return "the pods of namespace " + p.namespace
	}
	return "the pods of " + p.on.Ref().String()
}

// policyPeers lists the workloads whose pods change in a way that policies see, and the namespaces
// that get different labels.
func policyPeers(u *upgrade.Upgrade) []policyPeer {
	var list []policyPeer
	for i := range u.Objects {
		o := &u.Objects[i]
		switch {
		case !o.Does(change.Update, change.Create):
		case o.Ref().Kind == "Namespace" && o.Ref().Group == "":
			if o.Op() == change.Update && o.Edited("metadata", "labels") {
				list = append(list, policyPeer{on: o, namespace: o.Ref().Name})
			}
		default:
			if was, is := peerPods(u, o); was != nil && is != nil {
				list = append(list, policyPeer{on: o, namespace: o.Ref().Namespace, before: was, after: is})
			}
		}
	}
	return list
}

// peerPods returns the pods of a workload before and after, of a renamed one those under the
// old name; nil where policies see no difference.
func peerPods(u *upgrade.Upgrade, o *upgrade.Object) (before, after *upgrade.PodTemplate) {
	was := o
	if o.Change.Op == change.Create {
		if o.Change.Renamed == nil || !u.RunsPods(o.Ref()) {
			return nil, nil
		}
		if was = u.Object(o.Change.Renamed.Old.Identity()); was == nil {
			return nil, nil
		}
	} else if !o.Relabels() && !o.MovesPorts() {
		return nil, nil
	}
	from, to := u.PodsOf(was), u.PodsOf(o)
	if from == nil || to == nil {
		return nil, nil
	}
	return from.Before, to.After
}

// letsThrough reports whether an allowance of a policy holds for a peer with these labels. A block
// of addresses may hold those of pods. Where the labels of a namespace are not known, its
// selector is taken to fit.
func (a allowance) letsThrough(u *upgrade.Upgrade, own string, p *policyPeer, pods *upgrade.PodTemplate, m upgrade.Moment) bool {
	switch s := a.peer.NamespaceSelector; {
	case a.everyone:
		return p.before != nil || len(a.ports) == 0
	case a.peer.IPBlock != nil:
		return true
	case s == nil:
		return own == p.namespace && fitsPods(a.peer.PodSelector, pods)
	default:
		return fitsNamespace(u, s, p.namespace, m) && fitsPods(a.peer.PodSelector, pods)
	}
}

func fitsPods(s *metav1.LabelSelector, pods *upgrade.PodTemplate) bool {
	if pods == nil || selectors.Empty(s) {
		return true
	}
	selector, err := metav1.LabelSelectorAsSelector(s)
	return err == nil && selector.Matches(labels.Set(pods.Labels))
}

func fitsNamespace(u *upgrade.Upgrade, s *metav1.LabelSelector, name string, m upgrade.Moment) bool {
	selector, err := metav1.LabelSelectorAsSelector(s)
	o := u.Object(manifest.Identity{Kind: "Namespace", Name: name})
	if err != nil || o == nil || o.Standing(m) == nil {
		return true
	}
	has := labels.Set{corev1.LabelMetadataName: name}
	own, err := o.Standing(m).Labels()
	if err != nil {
		return true
	}
	maps.Copy(has, own)
	return selector.Matches(has)
}

// peersCutOff tells of pods that no longer reach a Service, since no policy of its pods fits
// them any more.
func peersCutOff(u *upgrade.Upgrade, peers []policyPeer, before, after policyView) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if len(peers) == 0 || !upgrade.IsService(o.Ref()) || o.Old == nil || o.Standing(upgrade.After) == nil {
			continue
		}
		was, is := u.Service(o.Old), u.Service(o.Standing(upgrade.After))
		for _, w := range upgrade.Lasting(u.Selecting(o.Ref().Namespace, was.Selector, upgrade.Before)) {
			if w.After == nil || !w.After.Carries(is.Selector) || onHostNetwork(w.Object) {
				continue
			}
			for k := range peers {
				p := &peers[k]
				if p.on == w.Object || p.before != nil && !p.relabelled() {
					continue
				}
				lost := slices.IndexFunc(is.Ports, func(port upgrade.Port) bool {
					b, a := servedBy(before, w, w.Before, portBefore(was, port)), servedBy(after, w, w.After, port)
					return p.loses(u, w.Ref().Namespace, b, a)
				})
				if lost >= 0 {
					found = append(found, rule.Found{
						On: p.on, Message: fmt.Sprintf("with these labels %s no longer reach port %d of Service %s: no NetworkPolicy lets them in", p.name(), is.Ports[lost].Own, o.Ref().Name),
						Paths:    rule.Edits(p.on.Change, "labels"),
						Evidence: []change.Evidence{{What: "no longer reaches", Objects: []manifest.Ref{p.on.Ref(), o.Ref(), w.Ref()}}},
					})
				}
			}
		}
	}
	return found
}

func (p *policyPeer) relabelled() bool { return p.on.Change.Op == change.Create || p.on.Relabels() }

// loses reports whether a peer is let through before and, since it changes, not after.
func (p *policyPeer) loses(u *upgrade.Upgrade, own string, before, after []allowance) bool {
	through := func(list []allowance, pods *upgrade.PodTemplate, m upgrade.Moment) bool {
		return slices.ContainsFunc(list, func(a allowance) bool { return a.letsThrough(u, own, p, pods, m) })
	}
	return through(before, p.before, upgrade.Before) && through(after, p.before, upgrade.Before) && !through(after, p.after, upgrade.After)
}

// peersOutOfReach tells of pods that no longer reach others, since no policy of theirs fits
// these any more.
func peersOutOfReach(u *upgrade.Upgrade, peers []policyPeer, before, after policyView) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		w := u.PodsOf(o)
		if len(peers) == 0 || w == nil || w.Ends || w.Before == nil || w.After == nil || onHostNetwork(o) {
			continue
		}
		space := o.Ref().Namespace
		was, is := before.of(space, w.Before, networkingv1.PolicyTypeEgress), after.of(space, w.After, networkingv1.PolicyTypeEgress)
		for k := range peers {
			p := &peers[k]
			if p.on == o || upgrade.Ends(p.on.Ref()) || !p.outOfReach(u, space, was, is) {
				continue
			}
			found = append(found, rule.Found{
				On: p.on, Message: fmt.Sprintf("the pods of %s no longer reach %s: no NetworkPolicy lets them out there", o.Ref(), p.name()), Paths: rule.Edits(p.on.Change, "labels", "ports"),
				Evidence: []change.Evidence{{What: "no longer reached by", Objects: []manifest.Ref{p.on.Ref(), o.Ref()}}},
			})
		}
	}
	return found
}

// outOfReach reports whether some port of a peer is let through before and, since the peer
// changes, not after.
func (p *policyPeer) outOfReach(u *upgrade.Upgrade, own string, before, after []allowance) bool {
	if p.before == nil {
		return p.loses(u, own, before, after)
	}
	through := func(list []allowance, pods *upgrade.PodTemplate, port upgrade.Port, m upgrade.Moment) bool {
		return slices.ContainsFunc(list, func(a allowance) bool {
			return a.at(port.Number, port.Protocol, pods) && a.letsThrough(u, own, p, pods, m)
		})
	}
	return slices.ContainsFunc(portsOf(p.after), func(port upgrade.Port) bool {
		old := port
		if ports := portsOf(p.before); len(ports) > 0 {
			k := slices.IndexFunc(ports, func(o upgrade.Port) bool {
				return o.Protocol == port.Protocol && (o.Number == port.Number || o.Name != "" && o.Name == port.Name)
			})
			if k < 0 {
				return false
			}
			old = ports[k]
		}
		return through(before, p.before, old, upgrade.Before) && through(after, p.before, old, upgrade.Before) && !through(after, p.after, port, upgrade.After)
	})
}

// portsOf lists the ports that the containers of pods declare; one without a number if they declare
// none.
func portsOf(pods *upgrade.PodTemplate) []upgrade.Port {
	var list []upgrade.Port
	for i := range pods.Containers {
		list = append(list, pods.Containers[i].Ports...)
	}
	if len(list) == 0 {
		return []upgrade.Port{{Protocol: "TCP"}}
	}
	return list
}

// portBefore returns the port of a Service as it was, or as it is for one that comes.
func portBefore(was *upgrade.Service, port upgrade.Port) upgrade.Port {
	if k := slices.IndexFunc(was.Ports, port.Same); k >= 0 {
		return was.Ports[k]
	}
	return port
}

// servedBy lists what policies let through to a port of a Service over some pods.
func servedBy(v policyView, w *upgrade.Workload, pods *upgrade.PodTemplate, port upgrade.Port) []allowance {
	number := port.Number
	if number == 0 {
		number = pods.Number(port.Name, port.Protocol)
	}
	return slices.DeleteFunc(slices.Clone(v.of(w.Ref().Namespace, pods, networkingv1.PolicyTypeIngress)), func(a allowance) bool {
		return !a.at(number, port.Protocol, pods)
	})
}
