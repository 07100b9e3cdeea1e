package action

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

const byKubernetes = "Kubernetes makes it"

// NamespacesBefore are the namespaces that exist when Helm begins, whether they are of the release or not,
// and why: those that the API server makes
// (k8s.io/kubernetes/pkg/controlplane/controller/systemnamespaces), that in which Helm's record of
// the release is, and those of what the release has made.
func (a *Action) NamespacesBefore(old []*manifest.Object) map[string]string {
	there := map[string]string{}
	if a.Operation != change.Install {
		for _, o := range old {
			if !diff.IsHook(o) || a.Ran(o) {
				there[o.Ref.Namespace] = "objects of the release are in it"
			}
		}
		there[cmp.Or(a.Namespace, metav1.NamespaceDefault)] = "Helm's record of the release is in it"
	}
	for _, name := range []string{metav1.NamespaceDefault, metav1.NamespaceSystem, metav1.NamespacePublic, corev1.NamespaceNodeLease} {
		there[name] = byKubernetes
	}
	return there
}

// Exists says why an object that the installed release does not have exists all the same, one
// clause; "" if that is not known. Namespaces aside, it is what controllers make in each
// namespace (serviceaccount and certificates/rootcacertpublisher in
// k8s.io/kubernetes/pkg/controller), and the user-facing roles of the API server
// (k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy).
func (a *Action) Exists(ref manifest.Ref) string {
	switch ref.GroupKind() {
	case "Namespace":
		return a.Existing[ref.Name]
	case "ServiceAccount", "ConfigMap":
		made := map[string]string{"ServiceAccount": "default", "ConfigMap": "kube-root-ca.crt"}
		if ref.Name == made[ref.Kind] && a.Existing[ref.Namespace] != "" {
			return byKubernetes + " in each namespace"
		}
	case "ClusterRole.rbac.authorization.k8s.io":
		if slices.Contains([]string{"cluster-admin", "admin", "edit", "view"}, ref.Name) {
			return byKubernetes
		}
	}
	return ""
}
