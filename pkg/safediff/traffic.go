package safediff

import (
	"maps"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// traffic follows the requests to the Services of the release to pods, at three moments:
// before the upgrade; when the Service has changed and the pods are still the old ones,
// since Helm updates Services before workloads; and when the upgrade is over.
func (j *judge) traffic(pairs []diff.Pair, judged []judgement) {
	affected := moving(pairs, judged)
	if len(affected) == 0 {
		return
	}
	t := traffic{judge: j, pairs: pairs, judged: judged, moved: map[string][]*crew{}, crews: map[string][]*crew{}, told: map[int]bool{}}
	for i, p := range pairs {
		if namespace := p.Ref().Namespace; affected[namespace] && judged[i].sides != nil {
			if w := j.crew(i, p, &judged[i]); w != nil {
				t.moved[namespace] = append(t.moved[namespace], w)
			}
		}
	}
	for i, p := range pairs {
		switch {
		case !affected[p.Ref().Namespace] || !isService(p.Ref()) || p.Old == nil:
		case p.New == nil:
			t.unreachable(i, p.Old)
		default:
			t.service(i, p)
		}
	}
	for _, crews := range t.crews {
		for _, w := range crews {
			t.unprobed(w)
		}
	}
	for i := range t.told {
		classify(judged[i].change)
	}
}

type traffic struct {
	*judge
	pairs  []diff.Pair
	judged []judgement
	// moved are the workloads that change, by namespace, and crews all there are.
	// These are read only if a Service is looked at.
	moved, crews map[string][]*crew
	told         map[int]bool // the changes with something new to tell
}

// all returns the workloads of a namespace, in the order of the pairs.
func (t *traffic) all(namespace string) []*crew {
	if t.crews[namespace] == nil {
		moved := t.moved[namespace]
		for i, p := range t.pairs {
			switch {
			case p.Ref().Namespace != namespace:
			case len(moved) > 0 && moved[0].at == i:
				t.crews[namespace], moved = append(t.crews[namespace], moved[0]), moved[1:]
			case t.judged[i].sides == nil:
				if w := t.crew(i, p, &t.judged[i]); w != nil {
					t.crews[namespace] = append(t.crews[namespace], w)
				}
			}
		}
	}
	return t.crews[namespace]
}

func isService(ref manifest.Ref) bool { return ref.Kind == "Service" && ref.Group == "" }

// moving returns the namespaces in which something changes about Services, or about
// workloads in a way that Services see. Where nothing does, nothing is decoded.
func moving(pairs []diff.Pair, judged []judgement) map[string]bool {
	services, affected := map[string]bool{}, map[string]bool{}
	for _, p := range pairs {
		if isService(p.Ref()) && p.Old != nil {
			services[p.Ref().Namespace] = true
		}
	}
	for i := range judged {
		if c := judged[i].change; c != nil && done(c) && services[c.Ref.Namespace] && (opens(c) || visible(c)) {
			affected[c.Ref.Namespace] = true
		}
	}
	return affected
}

// opens reports whether a Service changes in what it does, or goes.
func opens(c *change.Change) bool {
	return isService(c.Ref) && (c.Op == change.Delete || c.Op == change.Update && edited(c, fieldpath.Fields("spec")))
}

// visible reports whether Services see that a workload changes: by labels, ports or
// readiness, or because it comes or goes.
func visible(c *change.Change) bool {
	p := c.Outcome.Pods
	return p != nil && (c.Op != change.Update || p.AllDown || slices.ContainsFunc(c.Edits, func(e change.Edit) bool {
		return slices.ContainsFunc(e.Path, func(step fieldpath.Element) bool {
			return slices.Contains([]string{"labels", "ports", "readinessProbe"}, step.Field)
		}) || len(e.Path) > 0 && e.Path[len(e.Path)-1].Keys != nil // a container that comes or goes
	}))
}

// edited reports whether the manifests differ in a field.
func edited(c *change.Change, path fieldpath.Path) bool {
	return slices.ContainsFunc(c.Edits, func(e change.Edit) bool { return e.Path.Overlaps(path) })
}

// service judges one Service that is there before and after the upgrade.
func (t *traffic) service(i int, p diff.Pair) {
	c := t.judged[i].change
	was := newDoor(p.Old)
	is := was
	if c != nil && done(c) {
		is = newDoor(p.New)
	}
	if len(is.selector) == 0 || is.external || !t.concerns(c, &was, &is) {
		return
	}
	var before, during, after []*crew
	for _, w := range t.all(p.Ref().Namespace) {
		if was.selects(w.before) {
			before = append(before, w)
		}
		if is.selects(w.before) {
			during = append(during, w)
		}
		if is.selects(w.after) {
			after = append(after, w)
		}
	}
	s := change.Selection{Before: lasting(before), During: lasting(during), After: lasting(after)}
	turned := !maps.Equal(was.selector, is.selector)
	if turned {
		c.Outcome.Selects = &s
		t.told[i] = true
	} else if s.Before > 0 && s.After == 0 {
		t.leave(before, p.New.Ref)
	}
	t.only(p.New.Ref, during, after)
	t.astray(i, turned, &is, before, after)
	t.ports(i, was, is, before, during, after)
	for _, w := range after {
		w.doors = append(w.doors, is)
	}
}

// concerns reports whether a Service, c if it changes, sees anything of the upgrade.
func (t *traffic) concerns(c *change.Change, was, is *door) bool {
	if c != nil && done(c) && opens(c) {
		return true
	}
	return slices.ContainsFunc(t.moved[is.ref.Namespace], func(w *crew) bool {
		m := t.judged[w.at].change
		return done(m) && visible(m) && (was.selects(w.before) || is.selects(w.before) || is.selects(w.after))
	})
}

// unreachable looks whether a Service that goes leaves pods behind that it led to.
func (t *traffic) unreachable(i int, o *manifest.Object) {
	c := t.judged[i].change
	if c == nil || c.Op != change.Delete || !done(c) {
		return
	}
	d := newDoor(o)
	var before, after []*crew
	for _, w := range t.all(o.Ref.Namespace) {
		if d.selects(w.before) {
			before = append(before, w)
		}
		if d.selects(w.after) {
			after = append(after, w)
		}
	}
	if led := lasting(before); led > 0 && lasting(after) > 0 {
		c.Outcome.Selects = &change.Selection{Before: led, During: led}
		t.told[i] = true
	}
}

// lasting counts the crews whose pods do not run to their end.
func lasting(crews []*crew) int {
	n := 0
	for _, w := range crews {
		if !w.passing {
			n++
		}
	}
	return n
}

// leave tells the workloads whose pods get other labels that a Service selects nothing
// more.
func (t *traffic) leave(before []*crew, service manifest.Ref) {
	for _, w := range before {
		if c := t.judged[w.at].change; w.after != nil && c != nil && c.Outcome.Pods != nil && !maps.Equal(w.before.labels, w.after.labels) {
			c.Outcome.Pods.Left = append(c.Outcome.Pods.Left, service.Name)
			t.told[w.at] = true
		}
	}
}

// only tells a workload whose pods are all down which Services have no others.
func (t *traffic) only(service manifest.Ref, during, after []*crew) {
	for _, w := range during {
		c := t.judged[w.at].change
		if w.passing || !t.down(w) || slices.ContainsFunc(slices.Concat(during, after), func(o *crew) bool { return o != w && !o.passing && !t.down(o) }) {
			continue
		}
		c.Outcome.Pods.Only = append(c.Outcome.Pods.Only, service.Name)
		t.told[w.at] = true
	}
}

// down reports whether at some moment no pod of a workload is ready.
func (t *traffic) down(w *crew) bool {
	c := t.judged[w.at].change
	return c != nil && done(c) && c.Outcome.Pods != nil && c.Outcome.Pods.AllDown
}

// astray tells of pods of other programs to which a Service leads from now on. The
// addresses behind a Service without one of its own are asked for by who looks for
// members, not by who sends requests.
func (t *traffic) astray(i int, turned bool, d *door, before, after []*crew) {
	own := slices.DeleteFunc(slices.Clone(before), func(w *crew) bool { return w.passing || w.after == nil })
	if len(own) == 0 || d.headless {
		return
	}
	passing := slices.ContainsFunc(before, func(w *crew) bool { return w.passing })
	instead := !slices.ContainsFunc(after, func(w *crew) bool { return slices.Contains(before, w) })
	for _, w := range after {
		alike := slices.ContainsFunc(own, func(o *crew) bool { return !d.mistakes(o.after, w.after) })
		if alike || slices.Contains(before, w) || passing && w.passing || t.renamed(w) {
			continue
		}
		at := w.at
		if turned || t.judged[at].change == nil {
			at = i
		}
		c := t.judged[at].change
		c.Outcome.Astray = append(c.Outcome.Astray, change.Astray{Service: d.ref, Workload: w.ref, Own: own[0].ref, Instead: instead})
		t.told[at] = true
	}
}

// renamed reports whether a workload was there before under another name.
func (t *traffic) renamed(w *crew) bool {
	c := t.judged[w.at].change
	return c != nil && c.Renamed != nil
}

// ports tells of ports of a Service that led to pods and lead nowhere.
func (t *traffic) ports(i int, was, is door, before, during, after []*crew) {
	for _, port := range is.ports {
		k := slices.IndexFunc(was.ports, port.same)
		if k < 0 || port.number != 0 || len(during) == 0 || len(after) == 0 {
			continue
		}
		old, have := was.ports[k], func(p target) func(*crew) bool {
			return func(w *crew) bool { return !w.passing && w.before.has(p) }
		}
		led := old.number != 0 && lasting(before) > 0 || slices.ContainsFunc(before, have(old))
		stays := slices.ContainsFunc(after, func(w *crew) bool { return !w.passing && w.after.has(port) })
		if !led || stays && slices.ContainsFunc(during, have(port)) {
			continue
		}
		gone := change.PortGone{Service: is.ref, Target: port.name, Passing: stays}
		if old != port {
			t.gone(i, gone)
			continue
		}
		for _, w := range before {
			if c := t.judged[w.at].change; have(old)(w) && c != nil && done(c) {
				t.gone(w.at, gone)
			}
		}
	}
}

func (t *traffic) gone(at int, gone change.PortGone) {
	o := &t.judged[at].change.Outcome
	if !slices.Contains(o.PortsGone, gone) {
		o.PortsGone = append(o.PortsGone, gone)
	}
	t.told[at] = true
}

// unprobed tells of containers to which a Service leads, and that from now on count as
// ready as soon as they run. One that has a startup probe does not.
func (t *traffic) unprobed(w *crew) {
	c := t.judged[w.at].change
	if w.before == nil || w.after == nil || c == nil || c.Op != change.Update || c.Outcome.Pods == nil || !c.Outcome.Pods.Replaced {
		return
	}
	for _, old := range w.before.containers {
		k := slices.IndexFunc(w.after.containers, func(n container) bool { return n.name == old.name })
		if k < 0 || !old.probed || w.after.containers[k].probed || w.after.containers[k].starts {
			continue
		}
		var services []string
		for i := range w.doors {
			if w.doors[i].leadsTo(w.after, &w.after.containers[k]) {
				services = append(services, w.doors[i].ref.Name)
			}
		}
		if len(services) > 0 {
			c.Outcome.Pods.Unprobed = append(c.Outcome.Pods.Unprobed, change.Unprobed{Container: old.name, Services: services})
			t.told[w.at] = true
		}
	}
}
