package exposure

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/podsecurity"
)

// containerRules are about the security context of containers.
func containerRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "privileged-container", Risk: change.Exposure,
			Why:  "a privileged container is practically root on its node",
			Fix:  "give the container the one capability or device that it needs instead of privileged: true",
			Read: containersWiden(privileged),
		},
		{
			ID: "capabilities-added", Risk: change.Exposure,
			Why:  "a capability is a part of root's power; some, such as SYS_ADMIN, amount to nearly all of it",
			Fix:  "drop ALL and add only what the program cannot do without",
			Read: containersWiden(capabilities),
		},
		{
			ID: "privilege-escalation", Risk: change.Exposure,
			Why:  "a process may gain more privileges than its parent, for example through a setuid program",
			Fix:  "set allowPrivilegeEscalation: false",
			Read: containersWiden(escalation),
		},
		{
			ID: "runs-as-root", Risk: change.Exposure,
			Why:  "a process that is root in its container is root on the node if it escapes",
			Fix:  "set runAsNonRoot: true and a runAsUser other than 0",
			Read: containersWiden(root),
		},
		{
			ID: "unconfined-profile", Risk: change.Exposure,
			Why: "without a seccomp profile a process may make any system call; without an AppArmor profile, or under an SELinux type such as spc_t, " +
				"it may use what the node keeps from containers",
			Fix:  "set the profile to RuntimeDefault, or to one of your own, and leave seLinuxOptions to the container runtime",
			Read: containersWiden(unconfined),
		},
	}
}

// container is one container of a pod.
type container struct {
	item
	pod      map[string]any // the spec of its pod
	podPath  fieldpath.Path // where that stands
	profiles map[string]any // annotations of the pod, in which AppArmor profiles once stood
}

// containers returns all containers of the pods that an object makes.
func (r reading) containers() []container {
	spec := r.pod()
	if spec == nil {
		return nil
	}
	profiles := r.podAnnotations()
	var list []container
	for _, field := range []string{"initContainers", "containers", "ephemeralContainers"} {
		for _, entry := range items(spec, r.podSpec, field) {
			list = append(list, container{item: entry, pod: spec, podPath: r.podSpec, profiles: profiles})
		}
	}
	return list
}

// podAnnotations returns the annotations that the pods get.
func (r reading) podAnnotations() map[string]any {
	var value any = r.value
	for _, step := range r.podSpec[:len(r.podSpec)-1] {
		value = untyped.At(value, step.Field)
	}
	annotations, _ := untyped.At(value, "metadata", "annotations").(map[string]any)
	return annotations
}

func (k container) name() string { return untyped.Text(k.fields["name"]) }

// secured returns a field of the container's security context, or, where it stands
// there only, of the pod's, which holds for containers that do not say.
func (k container) secured(names ...string) (any, fieldpath.Path) {
	path := append([]string{"securityContext"}, names...)
	if value := untyped.At(k.fields, path...); value != nil {
		return value, k.path.Join(fieldpath.Fields(path...))
	}
	if value := untyped.At(k.pod, path...); value != nil {
		return value, k.podPath.Join(fieldpath.Fields(path...))
	}
	return nil, k.path.Join(fieldpath.Fields(path...))
}

// is returns one exposure of the container.
func (k container) is(what, says string, path fieldpath.Path) exposed {
	return exposed{what: what, who: k.name(), says: says, path: path}
}

// containersWiden fires for what a container opens up and did not before. A
// container that is new takes the place of those that are gone: it may be one of them
// under another name.
func containersWiden(read func(container) []exposed) func(*change.Change) rule.Found {
	return func(c *change.Change) rule.Found {
		if c.Outcome.PodSpec == nil {
			return rule.Found{}
		}
		old, updated, lands := sides(c)
		if !lands {
			return rule.Found{}
		}
		before, after := old.containers(), updated.containers()
		var list []exposed
		for _, k := range after {
			var had []exposed
			predecessors := k.predecessors(before, after)
			for _, p := range predecessors {
				had = append(had, read(p)...)
			}
			for _, e := range added(had, read(k), len(predecessors) == 0) {
				list = append(list, e.blaming(predecessors))
			}
		}
		return told(list)
	}
}

// blaming returns the exposure with the field that said otherwise until now.
func (e exposed) blaming(predecessors []container) exposed {
	for _, p := range predecessors {
		for _, field := range e.unless {
			if value, path := p.secured(strings.Split(field, ".")...); value != nil {
				e.path = path
				return e
			}
		}
	}
	return e
}

// predecessors returns the containers that a container follows: the one of its name,
// else those whose names are gone.
func (k container) predecessors(before, after []container) []container {
	named := func(name string) func(container) bool {
		return func(other container) bool { return other.name() == name }
	}
	if i := slices.IndexFunc(before, named(k.name())); i >= 0 {
		return before[i : i+1]
	}
	return slices.DeleteFunc(slices.Clone(before), func(b container) bool { return slices.ContainsFunc(after, named(b.name())) })
}

func (k container) privileged() (bool, fieldpath.Path) {
	path := []string{"securityContext", "privileged"}
	if untyped.At(k.fields, path...) == true {
		return true, k.path.Join(fieldpath.Fields(path...))
	}
	value, where := k.secured("windowsOptions", "hostProcess")
	return value == true, where
}

func privileged(k container) []exposed {
	if is, path := k.privileged(); is {
		return []exposed{k.is("privileged", "runs privileged", path)}
	}
	return nil
}

// usual are the capabilities that container runtimes give unless they are dropped.
// All but the one that the pod security standards let everybody have are worth a word
// where they were dropped.
var usual = []string{ //nolint:gochecknoglobals // a constant table
	"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}

const moreCapabilities = "gets more capabilities: %s"

// capabilities are those that a container ends up with.
func capabilities(k container) []exposed {
	if is, _ := k.privileged(); is {
		return []exposed{{what: everything}}
	}
	path := k.path.Join(fieldpath.Fields("securityContext", "capabilities"))
	add, drop := capabilityNames(k, "add"), capabilityNames(k, "drop")
	var list []exposed
	for _, name := range usual {
		if !slices.Contains(drop, "ALL") && !slices.Contains(drop, name) && !slices.Contains(add, name) {
			e := k.is(name, moreCapabilities, path.Child(fieldpath.Field("drop")))
			e.of, e.implied = name, true
			list = append(list, e)
		}
	}
	for _, name := range add {
		switch name {
		case "NET_BIND_SERVICE":
			continue
		case "ALL":
			list = append(list, exposed{what: everything})
		}
		e := k.is(name, moreCapabilities, path.Child(fieldpath.Field("add")))
		e.of, e.implied = name, slices.Contains(usual, name)
		list = append(list, e)
	}
	return list
}

// capabilityNames returns a list of capabilities as the standards write them.
func capabilityNames(k container, field string) []string {
	names := untyped.Texts(untyped.At(k.fields, "securityContext", "capabilities", field))
	for i, name := range names {
		names[i] = strings.TrimPrefix(strings.ToUpper(name), "CAP_")
	}
	return names
}

// escalation: unless it is turned off, it is allowed.
func escalation(k container) []exposed {
	if is, _ := k.privileged(); is {
		return []exposed{{what: everything}}
	}
	path := []string{"securityContext", "allowPrivilegeEscalation"}
	value := untyped.At(k.fields, path...)
	if value == false {
		return nil
	}
	e := k.is("escalation", "allows privilege escalation", k.path.Join(fieldpath.Fields(path...)))
	e.implied = value == nil
	return []exposed{e}
}

// root: who runs a container that does not say so is up to its image.
func root(k container) []exposed {
	user, path := k.secured("runAsUser")
	nonRoot, nonRootPath := k.secured("runAsNonRoot")
	perhaps := k.is("perhaps root", "may run as root", nonRootPath)
	perhaps.implied, perhaps.unless = true, []string{"runAsNonRoot", "runAsUser"}
	switch number(user) {
	case 0:
		perhaps.says = ""
		return []exposed{k.is("root", "runs as root", path), perhaps}
	case unset:
		if nonRoot == true {
			return nil
		}
		return []exposed{perhaps}
	default:
		return nil
	}
}

const unset = -1

// number reads a user or a port; unset for what is none.
func number(value any) int64 {
	switch n := value.(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	default:
		return unset
	}
}

// unconfined: a container without a seccomp profile is confined only if the kubelet
// is told to (seccompDefault), one without an AppArmor profile is by the runtime's.
func unconfined(k container) []exposed {
	if is, _ := k.privileged(); is {
		return []exposed{{what: everything}}
	}
	var list []exposed
	switch profile, path := k.secured("seccompProfile", "type"); profile {
	case nil:
		e := k.is("perhaps no seccomp", "loses its seccomp profile", path)
		e.implied, e.unless = true, []string{"seccompProfile.type"}
		list = append(list, e)
	case "Unconfined":
		list = append(list, k.is("no seccomp", "runs without a seccomp profile", path), exposed{what: "perhaps no seccomp"})
	}
	annotation := "container.apparmor.security.beta.kubernetes.io/" + k.name()
	switch profile, path := k.secured("appArmorProfile", "type"); {
	case profile == "Unconfined":
		list = append(list, k.is("no AppArmor", "runs without an AppArmor profile", path))
	case profile == nil && k.profiles[annotation] == "unconfined":
		path = k.podPath[:len(k.podPath)-1].Join(fieldpath.Fields("metadata", "annotations", annotation))
		list = append(list, k.is("no AppArmor", "runs without an AppArmor profile", path))
	}
	return append(list, k.seLinux()...)
}

// seLinux: options that the pod security standards refuse to everybody take the container out of the
// policy for containers. Those of a container replace those of its pod.
func (k container) seLinux() []exposed {
	value, path := k.secured("seLinuxOptions")
	if value == nil {
		return nil
	}
	options := corev1.SELinuxOptions{User: untyped.Text(value, "user"), Role: untyped.Text(value, "role"), Type: untyped.Text(value, "type")}
	if !podsecurity.RefusesSELinux(&options) {
		return nil
	}
	e := k.is("SELinux", "runs with SELinux options that Pod Security refuses (%s)", path)
	e.of = strings.Join(slices.DeleteFunc([]string{options.User, options.Role, options.Type}, func(s string) bool { return s == "" }), ":")
	return []exposed{e}
}
