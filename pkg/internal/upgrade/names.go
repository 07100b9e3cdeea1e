package upgrade

import (
	"regexp"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Unresolving is a workload whose new pods do not resolve the names of Services, and whose old
// ones did.
type Unresolving struct {
	*Object
	// Why are the fields that make it so.
	Why string
	// Names are those of Services that its containers are told; nil if none is known.
	Names []string
	// Servers says that the pods name servers themselves, which may know those names.
	Servers bool
}

// Unresolving lists such workloads: pods ask the DNS of the cluster unless their dnsPolicy is
// Default, or ClusterFirst on the network of their node (getPodDNSType in
// k8s.io/kubernetes/pkg/kubelet/network/dns).
func (u *Upgrade) Unresolving() []Unresolving {
	var list []Unresolving
	for i := range u.Objects {
		o := &u.Objects[i]
		if !o.Does(change.Update) || o.Change.Outcome.PodSpec == nil || o.Change.Before() == nil ||
			!slices.ContainsFunc([]string{"hostNetwork", "dnsPolicy"}, func(field string) bool {
				return slices.ContainsFunc(o.Change.Edits, func(e change.Edit) bool {
					return e.Path.Overlaps(o.Change.Outcome.PodSpec.Join(path([]string{field})))
				})
			}) {
			continue
		}
		before, after := untyped.Map(u.Template(o.Change.Before()), "spec"), untyped.Map(u.Template(o.Result()), "spec")
		was, _ := clusterDNS(before)
		is, why := clusterDNS(after)
		if was && !is && len(after) > 0 {
			n := Unresolving{Object: o, Why: why, Servers: untyped.At(after, "dnsConfig", "nameservers") != nil}
			if !n.Servers {
				n.Names = u.serviceNames(o.Ref().Namespace, after)
			}
			list = append(list, n)
		}
	}
	return list
}

// clusterDNS reports whether pods ask the DNS of the cluster, and else why not.
func clusterDNS(pod map[string]any) (asks bool, because string) {
	switch policy := untyped.Text(pod, "dnsPolicy"); {
	case policy == "Default", policy == "None":
		return false, "dnsPolicy: " + policy
	case policy != "ClusterFirstWithHostNet" && pod["hostNetwork"] == true:
		return false, "hostNetwork: true without dnsPolicy: ClusterFirstWithHostNet"
	default:
		return true, ""
	}
}

// serviceNames returns the names of Services that the containers of a pod are told: those that end
// in .svc, and those of Services of the release where a host is meant.
func (u *Upgrade) serviceNames(namespace string, pod map[string]any) []string {
	host := regexp.MustCompile(`[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]+)?`)
	var names []string
	look := func(text string, isHost bool) {
		for _, at := range host.FindAllStringIndex(text, -1) {
			name, _, port := strings.Cut(text[at[0]:at[1]], ":")
			named := isHost || port || at[0] > 0 && (text[at[0]-1] == '@' || text[at[0]-1] == '/' && at[0] > 1 && text[at[0]-2] == '/')
			if u.isServiceName(namespace, name, named) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	for _, list := range []string{"initContainers", "containers"} {
		for _, c := range untyped.Maps(pod, list) {
			for _, e := range untyped.Maps(c, "env") {
				name := strings.ToUpper(untyped.Text(e, "name"))
				look(untyped.Text(e, "value"), slices.ContainsFunc([]string{"HOST", "ADDR", "SERVER", "ENDPOINT"}, func(part string) bool { return strings.Contains(name, part) }))
			}
			for _, field := range []string{"command", "args"} {
				words, _ := c[field].([]any)
				for _, w := range words {
					text, _ := w.(string)
					look(text, false)
				}
			}
		}
	}
	return names
}

// isServiceName reports whether a word is the name of a Service. A single label may be any word
// unless a host is meant.
func (u *Upgrade) isServiceName(namespace, word string, host bool) bool {
	labels := strings.Split(word, ".")
	switch {
	case len(labels) > 2 && labels[2] == "svc":
		return true
	case len(labels) == 2:
		namespace = labels[1]
	case len(labels) > 2 || !host:
		return false
	}
	o := u.Object(manifest.Identity{Kind: "Service", Namespace: namespace, Name: labels[0]})
	return o != nil && o.Standing(After) != nil
}
