package apiserver

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	quota "k8s.io/apiserver/pkg/quota/v1"
	"k8s.io/apiserver/pkg/quota/v1/generic"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	api "k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/quota/v1/evaluator/core"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Usage returns what an object counts for in the quotas of its namespace; nil for one that is
// in none. What its pods count for is not part of it.
func (s *Server) Usage(o *manifest.Object) corev1.ResourceList {
	value, err := o.Value()
	if err != nil || o.Ref.Namespace == "" {
		return nil
	}
	r := s.requestFor(o, false)
	if r.resource == "" {
		return nil
	}
	group := schema.GroupResource{Group: r.gvk.Group, Resource: r.resource}
	usage := corev1.ResourceList{generic.ObjectCountQuotaResourceNameFor(group): *resource.NewQuantity(1, resource.DecimalSI)}
	// The names under which these were counted first (legacyObjectCountAliases in
	// k8s.io/kubernetes/pkg/quota/v1/evaluator/core).
	if r.gvk.Group == "" {
		switch r.resource {
		case "configmaps", "resourcequotas", "replicationcontrollers", "secrets":
			usage[corev1.ResourceName(r.resource)] = *resource.NewQuantity(1, resource.DecimalSI)
		}
	}
	if !r.known || r.custom != nil {
		return usage
	}
	object, _, err := r.decode(r.located(value))
	if err != nil {
		return usage
	}
	switch object := object.(type) {
	case *api.Service:
		if more, err := core.NewServiceEvaluator(nil).Usage(object); err == nil {
			usage = quota.Max(usage, more)
		}
	case *api.PersistentVolumeClaim:
		s.admitCreate(object)
		if more, err := core.NewPersistentVolumeClaimEvaluator(nil).Usage(object); err == nil {
			usage = quota.Max(usage, more)
		}
	}
	return usage
}

// ClaimUsage returns what the claims of one pod of a StatefulSet count for in a quota.
func (s *Server) ClaimUsage(set *appsv1.StatefulSet, q *corev1.ResourceQuota) corev1.ResourceList {
	sum := corev1.ResourceList{}
	if len(q.Spec.Scopes) > 0 || q.Spec.ScopeSelector != nil {
		return sum
	}
	for i := range set.Spec.VolumeClaimTemplates {
		claim := InternalClaim(&set.Spec.VolumeClaimTemplates[i])
		if claim == nil {
			continue
		}
		s.admitCreate(claim)
		if usage, err := core.NewPersistentVolumeClaimEvaluator(nil).Usage(claim); err == nil {
			sum = quota.Add(sum, usage)
		}
	}
	return sum
}

// InternalClaim is a claim that a StatefulSet makes of a template; nil if it does not fit.
func InternalClaim(template *corev1.PersistentVolumeClaim) *api.PersistentVolumeClaim {
	versioned := template.DeepCopy()
	legacyscheme.Scheme.Default(versioned)
	internal, err := legacyscheme.Scheme.ConvertToVersion(versioned, schema.GroupVersion{Version: runtime.APIVersionInternal})
	if err != nil {
		return nil
	}
	claim, _ := internal.(*api.PersistentVolumeClaim)
	return claim
}
