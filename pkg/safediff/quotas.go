package safediff

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

// exceeded refuses objects for which a quota has no room when Helm comes to them, and notes
// workloads whose pods have none. What is used is what the quota says, or else what the release
// itself has: a lower bound.
func (j *judge) exceeded(u *upgrade.Upgrade) {
	if j.guards.applied == nil {
		return
	}
	counts := map[string]corev1.ResourceList{}
	for _, step := range j.steps(u.Objects) {
		o := &u.Objects[step.Pair]
		if step.Phase == diff.Never || step.Phase == diff.Remove || o.New == nil || o.Change == nil || len(o.Change.Outcome.Refused) > 0 {
			continue
		}
		guards := j.guards.applied
		if o.Hook != nil {
			guards = j.guards.during(o.New)
		}
		more := j.asks(o)
		for _, q := range guards.Quotas(o.Ref().Namespace) {
			key := q.Namespace + "/" + q.Name
			if counts[key] == nil {
				counts[key] = admission.Plus(j.used(u, q), j.recorded(q))
			}
			j.exceeds(u, o, guards, q, counts[key], more)
		}
		if len(o.Change.Outcome.Refused) == 0 && o.Hook == nil { // a hook may be gone again
			for _, q := range guards.Quotas(o.Ref().Namespace) {
				key := q.Namespace + "/" + q.Name
				counts[key] = admission.Plus(counts[key], admission.Plus(more, j.firstPod(o, guards, q)))
			}
		}
	}
	j.crowded(u)
}

// recorded is what the records of the release count for in a quota when Helm comes to its objects: that
// of this revision is new, and that of the installed one counts where the quota does not say what is
// used. Where Helm deletes an old record, it is no more than before.
func (j *judge) recorded(q *corev1.ResourceQuota) corev1.ResourceList {
	if j.opts.Record.Kind == "" || q.Namespace != cmp.Or(j.opts.Namespace, "default") || j.opts.Operation == change.Uninstall {
		return nil
	}
	record, err := j.recordObject()
	if err != nil {
		return nil
	}
	usage := j.server.Usage(record)
	switch has := j.opts.Operation != change.Install; {
	case has && len(q.Status.Used) == 0:
		return admission.Plus(usage, usage)
	case j.prunes():
		return nil
	default:
		return usage
	}
}

// exceeds refuses an object for which a quota has no room, and notes a hook for whose pods it has none.
func (j *judge) exceeds(u *upgrade.Upgrade, o *upgrade.Object, guards *admission.Guards, q *corev1.ResourceQuota, used, more corev1.ResourceList) {
	pod := j.firstPod(o, guards, q)
	if o.Hook != nil && guards == j.guards.after && len(pod) > 0 { // workloads have their new pods by then
		before, after, _ := j.podsOf(u, q.Namespace, q)
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
func (j *judge) firstPod(o *upgrade.Object, guards *admission.Guards, q *corev1.ResourceQuota) corev1.ResourceList {
	if o.Hook == nil && (!bare(o) || o.Change.Op != change.Create) || !upgrade.Awaits(o.Ref()) || j.template(o.New) == nil {
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
func (j *judge) asks(o *upgrade.Object) corev1.ResourceList {
	ref, c := o.Ref(), o.Change
	switch {
	case c.Op == change.Create && (c.Hook == nil || o.Old == nil): // what an earlier run of a hook has left, Helm deletes first
		return j.server.Usage(o.New)
	case c.Op == change.Update && ref.Group == "" && (ref.Kind == "Service" || ref.Kind == "PersistentVolumeClaim") && o.Old != nil:
		return admission.Growth(j.server.Usage(o.Old), j.server.Usage(o.New))
	default:
		return nil
	}
}

// used is what counts in a quota when the upgrade begins. Where the quota does not say that, it is what the
// release has; without its pods, if these do not all fit, or are not known.
func (j *judge) used(u *upgrade.Upgrade, q *corev1.ResourceQuota) corev1.ResourceList {
	if len(q.Status.Used) > 0 {
		return q.Status.Used
	}
	sum := corev1.ResourceList{}
	for i := range u.Objects {
		o := u.Objects[i].Old
		if o != nil && o.Ref.Namespace == q.Namespace && !diff.IsHook(o) {
			sum = admission.Plus(sum, j.server.Usage(o))
		}
	}
	if pods, _, _ := j.podsOf(u, q.Namespace, q); admission.Exceeded(q, sum, pods) == "" {
		sum = admission.Plus(sum, pods)
	}
	return sum
}

// crowded notes the workloads that ask for more than before, where the pods of the release do
// not fit into a quota when the upgrade is over, and did before.
func (j *judge) crowded(u *upgrade.Upgrade) {
	quotas := map[string][]*corev1.ResourceQuota{}
	for i := range u.Objects {
		namespace := u.Objects[i].Ref().Namespace
		if _, known := quotas[namespace]; !known && namespace != "" {
			quotas[namespace] = j.guards.after.Quotas(namespace)
		}
	}
	for namespace, list := range quotas {
		for _, q := range list {
			j.crowd(u, namespace, q)
		}
	}
}

// podsOf is what the pods of the release count for in a quota before and after the upgrade, with the
// claims of StatefulSets, and which workloads come to count for more.
func (j *judge) podsOf(u *upgrade.Upgrade, namespace string, q *corev1.ResourceQuota) (before, after corev1.ResourceList, growing []*upgrade.Object) {
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
		was, is := j.podsUsage(o.Old, q, had), j.podsUsage(o.Standing(upgrade.After), q, has)
		kept := j.claimsUsage(o.Old, q, 0, had)
		was, is = admission.Plus(was, kept), admission.Plus(is, admission.Plus(kept, j.claimsUsage(o.Standing(upgrade.After), q, had, has)))
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

func (j *judge) crowd(u *upgrade.Upgrade, namespace string, q *corev1.ResourceQuota) {
	before, after, growing := j.podsOf(u, namespace, q)
	says, others := "the release asks for %s in ResourceQuota %s", j.others(q, before)
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
func (j *judge) others(q *corev1.ResourceQuota, release corev1.ResourceList) corev1.ResourceList {
	if len(q.Status.Used) == 0 {
		return nil
	}
	for id := range j.scaled {
		if id.Namespace == q.Namespace {
			return nil
		}
	}
	return admission.Growth(release, q.Status.Used)
}

// podsUsage is what so many pods of a workload count for in a quota.
func (j *judge) podsUsage(o *manifest.Object, q *corev1.ResourceQuota, pods int) corev1.ResourceList {
	value := upgrade.Value(o)
	if value == nil {
		return nil
	}
	return admission.Times(j.guards.after.PodUsage(maker(o.Ref, apiserver.Typed(o.Ref, value)), q), pods)
}

// claimsUsage is what the claims of some pods of a StatefulSet count for in a quota, from one number
// up to another. Those that are there already count among what is used.
func (j *judge) claimsUsage(o *manifest.Object, q *corev1.ResourceQuota, from, to int) corev1.ResourceList {
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
		if from == 0 || !slices.ContainsFunc(j.claimed[o.Ref.Namespace], func(c *corev1.PersistentVolumeClaim) bool { return c.Name == name }) {
			pods++
		}
	}
	return admission.Times(j.server.ClaimUsage(set, q), pods)
}

// full says which quota has no room for one more pod of a workload; "" if all have.
func (j *judge) full(ref manifest.Ref, workload runtime.Object) string {
	for _, q := range j.quotas[ref.Namespace] {
		if full := admission.Full(q, j.guards.after.PodUsage(maker(ref, workload), q)); full != "" {
			return fmt.Sprintf("ResourceQuota %s has no room for one more pod (%s)", q.Name, full)
		}
	}
	return ""
}

// fillQuotas notes the quotas after the upgrade, with what is used of them. Where the cluster has
// not told that, it is at least what the pods of the installed release count for.
func (j *judge) fillQuotas(old []*manifest.Object) {
	if j.guards.after == nil {
		return
	}
	j.quotas = map[string][]*corev1.ResourceQuota{}
	for _, q := range j.guards.after.AllQuotas() {
		if len(q.Status.Used) > 0 {
			j.quotas[q.Namespace] = append(j.quotas[q.Namespace], q)
		}
	}
	filled := map[*corev1.ResourceQuota]*corev1.ResourceQuota{}
	for _, o := range old {
		_, runs := j.rollout.PodTemplate(o.Ref.Group, o.Ref.Kind)
		if !runs || diff.IsHook(o) || upgrade.Ends(o.Ref) || o.Ref.Kind == "DaemonSet" || j.scaled[o.Ref.Identity()] {
			continue
		}
		pods := upgrade.Replicas(o)
		if o.Ref.Kind == "Pod" {
			pods = 1
		}
		for _, q := range j.guards.after.Quotas(o.Ref.Namespace) {
			if len(q.Status.Used) > 0 {
				continue
			}
			if filled[q] == nil {
				filled[q] = q.DeepCopy()
				filled[q].Status.Hard, filled[q].Status.Used = q.Spec.Hard, corev1.ResourceList{}
				j.quotas[q.Namespace] = append(j.quotas[q.Namespace], filled[q])
			}
			filled[q].Status.Used = admission.Plus(filled[q].Status.Used, j.podsUsage(o, q, pods))
		}
		o.Forget()
	}
}
