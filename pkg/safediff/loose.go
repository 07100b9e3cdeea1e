package safediff

import (
	"cmp"
	"maps"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/selectors"
)

// looseEnds tells of monitors that selected something of the release which is still there
// after the upgrade, and select nothing of it any more: their selector changes, or the
// labels of what they selected. What goes is no loss.
func (j *judge) looseEnds(pairs []diff.Pair, judged []judgement) {
	if !slices.ContainsFunc(pairs, monitors) {
		return
	}
	l := looseEnds{judge: j, pairs: pairs, judged: judged, things: map[string][]pickable{}}
	l.moved = map[string][]pickable{"Pod": l.collect("Pod", true), "Service": l.collect("Service", true)}
	moving := labelsOf(slices.Concat(l.moved["Pod"], l.moved["Service"]))
	for i, p := range pairs {
		if !monitors(p) {
			continue
		}
		c := judged[i].change
		turns := c != nil && done(c) && c.Op == change.Update && edited(c, fieldpath.Fields("spec"))
		if turns || slices.ContainsFunc(moving, p.New.Mentions) {
			l.tell(i, turns, l.lost(i, turns))
		}
	}
}

// monitors reports whether a pair is a monitor that stays.
func monitors(p diff.Pair) bool {
	return p.Old != nil && p.New != nil && binds(p.Ref()) && !diff.IsHook(p.New)
}

// lost returns what a monitor selected that is still there, if it and others of its kind
// select nothing of that any more, and it nothing else.
func (l *looseEnds) lost(i int, turns bool) []pickable {
	after := cmp.Or(standing(l.pairs[i], l.judged[i].change), l.pairs[i].New)
	is, looks := selectors.PickOf(after)
	was := is
	if !l.pairs[i].Old.SameText(after) {
		was, _ = selectors.PickOf(l.pairs[i].Old)
	}
	pool := l.moved[looks]
	if turns {
		pool = l.all(looks)
	}
	selected := func(t pickable) bool { return t.after != nil && is.Selects(t.ref, t.after) }
	lost := slices.DeleteFunc(slices.Clone(pool), func(t pickable) bool {
		return !t.stays || !was.Selects(t.ref, t.before) || selected(t)
	})
	if len(lost) == 0 || slices.ContainsFunc(l.all(looks), selected) {
		return nil
	}
	return slices.DeleteFunc(lost, func(t pickable) bool { return l.taken(i, t) })
}

// taken reports whether another object of the kind selects what one no longer does.
func (l *looseEnds) taken(i int, t pickable) bool {
	return t.after != nil && slices.ContainsFunc(l.pairs, func(p diff.Pair) bool {
		if p.New == nil || p == l.pairs[i] || p.New.Ref.GroupKind() != l.pairs[i].Ref().GroupKind() {
			return false
		}
		pick, _ := selectors.PickOf(p.New)
		return pick.Selects(t.ref, t.after)
	})
}

// looseEnds is what there is to select, by kind.
type looseEnds struct {
	*judge
	pairs  []diff.Pair
	judged []judgement
	// things are all, moved those that get other labels or another name.
	things, moved map[string][]pickable
}

// pickable is what can be selected, by its labels on both sides; nil where there
// are none. The pods of a workload are one.
type pickable struct {
	at            int          // its pair
	ref           manifest.Ref // what is selected
	owner         manifest.Ref // what the manifest calls it
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
func labelsOf(things []pickable) []string {
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
func (l *looseEnds) all(looks string) []pickable {
	if l.things[looks] == nil {
		l.things[looks] = l.collect(looks, false)
	}
	return l.things[looks]
}

// collect returns what of a kind there is to select, or only what gets other labels or
// another name.
func (l *looseEnds) collect(looks string, moved bool) []pickable {
	var things []pickable
	for i, p := range l.pairs {
		c := l.judged[i].change
		if moved && (c == nil || !done(c) || looks == "Pod" && l.judged[i].relabelled) {
			continue
		}
		t := l.podsAt(i)
		if looks == "Service" {
			t = l.serviceAt(i)
		}
		if t == nil || moved && (t.before == nil || t.after != nil && maps.Equal(t.before, t.after)) {
			continue
		}
		t.at, t.owner = i, p.Ref()
		t.stays = t.after != nil || c != nil && c.Renamed != nil
		things = append(things, *t)
	}
	return things
}

// podsAt reads the labels of the pods of a workload that last; nil if it is none.
func (l *looseEnds) podsAt(i int) *pickable {
	w := l.crew(i, l.pairs[i], &l.judged[i])
	if w == nil || w.passing {
		return nil
	}
	t := &pickable{ref: manifest.Ref{Version: "v1", Kind: "Pod", Namespace: w.ref.Namespace}}
	if w.before != nil {
		t.before = w.before.labels
	}
	if w.after != nil {
		t.after = w.after.labels
	}
	return t
}

// serviceAt reads the labels of a Service; nil if the object is none.
func (l *looseEnds) serviceAt(i int) *pickable {
	p, c := l.pairs[i], l.judged[i].change
	if !isService(p.Ref()) {
		return nil
	}
	t := &pickable{ref: p.Ref()}
	if p.Old != nil {
		t.before, _ = p.Old.Labels()
	}
	if o := standing(p, c); o != nil {
		t.after, _ = o.Labels()
	}
	return t
}

// tell writes down that an object selects nothing any more: in itself, if its selector
// turns, else in what it no longer selects.
func (l *looseEnds) tell(i int, turns bool, lost []pickable) {
	if len(lost) == 0 {
		return
	}
	loose := change.Loose{By: l.pairs[i].Ref()}
	for _, t := range lost {
		loose.Of = append(loose.Of, t.owner)
	}
	at := []int{i}
	if !turns {
		at = nil
		for _, t := range lost {
			at = append(at, t.at)
		}
	}
	for _, k := range at {
		if c := l.judged[k].change; c != nil {
			c.Outcome.Loose = append(c.Outcome.Loose, loose)
			classify(c)
		}
	}
}
