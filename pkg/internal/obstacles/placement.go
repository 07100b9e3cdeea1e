package obstacles

import (
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/scheduling"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// Unplaced tells why no node can hold the pods that a workload makes. If something else
// keeps them from being made, nobody looks for a node. Where one may be found all the
// same, or none could hold the pods of before either, it is told as not judged.
func (a *Obstacles) Unplaced(c *change.Change, result *apiserver.Result) ([]rollout.Obstacle, []change.Doubt) { //nolint:cyclop // what decides, one after the other
	updated, pods := podMaker(c, result), c.Outcome.Pods
	if updated == nil || pods != nil && (pods.Desired == 0 || pods.Blocked()) {
		return nil, nil
	}
	if gate := rollout.Gates(result.Old, updated, a.Rollout); gate != nil {
		return gated(c, updated, gate)
	}
	facts := a.Rollout
	facts.Running, facts.Bound = a.Running[c.Ref.Namespace], a.Bound[c.Ref.Namespace]
	why, open := rollout.Unplaced(result.Old, updated, facts)
	if why == nil {
		return a.excluded(c, result)
	}
	makes, before := rule.MakesPods(c), false
	if result.Old != nil {
		was, _ := rollout.Unplaced(nil, result.Old, facts)
		before = was != nil && (c.Ref.Kind != "DaemonSet" || was.Message == why.Message)
	}
	switch {
	case before && !makes:
		return nil, nil
	case open != "":
	case !makes && c.Ref.Kind != "CronJob":
		open = "the pods that run stay until somebody deletes them"
	case before && (c.Ref.Kind == "DaemonSet" || !facts.Placed(result.Old)):
		open = "nor could it hold the previous pods"
	}
	if open != "" {
		return nil, []change.Doubt{{Reason: why.Message + "; " + open, Hides: change.Stuck, Never: true}}
	}
	if pods != nil && makes && c.Op == change.Update {
		rollout.Strand(updated, pods, why)
	}
	list := []rollout.Obstacle{*why}
	inObject(c, list)
	return list, nil
}

// gated tells that the pods that a workload makes wait for somebody who takes their scheduling
// gates away: where none are made now, those that run stay until somebody deletes them.
func gated(c *change.Change, updated runtime.Object, gate *rollout.Obstacle) ([]rollout.Obstacle, []change.Doubt) {
	makes := rule.MakesPods(c)
	if !makes && c.Ref.Kind != "CronJob" {
		return nil, []change.Doubt{{Reason: gate.Message + "; the pods that run stay until somebody deletes them", Hides: change.Stuck, Never: true}}
	}
	if makes && c.Outcome.Pods != nil && c.Op == change.Update {
		rollout.Strand(updated, c.Outcome.Pods, gate)
	}
	list := []rollout.Obstacle{*gate}
	inObject(c, list)
	return list, nil
}

// excluded tells why pods that a workload makes find no node because others of it are there.
func (a *Obstacles) excluded(c *change.Change, result *apiserver.Result) ([]rollout.Obstacle, []change.Doubt) {
	if result.New == nil || !rule.MakesPods(c) {
		return nil, nil
	}
	facts := a.Rollout
	facts.Running, facts.Bound = a.Running[c.Ref.Namespace], a.Bound[c.Ref.Namespace]
	facts.Neighbours = a.neighboursOf(c.Ref)
	labels, known := a.labels(c.Ref.Namespace)
	in := scheduling.Namespace{Name: c.Ref.Namespace, Labels: labels, Known: known}
	why, open := rollout.Excluded(result.Old, result.New, c.Outcome.Pods, facts, in)
	switch {
	case why == nil:
		return nil, nil
	case open != "":
		return nil, []change.Doubt{{Reason: why.Message + "; " + open, Hides: change.Stuck, Never: true}}
	case c.Op == change.Update:
		rollout.Hold(result.New, c.Outcome.Pods, why)
	}
	list := []rollout.Obstacle{*why}
	inObject(c, list)
	return list, nil
}
