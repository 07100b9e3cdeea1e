package live

import (
	"cmp"
	"slices"

	"k8s.io/client-go/kubernetes/scheme"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// kind is a kind as it is listed: the version is one that every supported cluster
// serves, except what is optional.
type kind struct{ group, version, name, resource string }

func (k kind) endpoint() endpoint { return endpoint{k.group, k.version} }

// optional reports whether there are clusters that do not serve the kind. They have
// no objects of it, and RBAC forbids to list even what is not served.
func (k kind) optional() bool { return k == scaledObjects() || k.version == anyVersion }

// anyVersion stands for the first version in which the cluster serves a kind.
const anyVersion = ""

func pods() kind         { return kind{"", "v1", "Pod", "pods"} }
func claims() kind       { return kind{"", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"} }
func volumes() kind      { return kind{"", "v1", "PersistentVolume", "persistentvolumes"} }
func quotas() kind       { return kind{"", "v1", "ResourceQuota", "resourcequotas"} }
func limits() kind       { return kind{"", "v1", "LimitRange", "limitranges"} }
func nodes() kind        { return kind{"", "v1", "Node", "nodes"} }
func secrets() kind      { return kind{"", "v1", "Secret", "secrets"} }
func configMaps() kind   { return kind{"", "v1", "ConfigMap", "configmaps"} }
func services() kind     { return kind{"", "v1", "Service", "services"} }
func deployments() kind  { return kind{"apps", "v1", "Deployment", "deployments"} }
func statefulSets() kind { return kind{"apps", "v1", "StatefulSet", "statefulsets"} }
func daemonSets() kind   { return kind{"apps", "v1", "DaemonSet", "daemonsets"} }
func replicaSets() kind  { return kind{"apps", "v1", "ReplicaSet", "replicasets"} }
func revisions() kind    { return kind{"apps", "v1", "ControllerRevision", "controllerrevisions"} }
func jobs() kind         { return kind{"batch", "v1", "Job", "jobs"} }
func cronJobs() kind     { return kind{"batch", "v1", "CronJob", "cronjobs"} }
func ingresses() kind    { return kind{"networking.k8s.io", "v1", "Ingress", "ingresses"} }
func budgets() kind      { return kind{"policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"} }
func autoscalers() kind {
	return kind{"autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"}
}

// scaledObjects are what KEDA makes autoscalers of, and scales to none without one.
func scaledObjects() kind {
	return kind{"keda.sh", "v1alpha1", "ScaledObject", "scaledobjects"}
}
func storageClasses() kind {
	return kind{"storage.k8s.io", "v1", "StorageClass", "storageclasses"}
}
func priorityClasses() kind {
	return kind{"scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses"}
}

// policies are the kinds of which admission asks all objects, whatever is sent. Those that
// mutate are newer than the oldest cluster.
func policies() []kind {
	const group = "admissionregistration.k8s.io"
	return []kind{
		{group, "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies"},
		{group, "v1", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"},
		{group, anyVersion, "MutatingAdmissionPolicy", "mutatingadmissionpolicies"},
		{group, anyVersion, "MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings"},
		{group, "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations"},
		{group, "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations"},
	}
}

func definitions() kind {
	return kind{"apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions"}
}

// listing is a list to read.
type listing struct {
	kind
	namespace string // "" for all objects of the kind
	// everywhere says that these live in namespaces.
	everywhere bool
	// bare leaves out all but the metadata of what is listed.
	bare bool
}

// permission names what it takes to read the list.
func (l listing) permission() string {
	if l.everywhere {
		return permission("list", l.resource, l.group, allNamespaces)
	}
	return permission("list", l.resource, l.group, l.namespace)
}

// around returns what to list besides the wanted objects, each list once and in a
// fixed order. Nothing is listed that no judgement of these objects needs.
func around(wanted []Wanted) []listing {
	whole := map[listing]bool{} // a list to whether it is wanted as a whole
	for _, w := range wanted {
		if unsafePath(w.Ref) != "" {
			continue
		}
		if namespace := w.Ref.Namespace; namespace != "" {
			for _, k := range beside(w) {
				whole[listing{kind: k, namespace: namespace}] = true
			}
		}
		for _, k := range ofCluster(w) {
			whole[listing{kind: k}] = true
		}
		if w.Goes && is(w.Ref, "", "Namespace") {
			for _, k := range contents() {
				l := listing{kind: k, namespace: w.Ref.Name}
				// What is lost with a claim is told by the claim's volume.
				whole[l] = whole[l] || k == claims()
			}
		}
	}
	lists := make([]listing, 0, len(whole))
	for l, all := range whole {
		l.bare = !all
		lists = append(lists, l)
	}
	slices.SortFunc(lists, func(a, b listing) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.resource, b.resource), cmp.Compare(a.group, b.group))
	})
	return lists
}

// ofDrains lists what decides whether nodes can be drained, and where their pods go.
func ofDrains() []listing {
	ofNamespaces := []kind{pods(), claims(), budgets(), autoscalers()}
	lists := make([]listing, 0, 2+len(ofNamespaces))
	lists = append(lists, listing{kind: nodes()}, listing{kind: volumes()})
	for _, k := range ofNamespaces {
		lists = append(lists, listing{kind: k, everywhere: true})
	}
	return lists
}

// beside returns the kinds whose objects, in the namespace of an object, decide
// what becomes of that object.
func beside(w Wanted) []kind {
	list := besideKind(w)
	if w.Sent {
		list = append(list, limits(), quotas())
	}
	return list
}

func besideKind(w Wanted) []kind {
	ofPods := []kind{pods(), budgets()}
	switch ref := w.Ref; {
	case is(ref, "apps", "Deployment") && w.Mounts:
		// Pods that stay until new ones are ready may hold what these wait for.
		return append(ofPods, replicaSets(), claims(), quotas(), autoscalers(), scaledObjects())
	case is(ref, "apps", "Deployment"):
		return append(ofPods, replicaSets(), quotas(), autoscalers(), scaledObjects())
	case is(ref, "apps", "StatefulSet"):
		return append(ofPods, revisions(), claims(), autoscalers(), scaledObjects())
	case is(ref, "apps", "DaemonSet"):
		return append(ofPods, revisions())
	case is(ref, "apps", "ReplicaSet"), is(ref, "", "ReplicationController"):
		return append(ofPods, autoscalers(), scaledObjects())
	case is(ref, "batch", "Job"), is(ref, "", "Pod"):
		return ofPods
	case is(ref, "", "PersistentVolumeClaim"):
		// A claim that goes stays until no pod uses it (the finalizer
		// kubernetes.io/pvc-protection).
		if w.Goes {
			return []kind{claims(), pods()}
		}
		return []kind{claims()}
	}
	return nil
}

// ofCluster returns the kinds whose objects, wherever they are, decide what becomes
// of an object.
func ofCluster(w Wanted) []kind {
	list := ofClusterKind(w)
	if w.Places || is(w.Ref, "apps", "DaemonSet") {
		list = append(list, nodes())
	}
	if w.Sent || w.Deleted {
		list = append(list, policies()...)
	}
	return list
}

func ofClusterKind(w Wanted) []kind {
	switch ref := w.Ref; {
	case w.Asks:
		return []kind{services()}
	case w.Sent && is(ref, "scheduling.k8s.io", "PriorityClass"):
		return []kind{priorityClasses()}
	case is(ref, "apps", "StatefulSet"), is(ref, "", "PersistentVolumeClaim"):
		return []kind{storageClasses()}
	}
	return nil
}

// contents returns the kinds that are listed in a Namespace that goes.
func contents() []kind {
	return []kind{
		pods(), claims(), services(), configMaps(), secrets(), deployments(), statefulSets(), daemonSets(), jobs(), cronJobs(), ingresses(),
	}
}

func is(ref manifest.Ref, group, kind string) bool { return ref.Group == group && ref.Kind == kind }

// isCustom reports whether a group is none of Kubernetes' own, so that its kinds
// may have a CustomResourceDefinition.
func isCustom(group string) bool {
	switch group {
	case "apiextensions.k8s.io", "apiregistration.k8s.io": // known to clients of their own
		return false
	}
	return !scheme.Scheme.IsGroupRegistered(group)
}
