package rollout

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

const keepsTemplate = "running pods keep the old template"

// replicaSet: a ReplicaSet only counts its pods (pkg/controller/replicaset); its
// template is for pods that are still to come.
func replicaSet(old, updated *appsv1.ReplicaSet) (*change.Pods, []string) {
	how := ""
	if !apiequality.Semantic.DeepEqual(old.Spec.Template, updated.Spec.Template) {
		how = keepsTemplate
	}
	return scaled(replicas(old.Spec.Replicas), replicas(updated.Spec.Replicas), how), nil
}

// replicationController: as a ReplicaSet, but its selector may change, and then
// it lets go of the pods that no longer fit.
func replicationController(old, updated *corev1.ReplicationController) (*change.Pods, []string) {
	before, desired := replicas(old.Spec.Replicas), replicas(updated.Spec.Replicas)
	how := ""
	switch {
	case old.Spec.Template != nil &&
		!labels.SelectorFromSet(updated.Spec.Selector).Matches(labels.Set(old.Spec.Template.Labels)):
		how = "the selector no longer fits the running pods: they stay, orphaned, beside new ones"
	case !apiequality.Semantic.DeepEqual(old.Spec.Template, updated.Spec.Template):
		how = keepsTemplate
	}
	return scaled(before, desired, how), nil
}

func jobPods(j *batchv1.Job) int {
	if j.Spec.Suspend != nil && *j.Spec.Suspend {
		return 0
	}
	return replicas(j.Spec.Parallelism)
}

// job: suspending a Job deletes its pods (pkg/controller/job); whether it still
// has any the manifest does not tell.
func job(old, updated *batchv1.Job) (*change.Pods, []string) {
	before, desired := jobPods(old), jobPods(updated)
	if before > 0 && desired == 0 {
		return &change.Pods{Before: before, Affected: before, How: "suspended: its pods are deleted, unless the Job is done", AllDown: true}, nil
	}
	return scaled(before, desired, ""), nil
}

// cronJob: what runs already goes on.
func cronJob(old, updated *batchv1.CronJob) (*change.Pods, []string) {
	pods := &change.Pods{Before: unknown, Desired: unknown, Fewest: unknown}
	if !apiequality.Semantic.DeepEqual(old.Spec.JobTemplate, updated.Spec.JobTemplate) {
		pods.How = "the next run uses the new template; what runs already goes on"
	}
	return pods, nil
}

// pod: of what may change in a running Pod, only another image makes the kubelet
// restart something, and only that container.
func pod(old, updated *corev1.Pod) (*change.Pods, []string) {
	pods := &change.Pods{Before: 1, Desired: 1, Fewest: 1}
	images := map[string]string{}
	for i := range old.Spec.Containers {
		images[old.Spec.Containers[i].Name] = old.Spec.Containers[i].Image
	}
	for i := range updated.Spec.Containers {
		if c := &updated.Spec.Containers[i]; images[c.Name] != c.Image {
			pods.Replaced, pods.Affected, pods.Fewest = true, 1, 0
			pods.AllDown = true
			pods.How = "the container is restarted in place"
		}
	}
	return pods, nil
}
