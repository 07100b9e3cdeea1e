package safediff

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

const takenOver = "its Namespace is not there yet when Helm makes the object, unless it exists and Helm takes it over (--take-ownership): which of the two is not known"

const byKubernetes = "Kubernetes makes it"

// spaces are the namespaces that exist when Helm begins, whether they are of the release or not,
// and why: those that the API server makes
// (k8s.io/kubernetes/pkg/controlplane/controller/systemnamespaces), that in which Helm's record of
// the release is, and those of what the release has made.
func (j *judge) spaces(old []*manifest.Object) map[string]string {
	there := map[string]string{}
	if j.opts.Operation != change.Install {
		for _, o := range old {
			if !diff.IsHook(o) || j.ran(o) {
				there[o.Ref.Namespace] = "objects of the release are in it"
			}
		}
		there[cmp.Or(j.opts.Namespace, metav1.NamespaceDefault)] = "Helm's record of the release is in it"
	}
	for _, name := range []string{metav1.NamespaceDefault, metav1.NamespaceSystem, metav1.NamespacePublic, corev1.NamespaceNodeLease} {
		there[name] = byKubernetes
	}
	return there
}

// exists says why an object that the installed release does not have exists all the same, one
// clause; "" if that is not known. Namespaces aside, it is what controllers make in each
// namespace (serviceaccount and certificates/rootcacertpublisher in
// k8s.io/kubernetes/pkg/controller), and the user-facing roles of the API server
// (k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy).
func (j *judge) exists(ref manifest.Ref) string {
	switch ref.GroupKind() {
	case "Namespace":
		return j.existing[ref.Name]
	case "ServiceAccount", "ConfigMap":
		made := map[string]string{"ServiceAccount": "default", "ConfigMap": "kube-root-ca.crt"}
		if ref.Name == made[ref.Kind] && j.existing[ref.Namespace] != "" {
			return byKubernetes + " in each namespace"
		}
	case "ClusterRole.rbac.authorization.k8s.io":
		if slices.Contains([]string{"cluster-admin", "admin", "edit", "view"}, ref.Name) {
			return byKubernetes
		}
	}
	return ""
}

// unowned refuses an object that exists, and is not the release's unless somebody has marked it
// by hand (existingResourceConflict in helm.sh/helm/v4/pkg/action).
func unowned(because string) apiserver.Result {
	return apiserver.Result{Outcome: change.Outcome{Upfront: true, Refused: []change.FieldError{{
		Type: "AlreadyExists", Message: "exists (" + because + ") and cannot be imported into the current release, unless somebody has given it the labels and annotations of the release",
	}}}}
}

// immortal says that the API server refuses to delete one of its own namespaces (NamespaceLifecycle
// in k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle).
func immortal(ref manifest.Ref) []change.FieldError {
	if ref.GroupKind() != "Namespace" || !slices.Contains([]string{metav1.NamespaceDefault, metav1.NamespaceSystem, metav1.NamespacePublic}, ref.Name) {
		return nil
	}
	return []change.FieldError{{Type: "Forbidden", Message: fmt.Sprintf("Helm deletes it before it runs the hook: namespaces %q is forbidden: this namespace may not be deleted", ref.Name)}}
}

// withoutNamespace refuses objects whose Namespace is of the release and is not there when Helm makes
// them (NamespaceLifecycle in k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle).
func (j *judge) withoutNamespace(u *upgrade.Upgrade) {
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.New == nil || o.Ref().Namespace == "" || o.Hook != nil && !o.Runs() || o.Change != nil && len(o.Change.Outcome.Refused) > 0 {
			continue
		}
		space := u.Object(namespaceOf(o.Ref()).Identity())
		if space == nil || space.New == nil {
			continue
		}
		known := j.looked(space.Ref())
		there, because := u.ThereFor(o, space)
		switch {
		case there != nil || !known && j.existing[space.Ref().Name] != "":
			continue
		case !known && j.opts.TakeOwnership:
			o.Unchecked = append(o.Unchecked, change.Doubt{Reason: takenOver, Hides: change.Rejected})
			continue
		}
		becomesChange(o)
		o.Rollback = ""
		o.Change.Outcome.Refused = []change.FieldError{{Type: "NoNamespace", Message: fmt.Sprintf("namespaces %q not found: %s", space.Ref().Name, because)}}
	}
}
