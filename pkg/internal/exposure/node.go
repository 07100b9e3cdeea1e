package exposure

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
)

// nodeRules are about what belongs to the node.
func nodeRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "host-namespace", Risk: change.Exposure,
			Why:  "the pod shares the network, processes, memory or users of its node, and can observe and disturb everything that runs there",
			Fix:  "take hostNetwork, hostPID or hostIPC away, keep hostUsers: false, or make sure that nobody else gets into the pod",
			Read: widens(hostNamespaces),
		},
		{
			ID: "host-path", Risk: change.Exposure,
			Why:  "pods can read files of their node; if they can write them, they can change the node and other pods",
			Fix:  "use a volume that belongs to the pod, or mount the path read-only and no wider than needed",
			Read: mountsHost,
		},
		{
			ID: "host-port", Risk: change.Exposure,
			Why:  "the port is open on every node where the pod runs; Services and most network policies do not apply to it",
			Fix:  "use a Service instead of hostPort",
			Read: widens(hostPorts),
		},
	}
}

// hostNamespaces are the namespaces of the node in which a pod runs.
func hostNamespaces(r reading) []exposed {
	spec := r.pod()
	var list []exposed
	for _, n := range [][2]string{{"hostNetwork", "network"}, {"hostPID", "processes"}, {"hostIPC", "shared memory"}} {
		if spec[n[0]] == true {
			list = append(list, exposed{what: n[0], says: "shares the %s of its node", of: n[1], path: r.podSpec.Child(fieldpath.Field(n[0]))})
		}
	}
	if spec != nil && spec["hostUsers"] != false {
		list = append(list, exposed{what: "hostUsers", says: "shares the %s of its node", of: "users", path: r.podSpec.Child(fieldpath.Field("hostUsers")), implied: true})
	}
	return list
}

// hostPorts are the ports of the node that a pod opens. With the network of the node
// all its ports are open anyway, and hostNetwork says so.
func hostPorts(r reading) []exposed {
	if r.pod()["hostNetwork"] == true {
		return []exposed{{what: everything}}
	}
	var list []exposed
	for _, k := range r.containers() {
		ports, _ := k.fields["ports"].([]any)
		for i, port := range ports {
			n := number(untyped.At(port, "hostPort"))
			if n <= 0 {
				continue
			}
			protocol, step := untyped.Text(untyped.At(port, "protocol")), fieldpath.Index(i)
			if name := untyped.Text(untyped.At(port, "name")); name != "" {
				step = fieldpath.Element{Keys: []fieldpath.Key{{Name: "name", Value: name, Quoted: true}}}
			}
			if protocol == "" {
				protocol = "TCP"
			}
			list = append(list, exposed{
				what: fmt.Sprintf("%d/%s %s", n, protocol, untyped.Text(untyped.At(port, "hostIP"))), says: "opens port %s of its node", of: strconv.FormatInt(n, 10),
				path: k.path.Join(fieldpath.Path{fieldpath.Field("ports"), step, fieldpath.Field("hostPort")}),
			})
		}
	}
	return list
}

// hostPath is a file or folder of the node that containers mount.
type hostPath struct {
	on       string
	writable bool
	path     fieldpath.Path
}

// mountsHost fires for files of the node that the pods did not reach before.
func mountsHost(c *change.Change) rule.Found {
	volume := c.Ref.Kind == "PersistentVolume" && c.Ref.Group == ""
	if c.Outcome.PodSpec == nil && !volume {
		return rule.Found{}
	}
	old, updated, lands := sides(c)
	if !lands {
		return rule.Found{}
	}
	before := hostPaths(old)
	var list []exposed
	for _, h := range hostPaths(updated) {
		if slices.ContainsFunc(before, h.within) {
			continue
		}
		e := exposed{says: "mounts %s of its node, read-only", of: h.on, path: h.path}
		switch {
		case volume:
			e.says = "gives pods %s of their node"
		case h.socket():
			e.says = "reaches the socket %s of its node"
		case h.writable:
			e.says = "mounts %s of its node, writable"
		}
		list = append(list, e)
	}
	return told(list)
}

// socket reports whether it is one: that it is mounted read-only keeps nobody from
// talking to it.
func (h hostPath) socket() bool { return strings.HasSuffix(h.on, ".sock") }

// within reports whether whoever has the other one has this one, too: a folder holds
// what is in it, and who may write may read.
func (h hostPath) within(other hostPath) bool {
	folder := strings.TrimSuffix(other.on, "/")
	return (h.on == other.on || strings.HasPrefix(h.on, folder+"/")) && (other.writable || !h.writable || h.socket())
}

// hostPaths are the files of the node that the containers of a pod mount, or that a PersistentVolume
// gives to those that mount its claim. A volume that none of them mounts gives them nothing.
func hostPaths(r reading) []hostPath {
	if on := untyped.Text(untyped.At(r.value, "spec", "hostPath", "path")); on != "" && r.podSpec == nil {
		return []hostPath{{path.Clean(on), true, fieldpath.Fields("spec", "hostPath", "path")}}
	}
	writable := map[string]bool{} // by volume that is mounted
	for _, k := range r.containers() {
		list, _ := k.fields["volumeMounts"].([]any)
		for _, m := range list {
			name := untyped.Text(untyped.At(m, "name"))
			writable[name] = writable[name] || untyped.At(m, "readOnly") != true
		}
	}
	var list []hostPath
	for _, volume := range items(r.pod(), r.podSpec, "volumes") {
		name, on := untyped.Text(volume.fields["name"]), untyped.Text(untyped.At(volume.fields, "hostPath", "path"))
		if can, mounted := writable[name]; mounted && on != "" {
			list = append(list, hostPath{path.Clean(on), can, volume.path.Join(fieldpath.Fields("hostPath"))})
		}
	}
	return list
}
