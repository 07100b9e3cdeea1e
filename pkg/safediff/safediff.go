// Package safediff is the whole of helm-safe-diff as a function: two manifests
// in, a judged change.Set out. It composes the stages and owns their order; it
// reads no cluster, clock or environment, and the same input gives the same Set.
package safediff

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/semaphore"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/noise"
	"github.com/safe-diff/helm-safe-diff/pkg/policy"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// Manifest is one side of an upgrade: a stream of YAML documents, hooks included.
type Manifest struct {
	// Name is in error messages for the stream, such as a file name or
	// "release shop, revision 3".
	Name string
	Text string
}

// Options tells Compare what the manifests do not say.
type Options struct {
	// Release goes into the Set as it is, except that Operation, KubeVersion,
	// ServerSide and Replace are filled in with what the judgement is made for.
	Release change.Release
	// Namespace is given to namespaced objects that name none.
	Namespace string
	// KubeVersion is the version of the cluster, such as "1.36" or "v1.36.3+k3s1";
	// "" means the newest that this program knows.
	KubeVersion string
	// NoHooks says that Helm runs no hooks in this upgrade (--no-hooks).
	NoHooks bool
	// ServerSide says that Helm applies on the server's side, as Helm 4 does with
	// the releases it installed, and not by a three-way merge.
	ServerSide bool
	// Replace says that Helm sends manifests in the place of what is there
	// (--force, --force-replace), ForceConflicts that it takes fields that others
	// own (--force-conflicts), TakeOwnership that it takes over objects that are
	// not marked as the release's (--take-ownership).
	Replace, ForceConflicts, TakeOwnership bool
	// Failed is the last revision of the release if it failed, else 0: what of it
	// is in the cluster is not known.
	Failed int
	// FailedHow says what became of that revision, such as "is in status
	// pending-upgrade"; "" means that it failed.
	FailedHow string
	// Beside are manifests of other revisions of the release of which the cluster may hold
	// objects, since an upgrade failed: oldest first. What is there as one of them says is
	// Helm's doing.
	Beside []string
	// Record is what Helm stores of the release before anything else.
	Record Record
	// Notices are what the caller knows to be unjudged.
	Notices []change.Notice
	// Operation is what Helm does, which decides which hooks run; "" means an
	// upgrade.
	Operation change.Operation
	// Orphan says that an uninstall leaves alone what the objects own, such as the
	// pods of a Deployment (--cascade=orphan).
	Orphan bool
	// Cluster is what is known of the cluster: objects as kubectl prints them, of
	// any kind and namespace. What the judgement has no use for is left aside.
	Cluster []Manifest
	// OldCRDs and NewCRDs are what the two charts have in their crds directories.
	// Helm installs that with a release and never touches it again.
	OldCRDs, NewCRDs Manifest
	// Again is the new side rendered once more.
	Again Again
	// Look reads from the cluster what it holds of the objects named, and around
	// them. Nil means that there is no cluster to ask: then it is taken to hold what
	// it made of the old manifest.
	Look func(ctx context.Context, wanted []cluster.Wanted) (*cluster.State, error)
	// Try has the API server try a change without storing it; what it answers takes
	// the place of the judgement. Nil means that it is not asked. It needs Look.
	Try func(ctx context.Context, attempt cluster.Attempt) cluster.Answer
	// Workloads are kinds of custom resources that run pods, besides those that
	// the program knows; they come first.
	Workloads []rollout.Workload
	// Policy is what the team has decided for this release; nil for nothing.
	Policy *policy.Policy
	// Dead are keys of the user's values that no template of the new chart reads.
	Dead []change.DeadKey
	// Versions are those of a chart that is about to be published; nil for an upgrade
	// by which nothing is published.
	Versions *Versions
	// Picture asks for what a report needs that draws the upgrade (format html).
	Picture bool
	// drained is told of the upgrade when everything is known.
	drained func(j *judge, in *input, u *upgrade.Upgrade) error
}

// Versions tell what the version of a chart promises, which is held against what
// changes.
type Versions struct {
	Name, Old, New string
	// By is what changes, if that is not what the upgrade itself does: where the
	// values differ, too, an upgrade that changes no values shows what the chart does.
	By *change.Set
}

// Again is the new side as it came out of a second rendering with the same values,
// which tells what rotates: what differs between the two has another value each
// time. Without Text it came out the same.
type Again struct {
	Manifest
	// LooksUp says that templates look up what is in the cluster, and may keep that;
	// Offline that there was none to ask, so that they found nothing.
	LooksUp, Offline bool
	// Known is what rotates, where the chart is not rendered but somebody has told.
	Known []change.Rotation
}

// Compare judges the upgrade from old to updated. An error names the document at
// fault and never holds any of its content.
func Compare(ctx context.Context, old, updated Manifest, opts Options) (change.Set, error) { //nolint:cyclop,funlen // the stages in their order
	server, err := apiserver.New(opts.KubeVersion)
	if err != nil {
		return change.Set{}, err
	}
	in, err := read(server, old, updated, opts)
	if err != nil {
		return change.Set{}, err
	}
	state, err := in.look(ctx, server, opts)
	if err != nil {
		return change.Set{}, err
	}
	facts := in.facts(opts)
	server = server.Knowing(facts)
	in.place(server)
	pairs := diff.Pairs(in.old, in.updated)
	for i := range pairs {
		pairs[i].Uninstalls = opts.Operation == change.Uninstall
	}
	turning, err := in.rotating(opts.Again.Known)
	if err != nil {
		return change.Set{}, err
	}
	beside, err := in.besides(opts)
	if err != nil {
		return change.Set{}, err
	}
	unread, seen := gaps(state), state
	asked := state != nil && len(blind(state)) == 0
	if !asked {
		if state, err = noted(pairs, in.cluster); err != nil {
			return change.Set{}, err
		}
		if state, err = left(ctx, server, state, beside, old, opts); err != nil {
			return change.Set{}, err
		}
	}
	j := judge{server: server, opts: opts, live: state, beside: beside, asked: asked, cluster: in.cluster, rotating: turning, rollout: in.rolloutFacts(opts), scaled: in.scaledAfter(state), least: in.keptBefore(),
		shipped:    in.shipped(),
		budgets:    byNamespace[policyv1.PodDisruptionBudget](in.after(), "policy", "PodDisruptionBudget"),
		claimed:    byNamespace[corev1.PersistentVolumeClaim](in.after(), "", "PersistentVolumeClaim"),
		namespaces: in.guarded(server.Version(), state), selecting: selecting(pairs, slices.Concat(in.cluster, in.selecting)), labels: noise.Labels(),
	}
	j.bound = in.bound(state)
	j.existing = j.spaces(in.old)
	j.guards = in.admission(server, opts.ServerSide, j.rollout.Fresh, j.hookRuns(pairs))
	j.server = server.Admitting(j.guards.before, j.guards.installed)
	j.fillQuotas(in.old) //nolint:contextcheck // admission in this process waits for nobody
	if asked {
		j.running = runningIn(state)
	}
	j.neighbours = j.staying(&in)
	objects, err := j.all(ctx, pairs)
	if err = errors.Join(facts.Definitions.Err(), j.namespaces.err, err); err != nil {
		return change.Set{}, err
	}
	record, err := j.record()
	if err != nil {
		return change.Set{}, err
	}
	unrecorded, crowded, err := j.unrecorded(objects)
	if err != nil {
		return change.Set{}, err
	}
	if record = cmp.Or(record, unrecorded); record != nil {
		objects = append(objects, *record)
	}
	u := upgrade.New(objects, j.facts())
	if err := j.together(ctx, u); err != nil {
		return change.Set{}, err
	}
	j.faults = append(j.faults, rule.Ask(u, rules())...)
	if opts.drained != nil {
		if err := opts.drained(&j, &in, u); err != nil {
			return change.Set{}, err
		}
	}
	set := change.Set{Release: opts.Release}
	if set.Release.Values, err = concealValues(opts.Release.Values, in.old, in.updated); err != nil {
		return change.Set{}, err
	}
	set.Release.Operation = cmp.Or(opts.Operation, change.Upgrade)
	set.Release.KubeVersion, set.Release.ServerSide, set.Release.Replace = server.Version(), opts.ServerSide, opts.Replace
	j.betweenObjects("what a rollback does not bring back", func() { set.OneWay = j.rollbackLosses(u.Objects) })
	set.Unchecked = slices.Concat(opts.Notices, opts.Record.nearlyFull(), in.notices(&j, pairs), unread, j.guards.unasked(), crowded, j.faults)
	collect(&set, u.Objects)
	for i := range set.Changes {
		rule.Advise(set.Changes[i].Findings, opts.Operation, rules())
	}
	set.Rotating = rotations(pairs, turning, &set, opts.Again)
	decide(&set, opts, server)
	set.Hooks = j.hooks(u.Objects, &set)
	if opts.Picture {
		if fault := rule.Caught(func() { set.Picture = u.Picture(drawn(&set)) }); fault != nil {
			set.Unchecked = append(set.Unchecked, change.Notice{Reason: fmt.Sprintf("the upgrade is not drawn: internal error (%T); please report it with the two manifests", fault)})
		}
	}
	set.Unchecked = append(set.Unchecked, unreadReaders(seen, &set)...)
	slices.SortStableFunc(set.Changes, change.Compare)
	return set, nil
}

// drawn tells which objects change in more than noise.
func drawn(set *change.Set) map[manifest.Identity]bool {
	list := map[manifest.Identity]bool{}
	for i := range set.Changes {
		if c := &set.Changes[i]; !c.Hidden() && c.Op != change.Leave {
			list[c.Ref.Identity()] = true
		}
	}
	return list
}

// collect puts what was judged into the set.
func collect(set *change.Set, objects []upgrade.Object) {
	for i := range objects {
		o := &objects[i]
		set.Drift = append(set.Drift, o.Drift...)
		for _, doubt := range o.Unchecked {
			set.Unchecked = append(set.Unchecked, doubt.Of(o.Ref()))
		}
		if o.Fault != "" {
			set.Unchecked = append(set.Unchecked, change.Notice{Ref: o.Ref(), Reason: notJudged + o.Fault, Hides: change.Rejected})
		}
		if o.Change == nil {
			set.Same++
			continue
		}
		set.Changes = append(set.Changes, *o.Change)
	}
}

// atOnce is how many bytes of manifest are judged at the same time. While it is
// judged, an object takes up to a hundred times its size.
const atOnce = 1 << 20

func size(p diff.Pair) int64 {
	var n int
	for _, o := range []*manifest.Object{p.Old, p.New} {
		if o != nil {
			n += len(o.Text())
		}
	}
	return int64(n)
}

// facts are what rules ask for besides the objects.
func (j *judge) facts() upgrade.Facts {
	return upgrade.Facts{
		Rollout: j.rollout, Builtin: j.server.Builtin, Cluster: j.cluster, Running: j.running, State: j.live, Asked: j.asked, Scaled: j.scaled,
		Namespace: j.opts.Namespace, Operation: j.opts.Operation, Refuses: j.opts.ServerSide && !j.opts.ForceConflicts && !j.opts.Replace,
		Events: j.events(), Ran: j.ran, Wait: j.opts.Release.Wait, Helm: j.opts.Release.Helm, ServerSide: j.opts.ServerSide,
	}
}

// all judges every pair on all cores. The result is in the order of the pairs.
func (j *judge) all(ctx context.Context, pairs []diff.Pair) ([]upgrade.Object, error) {
	judged := make([]upgrade.Object, len(pairs))
	workers := min(runtime.GOMAXPROCS(0), max(1, len(pairs)))
	room := semaphore.NewWeighted(atOnce)
	var wait sync.WaitGroup
	next := make(chan int)
	for range workers {
		wait.Go(func() {
			for i := range next {
				weight := min(size(pairs[i]), atOnce)
				if room.Acquire(ctx, weight) != nil {
					continue // cancelled
				}
				judged[i] = j.guarded(pairs[i], func() upgrade.Object { return j.named(ctx, pairs[i]) })
				forget(pairs[i])
				room.Release(weight)
			}
		})
	}
	var cancelled error
	for i := range pairs {
		if p := pairs[i]; p.Old != nil && p.New != nil && p.Old.SameText(p.New) && j.settled(p.New) {
			judged[i].Unchecked = j.unseen(p)
			continue // nothing to judge, and most of a large release
		}
		if cancelled = ctx.Err(); cancelled != nil {
			break
		}
		next <- i
	}
	close(next)
	wait.Wait()
	if cancelled = errors.Join(cancelled, ctx.Err()); cancelled != nil {
		return nil, cancelled
	}
	for turn, step := range diff.Steps(pairs, j.events(), j.opts.Release.Helm) {
		o := &judged[step.Pair]
		o.Pair, o.Phase, o.Turn, o.Hook = pairs[step.Pair], step.Phase, turn, j.hook(pairs[step.Pair])
	}
	errs := make([]error, 0, len(judged))
	for i := range judged {
		errs = append(errs, judged[i].Err)
	}
	return judged, errors.Join(errs...)
}

// forget keeps the memory small that a large release takes: what has been judged
// is needed again only by a report that shows whole objects.
func forget(p diff.Pair) {
	if p.Old != nil {
		p.Old.Forget()
	}
	if p.New != nil {
		p.New.Forget()
	}
}
