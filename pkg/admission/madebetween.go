package admission

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	deploymentutil "k8s.io/kubernetes/pkg/controller/deployment/util"
)

// byController is what a controller makes on the way to pods.
type byController struct {
	object   runtime.Object
	gvk      schema.GroupVersionKind
	resource string
	// account is the service account in kube-system with which it is made.
	account string
}

// Between says why policies deny what a controller makes before it makes pods: the ReplicaSet of a
// Deployment that has so many pods, the Job of a CronJob. It is "" if none does, and for all other kinds.
func (g *Guards) Between(m PodMaker, pods int) string {
	if g == nil || g.policies == nil {
		return ""
	}
	switch o := m.Object.(type) {
	case *appsv1.Deployment:
		if set := replicaSetOf(o, m, pods); set != nil {
			why := g.denied(byController{set, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"), "replicasets", "deployment-controller"}, m.Ref.Namespace, set.Name)
			return with(why, "the ReplicaSet that is created for them")
		}
	case *batchv1.CronJob:
		job := jobOf(o, m)
		why := g.denied(byController{job, batchv1.SchemeGroupVersion.WithKind("Job"), "jobs", "cronjob-controller"}, m.Ref.Namespace, job.Name)
		return with(why, "the Job that is created for them")
	}
	return ""
}

// with says in which object it is that something is violated.
func with(why, object string) string {
	if why == "" {
		return ""
	}
	return why + ", with " + object
}

// denied asks policies about an object that a controller makes, as the API server stores it.
func (g *Guards) denied(m byController, namespace, name string) string {
	if named := g.policies.named; !named[m.resource] && !named["*"] && !named["*/*"] {
		return ""
	}
	legacyscheme.Scheme.Default(m.object)
	object, err := legacyscheme.Scheme.ConvertToVersion(m.object, schema.GroupVersion{Group: m.gvk.Group, Version: runtime.APIVersionInternal})
	if err != nil {
		return ""
	}
	g.server.Prepare(m.gvk.GroupKind(), object)
	by := &user.DefaultInfo{Name: serviceaccount.MakeUsername(metav1.NamespaceSystem, m.account), Groups: append(serviceaccount.MakeGroupNames(metav1.NamespaceSystem), user.AllAuthenticated)}
	why, _ := g.policies.ask(admission.NewAttributesRecord(object, nil, m.gvk, namespace, name, g.server.Resource(m.gvk), "", admission.Create, &metav1.CreateOptions{}, false, by))
	if why == "" {
		return ""
	}
	return briefly(why)
}

// replicaSetOf is the ReplicaSet that the controller makes for a new template, while there are pods of
// others (getNewReplicaSet in k8s.io/kubernetes/pkg/controller/deployment); nil if that is not known.
func replicaSetOf(d *appsv1.Deployment, m PodMaker, pods int) *appsv1.ReplicaSet {
	if d.Spec.Selector == nil {
		return nil
	}
	d = d.DeepCopy()
	legacyscheme.Scheme.Default(d)
	hash := map[string]string{appsv1.DefaultDeploymentUniqueLabelKey: generated}
	template, selector := d.Spec.Template.DeepCopy(), d.Spec.Selector.DeepCopy()
	template.Labels, selector.MatchLabels = labels.Merge(template.Labels, hash), labels.Merge(selector.MatchLabels, hash)
	set := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Name: m.Ref.Name + "-" + generated, Namespace: m.Ref.Namespace, Labels: template.Labels, OwnerReferences: m.ownedBy()},
		Spec:       appsv1.ReplicaSetSpec{Replicas: new(int32), MinReadySeconds: d.Spec.MinReadySeconds, Selector: selector, Template: *template},
	}
	old := int32(pods) //nolint:gosec // a number of pods
	replicas, err := deploymentutil.NewRSNewReplicas(d, []*appsv1.ReplicaSet{set, {Spec: appsv1.ReplicaSetSpec{Replicas: &old}}}, set)
	if err != nil {
		return nil
	}
	*set.Spec.Replicas = replicas
	deploymentutil.SetNewReplicaSetAnnotations(context.Background(), d, set, "1", false, 0)
	return set
}

// jobOf is the next Job of a CronJob (getJobFromTemplate2 in k8s.io/kubernetes/pkg/controller/cronjob).
func jobOf(c *batchv1.CronJob, m PodMaker) *batchv1.Job {
	template := c.Spec.JobTemplate.DeepCopy()
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{
			Name: m.Ref.Name + "-" + generated, Namespace: m.Ref.Namespace, Labels: template.Labels, OwnerReferences: m.ownedBy(),
			Annotations: labels.Merge(template.Annotations, map[string]string{batchv1.CronJobScheduledTimestampAnnotation: "1970-01-01T00:00:01Z"}),
		},
		Spec: template.Spec,
	}
}

// ownedBy is the object itself, as the owner of what its controller makes.
func (m PodMaker) ownedBy() []metav1.OwnerReference {
	o := m.owner()
	o.Kind, o.Name = m.Ref.Kind, m.Ref.Name
	return []metav1.OwnerReference{*o}
}

// NewClaim says why policies deny a claim of a name that a StatefulSet makes of a template; "" if none
// does (getPersistentVolumeClaims in k8s.io/kubernetes/pkg/controller/statefulset).
func (g *Guards) NewClaim(set *appsv1.StatefulSet, m PodMaker, template *corev1.PersistentVolumeClaim, name string) string {
	if g == nil || g.policies == nil {
		return ""
	}
	claim := template.DeepCopy()
	claim.Name, claim.Namespace = name, m.Ref.Namespace
	if set.Spec.Selector != nil {
		claim.Labels = labels.Merge(claim.Labels, set.Spec.Selector.MatchLabels)
	}
	why := g.denied(byController{claim, corev1.SchemeGroupVersion.WithKind("PersistentVolumeClaim"), "persistentvolumeclaims", "statefulset-controller"}, claim.Namespace, claim.Name)
	return with(why, "the claims that are created for them")
}
