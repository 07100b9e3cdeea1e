package safediff

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
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
				counts[key] = j.used(u, q)
			}
			if why := apiserver.Exceeded(q, counts[key], more); why != "" && len(o.Change.Outcome.Refused) == 0 {
				o.Change.Outcome.Refused = []change.FieldError{{Type: "Forbidden", Message: fmt.Sprintf("violates ResourceQuota %s (%s)", q.Name, why)}}
				o.Rollback = ""
			}
		}
		if len(o.Change.Outcome.Refused) == 0 && o.Hook == nil { // a hook may be gone again
			for _, q := range guards.Quotas(o.Ref().Namespace) {
				counts[q.Namespace+"/"+q.Name] = apiserver.Plus(counts[q.Namespace+"/"+q.Name], more)
			}
		}
	}
	j.crowded(u)
}

// asks is what an object counts for that comes, or how much more than before where an update is
// counted, too: of Services and claims (Handles in k8s.io/kubernetes/pkg/quota/v1/evaluator/core).
func (j *judge) asks(o *upgrade.Object) corev1.ResourceList {
	ref, c := o.Ref(), o.Change
	switch {
	case c.Op == change.Create && (c.Hook == nil || o.Old == nil): // what an earlier run of a hook has left, Helm deletes first
		return j.server.Usage(o.New)
	case c.Op == change.Update && ref.Group == "" && (ref.Kind == "Service" || ref.Kind == "PersistentVolumeClaim") && o.Old != nil:
		return apiserver.Growth(j.server.Usage(o.Old), j.server.Usage(o.New))
	default:
		return nil
	}
}

// used is what counts in a quota when the upgrade begins, without pods.
func (j *judge) used(u *upgrade.Upgrade, q *corev1.ResourceQuota) corev1.ResourceList {
	if len(q.Status.Used) > 0 {
		return q.Status.Used
	}
	sum := corev1.ResourceList{}
	for i := range u.Objects {
		o := u.Objects[i].Old
		if o != nil && o.Ref.Namespace == q.Namespace && !diff.IsHook(o) {
			sum = apiserver.Plus(sum, j.server.Usage(o))
		}
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

func (j *judge) crowd(u *upgrade.Upgrade, namespace string, q *corev1.ResourceQuota) {
	before, after := corev1.ResourceList{}, corev1.ResourceList{}
	var growing []*upgrade.Object
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Ref().Namespace != namespace || o.Hook != nil || !u.RunsPods(o.Ref()) || upgrade.Ends(o.Ref()) || o.Ref().Kind == "DaemonSet" {
			continue
		}
		was, is := j.podsUsage(o.Old, q, namespace, nil), j.podsUsage(o.Standing(upgrade.After), q, namespace, o.Change)
		before, after = apiserver.Plus(before, was), apiserver.Plus(after, is)
		if o.Change != nil && o.Change.Outcome.Pods != nil && o.Change.Outcome.Pods.Refused+o.Change.Outcome.Pods.Stuck == "" && apiserver.Grows(was, is) {
			growing = append(growing, o)
		}
	}
	says, others := "the release asks for %s in ResourceQuota %s", j.others(q, before)
	if len(others) > 0 {
		says = "with what else counts, that is %s in ResourceQuota %s"
	}
	why := apiserver.Exceeded(q, others, after)
	if why == "" || apiserver.Exceeded(q, others, before) != "" {
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
	return apiserver.Growth(release, q.Status.Used)
}

// podsUsage is what the pods of a workload count for in a quota.
func (j *judge) podsUsage(o *manifest.Object, q *corev1.ResourceQuota, namespace string, c *change.Change) corev1.ResourceList {
	if o == nil {
		return nil
	}
	value, err := o.Value()
	if err != nil {
		return nil
	}
	pods := upgrade.Replicas(o)
	if o.Ref.Kind == "Pod" {
		pods = 1
	}
	if c != nil && c.Outcome.Pods != nil && c.Outcome.Pods.Desired >= 0 && slices.Contains([]change.Op{change.Create, change.Update}, c.Op) {
		pods = c.Outcome.Pods.Desired
	}
	usage := j.guards.after.PodUsage(maker(o.Ref, apiserver.Typed(o.Ref, value)), q)
	return apiserver.Times(usage, pods)
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
		for _, q := range j.guards.after.Quotas(o.Ref.Namespace) {
			if len(q.Status.Used) > 0 {
				continue
			}
			if filled[q] == nil {
				filled[q] = q.DeepCopy()
				filled[q].Status.Hard, filled[q].Status.Used = q.Spec.Hard, corev1.ResourceList{}
				j.quotas[q.Namespace] = append(j.quotas[q.Namespace], filled[q])
			}
			filled[q].Status.Used = apiserver.Plus(filled[q].Status.Used, j.podsUsage(o, q, o.Ref.Namespace, nil))
		}
		o.Forget()
	}
}
