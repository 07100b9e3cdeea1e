package admission

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/authentication/user"
	api "k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/controller/daemon/util"
	accounts "k8s.io/kubernetes/plugin/pkg/admission/serviceaccount"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// PodMaker is an object of which a controller makes pods, with their template. Of a Pod it is the
// Pod itself.
type PodMaker struct {
	Ref      manifest.Ref
	Object   runtime.Object
	Template *corev1.PodTemplateSpec
}

// generated stands for what the API server and controllers append to names.
const generated = "xxxxx"

// madeBy are the service accounts in kube-system with which controllers make pods
// (k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy).
func madeBy(kind string) string {
	return map[string]string{
		"Deployment": "replicaset-controller", "ReplicaSet": "replicaset-controller", "ReplicationController": "replication-controller",
		"StatefulSet": "statefulset-controller", "DaemonSet": "daemon-set-controller", "Job": "job-controller", "CronJob": "job-controller",
	}[kind]
}

// user is who makes the pods.
func (m PodMaker) user() user.Info {
	account := madeBy(m.Ref.Kind)
	if account == "" {
		return apiserver.HelmUser()
	}
	return &user.DefaultInfo{
		Name: serviceaccount.MakeUsername(metav1.NamespaceSystem, account), Groups: append(serviceaccount.MakeGroupNames(metav1.NamespaceSystem), user.AllAuthenticated),
	}
}

// owner is the object that owns the pods: what a controller makes in between has another name.
func (m PodMaker) owner() *metav1.OwnerReference {
	yes := true
	o := &metav1.OwnerReference{
		APIVersion: schema.GroupVersion{Group: m.Ref.Group, Version: m.Ref.Version}.String(), Kind: m.Ref.Kind, Name: m.Ref.Name,
		UID: "00000000-0000-4000-8000-000000000000", Controller: &yes, BlockOwnerDeletion: &yes,
	}
	switch m.Ref.Kind {
	case "Deployment":
		o.Kind, o.Name = "ReplicaSet", o.Name+"-"+generated
	case "CronJob":
		o.Kind, o.Name = "Job", o.Name+"-"+generated
	}
	return o
}

// pod returns the first pod that is made, before admission; nil if the template does not fit
// (GetPodFromTemplate in k8s.io/kubernetes/pkg/controller).
func (m PodMaker) pod() *api.Pod {
	if m.Template == nil {
		return nil
	}
	template := m.Template.DeepCopy()
	if madeBy(m.Ref.Kind) != "" {
		owner := m.owner()
		template.ObjectMeta = metav1.ObjectMeta{
			Labels: maps.Clone(template.Labels), Annotations: template.Annotations, Finalizers: template.Finalizers,
			GenerateName: owner.Name + "-", OwnerReferences: []metav1.OwnerReference{*owner},
		}
		if template.Labels == nil {
			template.Labels = map[string]string{}
		}
		m.identify(template, owner)
	}
	return newPod(template, m.Ref.Namespace)
}

// identify gives a pod what its controller adds to the template.
func (m PodMaker) identify(pod *corev1.PodTemplateSpec, owner *metav1.OwnerReference) {
	label := func(value string, names ...string) {
		for _, name := range names {
			if pod.Labels[name] == "" {
				pod.Labels[name] = value
			}
		}
	}
	switch m.Ref.Kind {
	case "Deployment":
		label(generated, appsv1.DefaultDeploymentUniqueLabelKey)
	case "DaemonSet": // CreatePodTemplate and podsShouldBeOnNode in k8s.io/kubernetes/pkg/controller/daemon
		label(generated, appsv1.ControllerRevisionHashLabelKey)
		label("1", "pod-template-generation") // appsv1.DeprecatedTemplateGeneration, of templates
		util.AddOrUpdateDaemonPodTolerations(&pod.Spec)
		pod.Spec.Affinity = util.ReplaceDaemonSetPodNodeNameNodeAffinity(pod.Spec.Affinity, "node")
	case "Job", "CronJob": // k8s.io/kubernetes/pkg/controller/job
		label(owner.Name, batchv1.JobNameLabel, "job-name")
		label(string(owner.UID), batchv1.ControllerUidLabel, "controller-uid")
		pod.Finalizers = append(slices.Clone(pod.Finalizers), batchv1.JobTrackingFinalizer)
	case "StatefulSet": // newStatefulSetPod in k8s.io/kubernetes/pkg/controller/statefulset
		m.identifySetPod(pod, label)
	}
}

// identifySetPod gives the first pod of a StatefulSet its name and its claims.
func (m PodMaker) identifySetPod(pod *corev1.PodTemplateSpec, label func(value string, names ...string)) {
	set, is := m.Object.(*appsv1.StatefulSet)
	if !is {
		return
	}
	first := 0
	if set.Spec.Ordinals != nil {
		first = int(set.Spec.Ordinals.Start)
	}
	pod.Name = fmt.Sprintf("%s-%d", m.Ref.Name, first)
	label(generated, appsv1.ControllerRevisionHashLabelKey)
	label(pod.Name, appsv1.StatefulSetPodNameLabel)
	label(strconv.Itoa(first), appsv1.PodIndexLabel)
	pod.Spec.Hostname, pod.Spec.Subdomain = pod.Name, set.Spec.ServiceName
	var volumes []corev1.Volume
	for i := range set.Spec.VolumeClaimTemplates {
		name := set.Spec.VolumeClaimTemplates[i].Name
		claim := &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name + "-" + pod.Name}
		volumes = append(volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: claim}})
		pod.Spec.Volumes = slices.DeleteFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == name })
	}
	pod.Spec.Volumes = append(volumes, pod.Spec.Volumes...)
}

// request is the request by which a pod is made.
func (m PodMaker) request(pod *api.Pod) admission.Attributes {
	v1 := corev1.SchemeGroupVersion
	return admission.NewAttributesRecord(pod, nil, v1.WithKind("Pod"), m.Ref.Namespace, pod.Name, v1.WithResource("pods"), "",
		admission.Create, &metav1.CreateOptions{}, false, m.user())
}

// fill gives a pod what the plugins LimitRanger, ServiceAccount, Priority, DefaultTolerationSeconds
// and RuntimeClass fill in, in this order: policies see it so.
func (g *Guards) fill(m PodMaker, pod *api.Pod) {
	g.limit(pod, m.Ref.Namespace)
	// What is wrong with its classes is told elsewhere.
	_ = g.classes.priority(pod, m.request(pod))
	apiserver.AdmitPod(context.Background(), pod)
	g.account(pod, m.Ref.Namespace)
	_ = g.classes.runtime(pod, m.request(pod))
}

// account mounts the token of the service account into a pod, unless it or the account does not want
// that, and gives it the account's imagePullSecrets (mountServiceAccountToken in
// k8s.io/kubernetes/plugin/pkg/admission/serviceaccount).
func (g *Guards) account(pod *api.Pod, namespace string) {
	account := g.accounts[namespace+"/"+pod.Spec.ServiceAccountName]
	automount := true
	if account != nil {
		if account.AutomountServiceAccountToken != nil {
			automount = *account.AutomountServiceAccountToken
		}
		if len(pod.Spec.ImagePullSecrets) == 0 {
			for _, secret := range account.ImagePullSecrets {
				pod.Spec.ImagePullSecrets = append(pod.Spec.ImagePullSecrets, api.LocalObjectReference{Name: secret.Name})
			}
		}
	}
	if own := pod.Spec.AutomountServiceAccountToken; own != nil {
		automount = *own
	}
	if !automount {
		return
	}
	name := accounts.ServiceAccountVolumeName + "-" + generated
	volume := api.Volume{Name: name, VolumeSource: api.VolumeSource{Projected: accounts.TokenVolumeSource()}}
	there := slices.IndexFunc(pod.Spec.Volumes, func(v api.Volume) bool { return strings.HasPrefix(v.Name, accounts.ServiceAccountVolumeName+"-") })
	if there >= 0 {
		name = pod.Spec.Volumes[there].Name
	}
	mount := api.VolumeMount{Name: name, ReadOnly: true, MountPath: accounts.DefaultAPITokenMountPath}
	mounted := false
	for _, list := range [][]api.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			if !slices.ContainsFunc(list[i].VolumeMounts, func(m api.VolumeMount) bool { return m.MountPath == mount.MountPath }) {
				list[i].VolumeMounts, mounted = append(list[i].VolumeMounts, mount), true
			}
		}
	}
	if mounted && there < 0 {
		pod.Spec.Volumes = append(pod.Spec.Volumes, volume)
	}
}

// settled gives a pod what the API server gives it between mutating and validating admission.
func (g *Guards) settled(pod *api.Pod) {
	if pod.Name == "" {
		pod.Name = pod.GenerateName + generated
	}
	g.server.Prepare(schema.GroupKind{Kind: "Pod"}, pod)
}
