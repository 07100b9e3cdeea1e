package risk

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// nodeRules are about what belongs to the node.
func nodeRules() []Rule {
	return []Rule{
		{
			ID: "host-namespace", Risk: change.Exposure,
			Why:  "the pod sees, and may disturb, the network, the processes or the memory of its node and of all that runs there",
			Fix:  "take hostNetwork, hostPID or hostIPC away, or see that nobody else gets into the pod",
			When: widens(hostNamespaces),
		},
		{
			ID: "host-path", Risk: change.Exposure,
			Why:  "the pod reaches files of its node; where it can write, it may change the node itself and other pods",
			Fix:  "use a volume that belongs to the pod, or mount the path read-only and no wider than needed",
			When: mountsHost,
		},
		{
			ID: "host-port", Risk: change.Exposure,
			Why:  "the port is open on every node that the pod runs on, past Services and most network policies",
			Fix:  "use a Service instead of hostPort",
			When: widens(hostPorts),
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
			n := number(at(port, "hostPort"))
			if n <= 0 {
				continue
			}
			protocol, step := text(at(port, "protocol")), fieldpath.Index(i)
			if name := text(at(port, "name")); name != "" {
				step = fieldpath.Element{Keys: []fieldpath.Key{{Name: "name", Value: name, Quoted: true}}}
			}
			if protocol == "" {
				protocol = "TCP"
			}
			list = append(list, exposed{
				what: fmt.Sprintf("%d/%s %s", n, protocol, text(at(port, "hostIP"))), says: "opens port %s of its node", of: strconv.FormatInt(n, 10),
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
func mountsHost(c *change.Change) (string, []fieldpath.Path, bool) {
	if c.Outcome.PodSpec == nil {
		return "", nil, false
	}
	old, updated, lands := sides(c)
	if !lands {
		return "", nil, false
	}
	before := hostPaths(old)
	var list []exposed
	for _, h := range hostPaths(updated) {
		if slices.ContainsFunc(before, h.within) {
			continue
		}
		e := exposed{says: "mounts %s of its node, read-only", of: h.on, path: h.path}
		switch {
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

// hostPaths are the files of the node that the containers of a pod mount. A volume
// that none of them mounts gives them nothing.
func hostPaths(r reading) []hostPath {
	writable := map[string]bool{} // by volume that is mounted
	for _, k := range r.containers() {
		list, _ := k.fields["volumeMounts"].([]any)
		for _, m := range list {
			name := text(at(m, "name"))
			writable[name] = writable[name] || at(m, "readOnly") != true
		}
	}
	var list []hostPath
	for _, volume := range items(r.pod(), r.podSpec, "volumes") {
		name, on := text(volume.fields["name"]), text(at(volume.fields, "hostPath", "path"))
		if can, mounted := writable[name]; mounted && on != "" {
			list = append(list, hostPath{path.Clean(on), can, volume.path.Join(fieldpath.Fields("hostPath"))})
		}
	}
	return list
}
