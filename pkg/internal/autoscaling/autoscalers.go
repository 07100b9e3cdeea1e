// Package autoscaling tells how many pods autoscalers keep of a workload, and what an upgrade does to that.
package autoscaling

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// Autoscalers is what is known of autoscalers, and of how many pods they keep.
type Autoscalers struct {
	*action.Action
	// stopped are the workloads of which an autoscaler that goes or changes stops pods.
	stopped map[manifest.Identity]bool
	// least is how many pods an autoscaler keeps of a workload at least, when the upgrade
	// begins.
	least map[manifest.Identity]int
}

// New reads that.
func New(a *action.Action) *Autoscalers {
	return &Autoscalers{Action: a, least: keptBefore(&a.Objects)}
}

// Churns corrects what is said of workloads of which a manifest and an autoscaler both said
// before how many pods there are: pods surely go if the manifest's number is less than the
// autoscaler lets be.
func (a *Autoscalers) Churns(u *upgrade.Upgrade) {
	for _, s := range u.Scalings() {
		if w := s.Workload; !s.Begins && w.Done() && !a.Looked(w.New.Ref) && w.Change.Outcome.Pods != nil {
			churn(w.Change.Outcome.Pods, upgrade.Replicas(w.New), upgrade.Least(s.Autoscaler.Old))
		}
	}
}

const scaleConflict = "Apply failed with 1 conflict: conflict with the autoscaler, which keeps %d pods or more: .spec.replicas"

// Overscaled refuses, where Helm applies on the server's side, workloads of which an
// autoscaler of the installed release has kept more pods than either manifest says, also if
// it goes: the number is no longer Helm's. A look at the cluster tells by itself.
func (a *Autoscalers) Overscaled(u *upgrade.Upgrade) {
	if !a.ServerSide || a.ForceConflicts || a.Replace {
		return
	}
	for i := range u.Objects {
		autoscaler := u.Objects[i].Old
		if autoscaler == nil || diff.IsHook(autoscaler) {
			continue
		}
		target, is := upgrade.ScaleTarget(autoscaler)
		w := u.Object(target)
		if !is || w == nil || w.Old == nil || w.New == nil || !upgrade.SetsReplicas(w.New) || upgrade.Replicas(w.New) == 0 || a.Looked(w.New.Ref) {
			continue
		}
		least := upgrade.Least(autoscaler)
		if upgrade.Replicas(w.Old) == 0 || max(upgrade.Replicas(w.Old), upgrade.Replicas(w.New)) >= least {
			continue // an autoscaler leaves alone what rests
		}
		c := w.Change
		if c == nil {
			c = &change.Change{Ref: w.New.Ref, Op: change.Update, Old: w.Old, New: w.New}
		}
		if len(c.Outcome.Refused) == 0 {
			c.Outcome.Refused, c.Outcome.Pods = []change.FieldError{{Type: "Conflict", Message: fmt.Sprintf(scaleConflict, least)}}, nil
			w.Change, w.Rollback = c, ""
		}
	}
}

// Resized notes where it hangs on how many pods there are whether an autoscaler that comes,
// goes or changes stops some of them, and keeps of which workloads it surely does.
func (a *Autoscalers) Resized(u *upgrade.Upgrade) {
	a.stopped = map[manifest.Identity]bool{}
	for _, r := range u.Resizes() {
		if r.Stops() > 0 {
			a.stopped[r.Workload.Ref().Identity()] = true
		}
		if r.MayStop() {
			r.On.Unchecked = append(r.On.Unchecked, change.Doubt{Hides: change.Restart, Never: true, Reason: fmt.Sprintf(
				"whether pods of %s are stopped: it has %s, and is to have %s", r.Workload.Ref(), r.Before, r.After)})
		}
	}
}

// keptBefore returns how many pods the autoscalers of the installed release, and those that
// are known to be in the cluster, keep of each workload at least.
func keptBefore(in *action.Objects) map[manifest.Identity]int {
	least := map[manifest.Identity]int{}
	for _, objects := range [][]*manifest.Object{in.Cluster, in.Old} {
		for _, o := range objects {
			if diff.IsHook(o) {
				continue
			}
			target, is := upgrade.ScaleTarget(o)
			if paused, _ := paused(in, o, nil); !is || paused {
				continue
			}
			if least[target] = upgrade.Least(o); upgrade.IsScaledObject(o.Ref) {
				n, _ := upgrade.Spec(o)["minReplicaCount"].(int64)
				least[target] = int(n)
			}
		}
	}
	return least
}

// Sized returns a workload before and after its update with as many pods as an
// autoscaler keeps at least, where that is more than the API server fills in since neither
// manifest says how many; least is 0 if it is not. A look at the cluster tells by itself.
func (a *Autoscalers) Sized(c *change.Change, result *apiserver.Result) (before, after runtime.Object, least int) {
	before, after = result.Old, result.New
	n := a.least[c.Ref.Identity()]
	switch {
	case n < 2 || c.Op != change.Update || a.Looked(c.Ref) || c.Old == nil || c.New == nil:
		return before, after, 0
	case a.Falls(c.New):
		return rollout.Sized(before, n), after, 0 // what the manifest says, until the autoscaler comes
	case !upgrade.SetsReplicas(c.Old) && upgrade.SetsReplicas(c.New):
		return rollout.Sized(before, n), after, 0 // as many as the autoscaler keeps, until Helm sets the number
	case upgrade.SetsReplicas(c.Old) || upgrade.SetsReplicas(c.New):
		return before, after, 0
	}
	return rollout.Sized(before, n), rollout.Sized(after, n), n
}

// Falls reports whether Helm sends the manifest of an autoscaled workload in the place of what
// is there (--force), so that it falls to the number of the manifest, or to 1, even if the
// manifest stays as it is.
func (a *Autoscalers) Falls(o *manifest.Object) bool {
	return a.Replace && o != nil && upgrade.Replicas(o) > 0 && upgrade.Replicas(o) < a.least[o.Ref.Identity()] && !a.Looked(o.Ref)
}

// churn corrects what is said of a workload that an upgrade scales to fewer pods than an
// autoscaler keeps.
func churn(pods *change.Pods, replicas, least int) {
	if replicas >= least {
		return
	}
	churned(pods, fmt.Sprintf("scaled to %d, and back to %d or more by the autoscaler", replicas, least))
}

// churned notes that pods go and come, how in one clause, since the manifest and an
// autoscaler want different numbers of them.
func churned(pods *change.Pods, how string) {
	if !pods.Replaced {
		pods.Cause = "the manifest and an autoscaler both say how many there are"
	}
	pods.Replaced, pods.Affected = true, -1
	pods.How = strings.TrimPrefix(pods.How+", ", ", ") + how
}

// ScaleBack corrects what is said of a workload that an upgrade takes pods from and
// an autoscaler gives them back.
func ScaleBack(pods *change.Pods) {
	if pods.Before <= pods.Desired || pods.Desired < 1 {
		return
	}
	churned(pods, fmt.Sprintf("scaled from %d to %d, and back by the autoscaler", pods.Before, pods.Desired))
}
