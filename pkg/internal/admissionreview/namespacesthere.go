package admissionreview

import (
	"fmt"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
)

const takenOver = "its Namespace is not there yet when Helm makes the object, unless it exists and Helm takes it over (--take-ownership): which of the two is not known"

// WithoutNamespace refuses objects whose Namespace is of the release and is not there when Helm makes
// them (NamespaceLifecycle in k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle).
func (a *Review) WithoutNamespace(u *upgrade.Upgrade) {
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.New == nil || o.Ref().Namespace == "" || o.Hook != nil && !o.Runs() || o.Change != nil && len(o.Change.Outcome.Refused) > 0 {
			continue
		}
		space := u.Object(action.NamespaceOf(o.Ref()).Identity())
		if space == nil || space.New == nil {
			continue
		}
		known := a.Looked(space.Ref())
		there, because := u.ThereFor(o, space)
		switch {
		case there != nil || !known && a.Existing[space.Ref().Name] != "":
			continue
		case !known && a.TakeOwnership:
			o.Unchecked = append(o.Unchecked, change.Doubt{Reason: takenOver, Hides: change.Rejected})
			continue
		}
		o.BecomesChange()
		o.Rollback = ""
		o.Change.Outcome.Refused = []change.FieldError{{Type: "NoNamespace", Message: fmt.Sprintf("namespaces %q not found: %s", space.Ref().Name, because)}}
	}
}
