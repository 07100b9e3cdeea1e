package rollout

import (
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// job: a running Job that is suspended or gets less parallelism deletes pods
// (manageJob in pkg/controller/job). Its template changes only while it is
// suspended. Whether it is done, and has no pods any more, the manifest does not
// tell.
func job(old, updated *batchv1.Job) (*change.Pods, []change.Doubt) {
	if done(old) {
		return &change.Pods{How: "the Job is done: it has no pods"}, nil
	}
	pods := scaled(jobPods(old), jobPods(updated), "")
	if pods.Desired > 0 {
		pods.Fewest = unknown // its pods end by themselves
	}
	if pods.Desired >= pods.Before {
		return pods, nil
	}
	if suspended(updated) {
		pods.How = "suspended: running pods are deleted"
	} else {
		pods.How = fmt.Sprintf("parallelism %d: further pods are deleted", replicas(updated.Spec.Parallelism))
	}
	return pods, []change.Doubt{{Reason: "whether the Job is done: a Job that is done has no pods to delete", Hides: change.Restart, Never: true}}
}

// jobPods is how many pods a Job runs at once until it is done.
func jobPods(j *batchv1.Job) int {
	if suspended(j) {
		return 0
	}
	parallel := replicas(j.Spec.Parallelism)
	if j.Spec.Completions == nil {
		return parallel
	}
	return min(parallel, int(*j.Spec.Completions))
}

// done reports whether a Job that was read from the cluster has ended.
func done(j *batchv1.Job) bool {
	return slices.ContainsFunc(j.Status.Conditions, func(c batchv1.JobCondition) bool {
		return (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue
	})
}

func suspended(j *batchv1.Job) bool { return j.Spec.Suspend != nil && *j.Spec.Suspend }

// cronJob: what runs already goes on; only Jobs still to come are made from the
// new spec (pkg/controller/cronjob).
func cronJob(old, updated *batchv1.CronJob) (*change.Pods, []change.Doubt) {
	pods := scaled(unknown, unknown, "")
	if !apiequality.Semantic.DeepEqual(old.Spec.JobTemplate, updated.Spec.JobTemplate) {
		pods.How = "the next run uses the new template; what runs already goes on"
	}
	return pods, nil
}
