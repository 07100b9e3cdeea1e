package safediff

import (
	"cmp"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

const takenOver = "its Namespace is not there yet when Helm makes the object, unless it exists and Helm takes it over (--take-ownership): which of the two is not known"

// spaces are the namespaces that exist when Helm begins, whether they are of the release or not:
// those that the API server makes (k8s.io/kubernetes/pkg/controlplane/controller/systemnamespaces),
// that in which Helm's record of the release is, and those of what the release has made.
func (j *judge) spaces(old []*manifest.Object) map[string]bool {
	there := map[string]bool{metav1.NamespaceDefault: true, metav1.NamespaceSystem: true, metav1.NamespacePublic: true, "kube-node-lease": true}
	if j.opts.Operation == change.Install {
		return there
	}
	there[cmp.Or(j.opts.Namespace, metav1.NamespaceDefault)] = true
	for _, o := range old {
		if !diff.IsHook(o) || j.ran(o) {
			there[o.Ref.Namespace] = true
		}
	}
	return there
}

// homeless refuses objects whose Namespace is of the release and is not there when Helm makes
// them (NamespaceLifecycle in k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle).
func (j *judge) homeless(u *upgrade.Upgrade) {
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.New == nil || o.Ref().Namespace == "" || o.Hook != nil && !o.Runs() || o.Change != nil && len(o.Change.Outcome.Refused) > 0 {
			continue
		}
		home := u.Object(namespaceOf(o.Ref()).Identity())
		if home == nil || home.New == nil {
			continue
		}
		known := j.looked(home.Ref())
		there, because := u.ThereFor(o, home)
		switch {
		case there != nil || !known && j.existing[home.Ref().Name]:
			continue
		case !known && j.opts.TakeOwnership:
			o.Unchecked = append(o.Unchecked, change.Doubt{Reason: takenOver, Hides: change.Rejected})
			continue
		}
		becomesChange(o)
		o.Rollback = ""
		o.Change.Outcome.Refused = []change.FieldError{{Type: "NoNamespace", Message: fmt.Sprintf("namespaces %q not found: %s", home.Ref().Name, because)}}
	}
}
