package apiserver

import (
	"slices"

	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// labelled are kinds whose defaulting or strategy looks at the object's own
// labels.
var labelled = []string{"Namespace", "Node", "Pod", "ReplicationController", "ReplicaSet"} //nolint:gochecknoglobals // a constant table

// Relabel judges an object in which nothing but its own labels change. To all
// kinds but a few labels are opaque text that only has to be valid, so that the
// object itself need not be looked at. The second result is false for those few,
// and where the labels are not valid or the API version is not served: then the
// object has to be judged as a whole.
func (s *Server) Relabel(ref manifest.Ref, old, updated map[string]string) (change.Outcome, bool) {
	if slices.Contains(labelled, ref.Kind) || !s.Builtin(ref.Group, ref.Kind) || !s.Serves(ref) ||
		len(metav1validation.ValidateLabels(updated, field.NewPath("metadata", "labels"))) > 0 {
		return change.Outcome{}, false
	}
	var outcome change.Outcome
	touch := func(name string) {
		if name != manifest.ManagedByLabel { // Helm writes that one itself
			outcome.Changed = true
			outcome.Fields = append(outcome.Fields, fieldpath.Fields("metadata", "labels", name))
		}
	}
	for name, value := range updated {
		if before, had := old[name]; !had || before != value {
			touch(name)
		}
	}
	for name := range old {
		if _, has := updated[name]; !has {
			touch(name)
		}
	}
	slices.SortFunc(outcome.Fields, func(a, b fieldpath.Path) int {
		return slices.Compare([]string{a[2].Field}, []string{b[2].Field})
	})
	return outcome, true
}
