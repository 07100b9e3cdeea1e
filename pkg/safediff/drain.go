package safediff

import (
	"context"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/drain"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
)

// Drain tells what happens when each node of the cluster is drained after the upgrade from old to
// updated. opts.Look must be nil or ask the cluster; around reads what of all namespaces decides that,
// nil if Options.Cluster is all that is known.
func Drain(ctx context.Context, old, updated Manifest, opts Options, around func(context.Context) (*cluster.State, error)) (change.Drain, error) {
	var everywhere *cluster.State
	if around != nil {
		var err error
		if everywhere, err = around(ctx); err != nil {
			return change.Drain{}, err
		}
	}
	var found change.Drain
	opts.drained = func(u *upgrade.Upgrade, objects *action.Objects) (err error) {
		found, err = drain.After(u, objects, everywhere, old.Text == updated.Text)
		return err
	}
	set, err := Compare(ctx, old, updated, opts)
	if err != nil {
		return change.Drain{}, err
	}
	found.Release = set.Release
	if set.Fails() {
		found.Unknown = append(found.Unknown, change.Notice{Reason: "the upgrade fails: objects that it does not reach are assumed to stay as they are"})
	}
	return found, nil
}
