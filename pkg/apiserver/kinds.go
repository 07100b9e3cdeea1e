package apiserver

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/rest"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/kube-aggregator/pkg/apis/apiregistration"
	"k8s.io/kube-aggregator/pkg/registry/apiservice"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/mutatingadmissionpolicy"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/mutatingadmissionpolicybinding"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/mutatingwebhookconfiguration"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/resolver"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/validatingadmissionpolicy"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/validatingadmissionpolicybinding"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/validatingwebhookconfiguration"
	"k8s.io/kubernetes/pkg/registry/apps/controllerrevision"
	"k8s.io/kubernetes/pkg/registry/apps/daemonset"
	"k8s.io/kubernetes/pkg/registry/apps/deployment"
	"k8s.io/kubernetes/pkg/registry/apps/replicaset"
	"k8s.io/kubernetes/pkg/registry/apps/statefulset"
	"k8s.io/kubernetes/pkg/registry/autoscaling/horizontalpodautoscaler"
	"k8s.io/kubernetes/pkg/registry/batch/cronjob"
	"k8s.io/kubernetes/pkg/registry/batch/job"
	"k8s.io/kubernetes/pkg/registry/certificates/certificates"
	"k8s.io/kubernetes/pkg/registry/certificates/clustertrustbundle"
	"k8s.io/kubernetes/pkg/registry/coordination/lease"
	"k8s.io/kubernetes/pkg/registry/coordination/leasecandidate"
	"k8s.io/kubernetes/pkg/registry/core/configmap"
	"k8s.io/kubernetes/pkg/registry/core/endpoint"
	"k8s.io/kubernetes/pkg/registry/core/event"
	"k8s.io/kubernetes/pkg/registry/core/limitrange"
	"k8s.io/kubernetes/pkg/registry/core/namespace"
	"k8s.io/kubernetes/pkg/registry/core/node"
	"k8s.io/kubernetes/pkg/registry/core/persistentvolume"
	"k8s.io/kubernetes/pkg/registry/core/persistentvolumeclaim"
	"k8s.io/kubernetes/pkg/registry/core/pod"
	"k8s.io/kubernetes/pkg/registry/core/podtemplate"
	"k8s.io/kubernetes/pkg/registry/core/replicationcontroller"
	"k8s.io/kubernetes/pkg/registry/core/resourcequota"
	"k8s.io/kubernetes/pkg/registry/core/secret"
	"k8s.io/kubernetes/pkg/registry/core/service"
	"k8s.io/kubernetes/pkg/registry/core/serviceaccount"
	"k8s.io/kubernetes/pkg/registry/discovery/endpointslice"
	"k8s.io/kubernetes/pkg/registry/flowcontrol/flowschema"
	"k8s.io/kubernetes/pkg/registry/flowcontrol/prioritylevelconfiguration"
	"k8s.io/kubernetes/pkg/registry/networking/ingress"
	"k8s.io/kubernetes/pkg/registry/networking/ingressclass"
	"k8s.io/kubernetes/pkg/registry/networking/ipaddress"
	"k8s.io/kubernetes/pkg/registry/networking/networkpolicy"
	"k8s.io/kubernetes/pkg/registry/networking/servicecidr"
	"k8s.io/kubernetes/pkg/registry/node/runtimeclass"
	"k8s.io/kubernetes/pkg/registry/policy/poddisruptionbudget"
	"k8s.io/kubernetes/pkg/registry/rbac/clusterrole"
	"k8s.io/kubernetes/pkg/registry/rbac/clusterrolebinding"
	"k8s.io/kubernetes/pkg/registry/rbac/role"
	"k8s.io/kubernetes/pkg/registry/rbac/rolebinding"
	"k8s.io/kubernetes/pkg/registry/resource/deviceclass"
	"k8s.io/kubernetes/pkg/registry/resource/devicetaintrule"
	"k8s.io/kubernetes/pkg/registry/resource/resourceclaim"
	"k8s.io/kubernetes/pkg/registry/resource/resourceclaimtemplate"
	"k8s.io/kubernetes/pkg/registry/resource/resourceslice"
	"k8s.io/kubernetes/pkg/registry/scheduling/priorityclass"
	"k8s.io/kubernetes/pkg/registry/scheduling/workload"
	"k8s.io/kubernetes/pkg/registry/storage/csidriver"
	"k8s.io/kubernetes/pkg/registry/storage/csinode"
	"k8s.io/kubernetes/pkg/registry/storage/csistoragecapacity"
	"k8s.io/kubernetes/pkg/registry/storage/storageclass"
	"k8s.io/kubernetes/pkg/registry/storage/volumeattachment"
	"k8s.io/kubernetes/pkg/registry/storage/volumeattributesclass"
)

// strategy is what the API server knows of a kind: how to fill in, check and
// canonicalise an object that is created or updated.
type strategy interface {
	rest.RESTCreateStrategy
	rest.RESTUpdateStrategy
}

// kind is one built-in kind. resource is its name in URLs, by which declarative
// validation finds its rules.
type kind struct {
	strategy strategy
	resource string
}

// builtin returns the kinds that the API server itself serves and that a chart
// can hold.
func builtin() map[schema.GroupKind]kind {
	kinds := map[schema.GroupKind]kind{}
	for group, members := range map[string]map[string]kind{
		"":                             coreKinds(),
		"apps":                         appsKinds(),
		"batch":                        {"Job": {job.Strategy, "jobs"}, "CronJob": {cronjob.Strategy, "cronjobs"}},
		"autoscaling":                  {"HorizontalPodAutoscaler": {horizontalpodautoscaler.Strategy, "horizontalpodautoscalers"}},
		"policy":                       {"PodDisruptionBudget": {poddisruptionbudget.Strategy, "poddisruptionbudgets"}},
		"networking.k8s.io":            networkingKinds(),
		"rbac.authorization.k8s.io":    rbacKinds(),
		"storage.k8s.io":               storageKinds(),
		"scheduling.k8s.io":            {"PriorityClass": {priorityclass.Strategy, "priorityclasses"}, "Workload": {workload.Strategy, "workloads"}},
		"node.k8s.io":                  {"RuntimeClass": {runtimeclass.Strategy, "runtimeclasses"}},
		"admissionregistration.k8s.io": admissionKinds(),
		"discovery.k8s.io":             {"EndpointSlice": {endpointslice.Strategy, "endpointslices"}},
		"coordination.k8s.io":          {"Lease": {lease.Strategy, "leases"}, "LeaseCandidate": {leasecandidate.Strategy, "leasecandidates"}},
		"flowcontrol.apiserver.k8s.io": {
			"FlowSchema":                 {flowschema.Strategy, "flowschemas"},
			"PriorityLevelConfiguration": {prioritylevelconfiguration.Strategy, "prioritylevelconfigurations"},
		},
		"certificates.k8s.io": {
			"CertificateSigningRequest": {certificates.Strategy, "certificatesigningrequests"},
			"ClusterTrustBundle":        {clustertrustbundle.Strategy, "clustertrustbundles"},
		},
		"resource.k8s.io": deviceKinds(),
		"events.k8s.io":   {"Event": {event.Strategy, "events"}},
		apiextensions.GroupName: {
			"CustomResourceDefinition": {customresourcedefinition.NewStrategy(legacyscheme.Scheme), "customresourcedefinitions"},
		},
		apiregistration.GroupName: {
			"APIService": {apiServiceStrategy{apiservice.NewStrategy(legacyscheme.Scheme)}, "apiservices"},
		},
	} {
		for name, k := range members {
			kinds[schema.GroupKind{Group: group, Kind: name}] = k
		}
	}
	return kinds
}

func appsKinds() map[string]kind {
	return map[string]kind{
		"Deployment":         {deployment.Strategy, "deployments"},
		"StatefulSet":        {statefulset.Strategy, "statefulsets"},
		"DaemonSet":          {daemonset.Strategy, "daemonsets"},
		"ReplicaSet":         {replicaset.Strategy, "replicasets"},
		"ControllerRevision": {controllerrevision.Strategy, "controllerrevisions"},
	}
}

func networkingKinds() map[string]kind {
	return map[string]kind{
		"Ingress":       {ingress.Strategy, "ingresses"},
		"IngressClass":  {ingressclass.Strategy, "ingressclasses"},
		"NetworkPolicy": {networkpolicy.Strategy, "networkpolicies"},
		"ServiceCIDR":   {servicecidr.Strategy, "servicecidrs"},
		"IPAddress":     {ipaddress.Strategy, "ipaddresses"},
	}
}

func rbacKinds() map[string]kind {
	return map[string]kind{
		"Role":               {role.Strategy, "roles"},
		"RoleBinding":        {rolebinding.Strategy, "rolebindings"},
		"ClusterRole":        {clusterrole.Strategy, "clusterroles"},
		"ClusterRoleBinding": {clusterrolebinding.Strategy, "clusterrolebindings"},
	}
}

func storageKinds() map[string]kind {
	return map[string]kind{
		"StorageClass":          {storageclass.Strategy, "storageclasses"},
		"CSIDriver":             {csidriver.Strategy, "csidrivers"},
		"CSINode":               {csinode.Strategy, "csinodes"},
		"CSIStorageCapacity":    {csistoragecapacity.Strategy, "csistoragecapacities"},
		"VolumeAttachment":      {volumeattachment.Strategy, "volumeattachments"},
		"VolumeAttributesClass": {volumeattributesclass.Strategy, "volumeattributesclasses"},
	}
}

func deviceKinds() map[string]kind {
	return map[string]kind{
		"ResourceSlice":         {resourceslice.Strategy, "resourceslices"},
		"DeviceClass":           {deviceclass.Strategy, "deviceclasses"},
		"DeviceTaintRule":       {devicetaintrule.Strategy, "devicetaintrules"},
		"ResourceClaim":         {resourceclaim.NewStrategy(noNamespaces{}, nil), "resourceclaims"},
		"ResourceClaimTemplate": {resourceclaimtemplate.NewStrategy(noNamespaces{}), "resourceclaimtemplates"},
	}
}

func coreKinds() map[string]kind {
	return map[string]kind{
		"ConfigMap":             {configmap.Strategy, "configmaps"},
		"Secret":                {secret.Strategy, "secrets"},
		"Service":               {service.Strategy, "services"},
		"ServiceAccount":        {serviceaccount.Strategy, "serviceaccounts"},
		"Namespace":             {namespace.Strategy, "namespaces"},
		"Node":                  {node.Strategy, "nodes"},
		"PersistentVolume":      {persistentvolume.Strategy, "persistentvolumes"},
		"PersistentVolumeClaim": {persistentvolumeclaim.Strategy, "persistentvolumeclaims"},
		"Pod":                   {pod.Strategy, "pods"},
		"PodTemplate":           {podtemplate.Strategy, "podtemplates"},
		"ReplicationController": {replicationcontroller.Strategy, "replicationcontrollers"},
		"ResourceQuota":         {resourcequota.Strategy, "resourcequotas"},
		"LimitRange":            {limitrange.Strategy, "limitranges"},
		"Endpoints":             {endpoint.Strategy, "endpoints"},
		"Event":                 {event.Strategy, "events"},
	}
}

// admissionKinds need somebody who knows which resources a policy's parameters
// stand for. Nobody does here, so that check is left out; it belongs to
// authorization, not to validation.
func admissionKinds() map[string]kind {
	unknown := resolver.ResourceResolverFunc(func(schema.GroupVersionKind) (schema.GroupVersionResource, error) {
		return schema.GroupVersionResource{}, errors.New("no cluster at hand")
	})
	return map[string]kind{
		"ValidatingWebhookConfiguration": {validatingwebhookconfiguration.Strategy, "validatingwebhookconfigurations"},
		"MutatingWebhookConfiguration":   {mutatingwebhookconfiguration.Strategy, "mutatingwebhookconfigurations"},
		"ValidatingAdmissionPolicy": {
			validatingadmissionpolicy.NewStrategy(nil, unknown), "validatingadmissionpolicies",
		},
		"ValidatingAdmissionPolicyBinding": {
			validatingadmissionpolicybinding.NewStrategy(nil, nil, unknown), "validatingadmissionpolicybindings",
		},
		"MutatingAdmissionPolicy": {
			mutatingadmissionpolicy.NewStrategy(nil, unknown), "mutatingadmissionpolicies",
		},
		"MutatingAdmissionPolicyBinding": {
			mutatingadmissionpolicybinding.NewStrategy(nil, nil, unknown), "mutatingadmissionpolicybindings",
		},
	}
}

// apiServiceStrategy narrows what the aggregator exports to a strategy.
type apiServiceStrategy struct {
	rest.CreateUpdateResetFieldsStrategy
}

// noNamespaces answers the one question that device strategies ask of a cluster:
// whether a namespace may use admin access.
type noNamespaces struct {
	corev1client.NamespaceInterface
}

func (noNamespaces) Get(context.Context, string, metav1.GetOptions) (*corev1.Namespace, error) {
	return nil, errors.New("no cluster at hand")
}
