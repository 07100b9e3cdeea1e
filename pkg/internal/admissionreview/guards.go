package admissionreview

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/admission"
	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// guards are what built-in admission asks at three moments: when the upgrade begins, when Helm
// has applied what comes before workloads, and when it is over. Helm applies policies last, so
// that none denies the upgrade that brings it, and limits and quotas first.
type guards struct {
	before, applied, after *admission.Guards
	// early are those before the upgrade, with what they read of the release as it is then.
	early *admission.Guards
	// atHook are those that each hook meets which runs.
	atHook map[*manifest.Object]*admission.Guards
	// installed are those that what is there has met when it was made.
	installed  *admission.Guards
	serverSide bool
	// webhooks are the names of those that are asked.
	webhooks *names
}

// names is a set that several may add to at a time.
type names struct {
	mu  sync.Mutex
	all map[string]bool
	// about are the objects for which each is in the set, without pods that controllers make.
	about map[string][]manifest.Identity
}

func (n *names) add(list []string, about ...manifest.Identity) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range list {
		n.all[name] = true
		n.about[name] = append(n.about[name], about...)
	}
}

// readGuards reads the guards of the release and of the cluster. Where the release was installed and
// never upgraded, its own policies have seen nothing of it yet.
func (a *Review) readGuards(run hookRuns) guards {
	if !slices.ContainsFunc(slices.Concat(a.Cluster, a.Old, a.Updated), guarding) {
		return guards{}
	}
	before, merged := a.atFirst(&run), a.merged(a.said())
	of := func(objects []*manifest.Object) *admission.Guards {
		return admission.NewGuards(a.Server, objects, a.Unread)
	}
	g := guards{
		early: of(before), atHook: map[*manifest.Object]*admission.Guards{},
		serverSide: a.ServerSide, webhooks: &names{all: map[string]bool{}, about: map[string][]manifest.Identity{}},
	}
	begun := g.meet(run.hooks(0), before, g.early, of)
	g.before = of(withMerged(a.reading(begun), merged))
	after := slices.DeleteFunc(withMerged(a.After(), merged), diff.IsHook)
	after = append(after, absentFrom(after, a.keptGuards(begun))...)
	g.applied, g.after = of(slices.Concat(after, absentFrom(after, begun))), of(after)
	g.applied.Used(g.before)
	g.after.Used(g.before)
	if end := g.meet(run.hooks(1), after, g.after, of); !run.waits && slices.ContainsFunc(run.hooks(1), guarding) {
		g.after = of(end) // new pods come after these hooks
		g.after.Used(g.before)
	}
	if g.installed = g.before; a.Rollout.Fresh {
		own := map[manifest.Identity]bool{}
		for _, o := range a.Old {
			own[o.Ref.Identity()] = isAdmissionPolicy(o.Ref.Kind)
		}
		g.installed = admission.NewGuards(a.Server, slices.DeleteFunc(before, func(o *manifest.Object) bool { return own[o.Ref.Identity()] }), a.Unread)
	}
	return g
}

// atFirst returns what guards are made of when the upgrade begins.
func (a *Review) atFirst(run *hookRuns) []*manifest.Object {
	known := a.said()
	before := slices.DeleteFunc(slices.Clone(a.Cluster), func(o *manifest.Object) bool { return known[o.Ref.Identity()] != o })
	for _, o := range a.Old {
		if known[o.Ref.Identity()] == nil && (!diff.IsHook(o) || guarding(o) && run.left(o, a.Unread)) {
			before = append(before, o)
		}
	}
	return before
}

// said are the objects of the cluster by their name: what was read from it is behind what somebody
// has said of it.
func (a *Review) said() map[manifest.Identity]*manifest.Object {
	known := map[manifest.Identity]*manifest.Object{}
	for _, o := range a.Cluster {
		known[o.Ref.Identity()] = o
	}
	return known
}

// absentFrom returns the objects that are not in a list by their name.
func absentFrom(list, objects []*manifest.Object) []*manifest.Object {
	there := map[manifest.Identity]bool{}
	for _, o := range list {
		there[o.Ref.Identity()] = true
	}
	return slices.DeleteFunc(slices.Clone(objects), func(o *manifest.Object) bool { return there[o.Ref.Identity()] })
}

// reading returns objects with those that policies read as the release has them by the time that
// Helm comes to workloads: Namespaces, ConfigMaps and Secrets come before.
func (a *Review) reading(before []*manifest.Object) []*manifest.Object {
	updated := map[manifest.Identity]*manifest.Object{}
	for _, o := range a.Updated {
		if readFirst(o) {
			updated[o.Ref.Identity()] = o
		}
	}
	list := slices.DeleteFunc(slices.Clone(before), func(o *manifest.Object) bool { return updated[o.Ref.Identity()] != nil })
	for _, o := range a.Updated {
		if updated[o.Ref.Identity()] == o {
			list = append(list, o)
		}
	}
	return list
}

// merged returns what policies read of the release as the cluster has it once Helm has applied it: a
// merge leaves what others have set. It is known of objects of which somebody has said what they are in the cluster.
func (a *Review) merged(known map[manifest.Identity]*manifest.Object) map[*manifest.Object]*manifest.Object {
	installed := map[manifest.Identity]*manifest.Object{}
	for _, o := range a.Old {
		installed[o.Ref.Identity()] = o
	}
	merged := map[*manifest.Object]*manifest.Object{}
	for _, o := range a.Updated {
		live := known[o.Ref.Identity()]
		if live == nil || !readFirst(o) || live.Ref.Version != o.Ref.Version {
			continue
		}
		value, err := live.Value()
		if err != nil {
			continue
		}
		by := a.Server
		if !action.FromCluster(value) { // it does not say who owns what
			by, value = a.Server.Merging(), action.Written(live.Ref, value)
		}
		result, err := by.Update(cmp.Or(installed[o.Ref.Identity()], o), o, value)
		if err != nil || result.NewFields == nil || len(result.Outcome.Refused) > 0 {
			continue
		}
		fields := maps.Clone(result.NewFields)
		fields["apiVersion"], fields["kind"] = value["apiVersion"], value["kind"]
		if object, err := manifest.FromValue(fields, live.Position); err == nil {
			object.Ref = o.Ref
			merged[o] = object
		}
	}
	return merged
}

// withMerged returns a list of objects with what they are merged with.
func withMerged(objects []*manifest.Object, merged map[*manifest.Object]*manifest.Object) []*manifest.Object {
	list := slices.Clone(objects)
	for i, o := range list {
		list[i] = cmp.Or(merged[o], o)
	}
	return list
}

// readFirst reports whether an object is one that policies read, and that Helm applies before workloads.
func readFirst(o *manifest.Object) bool {
	return o.Ref.Group == "" && slices.Contains([]string{"Namespace", "ConfigMap", "Secret"}, o.Ref.Kind) && !diff.IsHook(o)
}

// guarding reports whether an object is one of those that admission asks.
func guarding(o *manifest.Object) bool {
	return o.Ref.Kind == "ResourceQuota" || GuardingKind(o.Ref.Kind)
}

func isAdmissionPolicy(kind string) bool {
	return strings.HasSuffix(strings.TrimSuffix(kind, "Binding"), "AdmissionPolicy")
}

// GuardingKind reports whether objects of a kind are asked about what may come, quotas aside.
func GuardingKind(kind string) bool {
	switch kind {
	case "LimitRange", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding",
		"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration":
		return true
	default:
		return false
	}
}

// during returns the guards that an object of the release meets, or a hook: what runs after
// the upgrade meets all that it has brought, hooks before it too.
func (g *guards) during(o *manifest.Object) *admission.Guards {
	events := o.HookEvents()
	switch met, runs := g.atHook[o]; {
	case runs:
		return met
	case len(events) == 0:
		return g.before
	case slices.ContainsFunc(events, func(event string) bool { return strings.HasPrefix(event, "pre-") }):
		return g.early
	default:
		return g.after
	}
}

// admit refuses an object that policies or limits do not let in, and returns what policies
// warn of. Under a three-way merge nothing is sent of an object that stays as it is.
func (g *guards) admit(p diff.Pair, c *change.Change, result *apiserver.Result) []change.Doubt {
	creates := c.Op == change.Create || c.Hook != nil
	switch {
	case p.New == nil, len(result.Outcome.Refused) > 0, c.Op != change.Create && c.Op != change.Update, c.Hook != nil && !c.Hook.Runs:
		return nil
	case !creates && !result.Outcome.Changed && !g.serverSide:
		return nil
	}
	refused, warnings := g.during(p.New).Refuse(p.New, result, !creates)
	if hooks := g.during(p.New).Webhooks(p.New, result, !creates); len(hooks) > 0 {
		g.webhooks.add(hooks, c.Ref.Identity())
	}
	limits := g.applied
	if c.Hook != nil {
		limits = g.during(p.New)
	}
	if len(refused) == 0 && (creates || c.Ref.Kind != "Pod") {
		if why := limits.Limits(result, c.Ref.Namespace); why != "" {
			refused = []change.FieldError{{Type: "Forbidden", Message: "violates " + why}}
		}
	}
	var doubts []change.Doubt
	if len(refused) == 0 {
		for _, text := range g.during(p.New).Unclear(p.New, result, !creates) {
			doubts = append(doubts, change.Doubt{Reason: text, Hides: change.Rejected})
		}
	}
	result.Refuse(refused)
	for _, text := range warnings {
		doubts = append(doubts, change.Doubt{Reason: text})
	}
	return doubts
}

// letIn writes into pods what keeps new ones out, where there are to be any. has is what of the
// workload is in the cluster.
func (g *guards) letIn(c *change.Change, result *apiserver.Result, pods *change.Pods, has standing) {
	if pods == nil || pods.Refused != "" || c.Ref.Kind == "Pod" || result.New == nil || !comes(c, result, pods) && pods.Stuck == "" {
		return
	}
	m := maker(c.Ref, result.New)
	if hooks := g.after.PodWebhooks(m); len(hooks) > 0 {
		g.webhooks.add(hooks)
	}
	why := ""
	if c.Ref.Kind == "CronJob" || (pods.Replaced || c.Op == change.Create) && !has.template {
		why = g.after.Between(m, pods.Before)
	}
	why = cmp.Or(why, g.after.Pods(m))
	if set, is := result.New.(*appsv1.StatefulSet); is && why == "" && pods.Desired > pods.Before {
		why = g.claims(set, m, pods, has)
	}
	if why != "" {
		pods.Stuck = "" // that one pod more would be too many is not what keeps it out
		rollout.Refuse(pods, why)
	}
}

// standing is what the cluster has of a workload: a ReplicaSet of its new template, claims.
type standing struct {
	template bool
	claims   []*corev1.PersistentVolumeClaim
}

// standing returns that. Without a look at the cluster, a rollback finds the ReplicaSet of the revision
// to which it goes.
func (a *Review) standing(c *change.Change, result *apiserver.Result) standing {
	has := standing{claims: a.Claimed[c.Ref.Namespace]}
	old, _ := result.Old.(*appsv1.Deployment)
	updated, is := result.New.(*appsv1.Deployment)
	if !is {
		return has
	}
	if known, remembers := rollout.Remembers(a.Running[c.Ref.Namespace], old, updated); known {
		has.template = remembers
	} else {
		has.template = a.Operation == change.Rollback
	}
	return has
}

// claims says why the claims of the first new pod of a StatefulSet are not let in; "" if they are, or
// are there.
func (g *guards) claims(set *appsv1.StatefulSet, m admission.PodMaker, pods *change.Pods, has standing) string {
	next := max(pods.Before, 0)
	if set.Spec.Ordinals != nil {
		next += int(set.Spec.Ordinals.Start)
	}
	for i := range set.Spec.VolumeClaimTemplates {
		template := &set.Spec.VolumeClaimTemplates[i]
		if why := g.after.Claim(template, m.Ref.Namespace); why != "" {
			return why
		}
		name := rollout.ClaimName(template.Name, m.Ref.Name, next)
		if slices.ContainsFunc(has.claims, func(claim *corev1.PersistentVolumeClaim) bool { return claim.Name == name }) {
			continue
		}
		if why := g.after.NewClaim(set, m, template, name); why != "" {
			return why
		}
	}
	return ""
}

// unclear returns what is not known of policies that new pods of a workload, or of a hook, meet.
func (g *guards) unclear(c *change.Change, result *apiserver.Result) []change.Doubt {
	if len(result.Outcome.Refused) > 0 || c.Ref.Kind == "Pod" || c.New == nil {
		return nil
	}
	var list []string
	switch p := c.Outcome.Pods; {
	case c.Hook != nil && c.Hook.Runs:
		list = g.during(c.New).UnclearPods(maker(c.Ref, apiserver.Typed(c.Ref, result.NewFields)))
	case c.Hook == nil && p != nil && p.Refused == "" && comes(c, result, p):
		list = g.after.UnclearPods(maker(c.Ref, result.New))
	}
	var doubts []change.Doubt
	for _, text := range list {
		doubts = append(doubts, change.Doubt{Reason: text, Hides: change.Stuck})
	}
	return doubts
}

// unasked is one notice of all webhooks that are asked about what the upgrade sends, and about
// new pods.
func (g *guards) unasked() []change.Notice {
	if g.webhooks == nil || len(g.webhooks.all) == 0 {
		return nil
	}
	return []change.Notice{{Hides: change.Rejected, Never: true, Reason: "admission webhooks look at what changes, and may reject it or change it: " +
		rule.SomeOf(slices.Sorted(maps.Keys(g.webhooks.all))) + "; --dry-run=server asks them, except about pods"}}
}

// comes reports whether new pods are to be made. A CronJob makes some whenever it runs.
func comes(c *change.Change, result *apiserver.Result, pods *change.Pods) bool {
	if c.Ref.Kind == "CronJob" {
		return !rollout.Rests(result.New)
	}
	return pods.Replaced || pods.Desired != 0 && pods.Before == 0 || pods.Desired > pods.Before
}

// barred says what keeps the pods of a hook out; "" for nothing.
func (g *guards) barred(c *change.Change, result *apiserver.Result) string {
	if c.Hook == nil || !c.Hook.Runs || c.New == nil || len(result.Outcome.Refused) > 0 || c.Ref.Kind == "Pod" || g.during(c.New) == nil {
		return ""
	}
	return g.during(c.New).Pods(maker(c.Ref, apiserver.Typed(c.Ref, result.NewFields)))
}

// maker is a workload as admission asks about its pods.
func maker(ref manifest.Ref, o runtime.Object) admission.PodMaker {
	return admission.PodMaker{Ref: ref, Object: o, Template: rollout.PodsOf(o)}
}
