package safediff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/live"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// allotments refuses Services that ask for an address of the cluster's network, or a
// port of its nodes, which another one has when Helm comes to them: each is handed out
// once (ipallocator and portallocator in k8s.io/kubernetes/pkg/registry/core/service).
// It follows Helm's order, since what a Service gives up is there for those after it.
func (j *judge) allotments(pairs []diff.Pair, judged []judgement) error {
	if !slices.ContainsFunc(pairs, func(p diff.Pair) bool { return len(asks(p)) > 0 }) {
		return nil
	}
	a := allotments{judge: j, pairs: pairs, judged: judged, held: map[string]manifest.Ref{}, known: map[string]bool{}}
	a.begin()
	phase := diff.PreHooks
	var passing []manifest.Ref // hooks that go when those of their event are done
	for _, step := range diff.Steps(pairs, j.events()) {
		if step.Phase != phase {
			for _, ref := range passing {
				a.release(ref)
			}
			phase, passing = step.Phase, nil
		}
		p := pairs[step.Pair]
		switch {
		case !isService(p.Ref()) || step.Phase == diff.Never:
		case step.Phase == diff.Remove:
			a.release(p.Ref())
		default:
			if err := a.take(p, &judged[step.Pair]); err != nil {
				return err
			}
			if slices.Contains(p.New.HookDeletePolicies(), hookSucceeded) {
				passing = append(passing, p.Ref())
			}
		}
	}
	return nil
}

const hookSucceeded = "hook-succeeded"

// allotments is what Services have at some moment of an upgrade.
type allotments struct {
	*judge
	pairs  []diff.Pair
	judged []judgement
	held   map[string]manifest.Ref
	// known is what some Service had when the upgrade began, or got in it.
	known map[string]bool
}

// begin notes what Services have when the upgrade begins. A hook has it if it has run
// and was not deleted.
func (a *allotments) begin() {
	for _, o := range a.cluster {
		a.hold(o.Ref, requested(o))
	}
	for _, p := range a.pairs {
		ref := p.Ref()
		switch value, looked := a.found(ref); {
		case !isService(ref):
		case looked:
			a.release(ref)
			a.hold(ref, apiserver.Allotted(value))
		case p.Old != nil && (!diff.IsHook(p.Old) || a.ran(p.Old) && !slices.Contains(p.Old.HookDeletePolicies(), hookSucceeded)):
			a.hold(ref, requested(p.Old))
		}
	}
}

func (a *allotments) hold(ref manifest.Ref, list []string) {
	for _, what := range list {
		a.held[what], a.known[what] = ref, true
	}
}

func (a *allotments) release(ref manifest.Ref) {
	for what, by := range a.held {
		if by.Identity() == ref.Identity() {
			delete(a.held, what)
		}
	}
}

// has returns what a Service has.
func (a *allotments) has(ref manifest.Ref) []string {
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
func (a *allotments) take(p diff.Pair, judged *judgement) error {
	c := judged.change
	switch {
	case c == nil && !diff.IsHook(p.New):
		return nil // it stays as it is
	case c == nil:
		c = &change.Change{Ref: p.New.Ref, Op: p.Op(), Old: p.Old, New: p.New, Hook: a.hook(p)}
	case len(c.Outcome.Refused) > 0:
		return nil
	}
	own, wanted := a.has(c.Ref), requested(p.New)
	if taken := a.taken(c.Ref, wanted); len(taken) > 0 {
		besides := *a.judge
		besides.server = a.server.Besides(a.others(c.Ref))
		result, err := besides.outcome(p, c)
		if err != nil {
			return err
		}
		if len(result.Outcome.Refused) > 0 {
			judged.change, judged.unchecked, judged.oneWay = c, besides.conclude(c, &result).unchecked, ""
			c.Outcome.Taken = taken
			classify(c)
			return nil
		}
	}
	judged.unchecked = append(judged.unchecked, a.elsewhere(wanted)...)
	a.release(c.Ref)
	a.hold(c.Ref, slices.DeleteFunc(slices.Concat(wanted, judged.allotted), func(what string) bool {
		return !slices.Contains(wanted, what) && !slices.Contains(own, what) // made up
	}))
	return nil
}

// taken tells who has what a Service asks for.
func (a *allotments) taken(ref manifest.Ref, wanted []string) []change.Taken {
	var taken []change.Taken
	for _, what := range wanted {
		if by, held := a.held[what]; held && by.Identity() != ref.Identity() {
			taken = append(taken, change.Taken{What: called(what), By: by, Going: a.givesUp(by, what)})
		}
	}
	return taken
}

// givesUp reports whether this upgrade would have a Service give something up.
func (a *allotments) givesUp(ref manifest.Ref, what string) bool {
	i := slices.IndexFunc(a.pairs, func(p diff.Pair) bool { return p.Ref().Identity() == ref.Identity() })
	if i < 0 || a.judged[i].change == nil {
		return false
	}
	return a.judged[i].change.Op != change.Keep && !slices.Contains(a.judged[i].allotted, what)
}

// others is what all but one Service have.
func (a *allotments) others(ref manifest.Ref) map[string]bool {
	others := make(map[string]bool, len(a.held))
	for what, by := range a.held {
		others[what] = by.Identity() != ref.Identity()
	}
	return others
}

// elsewhere says of what a Service asks for, and no other of the release had, that it is
// not known whether one outside of the release has it.
func (a *allotments) elsewhere(wanted []string) (unchecked []string) {
	because := ""
	if a.asked {
		i := slices.IndexFunc(a.live.Unread, everyService)
		if i < 0 {
			return nil
		}
		because = ": " + a.live.Unread[i].Reason
	}
	for _, what := range wanted {
		if !a.known[what] {
			unchecked = append(unchecked, fmt.Sprintf("it asks for %s: whether a Service outside of the release has it is not known%s", called(what), because))
		}
	}
	return unchecked
}

// everyService reports whether the Services of all namespaces could not be read.
func everyService(gap live.Gap) bool { return gap.Kind == "Service" && gap.Namespace == "" }

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
	if o == nil || !isService(o.Ref) {
		return nil
	}
	text := o.Text()
	if text != "" && !strings.Contains(text, "odePort") && !strings.Contains(text, "clusterIP") {
		return nil // not to be decoded
	}
	value, err := o.Value()
	if err != nil {
		return nil // it is said where the object is judged
	}
	return apiserver.Allotted(value)
}
