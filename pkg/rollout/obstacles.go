package rollout

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	deploymentutil "k8s.io/kubernetes/pkg/controller/deployment/util"
	"k8s.io/kubernetes/pkg/probe"
	"k8s.io/kubernetes/pkg/securitycontext"
	"k8s.io/kubernetes/pkg/util/parsers"

	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// Obstacle is what keeps the pods of a workload from starting, or from getting ready.
type Obstacle struct {
	Kind ObstacleKind
	// Container is the one that does not start; "" for the pod as a whole.
	Container string
	// Message is one clause about it.
	Message string
	// Paths are the fields that say so, below the spec of the pods, or below the object
	// where Whole is set.
	Paths []fieldpath.Path
	Whole bool
	// some says that a part of the pods is not concerned.
	some bool
}

// Partial reports whether some of the pods start in spite of it: not all nodes are alike.
func (o Obstacle) Partial() bool { return o.some }

// ObstacleKind tells obstacles apart.
type ObstacleKind string

// The kinds of obstacles.
const (
	BadImage     ObstacleKind = "image"     // the kubelet cannot parse the name of an image
	NoPort       ObstacleKind = "port"      // a probe or hook without which a container is never ready has no port
	NoGuardPort  ObstacleKind = "guard"     // a liveness probe or preStop hook has no port
	RootRefused  ObstacleKind = "root"      // the kubelet starts no container as root that must not be root
	TooLate      ObstacleKind = "deadline"  // the rollout counts as failed before a pod can be ready
	PodsRejected ObstacleKind = "rejection" // the API server rejects each pod, or what makes it
	NoNode       ObstacleKind = "node"      // the scheduler finds no node that can hold a pod
	NoNodeBeside ObstacleKind = "exclusion" // the scheduler finds no node without a pod that excludes a new one
	// NoNodeBesideOthers: the scheduler finds no node without a pod of another workload that excludes a new one.
	NoNodeBesideOthers ObstacleKind = "others"

	Gated ObstacleKind = "gate" // the scheduler ignores a pod until its scheduling gates are removed

	WaitsForSidecar  ObstacleKind = "sidecar"        // the containers of a pod wait for a program that does not end
	JobOfSidecar     ObstacleKind = "job of sidecar" // a Job waits for a program that does not end
	ResourceOfNone   ObstacleKind = "resource"       // the kubelet does not find the container whose resources are asked for
	SubPathUndefined ObstacleKind = "sub path"       // the kubelet does not find a variable in the path of a mount
	NoMemory         ObstacleKind = "memory"         // the kernel runs no process with so little memory
	ProbesNode       ObstacleKind = "node probed"    // a probe without which a container is never ready is sent to the node
	RestartedByProbe ObstacleKind = "node alive"     // a liveness probe is sent to the node
	NeverReady       ObstacleKind = "readiness gate" // a pod is not ready until somebody sets a condition
)

// Starts reports whether pods start in spite of the obstacle.
func (k ObstacleKind) Starts() bool {
	return k == NoGuardPort || k == TooLate || k == JobOfSidecar || k == RestartedByProbe
}

// Obstacles lists what is in the way of the pods that a workload makes, as far as the
// kubelet and the controllers tell by the object alone. The result is nil for a workload
// that makes none: it is paused or suspended, or asks for none.
func Obstacles(o runtime.Object, facts Facts) []Obstacle {
	template := templateOf(o, facts)
	if template == nil || Rests(o) {
		return nil
	}
	pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	var list []Obstacle
	for _, c := range containersOf(pod) {
		list = append(list, c.image()...)
		list = append(list, c.ports()...)
		list = append(list, c.user(pod)...)
	}
	for i := range pod.Spec.Volumes {
		if v := &pod.Spec.Volumes[i]; v.Image != nil {
			path := namedItem("volumes", v.Name).Join(fieldpath.Fields("image", "reference"))
			list = append(list, badImage(v.Image.Reference, "", "of volume "+v.Name, path)...)
		}
	}
	if d, is := o.(*appsv1.Deployment); is {
		list = append(list, tooLate(d)...)
	}
	return append(list, noChild(o)...)
}

// templateOf returns the template of the pods of a workload, custom ones too; nil if there
// is none. What Knative fills in of ports and probes, no manifest says.
func templateOf(o runtime.Object, facts Facts) *corev1.PodTemplateSpec {
	u, custom := o.(*unstructured.Unstructured)
	if !custom {
		return PodsOf(o)
	}
	w := facts.workload(u)
	if w == nil || w.Group == "serving.knative.dev" {
		return nil
	}
	fields, _ := at(u, w.Template).(map[string]any)
	template := &corev1.PodTemplateSpec{}
	if runtime.DefaultUnstructuredConverter.FromUnstructured(fields, template) != nil {
		return nil
	}
	return template
}

// Rests reports whether a workload makes no pods, whatever its template says.
func Rests(o runtime.Object) bool {
	switch o := o.(type) {
	case *appsv1.Deployment:
		return o.Spec.Paused || replicas(o.Spec.Replicas) == 0
	case *appsv1.StatefulSet:
		return replicas(o.Spec.Replicas) == 0
	case *appsv1.ReplicaSet:
		return replicas(o.Spec.Replicas) == 0
	case *corev1.ReplicationController:
		return replicas(o.Spec.Replicas) == 0
	case *batchv1.Job:
		return o.Spec.Suspend != nil && *o.Spec.Suspend
	case *batchv1.CronJob:
		return o.Spec.Suspend != nil && *o.Spec.Suspend
	default:
		return false
	}
}

// placed is a container and where it is in the spec of its pod.
type placed struct {
	*corev1.Container
	at fieldpath.Path
	// init says that it runs before the others, sidecar that it then goes on.
	init, sidecar bool
}

func containersOf(pod *corev1.Pod) []placed {
	list := make([]placed, 0, len(pod.Spec.InitContainers)+len(pod.Spec.Containers))
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		list = append(list, placed{c, namedItem("initContainers", c.Name), true, c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways})
	}
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		list = append(list, placed{Container: c, at: namedItem("containers", c.Name)})
	}
	return list
}

// namedItem is the path of an item of a list whose items have names.
func namedItem(list, name string) fieldpath.Path {
	return fieldpath.Fields(list).Child(fieldpath.Element{Keys: []fieldpath.Key{{Name: "name", Value: name, Quoted: true}}})
}

func (c placed) field(names ...string) fieldpath.Path { return c.at.Join(fieldpath.Fields(names...)) }

func (c placed) image() []Obstacle {
	return badImage(c.Image, c.Name, "of container "+c.Name, c.field("image"))
}

// badImage asks the kubelet's own parser (applyDefaultImageTag in
// k8s.io/kubernetes/pkg/kubelet/images). An image with a blank at one of its ends, or none at
// all, is for the API server to reject.
func badImage(image, container, of string, path fieldpath.Path) []Obstacle {
	if image == "" || image != strings.TrimSpace(image) {
		return nil
	}
	_, _, _, err := parsers.ParseImageName(image)
	if err == nil {
		return nil
	}
	reason := strings.TrimPrefix(err.Error(), fmt.Sprintf("couldn't parse image name %q: ", image))
	return []Obstacle{{
		Kind: BadImage, Container: container, Paths: []fieldpath.Path{path},
		Message: fmt.Sprintf("the kubelet cannot parse image %q %s (%s)", image, of, reason),
	}}
}

// ports finds probes and hooks for which the kubelet finds no port, as it does itself
// (ResolveContainerPort in k8s.io/kubernetes/pkg/probe). A readiness or startup probe that
// cannot be sent never succeeds; a postStart hook that fails stops the container. A
// liveness probe that cannot be sent is thrown away (doProbe in
// k8s.io/kubernetes/pkg/kubelet/prober), and a preStop hook that fails stops nothing.
func (c placed) ports() []Obstacle {
	if c.init && !c.sidecar {
		return nil
	}
	var list []Obstacle
	for _, p := range []struct {
		what, field string
		probe       *corev1.Probe
		kind        ObstacleKind
	}{
		{"startup probe", "startupProbe", c.StartupProbe, NoPort},
		{"readiness probe", "readinessProbe", c.ReadinessProbe, NoPort},
		{"liveness probe", "livenessProbe", c.LivenessProbe, NoGuardPort},
	} {
		if p.probe != nil {
			list = append(list, c.noPort(p.kind, p.what, c.field(p.field), p.probe.HTTPGet, p.probe.TCPSocket)...)
		}
	}
	if c.Lifecycle == nil {
		return list
	}
	if h := c.Lifecycle.PostStart; h != nil {
		list = append(list, c.hook(NoPort, "postStart", h)...)
	}
	if h := c.Lifecycle.PreStop; h != nil {
		list = append(list, c.hook(NoGuardPort, "preStop", h)...)
	}
	return list
}

// hook finds a hook of a container that cannot run. Of TCP ports the kubelet knows none
// (Run in k8s.io/kubernetes/pkg/kubelet/lifecycle).
func (c placed) hook(kind ObstacleKind, field string, h *corev1.LifecycleHandler) []Obstacle {
	path := c.field("lifecycle", field)
	if h.TCPSocket != nil && h.Exec == nil && h.HTTPGet == nil && h.Sleep == nil {
		return []Obstacle{{
			Kind: kind, Container: c.Name, Paths: []fieldpath.Path{path.Join(fieldpath.Fields("tcpSocket"))},
			Message: fmt.Sprintf("the %s hook of container %s is a tcpSocket, which the kubelet cannot run", field, c.Name),
		}}
	}
	return c.noPort(kind, field+" hook", path, h.HTTPGet, nil)
}

func (c placed) noPort(kind ObstacleKind, what string, path fieldpath.Path, get *corev1.HTTPGetAction, socket *corev1.TCPSocketAction) []Obstacle {
	var port string
	var err error
	switch {
	case get != nil:
		port, path = get.Port.String(), path.Join(fieldpath.Fields("httpGet", "port"))
		_, err = probe.ResolveContainerPort(get.Port, c.Container)
	case socket != nil:
		port, path = socket.Port.String(), path.Join(fieldpath.Fields("tcpSocket", "port"))
		_, err = probe.ResolveContainerPort(socket.Port, c.Container)
	}
	if err == nil {
		return nil
	}
	return []Obstacle{{
		Kind: kind, Container: c.Name, Paths: []fieldpath.Path{path, c.field("ports")},
		Message: fmt.Sprintf("the %s of container %s names port %s, which the container does not have", what, c.Name, port),
	}}
}

// user finds a container that must not be root and is (verifyRunAsNonRoot in
// k8s.io/kubernetes/pkg/kubelet/kuberuntime). What the container says counts before what
// the pod says.
func (c placed) user(pod *corev1.Pod) []Obstacle {
	security := securitycontext.DetermineEffectiveSecurityContext(pod, c.Container)
	if security == nil || security.RunAsNonRoot == nil || !*security.RunAsNonRoot || security.RunAsUser == nil || *security.RunAsUser != 0 {
		return nil
	}
	where := func(own bool, name string) fieldpath.Path {
		if own {
			return c.field("securityContext", name)
		}
		return fieldpath.Fields("securityContext", name)
	}
	return []Obstacle{{
		Kind: RootRefused, Container: c.Name, Message: fmt.Sprintf("container %s has runAsNonRoot: true and runAsUser: 0", c.Name),
		Paths: []fieldpath.Path{
			where(c.SecurityContext != nil && c.SecurityContext.RunAsNonRoot != nil, "runAsNonRoot"),
			where(c.SecurityContext != nil && c.SecurityContext.RunAsUser != nil, "runAsUser"),
		},
	}}
}

// tooLate finds a Deployment whose pods cannot be ready before its rollout counts as failed
// (DeploymentTimedOut in k8s.io/kubernetes/pkg/controller/deployment/util).
func tooLate(d *appsv1.Deployment) []Obstacle {
	if !deploymentutil.HasProgressDeadline(d) {
		return nil
	}
	wait, deadline := ReadyAfter(&d.Spec.Template.Spec), int(*d.Spec.ProgressDeadlineSeconds)
	if wait < deadline {
		return nil
	}
	return []Obstacle{{
		Kind: TooLate, Whole: true, Paths: []fieldpath.Path{fieldpath.Fields("spec", "progressDeadlineSeconds")},
		Message: fmt.Sprintf("no pod is ready within %d seconds, and the rollout fails after %d (progressDeadlineSeconds)", wait, deadline),
	}}
}
