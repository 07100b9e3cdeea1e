package apiserver

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Back judges the way back from an update: that Helm rolls the object which result,
// of Update, has stored back to what the old manifest says. It returns why the server
// refuses that, nil if it does not, or if nothing is known to be stored. Controllers
// are taken to have done by then what the update asks for, such as to let a volume grow.
func (s *Server) Back(updated, old *manifest.Object, result *Result) []change.FieldError {
	if result.stored == nil {
		return nil
	}
	from, to, err := values(updated, old)
	if err != nil {
		return nil // it has been read before
	}
	r := s.installed(old)
	if !r.known {
		return nil
	}
	stored := result.stored.DeepCopyObject()
	if r.custom != nil {
		object, ok := stored.(*unstructured.Unstructured)
		if !ok || old.Ref.Version != updated.Ref.Version && r.custom.webhook() {
			return nil
		}
		if stored, err = r.custom.reread(object); err != nil {
			e := r.decodeError("", object.Object, err)
			return []change.FieldError{e}
		}
	}
	s.settle(stored)
	merging := *s
	merging.facts.Replace = false // a rollback is another command, which merges
	back, err := merging.patch(r, stored, from, to, true)
	if err != nil {
		return nil
	}
	return back.Outcome.Refused
}
