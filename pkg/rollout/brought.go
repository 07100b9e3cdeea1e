package rollout

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// Brought lists what keeps new pods of a workload from starting or from getting ready and did not
// keep its old ones: what worked may go on to work, by what the object does not say. old is nil
// for a new workload. The second result is what hangs on nodes and controllers.
func Brought(old, updated runtime.Object, facts Facts) ([]Obstacle, []change.Doubt) {
	template := templateOf(updated, facts)
	if template == nil || rests(updated) {
		return nil, nil
	}
	var before *corev1.PodSpec
	if was := templateOf(old, facts); was != nil {
		before = &was.Spec
	}
	var list []Obstacle
	if before != nil {
		list = append(list, noSidecars(updated, before, &template.Spec)...)
	}
	return list, nil
}

func (c placed) paths(names ...string) []fieldpath.Path { return []fieldpath.Path{c.field(names...)} }
