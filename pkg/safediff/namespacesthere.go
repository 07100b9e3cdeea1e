package safediff

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

const takenOver = "its Namespace is not there yet when Helm makes the object, unless it exists and Helm takes it over (--take-ownership): which of the two is not known"

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
		known := j.Looked(space.Ref())
		there, because := u.ThereFor(o, space)
		switch {
		case there != nil || !known && j.Existing[space.Ref().Name] != "":
			continue
		case !known && j.TakeOwnership:
			o.Unchecked = append(o.Unchecked, change.Doubt{Reason: takenOver, Hides: change.Rejected})
			continue
		}
		o.BecomesChange()
		o.Rollback = ""
		o.Change.Outcome.Refused = []change.FieldError{{Type: "NoNamespace", Message: fmt.Sprintf("namespaces %q not found: %s", space.Ref().Name, because)}}
	}
}
