package data

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// podVolumes is what the pods of a workload mount.
type podVolumes struct {
	// claims are the PersistentVolumeClaims that the pods name, templates the names of the
	// claim templates.
	claims, templates []string
	containers        []containerMounts
}

// containerMounts are the mounts of one container that goes on running.
type containerMounts struct {
	name, image string
	mounts      []mount
	// told is all that the container is told: command, arguments, environment.
	told string
}

// mount is a volume in a container.
type mount struct {
	path, subPath string
	volume
}

// volume is where the content of a mount comes from.
type volume struct {
	// kind is the field that says so, such as emptyDir; claimTemplate for a template.
	kind string
	// id tells it from others, name is what it is called in a sentence.
	id, name string
	// claim is the claim that it names.
	claim string
	// lasts says that the content outlives the pods, fixed that no container of the pods can
	// write to it.
	lasts, fixed bool
}

const claimTemplate = "claimTemplate"

// volumesOf reads what the pods of an object mount; nil for what runs no pods, or cannot be
// read.
func volumesOf(u *upgrade.Upgrade, o *manifest.Object) *podVolumes {
	if o == nil {
		return nil
	}
	template, owner := u.Rollout.PodTemplate(o.Ref.Group, o.Ref.Kind)
	if !owner {
		return nil
	}
	value, err := o.Value()
	if err != nil {
		return nil
	}
	spec := untyped.Map(value, append(slices.Clone(template), "spec")...)
	p := &podVolumes{}
	volumes := map[string]volume{}
	for _, v := range untyped.Maps(spec, "volumes") {
		volumes[untyped.Text(v, "name")] = volumeOf(v)
	}
	for _, t := range untyped.Maps(value, "spec", "volumeClaimTemplates") {
		name := untyped.Text(t, "metadata", "name")
		p.templates = append(p.templates, name)
		volumes[name] = volume{kind: claimTemplate, id: claimTemplate + " " + name, name: "claim template " + name, lasts: true}
	}
	for _, name := range manifest.Fields(anyMap(volumes)) {
		if claim := volumes[name].claim; claim != "" {
			p.claims = append(p.claims, claim)
		}
	}
	for name, v := range volumes {
		v.fixed = v.fixed || !writable(spec, name)
		volumes[name] = v
	}
	for _, list := range []string{"containers", "initContainers"} {
		for _, c := range untyped.Maps(spec, list) {
			if list == "containers" || c["restartPolicy"] == "Always" {
				p.containers = append(p.containers, mountsOf(c, volumes))
			}
		}
	}
	return p
}

// writable reports whether a container of a pod can write to a volume, an init container, too.
func writable(pod map[string]any, volume string) bool {
	return slices.ContainsFunc(slices.Concat(untyped.Maps(pod, "containers"), untyped.Maps(pod, "initContainers")), func(c map[string]any) bool {
		return slices.ContainsFunc(untyped.Maps(c, "volumeMounts"), func(m map[string]any) bool { return m["name"] == volume && m["readOnly"] != true })
	})
}

func anyMap[T any](m map[string]T) map[string]any {
	values := make(map[string]any, len(m))
	for name, value := range m {
		values[name] = value
	}
	return values
}

func mountsOf(container map[string]any, volumes map[string]volume) containerMounts {
	c := containerMounts{name: untyped.Text(container, "name"), image: untyped.Text(container, "image")}
	for _, m := range untyped.Maps(container, "volumeMounts") {
		sub := untyped.Text(m, "subPath")
		if expr := untyped.Text(m, "subPathExpr"); expr != "" {
			sub = expr
		}
		v, known := volumes[untyped.Text(m, "name")]
		if !known {
			continue
		}
		if v.kind == "hostPath" && m["readOnly"] == true {
			v.lasts = false // of the node, and not of the pods
		}
		c.mounts = append(c.mounts, mount{path: path.Clean("/" + untyped.Text(m, "mountPath")), subPath: strings.Trim(path.Clean("/"+sub), "/"), volume: v})
	}
	told, err := json.Marshal([]any{container["command"], container["args"], container["env"]})
	if err == nil {
		c.told = string(told)
	}
	return c
}

// volumeOf reads an entry of the volumes of a pod.
func volumeOf(v map[string]any) volume {
	for _, kind := range manifest.Fields(v) {
		if kind == "name" || v[kind] == nil {
			continue
		}
		source := untyped.Map(v, kind)
		text, err := json.Marshal(source)
		if err != nil {
			return volume{}
		}
		result := volume{kind: kind, id: kind + " " + string(text), name: kind, lasts: lasting(kind, source), fixed: source["readOnly"] == true}
		if kind == "persistentVolumeClaim" {
			result.claim = untyped.Text(source, "claimName")
			result.id, result.name = "claim "+result.claim, "claim "+result.claim
		}
		return result
	}
	return volume{kind: "emptyDir", id: "emptyDir", name: "emptyDir"}
}

// lasting reports whether what is written to a volume of a kind outlives the pod. Volumes of
// CSI drivers that stand in the pod itself go with it, unless the driver mounts what is
// somewhere else.
func lasting(kind string, source map[string]any) bool {
	switch kind {
	case "emptyDir", "configMap", "secret", "projected", "downwardAPI", "ephemeral", "image", "gitRepo":
		return false
	case "csi":
		driver := untyped.Text(source, "driver")
		return slices.ContainsFunc([]string{"nfs", "smb", "file.csi", "blob.csi", "gcsfuse"}, func(part string) bool { return strings.Contains(driver, part) })
	case "hostPath":
		of := untyped.Text(source, "type")
		return (of == "" || strings.HasPrefix(of, "Directory")) && !ofTheNode(untyped.Text(source, "path"))
	default:
		return true
	}
}

// ofTheNode reports whether a path of a node holds what is the node's own.
func ofTheNode(at string) bool {
	at = path.Clean("/" + at)
	return at == "/" || slices.ContainsFunc([]string{
		"/proc", "/sys", "/dev", "/run", "/var/run", "/etc", "/var/log", "/var/lib/docker", "/var/lib/kubelet", "/var/lib/containers",
		"/var/lib/containerd", "/lib", "/usr", "/boot", "/tmp", "/opt/cni",
	}, func(own string) bool { return at == own || strings.HasPrefix(at, own+"/") })
}

// shows reports whether a mount shows what another one has: the same part of the same volume,
// or more of it from further up.
func (m *mount) shows(other *mount) bool {
	rest, below := strings.CutPrefix(other.path, strings.TrimSuffix(m.path, "/")+"/")
	switch {
	case m.id != other.id:
		return false
	case m.path == other.path:
		return m.subPath == other.subPath
	case below:
		return strings.Trim(m.subPath+"/"+rest, "/") == other.subPath
	default:
		return false
	}
}

// covers reports whether a mount hides part of another one, and holds what pods write. A file
// or two from a ConfigMap hide nothing of value.
func (m *mount) covers(other *mount) bool {
	if !strings.HasPrefix(m.path, strings.TrimSuffix(other.path, "/")+"/") || m.id == other.id {
		return false
	}
	scratch := slices.Contains([]string{"tmp", "temp", "cache", ".cache", "run", "log", "logs"}, path.Base(m.path))
	return !scratch && (m.lasts || m.kind == "emptyDir" || m.kind == "ephemeral")
}

// counterpart returns the container that has taken the place of another one: of the same name,
// or the only one on both sides; nil if there is none.
func (p *podVolumes) counterpart(of *containerMounts, among int) *containerMounts {
	for i := range p.containers {
		if p.containers[i].name == of.name {
			return &p.containers[i]
		}
	}
	if among == 1 && len(p.containers) == 1 {
		return &p.containers[0]
	}
	return nil
}
