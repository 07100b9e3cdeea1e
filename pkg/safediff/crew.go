package safediff

import (
	"cmp"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// crew is the pods of one workload.
type crew struct {
	at  int // its pair
	ref manifest.Ref
	// passing says that the pods run to their end.
	passing bool
	// before and after are the pods of both sides; nil where there are none.
	before, after *podSide
	// doors are the Services that lead to it after the upgrade.
	doors []door
}

// podSide is what a Service sees of pods.
type podSide struct {
	labels     map[string]string
	containers []container
	pods       int // how many there are to be, if the workload counts them
}

type container struct {
	name, image string
	ports       []target
	// probed says that it has a readiness probe, starts that it has a startup probe.
	probed, starts bool
}

// target is a port of a container, or the one that a port of a Service leads to, by
// name or by number, or by both.
type target struct {
	name, protocol string
	number         int64
	door           string // what the Service calls its own
}

// same reports whether two are the target of one port of a Service.
func (t target) same(other target) bool { return t.door == other.door && t.protocol == other.protocol }

// crew reads the pods of a workload; nil if the object is none, or a hook that does not
// run.
func (j *judge) crew(at int, p diff.Pair, judged *judgement) *crew {
	ref, c := p.Ref(), judged.change
	if _, owner := j.rollout.PodTemplate(ref.Group, ref.Kind); !owner {
		return nil
	}
	hook := j.hook(p)
	if hook != nil && !hook.Runs {
		return nil
	}
	w := &crew{at: at, ref: ref, passing: jobs(ref) || hook != nil && p.Op() != change.Recreate}
	sides := judged.sides
	if sides == nil {
		sides = j.sides(p)
	}
	w.before = sides.old
	switch stays := c == nil || !done(c) || keepsPods(c) || c.Op == change.Keep; {
	case stays:
		w.after = w.before
	case p.New != nil && (c.Outcome.Pods == nil || c.Outcome.Pods.Desired != 0):
		w.after = sides.updated
	}
	return w
}

// sides are the pods of a workload on both sides; nil where there are none.
type sides struct{ old, updated *podSide }

// sides reads both sides of a pair, and nil if it is no workload.
func (j *judge) sides(p diff.Pair) *sides {
	ref := p.Ref()
	if _, owner := j.rollout.PodTemplate(ref.Group, ref.Kind); !owner {
		return nil
	}
	s := &sides{}
	if p.Old != nil {
		s.old = j.podsOf(p.Old)
	}
	switch {
	case p.New != nil && p.Old != nil && p.New.SameText(p.Old):
		s.updated = s.old
	case p.New != nil:
		s.updated = j.podsOf(p.New)
	}
	forget(p)
	return s
}

// podsOf reads what a Service sees of the pods of an object; nil if it runs none.
func (j *judge) podsOf(o *manifest.Object) *podSide {
	value, err := o.Value()
	if err != nil {
		return nil
	}
	labels, runs := j.rollout.PodLabels(o.Ref.Group, o.Ref.Kind, value)
	if !runs {
		return nil
	}
	side := &podSide{labels: labels, pods: replicasOf(o)}
	path, _ := j.rollout.PodTemplate(o.Ref.Group, o.Ref.Kind)
	spec := value
	for _, name := range append(path, "spec") {
		spec, _ = spec[name].(map[string]any)
	}
	for _, list := range []string{"containers", "initContainers"} {
		for _, fields := range maplist(spec[list]) {
			// Of the init containers only those count that go on running.
			if list == "containers" || fields["restartPolicy"] == "Always" {
				side.containers = append(side.containers, newContainer(fields))
			}
		}
	}
	return side
}

func newContainer(fields map[string]any) container {
	c := container{image: repository(fields["image"]), probed: fields["readinessProbe"] != nil, starts: fields["startupProbe"] != nil}
	c.name, _ = fields["name"].(string)
	for _, port := range maplist(fields["ports"]) {
		t := target{protocol: protocol(port)}
		t.name, _ = port["name"].(string)
		t.number, _ = port["containerPort"].(int64)
		c.ports = append(c.ports, t)
	}
	return c
}

// repository returns an image without its registry, tag and digest.
func repository(image any) string {
	text, _ := image.(string)
	text, _, _ = strings.Cut(text, "@")
	text = text[strings.LastIndexByte(text, '/')+1:]
	text, _, _ = strings.Cut(text, ":")
	return text
}

func protocol(port map[string]any) string {
	if name, set := port["protocol"].(string); set {
		return name
	}
	return "TCP"
}

func maplist(list any) []map[string]any {
	items, _ := list.([]any)
	var maps []map[string]any
	for _, item := range items {
		if m, is := item.(map[string]any); is {
			maps = append(maps, m)
		}
	}
	return maps
}

// has reports whether one of the containers has a port.
func (s *podSide) has(t target) bool {
	return s != nil && slices.ContainsFunc(s.containers, func(c container) bool { return c.has(t) })
}

func (c *container) has(t target) bool {
	return slices.ContainsFunc(c.ports, func(p target) bool {
		return p.protocol == t.protocol && (t.name != "" && p.name == t.name || t.number != 0 && p.number == t.number)
	})
}

// door is a Service as one side has it.
type door struct {
	ref      manifest.Ref
	selector map[string]string
	ports    []target
	// headless says that it has no address of its own, external that it leads out of
	// the cluster.
	headless, external bool
}

func newDoor(o *manifest.Object) door {
	defer o.Forget()
	d := door{ref: o.Ref, selector: map[string]string{}}
	spec := specOf(o)
	labels, _ := spec["selector"].(map[string]any)
	for k, v := range labels {
		d.selector[k], _ = v.(string)
	}
	d.headless, d.external = spec["clusterIP"] == "None", spec["type"] == "ExternalName"
	for _, port := range maplist(spec["ports"]) {
		t := target{protocol: protocol(port)}
		t.door, _ = port["name"].(string)
		t.number, _ = port["port"].(int64) // the default, also where 0 or nothing is written
		switch to := port["targetPort"].(type) {
		case string:
			if to != "" {
				t.name, t.number = to, 0
			}
		case int64:
			t.number = cmp.Or(to, t.number)
		}
		d.ports = append(d.ports, t)
	}
	return d
}

// selects reports whether a Service leads to pods.
func (d *door) selects(s *podSide) bool {
	if s == nil || len(d.selector) == 0 {
		return false
	}
	for name, want := range d.selector {
		if s.labels[name] != want {
			return false
		}
	}
	return true
}

// mistakes reports whether requests meant for some pods do no good at others: their
// containers do not have the port, or run other images. Pods without a port that is
// named are no endpoints for it.
func (d *door) mistakes(own, other *podSide) bool {
	reached := false
	for _, port := range d.ports {
		if port.number != 0 && own.has(port) && !other.has(port) {
			return true
		}
		reached = reached || port.number != 0 || other.has(port)
	}
	return reached && !slices.ContainsFunc(other.containers, func(c container) bool {
		return slices.ContainsFunc(own.containers, func(o container) bool { return o.image == c.image })
	})
}

// leadsTo reports whether requests to the Service go to a container: it has the port,
// or no container says that it has.
func (d *door) leadsTo(s *podSide, c *container) bool {
	return slices.ContainsFunc(d.ports, func(port target) bool {
		return c.has(port) || port.number != 0 && !s.has(port)
	})
}
