package workloads

import (
	"time"

	"k8s.io/kubernetes/pkg/util/parsers"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// ScheduleRules are about runs that never begin.
func ScheduleRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "cronjob-never-runs", Risk: change.Stuck, Kinds: []string{"CronJob"},
			Why: "a CronJob that is suspended, or whose schedule is never due, starts no runs (the controller asks the schedule for its next time, " +
				"and has none: k8s.io/kubernetes/pkg/controller/cronjob); with startingDeadlineSeconds: 0 none starts either, because the controller looks a tenth of a second after the scheduled time; nobody is told",
			Fix:  "give it a schedule that comes due, a deadline of at least 10 seconds, and suspend: false",
			Find: neverRuns,
		},
	}
}

// someDay is the day from which a schedule is asked when it comes due: any day will do, since
// it is asked for the years that follow.
func someDay() time.Time { return time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC) }

// idle says why a CronJob starts no run; "" if it does.
func idle(o *manifest.Object) string {
	spec := upgrade.Spec(o)
	if spec["suspend"] == true {
		return "it is suspended, and starts no run"
	}
	if spec["startingDeadlineSeconds"] == int64(0) {
		return "startingDeadlineSeconds: 0 leaves a run no time to start, so none starts"
	}
	schedule, err := parsers.ParseCronScheduleWithPanicRecovery(untyped.Text(spec, "schedule"))
	if err == nil && schedule.Next(someDay()).IsZero() {
		return "its schedule is never due, and it starts no run"
	}
	return ""
}

func neverRuns(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Ref().Kind != "CronJob" || o.Ref().Group != "batch" || !o.Does(change.Create, change.Update) || o.New == nil || o.Idle() {
			continue
		}
		message := idle(o.New)
		suspended := upgrade.Spec(o.New)["suspend"] == true
		if before := o.Change.Before(); message == "" || before != nil && idle(before) != "" || before == nil && suspended {
			continue // one that comes suspended is meant to be started by hand
		}
		found = append(found, rule.Found{
			On: o, Message: message, Paths: rule.Edits(o.Change, "suspend", "schedule", "timeZone", "startingDeadlineSeconds"), Evidence: []change.Evidence{{What: message, Objects: []manifest.Ref{o.Ref()}}},
		})
	}
	return found
}
