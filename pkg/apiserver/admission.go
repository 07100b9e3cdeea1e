package apiserver

import (
	"cmp"
	"context"
	"fmt"
	"reflect"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	api "k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/plugin/pkg/admission/defaulttolerationseconds"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/podsecurity"
)

// admit does what those admission plugins do that every cluster runs and that
// touch the object itself. What the others would say (quotas, limits,
// webhooks, policies) the manifests cannot tell. Pod security has a package of its own.
func admit(r request, object runtime.Object) {
	if pod, ok := object.(*api.Pod); ok {
		AdmitPod(r.ctx, pod)
	}
}

// AdmitPod does what ServiceAccount, Priority and DefaultTolerationSeconds do to a pod that says nothing
// of these.
func AdmitPod(ctx context.Context, pod *api.Pod) {
	if pod.Spec.ServiceAccountName == "" {
		pod.Spec.ServiceAccountName = "default"
	}
	pod.Spec.DeprecatedServiceAccount = pod.Spec.ServiceAccountName //nolint:staticcheck // the plugin sets the twin, too
	if pod.Spec.Priority == nil && pod.Spec.PriorityClassName == "" {
		var none int32
		lower := api.PreemptLowerPriority
		pod.Spec.Priority, pod.Spec.PreemptionPolicy = &none, &lower
	}
	tolerations := defaulttolerationseconds.NewDefaultTolerationSeconds()
	tolerations.InspectFeatureGates(utilfeature.DefaultFeatureGate)
	// It fails only for an object that is no Pod.
	_ = tolerations.Admit(ctx, admission.NewAttributesRecord(pod, nil, schema.GroupVersionKind{}, pod.Namespace, pod.Name,
		api.Resource("pods").WithVersion(""), "", admission.Create, nil, false, nil), nil)
}

// admitCreate does what DefaultStorageClass does to new claims, and what the
// volume controller does to older ones that have no class yet.
func (s *Server) admitCreate(object runtime.Object) {
	claim, ok := object.(*api.PersistentVolumeClaim)
	if !ok || s.facts.DefaultClass == "" || claim.Spec.StorageClassName != nil {
		return
	}
	if _, annotated := claim.Annotations[api.BetaStorageClassAnnotation]; !annotated {
		class := s.facts.DefaultClass
		claim.Spec.StorageClassName = &class
	}
}

// admitUpdate does what PersistentVolumeClaimResize does: a claim may grow only
// if its StorageClass says so. It returns what it cannot tell.
func (s *Server) admitUpdate(object, live runtime.Object, outcome *change.Outcome) []change.Doubt {
	claim, ok := object.(*api.PersistentVolumeClaim)
	if !ok {
		return nil
	}
	old, _ := live.(*api.PersistentVolumeClaim)
	before, after := old.Spec.Resources.Requests[api.ResourceStorage], claim.Spec.Resources.Requests[api.ResourceStorage]
	if after.Cmp(before) <= 0 {
		return s.classTaken(claim, old)
	}
	class := "the default StorageClass"
	if claim.Spec.StorageClassName != nil {
		class = fmt.Sprintf("StorageClass %q", *claim.Spec.StorageClassName)
		if expandable, known := s.facts.Expandable[*claim.Spec.StorageClassName]; known {
			if !expandable {
				outcome.Refused = append(outcome.Refused, change.FieldError{
					Type:    "Forbidden",
					Message: "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
				})
			}
			return nil
		}
	}
	return []change.Doubt{{
		Reason: "whether " + class + " lets its volumes grow is not known; without allowVolumeExpansion the claim would be refused", Hides: change.Rejected,
	}}
}

// classTaken says that a claim whose installed manifest names no class may have got the
// default one when it was made; then it cannot get another one. What was read from a cluster
// tells by itself.
func (s *Server) classTaken(claim, old *api.PersistentVolumeClaim) []change.Doubt {
	if old.ResourceVersion != assumedVersion || s.facts.DefaultClass != "" || old.Spec.StorageClassName != nil || claim.Spec.StorageClassName == nil {
		return nil
	}
	return []change.Doubt{{Hides: change.Rejected, Reason: fmt.Sprintf(
		"whether the claim has a StorageClass other than %q, the default one: then the update is rejected", *claim.Spec.StorageClassName)}}
}

// admitNamespace does what PodSecurity does to a Namespace: the labels that tell it what
// to let in must be valid, unless they were not before (ValidateNamespace in
// k8s.io/pod-security-admission/admission).
func (r request) admitNamespace(object, live runtime.Object) []change.FieldError {
	namespace, ok := object.(*api.Namespace)
	if !ok {
		return nil
	}
	errs := podsecurity.LabelErrors(namespace.Labels)
	if old, is := live.(*api.Namespace); is && reflect.DeepEqual(errs, podsecurity.LabelErrors(old.Labels)) {
		return nil
	}
	refused := make([]change.FieldError, len(errs))
	for i, e := range errs {
		refused[i] = r.fieldError(e)
	}
	return refused
}

// assumedVersion is the resourceVersion of objects that were not read from a cluster.
const assumedVersion = "1"

// settle gives a stored object what the API server and controllers give it before anybody
// upgrades it. Without that, updates look easier than they are.
func (s *Server) settle(object runtime.Object) {
	s.store(object)
	control(object)
}

// store gives an object what the API server gives it as it stores it.
func (s *Server) store(object runtime.Object) {
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetResourceVersion(assumedVersion)
	}
	fillNulls(object)
	if service, is := object.(*api.Service); is {
		s.services.read(service)
	}
}

// control gives an object what controllers give it in time.
func control(object runtime.Object) {
	switch o := object.(type) {
	case *api.Namespace:
		o.Status.Phase = api.NamespaceActive
	case *api.Pod:
		o.Spec.NodeName = cmp.Or(o.Spec.NodeName, "node")
	case *api.PersistentVolumeClaim:
		o.Status.Phase = api.ClaimBound
		if o.Spec.VolumeName == "" {
			o.Spec.VolumeName = "pvc-" + string(o.UID)
		}
		o.Status.Capacity = o.Spec.Resources.Requests
		o.Status.AccessModes = o.Spec.AccessModes
	case *apiextensions.CustomResourceDefinition:
		o.Status.AcceptedNames = o.Spec.Names
		o.Status.Conditions = []apiextensions.CustomResourceDefinitionCondition{
			{Type: apiextensions.NamesAccepted, Status: apiextensions.ConditionTrue},
			{Type: apiextensions.Established, Status: apiextensions.ConditionTrue},
		}
	}
}

// fillNulls gives keys of data that have no value an empty one, as the API server does when
// it stores them.
func fillNulls(object runtime.Object) {
	var data map[string][]byte
	switch o := object.(type) {
	case *api.Secret:
		data = o.Data
	case *api.ConfigMap:
		data = o.BinaryData
	}
	for key, value := range data {
		if value == nil {
			data[key] = []byte{}
		}
	}
}
