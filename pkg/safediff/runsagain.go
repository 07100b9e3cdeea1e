package safediff

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
)

const gonePerhaps = "whether Kubernetes has collected the Job by now (ttlSecondsAfterFinished): if so, the upgrade makes it anew and it runs again"

// mayRunAgain notes Jobs that stay in the release, where it is not known whether Kubernetes has collected
// them: Helm makes each object of the new manifest that is not there, whether or not it differs from the
// installed one (update in helm.sh/helm/v3/pkg/kube and helm.sh/helm/v4/pkg/kube). A Job that is suspended does not finish.
func (j *judge) mayRunAgain(u *upgrade.Upgrade) {
	if j.opts.Operation == change.Install || j.opts.Operation == change.Uninstall {
		return
	}
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Old == nil || o.New == nil || o.Unreached || o.Change != nil && !o.Does(change.Update) || o.Ref().Kind != "Job" || j.Looked(o.Ref()) {
			continue
		}
		if diff.IsHook(o.Old) || diff.IsHook(o.New) || !collects(o.Old) || upgrade.Spec(o.Old)["suspend"] == true {
			continue
		}
		if told := slices.ContainsFunc(o.Unchecked, func(d change.Doubt) bool { return d.Hides == change.Rejected }); !told {
			o.Unchecked = append(o.Unchecked, change.Doubt{Reason: gonePerhaps})
		}
	}
}
