package safediff

import (
	"fmt"
	"slices"
	"time"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

const (
	runsAgain      = "Kubernetes has collected the Job (ttlSecondsAfterFinished): the upgrade makes it anew, and it runs again"
	unlessIsThere  = "whether Kubernetes has collected the Job by now (ttlSecondsAfterFinished): if so, the upgrade makes it anew and it runs again; if not, the change is refused: %s"
	runsAgainLater = "Kubernetes collects the Job at %s (ttlSecondsAfterFinished): an upgrade after that makes it anew, and it runs again"
)

// collects reports whether Kubernetes deletes a Job of the release some time after it has
// finished (the controller in k8s.io/kubernetes/pkg/controller/ttlafterfinished).
func collects(o *manifest.Object) bool {
	return o.Ref.Kind == "Job" && o.Ref.Group == "batch" && upgrade.Spec(o)["ttlSecondsAfterFinished"] != nil
}

// collected corrects what is said of a Job whose change is refused as long as it is there.
// Without a look at the cluster that is not known; value is what the cluster has.
func collected(result apiserver.Result, old *manifest.Object, value map[string]any) apiserver.Result {
	refused := result.Outcome.Refused
	if value == nil {
		if slices.ContainsFunc(refused, func(e change.FieldError) bool { return e.Itself }) {
			return result // whatever was there before
		}
		result.Outcome.Refused, result.Outcome.Upfront, result.Outcome.Changed = nil, false, true
		result.Unchecked = append(result.Unchecked, change.Doubt{Reason: fmt.Sprintf(unlessIsThere, refused[0]), Hides: change.Rejected})
		return result
	}
	if at := finished(value); !at.IsZero() {
		ttl, _ := upgrade.Spec(old)["ttlSecondsAfterFinished"].(int64)
		at = at.Add(time.Duration(ttl) * time.Second)
		result.Unchecked = append(result.Unchecked, change.Doubt{Reason: fmt.Sprintf(runsAgainLater, at.UTC().Format(time.RFC3339))})
	}
	return result
}

// finished returns when a Job in the cluster was done or had failed; the zero time if it has
// not, or does not say.
func finished(value map[string]any) time.Time {
	for _, condition := range untyped.Maps(value, "status", "conditions") {
		if kind := untyped.Text(condition, "type"); condition["status"] == "True" && (kind == "Complete" || kind == "Failed") {
			at, err := time.Parse(time.RFC3339, untyped.Text(condition, "lastTransitionTime"))
			if err == nil {
				return at
			}
		}
	}
	return time.Time{}
}
