package workloads

import (
	"fmt"
	"time"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
)

// TimeoutRules are about rollouts for which Helm does not wait long enough.
func TimeoutRules() []rule.Rule {
	return []rule.Rule{{
		ID: "timeout-too-short", Risk: change.Stuck, Kinds: []string{"Deployment", "StatefulSet", "DaemonSet"}, Hangs: rule.Always,
		Why: "with --wait, --atomic or --rollback-on-failure Helm waits for the rollout until --timeout; then the release fails, or Helm rolls it back, " +
			"even if every pod becomes ready",
		Fix:  "give Helm a longer timeout, let pods become ready sooner (initialDelaySeconds, minReadySeconds), or replace more of them at a time (maxSurge, maxUnavailable)",
		Find: tooShort,
	}}
}

// tooShort tells of rollouts that take longer than Helm waits.
func tooShort(u *upgrade.Upgrade) []rule.Found {
	if !u.Waits || u.Timeout <= 0 {
		return nil
	}
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Hook != nil || !o.Does(change.Create, change.Update) || o.Change.Outcome.Pods == nil {
			continue
		}
		p := o.Change.Outcome.Pods
		least := awaitedFor(u, p)
		tooLong := func(seconds int) bool { return time.Duration(seconds)*time.Second > u.Timeout }
		if p.Blocked() || !tooLong(least) || !tooLong(least-slack(u, o, p)) {
			continue
		}
		waits := int(u.Timeout / time.Second)
		f := rule.Found{
			On: o, Message: fmt.Sprintf("the rollout cannot finish before %s, and Helm waits for %s (--timeout)", rule.Seconds(least), rule.Seconds(waits)),
			Evidence: []change.Evidence{{What: "seconds until it is ready, at least", Count: least}, {What: "seconds for which Helm waits", Count: waits}},
		}
		if o.Change.Op == change.Update {
			f.Paths = p.Causes
		}
		found = append(found, f)
	}
	return found
}

// awaitedFor is the least number of seconds until Helm considers a workload ready; 0 if that is not
// known.
func awaitedFor(u *upgrade.Upgrade, p *change.Pods) int {
	switch t := p.Takes; {
	case t == nil:
		return 0
	case u.Helm == 3 || u.Legacy:
		return t.Legacy
	case u.Helm == 4:
		return t.Watched
	default:
		return min(t.Legacy, t.Watched)
	}
}

// slack is by how many seconds Helm may see a rollout finish earlier. The rollout is under way while
// Helm still applies later objects, with two or three requests each: a second is counted for each
// object. And the API server stores in whole seconds when a container started and when a pod became
// ready, so that each turn may count two seconds too many.
func slack(u *upgrade.Upgrade, o *upgrade.Object, p *change.Pods) int {
	const perTurn = 2
	behind := 0
	for i := range u.Objects {
		other := &u.Objects[i]
		if (other.Phase == diff.Apply || other.Phase == diff.Remove) && other.Turn > o.Turn {
			behind++
		}
	}
	return behind + perTurn*p.Takes.Turns
}
