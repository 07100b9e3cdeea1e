package admission

import (
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	api "k8s.io/kubernetes/pkg/apis/core"
	systemclasses "k8s.io/kubernetes/pkg/apis/scheduling/v1"
	"k8s.io/kubernetes/plugin/pkg/admission/priority"
	"k8s.io/kubernetes/plugin/pkg/admission/runtimeclass"
	accounts "k8s.io/kubernetes/plugin/pkg/admission/serviceaccount"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// PodClasses are the PriorityClasses, RuntimeClasses and ServiceAccounts that are known to be there.
type PodClasses struct{ priorities, runtimes, accounts cache.Indexer }

// NewPodClasses reads them among some objects.
func NewPodClasses(s *apiserver.Server, objects []*manifest.Object) *PodClasses {
	c := &PodClasses{
		indexed[schedulingv1.PriorityClass](s, objects, schedulingv1.SchemeGroupVersion.WithKind("PriorityClass")),
		indexed[nodev1.RuntimeClass](s, objects, nodev1.SchemeGroupVersion.WithKind("RuntimeClass")),
		indexed[corev1.ServiceAccount](s, objects, corev1.SchemeGroupVersion.WithKind("ServiceAccount")),
	}
	for _, system := range systemclasses.SystemPriorityClasses() {
		class := system.DeepCopy()
		legacyscheme.Scheme.Default(class)
		_ = c.priorities.Add(class) // it has a name
	}
	return c
}

// PodRefusal is why admission rejects a pod.
type PodRefusal struct {
	Message string
	// Fields are those of the pod's spec that are to blame.
	Fields []string
}

// Refusal asks the plugins ServiceAccount, Priority and RuntimeClass whether they let in a pod that
// somebody makes of a template; nil if they do. A pod that names a class that is not known is not
// judged by that plugin: whether the class is there is a question of its own.
func (c *PodClasses) Refusal(template *corev1.PodTemplateSpec, namespace string) *PodRefusal {
	pod := newPod(template, namespace)
	if pod == nil {
		return nil
	}
	attributes := admission.NewAttributesRecord(pod, nil, corev1.SchemeGroupVersion.WithKind("Pod"), namespace, "", corev1.SchemeGroupVersion.WithResource("pods"), "",
		admission.Create, &metav1.CreateOptions{}, false, apiserver.HelmUser())
	if err := c.account(pod, attributes); err != nil {
		return refusalOf(err, template, "serviceAccountName")
	}
	if err := c.priority(pod, attributes); err != nil {
		return refusalOf(err, template, "priority", "preemptionPolicy", "priorityClassName")
	}
	if err := c.runtime(pod, attributes); err != nil {
		return refusalOf(err, template, "overhead", "nodeSelector", "runtimeClassName")
	}
	return nil
}

// newPod is a pod of a template as admission sees it; nil if the template does not fit.
func newPod(template *corev1.PodTemplateSpec, namespace string) *api.Pod {
	versioned := &corev1.Pod{ObjectMeta: *template.ObjectMeta.DeepCopy(), Spec: *template.Spec.DeepCopy()}
	versioned.Namespace = namespace
	if len(versioned.Spec.Overhead) == 0 {
		versioned.Spec.Overhead = nil // an empty one is not stored
	}
	legacyscheme.Scheme.Default(versioned)
	internal, err := legacyscheme.Scheme.ConvertToVersion(versioned, schema.GroupVersion{Version: runtime.APIVersionInternal})
	if err != nil {
		return nil
	}
	pod, _ := internal.(*api.Pod)
	return pod
}

// account asks ServiceAccount, which rejects a pod that uses a Secret that its account does not list,
// where the account says so (kubernetes.io/enforce-mountable-secrets).
func (c *PodClasses) account(pod *api.Pod, attributes admission.Attributes) error {
	if pod.Spec.ServiceAccountName == "" {
		pod.Spec.ServiceAccountName = accounts.DefaultServiceAccountName
	}
	if _, known, _ := c.accounts.GetByKey(attributes.GetNamespace() + "/" + pod.Spec.ServiceAccountName); !known {
		return nil
	}
	plugin := accounts.NewServiceAccount()
	plugin.SetExternalKubeInformerFactory(classInformers{PodClasses: *c})
	return plugin.Validate(context.Background(), attributes, nil)
}

// priority asks Priority, which computes the priority of a pod by its class, or by the default
// one, and rejects a pod that says another one.
func (c *PodClasses) priority(pod *api.Pod, attributes admission.Attributes) error {
	if _, known, _ := c.priorities.GetByKey(pod.Spec.PriorityClassName); !known && pod.Spec.PriorityClassName != "" {
		return nil
	}
	plugin := priority.NewPlugin()
	plugin.SetExternalKubeInformerFactory(classInformers{PodClasses: *c})
	return plugin.Admit(context.Background(), attributes, nil)
}

// runtime asks RuntimeClass, which rejects an overhead that is not the class's, and a node selector
// that contradicts it.
func (c *PodClasses) runtime(pod *api.Pod, attributes admission.Attributes) error {
	if name := pod.Spec.RuntimeClassName; name != nil {
		if _, known, _ := c.runtimes.GetByKey(*name); !known {
			return nil
		}
	}
	plugin := runtimeclass.NewRuntimeClass()
	plugin.SetExternalKubeInformerFactory(classInformers{PodClasses: *c})
	if err := plugin.Admit(context.Background(), attributes, nil); err != nil {
		return err
	}
	return plugin.Validate(context.Background(), attributes, nil)
}

// refusalOf is an error without what it says of every pod, and those of some fields that the
// template has.
func refusalOf(err error, template *corev1.PodTemplateSpec, fields ...string) *PodRefusal {
	message := apiserver.FirstLine(err.Error())
	if apierrors.IsForbidden(err) {
		if _, why, found := strings.Cut(message, " is forbidden: "); found {
			message = why
		}
	}
	spec, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&template.Spec)
	if err != nil {
		return &PodRefusal{Message: message}
	}
	return &PodRefusal{message, slices.DeleteFunc(fields, func(field string) bool { return spec[field] == nil })}
}
