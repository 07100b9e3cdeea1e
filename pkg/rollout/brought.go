package rollout

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// Brought lists what keeps new pods of a workload from starting or from getting ready and did not
// keep its old ones: what worked may go on to work, by what the object does not say. old is nil
// for a new workload. The second result is what hangs on nodes and controllers.
func Brought(old, updated runtime.Object, facts Facts) ([]Obstacle, []change.Doubt) {
	template := templateOf(updated, facts)
	if template == nil || Rests(updated) {
		return nil, nil
	}
	var before *corev1.PodSpec
	if was := templateOf(old, facts); was != nil {
		before = &was.Spec
	}
	ends := runsToEnd(updated)
	list, unclear := unstartable(&template.Spec, ends), disallowed(before, &template.Spec)
	if before != nil {
		if !Rests(old) {
			known := unstartable(before, ends)
			list = slices.DeleteFunc(list, func(o Obstacle) bool {
				return slices.ContainsFunc(known, func(k Obstacle) bool { return reflect.DeepEqual(o, k) })
			})
		}
		list = append(list, noSidecars(updated, before, &template.Spec)...)
	}
	if !ends {
		gate, doubts := ungated(before, &template.Spec)
		if gate != nil {
			list = append(list, *gate)
		}
		unclear = append(unclear, doubts...)
	}
	return list, unclear
}

// unstartable lists what the kubelet finds wrong in the pod alone, once it is to start it.
func unstartable(pod *corev1.PodSpec, ends bool) []Obstacle {
	var list []Obstacle
	for _, c := range containersOf(&corev1.Pod{Spec: *pod}) {
		list = append(list, c.resourcesOfNone(pod)...)
		list = append(list, c.undefinedSubPaths()...)
		list = append(list, c.tooLittleMemory()...)
		list = append(list, c.askNode(pod, ends)...)
	}
	return append(list, volumesOfNone(pod)...)
}

func (c placed) paths(names ...string) []fieldpath.Path { return []fieldpath.Path{c.field(names...)} }

// resourcesOfNone finds variables that are resources of a container which the pod does not have
// (ExtractResourceValueByContainerNameAndNodeAllocatable in k8s.io/kubernetes/pkg/api/v1/resource).
func (c placed) resourcesOfNone(pod *corev1.PodSpec) []Obstacle {
	var list []Obstacle
	for _, e := range c.Env {
		if e.ValueFrom != nil && lacks(pod, e.ValueFrom.ResourceFieldRef) {
			list = append(list, noContainer(e.ValueFrom.ResourceFieldRef, c.Name, fmt.Sprintf("variable %s of container %s", e.Name, c.Name),
				c.at.Join(namedItem("env", e.Name)).Join(fieldpath.Fields("valueFrom", "resourceFieldRef", "containerName"))))
		}
	}
	return list
}

// volumesOfNone finds the same in files of volumes, those that some container mounts: others the
// kubelet does not set up.
func volumesOfNone(pod *corev1.PodSpec) []Obstacle {
	var list []Obstacle
	for i := range pod.Volumes {
		v := &pod.Volumes[i]
		var items []corev1.DownwardAPIVolumeFile
		if v.DownwardAPI != nil {
			items = append(items, v.DownwardAPI.Items...)
		}
		if v.Projected != nil {
			for _, s := range v.Projected.Sources {
				if s.DownwardAPI != nil {
					items = append(items, s.DownwardAPI.Items...)
				}
			}
		}
		for _, item := range items {
			if lacks(pod, item.ResourceFieldRef) && mounted(pod, v.Name) {
				list = append(list, noContainer(item.ResourceFieldRef, "", fmt.Sprintf("file %s of volume %s", item.Path, v.Name), namedItem("volumes", v.Name)))
			}
		}
	}
	return list
}

func mounted(pod *corev1.PodSpec, volume string) bool {
	return slices.ContainsFunc(containersOf(&corev1.Pod{Spec: *pod}), func(c placed) bool {
		return slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == volume })
	})
}

func lacks(pod *corev1.PodSpec, of *corev1.ResourceFieldSelector) bool {
	return of != nil && of.ContainerName != "" &&
		!slices.ContainsFunc(containersOf(&corev1.Pod{Spec: *pod}), func(c placed) bool { return c.Name == of.ContainerName })
}

func noContainer(of *corev1.ResourceFieldSelector, container, what string, path fieldpath.Path) Obstacle {
	return Obstacle{
		Kind: ResourceOfNone, Container: container, Paths: []fieldpath.Path{path},
		Message: fmt.Sprintf("%s is %s of container %s, which the pods do not have", what, of.Resource, of.ContainerName),
	}
}

// undefinedSubPaths finds mounts whose subPathExpr names a variable without a value
// (ExpandContainerVolumeMounts in k8s.io/kubernetes/pkg/kubelet/container). What envFrom brings,
// and what the kubelet adds for Services, the pod does not say.
func (c placed) undefinedSubPaths() []Obstacle {
	if len(c.EnvFrom) > 0 {
		return nil
	}
	var list []Obstacle
	for _, m := range c.VolumeMounts {
		expansion.Expand(m.SubPathExpr, func(name string) string {
			ofService := strings.Contains(name, "_SERVICE_") || strings.Contains(name, "_PORT")
			defined := slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == name && (e.Value != "" || e.ValueFrom != nil) })
			if !ofService && !defined {
				list = append(list, Obstacle{
					Kind: SubPathUndefined, Container: c.Name, Paths: append(c.paths("volumeMounts"), c.field("env")),
					Message: fmt.Sprintf("the subPathExpr of mount %s in container %s names variable %s, which has no value in its env", m.MountPath, c.Name, name),
				})
			}
			return ""
		})
	}
	return list
}

// tooLittleMemory finds a limit below one page of memory, with which the kernel runs no process:
// mostly 512m, which is half a byte, in the place of 512Mi.
func (c placed) tooLittleMemory() []Obstacle {
	const page = 4096
	limit, limited := c.Resources.Limits[corev1.ResourceMemory]
	if !limited || limit.Sign() <= 0 || limit.Value() >= page {
		return nil
	}
	size := "less than one page of memory"
	if limit.MilliValue() < 1000 { //nolint:mnd // a byte
		size = "less than one byte (m is a thousandth)"
	}
	return []Obstacle{{
		Kind: NoMemory, Container: c.Name, Paths: c.paths("resources", "limits", "memory"),
		Message: fmt.Sprintf("the memory limit of container %s is %s, %s", c.Name, limit.String(), size),
	}}
}

// safeSysctls are those that every kubelet allows, on a kernel that is new enough (safeSysctls in
// k8s.io/kubernetes/pkg/kubelet/sysctl, which does not export them).
//
//nolint:gochecknoglobals // a constant table
var safeSysctls = []string{
	"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
	"net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout",
	"net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
	"net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat",
}

// disallowed tells of sysctls that new pods have and old ones did not, and that a kubelet rejects
// unless its --allowed-unsafe-sysctls name them.
func disallowed(before, after *corev1.PodSpec) []change.Doubt {
	var unclear []change.Doubt
	for _, name := range sysctls(after) {
		if !slices.Contains(safeSysctls, name) && (before == nil || !slices.Contains(sysctls(before), name)) {
			unclear = append(unclear, change.Doubt{Hides: change.Stuck, Never: true, Reason: fmt.Sprintf(
				"whether the nodes allow sysctl %s (--allowed-unsafe-sysctls): the kubelet of one that does not rejects the new pods (SysctlForbidden)", name)})
		}
	}
	return unclear
}

func sysctls(pod *corev1.PodSpec) []string {
	if pod.SecurityContext == nil {
		return nil
	}
	names := make([]string, 0, len(pod.SecurityContext.Sysctls))
	for _, s := range pod.SecurityContext.Sysctls {
		names = append(names, strings.ReplaceAll(s.Name, "/", "."))
	}
	return names
}
