package apiserver

import (
	"cmp"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	api "k8s.io/kubernetes/pkg/apis/core"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Back is what a rollback makes of an object.
type Back struct {
	// Refused is why the server refuses it; nil if it does not, or if nothing is known.
	Refused []change.FieldError
	// Fields is what is stored then; nil if that is not known.
	Fields map[string]any
}

// Back judges the way back from an update: that Helm rolls the object which result,
// of Update or Create, has stored back to what the old manifest says. An update that
// is refused leaves the object as it was, and Helm rolls back from what was meant all
// the same. Controllers are taken to have done by then what the update asks for, such
// as to let a volume grow.
func (s *Server) Back(updated, old *manifest.Object, result *Result) Back {
	stored := cmp.Or(result.stored, result.live)
	if stored == nil {
		return Back{}
	}
	from, to, err := values(updated, old)
	if err != nil {
		return Back{} // it has been read before
	}
	r := s.installed(old)
	if !r.known {
		return Back{}
	}
	stored = stored.DeepCopyObject()
	if r.custom != nil {
		object, ok := stored.(*unstructured.Unstructured)
		if !ok || old.Ref.Version != updated.Ref.Version && r.custom.webhook() {
			return Back{}
		}
		if stored, err = r.custom.reread(object); err != nil {
			return Back{Refused: []change.FieldError{r.decodeError("", object.Object, err)}}
		}
	}
	s.store(stored)
	if !waits(result.live) {
		control(stored)
	}
	return s.mergeBack(r, stored, from, to)
}

// waits reports whether a live object is a claim without a volume or a Pod without a
// node. Why it has none, the upgrade is taken not to change.
func waits(live runtime.Object) bool {
	switch o := live.(type) {
	case *api.PersistentVolumeClaim:
		return o.Spec.VolumeName == ""
	case *api.Pod:
		return o.Spec.NodeName == ""
	default:
		return false
	}
}

// BackKept judges the way back to an object that left the release and is in the cluster
// all the same: since it was kept, or as a hook, which is what there says then. The
// manifest that Helm rolls back from does not have it, so that a merge takes the live
// object for what was meant, and takes out of it whatever the old manifest does not
// say, what the server has put in included (update in helm.sh/helm/v3/pkg/kube). live is
// the object as the cluster has it, in the version of there; nil if that is not known.
func (s *Server) BackKept(old, there *manifest.Object, live map[string]any) Back {
	is, err := s.Stored(there, live)
	if err != nil || is.stored == nil || old.Ref.Version != there.Ref.Version {
		return Back{}
	}
	value, err := old.Value()
	if err != nil {
		return Back{} // it has been read before
	}
	r := s.installed(old)
	_, fields, err := r.seen(is.stored)
	if err != nil {
		return Back{}
	}
	return s.mergeBack(r, is.stored, fields, value)
}

// mergeBack merges as Helm does in a rollback, which is another command than the
// upgrade and is not told to replace.
func (s *Server) mergeBack(r request, stored runtime.Object, from, to map[string]any) Back {
	merging := *s
	merging.facts.Replace = false
	back, err := merging.patch(r, stored, from, to, true)
	if err != nil {
		return Back{}
	}
	return Back{back.Outcome.Refused, back.NewFields}
}
