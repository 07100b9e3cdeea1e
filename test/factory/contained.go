package factory

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientscheme "k8s.io/client-go/kubernetes/scheme"

	"github.com/safe-diff/helm-safe-diff/test/cases"
)

// apart are kinds that others would feel, or that take a cluster of their own.
func apart() []string {
	return []string{
		"APIService", "Namespace", "Node", "PersistentVolume", "CustomResourceDefinition", "ValidatingWebhookConfiguration",
		"MutatingWebhookConfiguration", "FlowSchema", "PriorityLevelConfiguration", "CSIDriver", "CSINode", "VolumeAttachment",
		"CertificateSigningRequest", "ClusterTrustBundle", "Lease", "Event", "VolumeAttributesClass", "ServiceCIDR", "IPAddress",
		"DeviceClass", "ResourceSlice", "ResourceClaim", "ResourceClaimTemplate", "List", "StorageVersionMigration", "Endpoints", "EndpointSlice",
	}
}

// shared are words of fields by which upgrades in other namespaces would get in each other's way: ports
// and addresses that are given once in a cluster, defaults for all, and rules for all kinds.
func shared() []string {
	return []string{
		"nodePort:", "hostPort:", "hostNetwork: true", "healthCheckNodePort:", "clusterIP: 1", "clusterIPs:", "globalDefault: true",
		"is-default-class", "externalIPs:", "nodeName:", "system-node-critical", "system-cluster-critical",
	}
}

// contained reports whether objects stay within the namespace of the upgrade, as far as others
// could feel it.
func contained(objects []object) bool {
	for _, o := range objects {
		kind, _ := o["kind"].(string)
		metadata, _ := o["metadata"].(object)
		name, named := metadata["name"].(string)
		namespace, _ := metadata["namespace"].(string)
		_, namespaced := metadata["namespace"]
		if slices.Contains(apart(), kind) || !named || name == "" || namespaced && namespace != cases.Namespace || typeOf(o) == nil {
			return false
		}
		if strings.HasSuffix(kind, "PolicyBinding") && !bound(o) || strings.HasSuffix(kind, "AdmissionPolicy") && !narrow(o) {
			return false
		}
		if text := write([]object{o}); slices.ContainsFunc(shared(), func(word string) bool { return strings.Contains(text, word) }) {
			return false
		}
	}
	return true
}

// bound reports whether a policy is bound to the namespace of the upgrade.
func bound(o object) bool {
	value, _ := at(o, "spec", "matchResources", "namespaceSelector", "matchLabels", "kubernetes.io/metadata.name")
	return value == cases.Namespace
}

// narrow reports whether a policy names the resources that it is about, all of them in namespaces.
func narrow(o object) bool {
	value, _ := at(o, "spec", "matchConstraints", "resourceRules")
	rules, _ := value.([]any)
	for _, r := range rules {
		rule, _ := r.(object)
		resources, _ := rule["resources"].([]any)
		for _, resource := range resources {
			name, _ := resource.(string)
			if strings.Contains(name, "*") || strings.HasPrefix(name, "cluster") || slices.Contains([]string{"namespaces", "nodes", "leases"}, name) {
				return false
			}
		}
	}
	return len(rules) > 0
}

// typeOf returns a value of the Go type of an object; nil for a kind that is not built in.
func typeOf(o object) runtime.Object {
	version, _ := o["apiVersion"].(string)
	kind, _ := o["kind"].(string)
	made, err := clientscheme.Scheme.New(schema.FromAPIVersionAndKind(version, kind))
	if err != nil {
		return nil
	}
	return made
}

// at returns what is in an object at a path.
func at(o object, path ...string) (any, bool) {
	var value any = o
	for _, name := range path {
		inner, is := value.(object)
		if !is {
			return nil, false
		}
		if value, is = inner[name]; !is {
			return nil, false
		}
	}
	return value, true
}

// identity names an object: two of them are the same to Helm.
func identity(o object) string {
	version, _ := o["apiVersion"].(string)
	group, _, found := strings.Cut(version, "/")
	if !found {
		group = ""
	}
	name, _ := at(o, "metadata", "name")
	kind, _ := o["kind"].(string)
	text, _ := name.(string)
	return group + "/" + kind + "/" + text
}

// doubled reports whether two objects have the same identity.
func doubled(objects []object) bool {
	seen := map[string]bool{}
	for _, o := range objects {
		if seen[identity(o)] {
			return true
		}
		seen[identity(o)] = true
	}
	return false
}

func copies(objects []object) []object {
	list := make([]object, len(objects))
	for i, o := range objects {
		list[i] = runtime.DeepCopyJSON(o)
	}
	return list
}

// plain returns a value with the numbers that JSON has: whole ones as int64.
func plain(value any) any {
	switch v := value.(type) {
	case object:
		c := make(object, len(v))
		for name, inner := range v {
			c[name] = plain(inner)
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i := range v {
			c[i] = plain(v[i])
		}
		return c
	case int:
		return int64(v)
	case float64:
		if whole := int64(v); float64(whole) == v {
			return whole
		}
		return v
	default:
		return v
	}
}
