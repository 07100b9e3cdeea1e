package upgrade

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/reference"
)

// Picture returns what a report needs that draws the upgrade. shown are the objects that
// change in more than noise: nothing is drawn of others but what has to do with them.
func (u *Upgrade) Picture(shown map[manifest.Identity]bool) *change.Picture {
	return &change.Picture{Steps: u.order(shown), Rollouts: u.rollouts(), Routes: u.routes(), Links: u.around(shown)}
}

// order lists the steps: the hooks of the first event, what is applied, what is deleted, the
// hooks of the second event.
func (u *Upgrade) order(shown map[manifest.Identity]bool) []change.Step {
	var steps []change.Step
	add := func(o *Object, event string) {
		step := change.Step{Ref: o.Ref(), Event: event, Awaited: event != "" && o.Awaited(), Unreached: o.Unreached}
		if o.Change != nil && (event == "" || shown[o.Ref().Identity()]) {
			step.Op, step.Unreached = o.Change.Op, o.Change.Outcome.Unreached
		}
		steps = append(steps, step)
	}
	pairs := make([]diff.Pair, len(u.Objects))
	turns := make([]*Object, 0, len(u.Objects))
	for i := range u.Objects {
		o := &u.Objects[i]
		pairs[i] = o.Pair
		if (o.Phase == diff.Apply || o.Phase == diff.Remove) && o.Change != nil && shown[o.Ref().Identity()] {
			turns = append(turns, o)
		}
	}
	slices.SortStableFunc(turns, func(a, b *Object) int { return cmp.Or(cmp.Compare(a.Phase, b.Phase), cmp.Compare(a.Turn, b.Turn)) })
	for at, event := range u.Events {
		if at == len(u.Events)-1 {
			for _, o := range turns {
				add(o, "")
			}
			turns = nil
		}
		for _, i := range diff.Hooks(pairs, event, u.Helm) {
			add(&u.Objects[i], event)
		}
	}
	for _, o := range turns { // no hooks run
		add(o, "")
	}
	return steps
}

// moves reports whether pods of an object come, go or are replaced, or should be and cannot.
// Those of a CronJob do so by its schedule.
func (o *Object) moves() bool {
	if o.Change == nil || o.Hook != nil || o.Change.Outcome.Pods == nil || o.Ref().Kind == "CronJob" {
		return false
	}
	p := o.Change.Outcome.Pods
	return p.Replaced || p.AllDown || p.Blocked() || p.Before != p.Desired || o.Change.Op != change.Update
}

func (u *Upgrade) rollouts() []change.Rollout {
	var list []change.Rollout
	for i := range u.Objects {
		o := &u.Objects[i]
		pods := o.Pods
		if pods == nil && o.Runs() { // one that stays as it is was not read
			pods = ReadPods(o, u.Rollout)
		}
		if pods == nil || !o.moves() && !o.Runs() {
			continue
		}
		r := change.Rollout{Ref: o.Ref()}
		if old := pods.Old; old != nil && o.Hook == nil {
			r.Grace = old.Times.Grace
		}
		if updated := pods.New; updated != nil {
			r.Ready, r.Deadline = updated.Times.Ready, updated.Times.Deadline
		}
		list = append(list, r)
	}
	return list
}

// routes lists the Services that see the upgrade, and those that select pods that move.
func (u *Upgrade) routes() []change.Route {
	seen := map[*Object]bool{}
	var list []change.Route
	for _, t := range u.Traffic() {
		seen[t.Object] = true
		if (!t.Done() || !Opens(t.Change)) && !slices.ContainsFunc(slices.Concat(t.Before, t.After), func(w *Workload) bool { return w.moves() }) {
			continue
		}
		before, during, after := Lasting(t.Before), Lasting(t.During), Lasting(t.After)
		if t.Goes() {
			after = nil
		}
		list = append(list, route(t.Ref(), before, during, after))
	}
	for i := range u.Objects {
		o := &u.Objects[i]
		if !IsService(o.Ref()) || seen[o] || o.Standing(After) == nil || len(u.changing(o.Ref().Namespace)) == 0 {
			continue
		}
		s := u.Service(o.Standing(After))
		if s.External || !slices.ContainsFunc(u.changing(o.Ref().Namespace), func(w *Workload) bool { return w.moves() && (s.selects(w.Before) || s.selects(w.After)) }) {
			continue
		}
		var before []*Workload
		during, after := s.behind(Lasting(u.Workloads(o.Ref().Namespace)))
		if o.Old != nil {
			before = during
		}
		list = append(list, route(o.Ref(), before, during, after))
	}
	slices.SortStableFunc(list, func(a, b change.Route) int { return a.Ref.Compare(b.Ref) })
	return list
}

// behind lists the workloads whose pods a Service selects, by their labels before and after.
func (s *Service) behind(all []*Workload) (before, after []*Workload) {
	for _, w := range all {
		if s.selects(w.Before) {
			before = append(before, w)
		}
		if s.selects(w.After) {
			after = append(after, w)
		}
	}
	return before, after
}

// route tells whether a Service has no endpoint at some moment: those that it selects go
// down, and no others stay.
func route(ref manifest.Ref, before, during, after []*Workload) change.Route {
	stays := func(list []*Workload) bool {
		return slices.ContainsFunc(list, func(w *Workload) bool { return !w.Down() })
	}
	gap := len(before) > 0 && (!stays(during) || len(after) == 0)
	return change.Route{Ref: ref, Before: Refs(before), During: Refs(during), After: Refs(after), Gap: gap}
}

// around lists what has to do with the objects that are shown.
func (u *Upgrade) around(shown map[manifest.Identity]bool) []change.Link {
	l := links{u: u, shown: shown, seen: map[change.Link]bool{}}
	names := map[string]bool{}
	for id := range shown {
		names[id.Name] = true
	}
	for i := range u.Objects {
		o := &u.Objects[i]
		for _, r := range u.namesOf(o, names) {
			if to := u.Object(r.To); to != nil {
				l.add(o, to, uses[r.Use])
			} else if !r.Optional {
				l.outside(o, r.To, uses[r.Use])
			}
		}
		l.selected(o)
		for _, owner := range l.owners(o) {
			l.add(owner, o, "owns")
		}
	}
	slices.SortFunc(l.list, func(a, b change.Link) int {
		return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To), cmp.Compare(a.Use, b.Use))
	})
	return l.list
}

// uses says what an object does with one that it names.
var uses = map[reference.Use]string{ //nolint:gochecknoglobals // a constant table
	reference.InEnv: "reads", reference.AsFile: "reads", reference.AsSubPath: "reads", reference.AsOneFile: "reads", reference.ToStart: "needs", reference.AsName: "is named by",
	reference.AsBackend: "routes to", reference.ForTLS: "reads", reference.AsTarget: "scales", reference.AsRole: "grants", reference.AsSubject: "allows",
	reference.ByAPIServer: "calls", reference.ForAuth: "reads", reference.ForClaims: "needs", reference.AsListener: "is attached to", reference.ForToken: "needs", reference.ToPull: "reads",
}

// namesOf returns what an object names. One that stays as it is is decoded only if one of
// the names is a word in it.
func (u *Upgrade) namesOf(o *Object, names map[string]bool) []reference.Reference {
	switch standing := cmp.Or(o.New, o.Old); {
	case o.Names != nil:
		return slices.Concat(o.Names.New, o.Names.Old)
	case !reference.Refers(standing.Ref, u.RunsPods(standing.Ref)) || !mayMention(standing, names):
		return nil
	default:
		defer standing.Forget()
		return References(standing, u.Rollout)
	}
}

// links collects links, each once.
type links struct {
	u     *Upgrade
	shown map[manifest.Identity]bool
	seen  map[change.Link]bool
	list  []change.Link
}

func (l *links) add(from, to *Object, use string) {
	if from != to {
		l.take(change.Link{From: from.Ref(), To: to.Ref(), Use: use})
	}
}

// outside adds a link to an object that is in neither manifest.
func (l *links) outside(from *Object, to manifest.Identity, use string) {
	ref := manifest.Ref{Group: to.Group, Kind: to.Kind, Namespace: to.Namespace, Name: to.Name}
	l.take(change.Link{From: from.Ref(), To: ref, Use: use, Outside: true})
}

// take adds a link once, if one of its ends is drawn.
func (l *links) take(link change.Link) {
	if l.seen[link] || !l.shown[link.From.Identity()] && !l.shown[link.To.Identity()] {
		return
	}
	l.seen[link] = true
	l.list = append(l.list, link)
}

// selected adds the workloads that an object selects by the labels of their pods: a Service,
// a disruption budget, a network policy. Of workloads that stay as they are only those count
// that were read already.
func (l *links) selected(o *Object) {
	use, selector := l.selector(o)
	if selector == nil {
		return
	}
	workloads := l.u.changing(o.Ref().Namespace)
	if l.shown[o.Ref().Identity()] {
		workloads = l.u.Workloads(o.Ref().Namespace)
	}
	for _, w := range workloads {
		for _, pods := range []*PodTemplate{w.Before, w.After} {
			if pods != nil && selector.Matches(labels.Set(pods.Labels)) {
				l.add(o, w.Object, use)
			}
		}
	}
}

// selector returns by which labels an object selects pods, and the verb for it; nil if it
// selects none, or nothing that is shown can be among them.
func (l *links) selector(o *Object) (use string, selector labels.Selector) {
	standing := cmp.Or(o.New, o.Old)
	if !l.shown[o.Ref().Identity()] && len(l.u.changing(o.Ref().Namespace)) == 0 {
		return "", nil
	}
	switch ref := o.Ref(); {
	case IsService(ref):
		if s := l.u.Service(standing); len(s.Selector) > 0 && !s.External {
			return "selects", labels.SelectorFromSet(s.Selector)
		}
	case isBudget(ref):
		if c := newCover(standing); c != nil && !c.Selector.Empty() {
			return "protects", c.Selector
		}
	case ref.Kind == "NetworkPolicy" && ref.Group == "networking.k8s.io":
		var s metav1.LabelSelector
		defer standing.Forget()
		if runtime.DefaultUnstructuredConverter.FromUnstructured(untyped.Map(Spec(standing), "podSelector"), &s) == nil {
			if picked, err := metav1.LabelSelectorAsSelector(&s); err == nil {
				return "guards", picked
			}
		}
	}
	return "", nil
}

// owners returns the objects of the release that own an object.
func (l *links) owners(o *Object) []*Object {
	standing := cmp.Or(o.New, o.Old)
	if !standing.MayHold("ownerReferences") {
		return nil
	}
	defer standing.Forget()
	var list []*Object
	for _, owner := range ownersOf(standing) {
		if found := l.u.Object(owner.Identity()); found != nil {
			list = append(list, found)
		}
	}
	return list
}
