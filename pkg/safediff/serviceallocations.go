package safediff

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// allotments refuses Services that ask for an address of the cluster's network, or a
// port of its nodes, which another one has when Helm comes to them: each is handed out
// once (ipallocator and portallocator in k8s.io/kubernetes/pkg/registry/core/service).
// It follows Helm's order, since what a Service gives up is there for those after it.
func (j *judge) serviceAllocations(u *upgrade.Upgrade) {
	if !u.Any(func(o *upgrade.Object) bool { return len(asks(o.Pair)) > 0 }) {
		return
	}
	a := allocations{judge: j, upgrade: u, held: map[string]manifest.Ref{}, known: map[string]bool{}}
	a.begin()
	phase := diff.PreHooks
	var passing []manifest.Ref // hooks that go when those of their event are done
	for _, step := range j.Steps(u.Objects) {
		if step.Phase != phase {
			for _, ref := range passing {
				a.release(ref)
			}
			phase, passing = step.Phase, nil
		}
		o := &u.Objects[step.Pair]
		switch {
		case !upgrade.IsService(o.Ref()) || step.Phase == diff.Never:
		case step.Phase == diff.Remove:
			a.release(o.Ref())
		default:
			a.take(o)
			if slices.Contains(o.New.HookDeletePolicies(), action.HookSucceeded) {
				passing = append(passing, o.Ref())
			}
		}
	}
}

// allotments is what Services have at some moment of an upgrade.
type allocations struct {
	*judge
	upgrade *upgrade.Upgrade
	held    map[string]manifest.Ref
	// known is what some Service had when the upgrade began, or got in it.
	known map[string]bool
}

// begin notes what Services have when the upgrade begins. A hook has it if it has run
// and was not deleted.
func (a *allocations) begin() {
	for _, o := range a.Cluster {
		a.hold(o.Ref, requested(o))
	}
	for i := range a.upgrade.Objects {
		p := &a.upgrade.Objects[i]
		ref := p.Ref()
		switch value, looked := a.Found(ref); {
		case !upgrade.IsService(ref):
		case looked:
			a.release(ref)
			a.hold(ref, apiserver.Allocated(value))
		case p.Old != nil && (!diff.IsHook(p.Old) || a.Ran(p.Old) && !slices.Contains(p.Old.HookDeletePolicies(), action.HookSucceeded)):
			a.hold(ref, requested(p.Old))
		}
	}
}

func (a *allocations) hold(ref manifest.Ref, list []string) {
	for _, what := range list {
		a.held[what], a.known[what] = ref, true
	}
}

func (a *allocations) release(ref manifest.Ref) {
	for what, by := range a.held {
		if by.Identity() == ref.Identity() {
			delete(a.held, what)
		}
	}
}

// has returns what a Service has.
func (a *allocations) has(ref manifest.Ref) []string {
	var list []string
	for what, by := range a.held {
		if by.Identity() == ref.Identity() {
			list = append(list, what)
		}
	}
	return list
}

// take lets Helm make or change a Service, and asks the API server once more if others
// have what it asks for.
func (a *allocations) take(o *upgrade.Object) {
	c := o.Change
	switch {
	case c == nil && !diff.IsHook(o.New):
		return // it stays as it is
	case c == nil:
		c = &change.Change{Ref: o.New.Ref, Op: o.Op(), Old: o.Old, New: o.New, Hook: o.Hook}
	case len(c.Outcome.Refused) > 0:
		return
	}
	own, wanted := a.has(c.Ref), requested(o.New)
	if taken := a.taken(c.Ref, wanted); len(taken) > 0 {
		besides := *a.judge
		besides.Server = a.Server.Besides(a.others(c.Ref))
		refused := false
		again := a.guarded(o.Pair, func() upgrade.Object {
			result, err := besides.outcome(o.Pair, c)
			if refused = err == nil && len(result.Outcome.Refused) > 0; !refused {
				return upgrade.Object{Err: err}
			}
			return besides.conclude(c, &result)
		})
		if refused {
			o.Change, o.Unchecked, o.Rollback, o.Taken = c, again.Unchecked, "", taken
			return
		}
		o.Fault = cmp.Or(o.Fault, again.Fault)
	}
	o.Unchecked = append(o.Unchecked, a.elsewhere(wanted)...)
	a.release(c.Ref)
	a.hold(c.Ref, slices.DeleteFunc(slices.Concat(wanted, o.Allocated), func(what string) bool {
		return !slices.Contains(wanted, what) && !slices.Contains(own, what) // made up
	}))
}

// taken tells who has what a Service asks for.
func (a *allocations) taken(ref manifest.Ref, wanted []string) []upgrade.Taken {
	var taken []upgrade.Taken
	for _, what := range wanted {
		if by, held := a.held[what]; held && by.Identity() != ref.Identity() {
			taken = append(taken, upgrade.Taken{What: called(what), By: by, Going: a.givesUp(by, what)})
		}
	}
	return taken
}

// givesUp reports whether this upgrade would have a Service give something up.
func (a *allocations) givesUp(ref manifest.Ref, what string) bool {
	o := a.upgrade.Object(ref.Identity())
	if o == nil || o.Change == nil {
		return false
	}
	return o.Change.Op != change.Keep && !slices.Contains(o.Allocated, what)
}

// others is what all but one Service have.
func (a *allocations) others(ref manifest.Ref) map[string]bool {
	others := make(map[string]bool, len(a.held))
	for what, by := range a.held {
		others[what] = by.Identity() != ref.Identity()
	}
	return others
}

// elsewhere says of what a Service asks for, and no other of the release had, that it is
// not known whether one outside of the release has it.
func (a *allocations) elsewhere(wanted []string) (unchecked []change.Doubt) {
	because := ""
	if a.Asked {
		i := slices.IndexFunc(a.State.Unread, everyService)
		if i < 0 {
			return nil
		}
		because = ": " + a.State.Unread[i].Reason
	}
	for _, what := range wanted {
		if !a.known[what] {
			unchecked = append(unchecked, change.Doubt{
				Reason: fmt.Sprintf("it asks for %s: whether a Service outside of the release has it is not known%s", called(what), because), Hides: change.Rejected,
			})
		}
	}
	return unchecked
}

// everyService reports whether the Services of all namespaces could not be read.
func everyService(gap cluster.Gap) bool { return gap.Kind == "Service" && gap.Namespace == "" }

// called says what an address or a port is.
func called(what string) string {
	if strings.ContainsAny(what, ".:") {
		return "address " + what
	}
	return "node port " + what
}

// asks lists the addresses and ports that a Service asks for and that the installed
// release does not.
func asks(p diff.Pair) []string {
	if p.New == nil || p.Old != nil && p.Old.SameText(p.New) {
		return nil
	}
	before := requested(p.Old)
	return slices.DeleteFunc(requested(p.New), func(what string) bool { return slices.Contains(before, what) })
}

// requested lists the addresses and ports that the manifest of a Service asks for.
func requested(o *manifest.Object) []string {
	if o == nil || !upgrade.IsService(o.Ref) {
		return nil
	}
	if !o.MayHold("odePort") && !o.MayHold("clusterIP") {
		return nil // not to be decoded
	}
	value, err := o.Value()
	if err != nil {
		return nil // it is said where the object is judged
	}
	return apiserver.Allocated(value)
}
