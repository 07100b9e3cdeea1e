package admissionreview

import (
	"cmp"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/admission"
	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// Exceeded refuses objects for which a quota has no room when Helm comes to them, and notes
// workloads whose pods have none. What is used is what the quota says, or else what the release
// itself has: a lower bound.
func (a *Review) Exceeded(u *upgrade.Upgrade) {
	if a.guards.applied == nil {
		return
	}
	counts := map[string]corev1.ResourceList{}
	for _, step := range a.Steps(u.Objects) {
		o := &u.Objects[step.Pair]
		if step.Phase == diff.Never || step.Phase == diff.Remove || o.New == nil || o.Change == nil || len(o.Change.Outcome.Refused) > 0 {
			continue
		}
		guards := a.guards.applied
		if o.Hook != nil {
			guards = a.guards.during(o.New)
		}
		more := a.asks(o)
		for _, q := range guards.Quotas(o.Ref().Namespace) {
			key := q.Namespace + "/" + q.Name
			if counts[key] == nil {
				counts[key] = admission.Plus(a.used(u, q), a.recorded(q))
			}
			a.exceeds(u, o, guards, q, counts[key], more)
		}
		if len(o.Change.Outcome.Refused) == 0 && o.Hook == nil { // a hook may be gone again
			for _, q := range guards.Quotas(o.Ref().Namespace) {
				key := q.Namespace + "/" + q.Name
				counts[key] = admission.Plus(counts[key], admission.Plus(more, a.firstPod(o, guards, q)))
			}
		}
	}
	a.crowded(u)
}

// recorded is what the records of the release count for in a quota when Helm comes to its objects: that
// of this revision is new, and that of the installed one counts where the quota does not say what is
// used. Where Helm deletes an old record, it is no more than before.
func (a *Review) recorded(q *corev1.ResourceQuota) corev1.ResourceList {
	if a.Record.Kind == "" || q.Namespace != cmp.Or(a.Namespace, "default") || a.Operation == change.Uninstall {
		return nil
	}
	record, err := a.RecordObject()
	if err != nil {
		return nil
	}
	usage := a.Server.Usage(record)
	switch has := a.Operation != change.Install; {
	case has && len(q.Status.Used) == 0:
		return admission.Plus(usage, usage)
	case a.Prunes():
		return nil
	default:
		return usage
	}
}

// exceeds refuses an object for which a quota has no room, and notes a hook for whose pods it has none.
func (a *Review) exceeds(u *upgrade.Upgrade, o *upgrade.Object, guards *admission.Guards, q *corev1.ResourceQuota, used, more corev1.ResourceList) {
	pod := a.firstPod(o, guards, q)
	if o.Hook != nil && guards == a.guards.after && len(pod) > 0 { // workloads have their new pods by then
		before, after, _ := a.podsOf(u, q.Namespace, q)
		used = admission.Plus(used, admission.Growth(before, after))
	}
	if o.Ref().Kind == "Pod" {
		more, pod = admission.Plus(more, pod), nil
	}
	if why := admission.Exceeded(q, used, more); why != "" && len(o.Change.Outcome.Refused) == 0 {
		o.Change.Outcome.Refused = []change.FieldError{{Type: "Forbidden", Message: fmt.Sprintf("violates ResourceQuota %s (%s)", q.Name, why)}}
		o.Rollback = ""
	}
	if why := admission.Exceeded(q, used, pod); len(pod) > 0 && why != "" && o.Barred == "" {
		o.Barred = fmt.Sprintf("ResourceQuota %s (with what else counts, that is %s)", q.Name, why)
	}
}

// firstPod is what the first pod of a hook counts for in a quota, or a bare Pod that comes. What an earlier
// run of a hook has left, Helm deletes first.
func (a *Review) firstPod(o *upgrade.Object, guards *admission.Guards, q *corev1.ResourceQuota) corev1.ResourceList {
	if o.Hook == nil && (!bare(o) || o.Change.Op != change.Create) || !upgrade.Awaits(o.Ref()) || a.template(o.New) == nil {
		return nil
	}
	usage := guards.PodUsage(maker(o.Ref(), apiserver.Typed(o.Ref(), upgrade.Value(o.New))), q)
	if o.Hook != nil && o.Old != nil {
		delete(usage, "count/pods")
	}
	return usage
}

// asks is what an object counts for that comes, or how much more than before where an update is
// counted, too: of Services and claims (Handles in k8s.io/kubernetes/pkg/quota/v1/evaluator/core).
func (a *Review) asks(o *upgrade.Object) corev1.ResourceList {
	ref, c := o.Ref(), o.Change
	switch {
	case c.Op == change.Create && (c.Hook == nil || o.Old == nil): // what an earlier run of a hook has left, Helm deletes first
		return a.Server.Usage(o.New)
	case c.Op == change.Update && ref.Group == "" && (ref.Kind == "Service" || ref.Kind == "PersistentVolumeClaim") && o.Old != nil:
		return admission.Growth(a.Server.Usage(o.Old), a.Server.Usage(o.New))
	default:
		return nil
	}
}

// used is what counts in a quota when the upgrade begins. Where the quota does not say that, it is what the
// release has; without its pods, if these do not all fit, or are not known.
func (a *Review) used(u *upgrade.Upgrade, q *corev1.ResourceQuota) corev1.ResourceList {
	if len(q.Status.Used) > 0 {
		return q.Status.Used
	}
	sum := corev1.ResourceList{}
	for i := range u.Objects {
		o := u.Objects[i].Old
		if o != nil && o.Ref.Namespace == q.Namespace && !diff.IsHook(o) {
			sum = admission.Plus(sum, a.Server.Usage(o))
		}
	}
	if pods, _, _ := a.podsOf(u, q.Namespace, q); admission.Exceeded(q, sum, pods) == "" {
		sum = admission.Plus(sum, pods)
	}
	return sum
}

// crowded notes the workloads that ask for more than before, where the pods of the release do
// not fit into a quota when the upgrade is over, and did before.
func (a *Review) crowded(u *upgrade.Upgrade) {
	quotas := map[string][]*corev1.ResourceQuota{}
	for i := range u.Objects {
		namespace := u.Objects[i].Ref().Namespace
		if _, known := quotas[namespace]; !known && namespace != "" {
			quotas[namespace] = a.guards.after.Quotas(namespace)
		}
	}
	for namespace, list := range quotas {
		for _, q := range list {
			a.crowd(u, namespace, q)
		}
	}
}

// podsOf is what the pods of the release count for in a quota before and after the upgrade, with the
// claims of StatefulSets, and which workloads come to count for more.
func (a *Review) podsOf(u *upgrade.Upgrade, namespace string, q *corev1.ResourceQuota) (before, after corev1.ResourceList, growing []*upgrade.Object) {
	before, after = corev1.ResourceList{}, corev1.ResourceList{}
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Ref().Namespace != namespace || o.Hook != nil || !u.RunsPods(o.Ref()) || upgrade.Ends(o.Ref()) {
			continue
		}
		had, has, known := numbers(o)
		if !known {
			continue
		}
		was, is := a.podsUsage(o.Old, q, had), a.podsUsage(o.Standing(upgrade.After), q, has)
		kept := a.claimsUsage(o.Old, q, 0, had)
		was, is = admission.Plus(was, kept), admission.Plus(is, admission.Plus(kept, a.claimsUsage(o.Standing(upgrade.After), q, had, has)))
		before, after = admission.Plus(before, was), admission.Plus(after, is)
		if !bare(o) && o.Change != nil && o.Change.Outcome.Pods != nil && o.Change.Outcome.Pods.Refused+o.Change.Outcome.Pods.Stuck == "" && admission.Grows(was, is) {
			growing = append(growing, o)
		}
	}
	return before, after, growing
}

// numbers are how many pods a workload has before and after the upgrade, and whether that is known.
func numbers(o *upgrade.Object) (had, has int, known bool) {
	if o.Old != nil {
		had = upgrade.Replicas(o.Old)
	}
	if after := o.Standing(upgrade.After); after != nil {
		has = upgrade.Replicas(after)
	}
	if o.Ref().Kind == "Pod" {
		had, has = min(had, 1), min(has, 1)
	}
	var p *change.Pods
	if o.Change != nil {
		p = o.Change.Outcome.Pods
	}
	if p != nil && p.Desired >= 0 && slices.Contains([]change.Op{change.Create, change.Update}, o.Change.Op) {
		has = p.Desired
	}
	if o.Ref().Kind == "DaemonSet" {
		if p == nil || min(p.Before, p.Desired) < 0 {
			return 0, 0, false
		}
		had, has = p.Before, p.Desired
	}
	return had, has, true
}

func (a *Review) crowd(u *upgrade.Upgrade, namespace string, q *corev1.ResourceQuota) {
	before, after, growing := a.podsOf(u, namespace, q)
	says, others := "the release asks for %s in ResourceQuota %s", a.others(q, before)
	if len(others) > 0 {
		says = "with what else counts, that is %s in ResourceQuota %s"
	}
	why := admission.Exceeded(q, others, after)
	if why == "" || admission.Exceeded(q, others, before) != "" {
		return
	}
	for _, o := range growing {
		if p := o.Change.Outcome.Pods; p.Replaced && !p.AllDown {
			p.Affected, p.How = -1, "until the quota is full"
		}
		o.Crowded = fmt.Sprintf(says, why, q.Name)
	}
}

// others is what a quota counts besides the pods of the release, where the cluster has told what is
// used. Where an autoscaler has set the number of pods, it cannot be told apart.
func (a *Review) others(q *corev1.ResourceQuota, release corev1.ResourceList) corev1.ResourceList {
	if len(q.Status.Used) == 0 {
		return nil
	}
	for id := range a.Scaled {
		if id.Namespace == q.Namespace {
			return nil
		}
	}
	return admission.Growth(release, q.Status.Used)
}

// podsUsage is what so many pods of a workload count for in a quota.
func (a *Review) podsUsage(o *manifest.Object, q *corev1.ResourceQuota, pods int) corev1.ResourceList {
	value := upgrade.Value(o)
	if value == nil {
		return nil
	}
	return admission.Times(a.guards.after.PodUsage(maker(o.Ref, apiserver.Typed(o.Ref, value)), q), pods)
}

// claimsUsage is what the claims of some pods of a StatefulSet count for in a quota, from one number
// up to another. Those that are there already count among what is used.
func (a *Review) claimsUsage(o *manifest.Object, q *corev1.ResourceQuota, from, to int) corev1.ResourceList {
	if o == nil || o.Ref.Kind != "StatefulSet" {
		return nil
	}
	set, is := apiserver.Typed(o.Ref, upgrade.Value(o)).(*appsv1.StatefulSet)
	if !is || len(set.Spec.VolumeClaimTemplates) == 0 {
		return nil
	}
	pods := 0
	for n := from; n < to; n++ {
		name := rollout.ClaimName(set.Spec.VolumeClaimTemplates[0].Name, o.Ref.Name, n)
		if from == 0 || !slices.ContainsFunc(a.Claimed[o.Ref.Namespace], func(c *corev1.PersistentVolumeClaim) bool { return c.Name == name }) {
			pods++
		}
	}
	return admission.Times(a.Server.ClaimUsage(set, q), pods)
}

// Full says which quota has no room for one more pod of a workload; "" if all have.
func (a *Review) Full(ref manifest.Ref, workload runtime.Object) string {
	for _, q := range a.quotas[ref.Namespace] {
		if full := admission.Full(q, a.guards.after.PodUsage(maker(ref, workload), q)); full != "" {
			return fmt.Sprintf("ResourceQuota %s has no room for one more pod (%s)", q.Name, full)
		}
	}
	return ""
}

// fillQuotas notes the quotas after the upgrade, with what is used of them. Where the cluster has
// not told that, it is at least what the pods of the installed release count for.
func (a *Review) fillQuotas(old []*manifest.Object) {
	if a.guards.after == nil {
		return
	}
	a.quotas = map[string][]*corev1.ResourceQuota{}
	for _, q := range a.guards.after.AllQuotas() {
		if len(q.Status.Used) > 0 {
			a.quotas[q.Namespace] = append(a.quotas[q.Namespace], q)
		}
	}
	filled := map[*corev1.ResourceQuota]*corev1.ResourceQuota{}
	for _, o := range old {
		_, runs := a.Rollout.PodTemplate(o.Ref.Group, o.Ref.Kind)
		if !runs || diff.IsHook(o) || upgrade.Ends(o.Ref) || o.Ref.Kind == "DaemonSet" || a.Scaled[o.Ref.Identity()] {
			continue
		}
		pods := upgrade.Replicas(o)
		if o.Ref.Kind == "Pod" {
			pods = 1
		}
		for _, q := range a.guards.after.Quotas(o.Ref.Namespace) {
			if len(q.Status.Used) > 0 {
				continue
			}
			if filled[q] == nil {
				filled[q] = q.DeepCopy()
				filled[q].Status.Hard, filled[q].Status.Used = q.Spec.Hard, corev1.ResourceList{}
				a.quotas[q.Namespace] = append(a.quotas[q.Namespace], filled[q])
			}
			filled[q].Status.Used = admission.Plus(filled[q].Status.Used, a.podsUsage(o, q, pods))
		}
		o.Forget()
	}
}

// Unrecorded returns the record of the release as an object for which a quota has no room: Helm fails
// before it does anything else (performUpgrade in helm.sh/helm/v3/pkg/action). What is used is what
// the quota says, or else at least what the release itself has, and the record of its revision. nil if
// there is room. It is doubtful where Helm first deletes the oldest of many records (Create in
// helm.sh/helm/v3/pkg/storage): how long the quota goes on counting that is not known.
func (a *Review) Unrecorded(objects []upgrade.Object) (*upgrade.Object, []change.Notice, error) {
	kind := a.Record.Kind
	if kind == "" || a.Operation == change.Uninstall || a.Operation == change.Install {
		return nil, nil, nil
	}
	namespace := cmp.Or(a.Namespace, "default")
	record, err := a.RecordObject()
	if err != nil {
		return nil, nil, err
	}
	more := a.Server.Usage(record)
	for _, q := range a.guards.early.Quotas(namespace) {
		used := q.Status.Used
		if len(used) == 0 {
			used = more // the record of the installed revision
			for i := range objects {
				if o := objects[i].Old; o != nil && o.Ref.Kind == kind && o.Ref.Namespace == namespace && !diff.IsHook(o) {
					used = admission.Plus(used, a.Server.Usage(o))
				}
			}
		}
		why := admission.Exceeded(q, used, more)
		if why == "" {
			continue
		}
		why = fmt.Sprintf("violates ResourceQuota %s (with the record of the release, that is %s)", q.Name, why)
		if a.Prunes() {
			return nil, []change.Notice{{Hides: change.Rejected, All: true, Reason: "whether Helm can store the release before it deletes an older record of it: that " + why}}, nil
		}
		c := change.Change{Ref: record.Ref, Op: change.Create, New: record, Outcome: change.Outcome{Upfront: true, Refused: []change.FieldError{{Type: "Forbidden", Message: why}}}}
		return &upgrade.Object{Pair: diff.Pair{New: record}, Phase: diff.Apply, Change: &c}, nil, nil
	}
	return nil, nil, nil
}
