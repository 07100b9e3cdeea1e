package guards

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/selectors"
)

// MonitorRules are about monitors that select nothing any more.
func MonitorRules() []rule.Rule {
	return []rule.Rule{{
		ID: "monitor-selects-nothing", Risk: change.Exposure,
		Why:  "what no monitor selects is not scraped: its metrics stop and its alerts never fire",
		Fix:  "let the monitor select by labels that the Services, or the pods, have",
		Find: monitorsWithoutTargets,
	}}
}

// monitorsWithoutTargets tells of monitors that selected something of the release which is
// still there after the upgrade, and select nothing of it any more: their selector changes, or
// the labels of what they selected. What goes is no loss.
func monitorsWithoutTargets(u *upgrade.Upgrade) []rule.Found {
	if !u.Any(isMonitor) {
		return nil
	}
	m := monitors{Upgrade: u, things: map[string][]target{}}
	m.moved = map[string][]target{"Pod": m.collect("Pod", true), "Service": m.collect("Service", true)}
	moving := labelsOf(slices.Concat(m.moved["Pod"], m.moved["Service"]))
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !isMonitor(o) {
			continue
		}
		turns := o.Does(change.Update) && o.Edited("spec")
		if turns || slices.ContainsFunc(moving, o.New.Mentions) {
			found = append(found, withoutTargets(o, turns, m.lost(o, turns))...)
		}
	}
	return found
}

// withoutTargets tells that a monitor selects nothing any more: of the monitor, if its selector
// turns, else of what it no longer selects.
func withoutTargets(monitor *upgrade.Object, turns bool, lost []target) []rule.Found {
	if len(lost) == 0 {
		return nil
	}
	refs := make([]manifest.Ref, 0, len(lost))
	for _, t := range lost {
		refs = append(refs, t.Ref())
	}
	evidence := []change.Evidence{{What: "selects nothing of", Objects: append([]manifest.Ref{monitor.Ref()}, refs...)}}
	if turns {
		return []rule.Found{{
			On: monitor, Message: fmt.Sprintf("it selected %s, and selects nothing of the release any more", rule.Names(refs)),
			Paths: rule.Edits(monitor.Change, "selector"), Evidence: evidence,
		}}
	}
	var found []rule.Found
	for _, t := range lost {
		if t.Change != nil {
			found = append(found, rule.Found{
				On: t.Object, Message: fmt.Sprintf("%s selected it, and selects nothing of the release any more", monitor.Ref()), Evidence: evidence,
			})
		}
	}
	return found
}

// isMonitor reports whether an object is a monitor that stays.
func isMonitor(o *upgrade.Object) bool {
	return o.Old != nil && o.New != nil && binds(o.Ref()) && !diff.IsHook(o.New)
}

// lost returns what a monitor selected that is still there, if it and others of its kind
// select nothing of that any more, and it nothing else.
func (m *monitors) lost(o *upgrade.Object, turns bool) []target {
	after := cmp.Or(o.Standing(upgrade.After), o.New)
	is, looks := selectors.PickOf(after)
	was := is
	if !o.Old.SameText(after) {
		was, _ = selectors.PickOf(o.Old)
	}
	pool := m.moved[looks]
	if turns {
		pool = m.all(looks)
	}
	selected := func(t target) bool { return t.after != nil && is.Selects(t.ref, t.after) }
	lost := slices.DeleteFunc(slices.Clone(pool), func(t target) bool {
		return !t.stays || !was.Selects(t.ref, t.before) || selected(t)
	})
	if len(lost) == 0 || slices.ContainsFunc(m.all(looks), selected) {
		return nil
	}
	return slices.DeleteFunc(lost, func(t target) bool { return m.taken(o, t) })
}

// taken reports whether another object of the kind selects what one no longer does.
func (m *monitors) taken(o *upgrade.Object, t target) bool {
	for i := range m.Objects {
		other := &m.Objects[i]
		if t.after == nil || other.New == nil || other == o || other.New.Ref.GroupKind() != o.Ref().GroupKind() {
			continue
		}
		if pick, _ := selectors.PickOf(other.New); pick.Selects(t.ref, t.after) {
			return true
		}
	}
	return false
}

// monitors is what there is to select, by kind.
type monitors struct {
	*upgrade.Upgrade
	// things are all, moved those that get other labels or another name.
	things, moved map[string][]target
}

// target is what can be selected, by its labels on both sides; nil where there
// are none. The pods of a workload are one.
type target struct {
	*upgrade.Object
	ref           manifest.Ref // what is selected
	before, after map[string]string
	// stays says that it is there after the upgrade, under another name too.
	stays bool
}

// binds reports whether an object is of a kind that does nothing without what it selects.
func binds(ref manifest.Ref) bool {
	return slices.Contains([]string{
		"ServiceMonitor.monitoring.coreos.com", "PodMonitor.monitoring.coreos.com",
		"VMServiceScrape.operator.victoriametrics.com", "VMPodScrape.operator.victoriametrics.com",
	}, ref.GroupKind())
}

// labelsOf returns the names of labels in which the two sides of some things differ.
func labelsOf(things []target) []string {
	var names []string
	for _, t := range things {
		for name, value := range t.before {
			if now, has := t.after[name]; !has || now != value {
				names = append(names, name)
			}
		}
		for name := range t.after {
			if _, had := t.before[name]; !had {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// all returns what of a kind there is to select.
func (m *monitors) all(looks string) []target {
	if m.things[looks] == nil {
		m.things[looks] = m.collect(looks, false)
	}
	return m.things[looks]
}

// collect returns what of a kind there is to select, or only what gets other labels or
// another name.
func (m *monitors) collect(looks string, moved bool) []target {
	var things []target
	for i := range m.Objects {
		o := &m.Objects[i]
		if moved && (!o.Done() || looks == "Pod" && o.Relabelled) {
			continue
		}
		t := m.podsAt(o)
		if looks == "Service" {
			t = serviceAt(o)
		}
		if t == nil || moved && (t.before == nil || t.after != nil && maps.Equal(t.before, t.after)) {
			continue
		}
		t.Object = o
		t.stays = t.after != nil || o.Change != nil && o.Change.Renamed != nil
		things = append(things, *t)
	}
	return things
}

// podsAt reads the labels of the pods of a workload that last; nil if it is none.
func (m *monitors) podsAt(o *upgrade.Object) *target {
	w := m.PodsOf(o)
	if w == nil || w.Ends {
		return nil
	}
	t := &target{ref: manifest.Ref{Version: "v1", Kind: "Pod", Namespace: o.Ref().Namespace}}
	if w.Before != nil {
		t.before = w.Before.Labels
	}
	if w.After != nil {
		t.after = w.After.Labels
	}
	return t
}

// serviceAt reads the labels of a Service; nil if the object is none.
func serviceAt(o *upgrade.Object) *target {
	if !upgrade.IsService(o.Ref()) {
		return nil
	}
	t := &target{ref: o.Ref()}
	if o.Old != nil {
		t.before, _ = o.Old.Labels()
	}
	if after := o.Standing(upgrade.After); after != nil {
		t.after, _ = after.Labels()
	}
	return t
}
