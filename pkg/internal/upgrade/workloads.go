package upgrade

import (
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// Workload is the pods of one object that runs pods.
type Workload struct {
	*Object
	// Ends says that the pods run to their end: those of Jobs and hooks.
	Ends bool
	// Before and After are the pods at the two ends of the upgrade; nil where there are
	// none.
	Before, After *PodTemplate
}

// Pods are the pods of a workload in both manifests; nil where there are none.
type Pods struct{ Old, New *PodTemplate }

// PodTemplate is what others see of the pods of a workload.
type PodTemplate struct {
	Labels     map[string]string
	Containers []Container
	// Replicas is how many there are to be, if the workload counts them. Set is the name of
	// the StatefulSet that numbers them, and First the number of its first pod.
	Replicas int
	Set      string
	First    int
	// Times bound how long a pod takes to be ready and to end.
	Times Times
}

// Container is a container that goes on running.
type Container struct {
	Name string
	// Image is the name of the image without registry, tag and digest.
	Image string
	Ports []Port
	// Readiness and Startup say that it has these probes.
	Readiness, Startup bool
}

// Port is a port of a container, or the one to which a port of a Service leads, by
// name or by number, or by both.
type Port struct {
	Name, Protocol string
	Number         int64
	// Called is what the Service calls its own port, Own its number.
	Called string
	Own    int64
}

// PodsOf returns the pods of an object; nil if it runs none, or is a hook that does not
// run.
func (u *Upgrade) PodsOf(o *Object) *Workload {
	w, known := u.workloads[o]
	if !known {
		w = u.workload(o)
		u.workloads[o] = w
	}
	return w
}

func (u *Upgrade) workload(o *Object) *Workload {
	ref, c := o.Ref(), o.Change
	if _, owner := u.Rollout.PodTemplate(ref.Group, ref.Kind); !owner || o.Idle() {
		return nil
	}
	w := &Workload{Object: o, Ends: Ends(ref) || o.Hook != nil && (ref.Kind == "Pod" || !o.Anew() && o.Op() != change.Recreate)}
	pods := o.Pods
	if pods == nil {
		pods = ReadPods(o, u.Rollout)
	}
	scaled := u.scaled(ref.Identity())
	if u.wanted(o, pods.Old) != 0 || scaled {
		w.Before = pods.Old
	}
	switch stays := c == nil || !Done(c) || c.Op == change.Keep; {
	case stays:
		w.After = w.Before
	case w.Before != nil && keepsPods(c):
		w.After = w.Before.resized(pods.New)
	case o.New != nil && pods.New != nil && o.runsAfter(pods, scaled):
		w.After = pods.New
	}
	return w
}

// Wanted returns how many pods a workload has when the upgrade is over.
func (w *Workload) Wanted() int {
	if c := w.Change; w.Done() && c.Op != change.Keep && c.Outcome.Pods != nil && c.Outcome.Pods.Desired >= 0 {
		return c.Outcome.Pods.Desired
	}
	return w.After.Replicas
}

// keepsPods reports whether the pods of an updated workload stay the ones that they
// are, whatever its template says. A bare Pod is relabelled in place, and the next run of a
// CronJob has the new template.
func keepsPods(c *change.Change) bool {
	p := c.Outcome.Pods
	return c.Op == change.Update && p != nil && !p.Replaced && p.Desired != 0 && c.Ref.Kind != "Pod" && !Ends(c.Ref)
}

// Ends reports whether the pods of a kind run to their end, so that the next one reads
// anew what it needs.
func Ends(ref manifest.Ref) bool {
	return ref.Kind == "Job" || ref.Kind == "CronJob" || ref.Kind == "ScaledJob"
}

// RunsPods reports whether an object is of a kind that runs pods.
func (u *Upgrade) RunsPods(ref manifest.Ref) bool {
	_, owner := u.Rollout.PodTemplate(ref.Group, ref.Kind)
	return owner
}

// Workloads returns the workloads of a namespace.
func (u *Upgrade) Workloads(namespace string) []*Workload {
	list, known := u.ofSpace[namespace]
	if !known {
		for i := range u.Objects {
			if o := &u.Objects[i]; o.Ref().Namespace == namespace {
				if w := u.PodsOf(o); w != nil {
					list = append(list, w)
				}
			}
		}
		u.ofSpace[namespace] = list
	}
	return list
}

// changing returns the workloads of a namespace to which something happens. Others are
// not decoded.
func (u *Upgrade) changing(namespace string) []*Workload {
	if u.moved == nil {
		u.moved = map[string][]*Workload{}
		for i := range u.Objects {
			o := &u.Objects[i]
			if o.Pods == nil {
				continue
			}
			if w := u.PodsOf(o); w != nil {
				u.moved[o.Ref().Namespace] = append(u.moved[o.Ref().Namespace], w)
			}
		}
	}
	return u.moved[namespace]
}

// Selecting returns the workloads of a namespace whose pods carry labels at a moment.
func (u *Upgrade) Selecting(namespace string, labels map[string]string, m Moment) []*Workload {
	if len(labels) == 0 {
		return nil
	}
	list, by := u.Workloads(namespace), u.labelled(namespace, m)
	for name, value := range labels {
		if some := by[label{name, value}]; value != "" && !isNumber(name) && len(some) < len(list) {
			list = some
		}
	}
	return slices.DeleteFunc(slices.Clone(list), func(w *Workload) bool { return !w.At(m).Carries(labels) })
}

// labelled returns the workloads of a namespace by each label of their pods at a moment. With
// thousands of Services, looking through all workloads for each would be most of the work.
func (u *Upgrade) labelled(namespace string, m Moment) map[label][]*Workload {
	at := spaceAt{namespace, m == After}
	by, known := u.byLabel[at]
	if !known {
		by = byLabel(u.Workloads(namespace), m)
		u.byLabel[at] = by
	}
	return by
}

// spaceAt is a namespace, at the end of an upgrade or before.
type spaceAt struct {
	namespace string
	after     bool
}

type label struct{ name, value string }

// byLabel sorts workloads by each label of their pods at a moment.
func byLabel(list []*Workload, m Moment) map[label][]*Workload {
	by := map[label][]*Workload{}
	for _, w := range list {
		if p := w.At(m); p != nil {
			for name, value := range p.Labels {
				by[label{name, value}] = append(by[label{name, value}], w)
			}
		}
	}
	return by
}

// At returns the pods at a moment; nil if there are none.
func (w *Workload) At(m Moment) *PodTemplate {
	if m == After {
		return w.After
	}
	return w.Before
}

// Relabels reports whether the pods have different labels in the two manifests.
func (o *Object) Relabels() bool {
	return o.Pods != nil && o.Pods.Old != nil && o.Pods.New != nil && !maps.Equal(o.Pods.Old.Labels, o.Pods.New.Labels)
}

// MovesPorts reports whether the containers of the pods have different ports in the two manifests.
func (o *Object) MovesPorts() bool {
	return o.Pods != nil && o.Pods.Old != nil && o.Pods.New != nil && !slices.EqualFunc(o.Pods.Old.Containers, o.Pods.New.Containers, func(a, b Container) bool { return slices.Equal(a.Ports, b.Ports) })
}

// Regroups reports whether the object is a workload that comes, or labels of its pods
// change.
func (o *Object) Regroups() bool {
	c := o.Change
	if c.Outcome.PodSpec == nil || c.Op != change.Update {
		return c.Outcome.PodSpec != nil && (c.Op == change.Create || c.Op == change.Recreate)
	}
	template := c.Outcome.PodSpec[:len(c.Outcome.PodSpec)-1]
	labels := template.Join(fieldpath.Fields("metadata", "labels"))
	return slices.ContainsFunc(c.Edits, func(e change.Edit) bool { return e.Path.Overlaps(labels) })
}

// Shrinks reports whether the object is a workload that is left with fewer pods.
func (o *Object) Shrinks() bool {
	p := o.Change.Outcome.Pods
	return p != nil && o.Change.Op == change.Update && p.Desired > 0 && p.Desired < p.Before
}

// Down reports whether at some moment no pod of the workload is ready.
func (w *Workload) Down() bool {
	return w.Done() && w.Change.Outcome.Pods != nil && w.Change.Outcome.Pods.AllDown
}

// Lasting returns the workloads whose pods do not run to their end.
func Lasting(list []*Workload) []*Workload {
	return slices.DeleteFunc(slices.Clone(list), func(w *Workload) bool { return w.Ends })
}

// ReadyAfter is the least number of seconds until the first of some workloads has a ready new pod;
// 0 if that is not known.
func ReadyAfter(list []*Workload) int {
	least := 0
	for i, w := range list {
		c := w.Change
		if c == nil || c.Outcome.Pods == nil || c.Outcome.Pods.Takes == nil {
			return 0
		}
		if ready := c.Outcome.Pods.Takes.Ready; i == 0 || ready < least {
			least = ready
		}
	}
	return least
}

// KeepsLabels reports whether new pods of the workload have the labels of the old ones.
func (w *Workload) KeepsLabels() bool { return maps.Equal(w.Before.Labels, w.After.Labels) }

// HasScale reports whether the kind of the workload has the scale subresource.
func (w *Workload) HasScale() bool {
	return slices.Contains([]string{"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"}, w.Ref().Kind)
}

// Refs names workloads.
func Refs(list []*Workload) []manifest.Ref {
	refs := make([]manifest.Ref, 0, len(list))
	for _, w := range list {
		refs = append(refs, w.Ref())
	}
	return refs
}

// ReadPods reads the pods of both manifests of an object; nil if it is of a kind that runs
// none.
func ReadPods(o *Object, facts rollout.Facts) *Pods {
	ref := o.Ref()
	if _, owner := facts.PodTemplate(ref.Group, ref.Kind); !owner {
		return nil
	}
	p := &Pods{}
	if o.Old != nil {
		p.Old = podTemplate(o.Old, facts)
	}
	switch {
	case o.New != nil && o.Old != nil && o.New.SameText(o.Old):
		p.New = p.Old
	case o.New != nil:
		p.New = podTemplate(o.Result(), facts)
	}
	o.Forget()
	return p
}

// Forget lets go of what was decoded of both manifests.
func (o *Object) Forget() {
	if o.Old != nil {
		o.Old.Forget()
	}
	if o.New != nil {
		o.New.Forget()
	}
}

// podTemplate reads what others see of the pods of an object; nil if it runs none.
func podTemplate(o *manifest.Object, facts rollout.Facts) *PodTemplate {
	value, err := o.Value()
	if err != nil {
		return nil
	}
	path, runs := facts.PodTemplate(o.Ref.Group, o.Ref.Kind)
	if !runs {
		return nil
	}
	labels, _ := facts.PodLabels(o.Ref.Group, o.Ref.Kind, value)
	spec := untyped.Map(value, append(slices.Clone(path), "spec")...)
	p := &PodTemplate{Labels: labels, Replicas: Replicas(o), Times: timesOf(o.Ref, untyped.Map(value, "spec"), spec)}
	if o.Ref.Kind == "StatefulSet" && o.Ref.Group == appsv1.GroupName {
		first, _ := untyped.At(value, "spec", "ordinals", "start").(int64)
		p.Set, p.First = o.Ref.Name, int(first)
	}
	for _, list := range []string{"containers", "initContainers"} {
		for _, fields := range untyped.Maps(spec, list) {
			// Of the init containers only those count that go on running.
			if list == "containers" || fields["restartPolicy"] == "Always" {
				p.Containers = append(p.Containers, newContainer(fields))
			}
		}
	}
	return p
}

func newContainer(fields map[string]any) Container {
	c := Container{Image: ImageName(untyped.Text(fields, "image")), Readiness: fields["readinessProbe"] != nil, Startup: fields["startupProbe"] != nil}
	c.Name, _ = fields["name"].(string)
	for _, port := range untyped.Maps(fields, "ports") {
		p := Port{Protocol: protocol(port)}
		p.Name, _ = port["name"].(string)
		p.Number, _ = port["containerPort"].(int64)
		c.Ports = append(c.Ports, p)
	}
	return c
}

// ImageName returns an image without its registry, tag and digest.
func ImageName(image string) string {
	image, _, _ = strings.Cut(image, "@")
	image = image[strings.LastIndexByte(image, '/')+1:]
	image, _, _ = strings.Cut(image, ":")
	return image
}

func protocol(port map[string]any) string {
	if name, set := port["protocol"].(string); set {
		return name
	}
	return "TCP"
}

// Carries reports whether the pods have all of some labels.
func (p *PodTemplate) Carries(labels map[string]string) bool {
	if p == nil {
		return false
	}
	for name, want := range labels {
		if p.Labels[name] != want && !p.numbers(name, want) {
			return false
		}
	}
	return true
}

// Has reports whether one of the containers has a port.
func (p *PodTemplate) Has(port Port) bool {
	return p != nil && slices.ContainsFunc(p.Containers, func(c Container) bool { return c.Has(port) })
}

// Number returns the number of the port that a container has by a name; 0 if none has.
func (p *PodTemplate) Number(name, protocol string) int64 {
	for i := range p.Containers {
		for _, port := range p.Containers[i].Ports {
			if port.Name == name && port.Protocol == protocol {
				return port.Number
			}
		}
	}
	return 0
}

// Declares reports whether one of the containers says which ports it has.
func (p *PodTemplate) Declares() bool {
	return p != nil && slices.ContainsFunc(p.Containers, func(c Container) bool { return len(c.Ports) > 0 })
}

// Has reports whether the container has a port.
func (c *Container) Has(port Port) bool {
	return slices.ContainsFunc(c.Ports, func(p Port) bool {
		return p.Protocol == port.Protocol && (port.Name != "" && p.Name == port.Name || port.Number != 0 && p.Number == port.Number)
	})
}

// Replicas reads a manifest as the API server does, which fills in 1.
func Replicas(o *manifest.Object) int {
	if n, is := Spec(o)["replicas"].(int64); is {
		return int(n)
	}
	return 1
}

// Value returns the fields of an object; nil if there is none, or if it cannot be read.
func Value(o *manifest.Object) map[string]any {
	if o == nil {
		return nil
	}
	value, err := o.Value()
	if err != nil {
		return nil
	}
	return value
}

// Spec returns the spec of an object, nil if it has none that can be read.
func Spec(o *manifest.Object) map[string]any { return untyped.Map(Value(o), "spec") }

// Template returns the pod template of an object, nil if it has none that can be read. That of
// a Pod is the Pod itself.
func (u *Upgrade) Template(o *manifest.Object) map[string]any {
	if o == nil {
		return nil
	}
	path, _ := u.Rollout.PodTemplate(o.Ref.Group, o.Ref.Kind)
	return untyped.Map(Value(o), path...)
}

func path(fields []string) fieldpath.Path { return fieldpath.Fields(fields...) }

// Picks reports whether a selector fits the pods that an object makes.
func (u *Upgrade) Picks(selector labels.Selector, o *manifest.Object) bool {
	if !u.RunsPods(o.Ref) {
		return false // not to be decoded
	}
	value, err := o.Value()
	if err != nil {
		return false
	}
	of, _ := u.Rollout.PodLabels(o.Ref.Group, o.Ref.Kind, value)
	return selector.Matches(labels.Set(of))
}
