package diff

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"helm.sh/helm/v3/pkg/releaseutil"
	releaseutil4 "helm.sh/helm/v4/pkg/release/v1/util"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Phase is a part of an upgrade. Helm begins one when the one before it is done.
type Phase int

// The phases, in their order (performUpgrade in helm.sh/helm/v3/pkg/action,
// update in helm.sh/helm/v3/pkg/kube; Helm 4 has the same).
const (
	PreHooks  Phase = iota // hooks that run before the release is touched
	Apply                  // objects are created and updated
	Remove                 // objects that left the release are deleted
	PostHooks              // hooks that run after it
	Never                  // nothing is done: hooks that do not run, objects that are kept
)

// Step is one Pair in the order in which Helm takes them up.
type Step struct {
	Phase Phase
	Pair  int // index into the pairs
}

// Steps puts pairs, which are in the order of the new manifest, into the order in
// which Helm takes them up: hooks by weight and name, everything else by kind.
// running lists the hook events of the operation, such as "pre-upgrade", and helm is the major
// version of Helm. There are few kinds and many objects: the kinds are sorted, and the objects
// put where theirs is.
func Steps(pairs []Pair, running []string, helm int) []Step {
	type lot struct {
		phase Phase
		kind  string
	}
	lots := map[lot][]Step{}
	for i := range pairs {
		step := Step{phaseOf(pairs[i], running), i}
		at := lot{step.Phase, pairs[i].Ref().Kind}
		lots[at] = append(lots[at], step)
	}
	rank := kindRanks(helm)
	steps := make([]Step, 0, len(pairs))
	for _, at := range slices.SortedFunc(maps.Keys(lots), func(a, b lot) int {
		return cmp.Or(cmp.Compare(a.phase, b.phase), rank(a.kind, b.kind))
	}) {
		steps = append(steps, lots[at]...)
	}
	slices.SortStableFunc(steps, func(a, b Step) int {
		if a.Phase != b.Phase || a.Phase != PreHooks && a.Phase != PostHooks {
			return cmp.Compare(a.Phase, b.Phase)
		}
		return byWeight(pairs[a.Pair].New, pairs[b.Pair].New)
	})
	return steps
}

// Hooks returns the pairs that Helm runs at an event, such as "pre-upgrade", in its order,
// each as its index.
func Hooks(pairs []Pair, event string, helm int) []int {
	var hooks []int
	for i, p := range pairs {
		if p.New != nil && slices.Contains(p.New.HookEvents(), event) {
			hooks = append(hooks, i)
		}
	}
	rank := kindRanks(helm)
	slices.SortStableFunc(hooks, func(a, b int) int {
		return cmp.Or(byWeight(pairs[a].New, pairs[b].New), rank(pairs[a].Ref().Kind, pairs[b].Ref().Kind))
	})
	return hooks
}

// byWeight compares hooks of one event (hookByWeight in helm.sh/helm/v3/pkg/action). Those
// of one weight and one name stay in the order of their kinds (SortManifests in
// helm.sh/helm/v3/pkg/releaseutil).
func byWeight(a, b *manifest.Object) int {
	return cmp.Or(cmp.Compare(weight(a), weight(b)), cmp.Compare(a.Ref.Name, b.Ref.Name))
}

func phaseOf(p Pair, running []string) Phase {
	switch {
	case p.New == nil:
		if p.Op() == change.Keep {
			return Never
		}
		return Remove
	case !IsHook(p.New):
		return Apply
	}
	for i, event := range running {
		if slices.Contains(p.New.HookEvents(), event) {
			return [...]Phase{PreHooks, PostHooks}[min(i, 1)]
		}
	}
	if p.Op() == change.Recreate {
		return Remove
	}
	return Never
}

// kindRanks compares kinds as Helm sorts manifests; kinds that it does not know
// come last, by name. Helm 4 knows a few more.
func kindRanks(helm int) func(a, b string) int {
	order := []string(releaseutil.InstallOrder)
	if helm == 4 {
		order = releaseutil4.InstallOrder
	}
	known := make(map[string]int, len(order))
	for i, kind := range order {
		known[kind] = i - len(order)
	}
	return func(a, b string) int {
		if known[a] == 0 && known[b] == 0 {
			return cmp.Compare(a, b)
		}
		return cmp.Compare(known[a], known[b])
	}
}

func weight(o *manifest.Object) int {
	text, _ := o.Annotation("helm.sh/hook-weight")
	n, _ := strconv.Atoi(text) // Helm takes what it cannot read as 0, too
	return n
}
