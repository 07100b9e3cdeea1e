// Package obstacles tells what keeps the pods of workloads from starting: their template, the API server, and nodes that cannot hold them.
package obstacles

import (
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// Obstacles tells what keeps the pods of workloads from starting.
type Obstacles struct {
	*action.Action
	// labels are those of a namespace after the upgrade, and whether they are known.
	labels func(namespace string) (map[string]string, bool)
	// neighbours are pods that stay where they are.
	neighbours []neighbour
}

// New reads which pods stay where they are.
func New(of *action.Action, labels func(namespace string) (map[string]string, bool)) *Obstacles {
	a := &Obstacles{Action: of, labels: labels}
	a.neighbours = a.staying()
	return a
}

// Of lists what keeps the pods of a workload from starting: all of it if the upgrade
// makes pods, else what it brings for those that are to come. Paths are those of the object. The
// second result is what could not be told.
func (a *Obstacles) Of(c *change.Change, result *apiserver.Result) ([]rollout.Obstacle, []change.Doubt) {
	updated := podMaker(c, result)
	if updated == nil {
		return nil, nil
	}
	makes := rule.MakesPods(c)
	list := rollout.Obstacles(updated, a.Rollout)
	if makes {
		list = append(list, a.rejections(c, updated)...)
	} else if result.Old != nil {
		before := rollout.Obstacles(result.Old, a.Rollout)
		list = slices.DeleteFunc(list, func(o rollout.Obstacle) bool {
			return slices.ContainsFunc(before, func(b rollout.Obstacle) bool { return reflect.DeepEqual(o, b) })
		})
	}
	if p := c.Outcome.Pods; p != nil && makes && c.Op == change.Update &&
		slices.ContainsFunc(list, func(o rollout.Obstacle) bool { return o.Kind == rollout.PodsRejected }) {
		rollout.Refuse(p, "")
		p.Rejected = true
	}
	brought, unclear := rollout.Brought(podsBefore(c, result), updated, a.Rollout)
	list = append(list, brought...)
	inObject(c, list)
	return list, unclear
}

// podsBefore returns the object that made the pods before the upgrade; nil if there was none. Of a
// hook only the manifest says.
func podsBefore(c *change.Change, result *apiserver.Result) runtime.Object {
	if result.Old != nil || c.Hook == nil || c.Old == nil || c.Old.Ref.Version != c.Ref.Version {
		return result.Old
	}
	value, err := c.Old.Value()
	if err != nil {
		return nil
	}
	return apiserver.Typed(c.Ref, value)
}

// podMaker returns the object whose pods may be made from now on; nil if there is none.
func podMaker(c *change.Change, result *apiserver.Result) runtime.Object {
	updated := result.New
	if updated == nil && c.Hook != nil && c.Hook.Runs { // of a hook only the fields are kept
		updated = apiserver.Typed(c.Ref, result.NewFields)
	}
	if c.Outcome.PodSpec == nil || c.Op == change.Delete || c.Op == change.Keep || len(c.Outcome.Refused) > 0 {
		return nil
	}
	return updated
}

// inObject turns paths below the spec of the pods into those of the object.
func inObject(c *change.Change, list []rollout.Obstacle) {
	for i := range list {
		if o := &list[i]; !o.Whole {
			for k := range o.Paths {
				o.Paths[k] = c.Outcome.PodSpec.Join(o.Paths[k])
			}
		}
	}
}

// rejections tells why the API server rejects the pods that a workload makes, though it has
// accepted their template.
func (a *Obstacles) rejections(c *change.Change, updated runtime.Object) []rollout.Obstacle {
	pod := rollout.LastPod(updated)
	if pod == nil || c.Outcome.Pods != nil && c.Outcome.Pods.Desired == 0 {
		return nil
	}
	errs := a.Server.PodErrors(pod, c.Ref.Namespace)
	list := make([]rollout.Obstacle, 0, len(errs))
	for _, e := range errs {
		list = append(list, rollout.Obstacle{Kind: rollout.PodsRejected, Whole: true, Message: "the API server rejects each of its pods: " + e.String()})
	}
	return list
}
