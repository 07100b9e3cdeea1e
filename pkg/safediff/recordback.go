package safediff

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// unrecordedBack tells of quotas that have room for the record of this upgrade and then none for that of
// a rollback, which Helm stores first, too (prepareRollback and performRollback in helm.sh/helm/v3/pkg/action).
// What is used is what the quota says, or else at least what the release itself has.
func (j *judge) unrecordedBack(u *upgrade.Upgrade) []change.Notice {
	kind := j.opts.Record.Kind
	if kind == "" || cmp.Or(j.opts.Operation, change.Upgrade) != change.Upgrade || j.guards.after == nil || max(j.opts.Release.Revision, j.opts.Failed)+1 >= keptRecords {
		return nil
	}
	if slices.ContainsFunc(u.Objects, func(o upgrade.Object) bool { return o.Change != nil && o.Change.Outcome.Upfront }) {
		return nil // nothing is stored by then
	}
	namespace := cmp.Or(j.opts.Namespace, "default")
	record, err := j.recordObject()
	if err != nil {
		return nil // it was said where the upgrade stores it
	}
	var list []change.Notice
	more := j.server.Usage(record)
	for _, q := range j.guards.after.Quotas(namespace) {
		used := apiserver.Plus(q.Status.Used, more)
		if len(q.Status.Used) == 0 {
			used = apiserver.Plus(more, more) // the records of both revisions
			for _, o := range u.StandingAt(upgrade.After) {
				if o.Ref.Kind == kind && o.Ref.Namespace == namespace && !diff.IsHook(o) {
					used = apiserver.Plus(used, j.server.Usage(o))
				}
			}
		}
		if why := apiserver.Exceeded(q, used, more); why != "" {
			list = append(list, change.Notice{
				Ref:    manifest.Ref{Version: "v1", Kind: "ResourceQuota", Namespace: q.Namespace, Name: q.Name},
				Reason: fmt.Sprintf("it has no room for the record of a rollback, which is refused as a whole (with that it is %s)", why),
			})
		}
	}
	return list
}
