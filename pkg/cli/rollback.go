package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

const rollbackHelp = `Judge what "helm rollback" would do: from the last revision of the release back to
REVISION, or to the one before the last. Nothing is written to the cluster.

The flags of "helm rollback" that say how it is carried out, such as --description, are
accepted and have no effect. With --wait the rollback fails if a rollout cannot finish
at all, or not within --timeout (default 5m0s); with --wait-for-jobs also if a Job
cannot.`

const recreatedPods = "--recreate-pods deletes the pods of every workload of the release, also where nothing changes; that was not judged"

func (a *app) rollbackCommand() *cobra.Command {
	var (
		shared   storedFlags
		recreate bool
		out      string
	)
	cmd := &cobra.Command{
		Use:     "rollback RELEASE [REVISION]",
		Short:   "Judge the rollback of a release",
		Long:    rollbackHelp,
		Example: "  helm safe-diff rollback shop 5 --namespace prod",
		Args:    argumentsOf([]string{"RELEASE"}, "REVISION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := shared.options(a)
			if err == nil {
				err = r.planTo(out)
			}
			if err != nil {
				return usage(cmd, err)
			}
			revision, err := revisions(args[1:])
			if err != nil {
				return usage(cmd, err)
			}
			s, err := a.rollbackStep(cmd.Context(), &shared, args[0], revision[0])
			if err != nil {
				return err
			}
			if recreate {
				s.opts.Notices = append(s.opts.Notices, change.Notice{Reason: recreatedPods, Hides: change.Downtime})
			}
			return a.judgeStep(cmd.Context(), s, r)
		},
		ValidArgsFunction: a.completeRevisions(1),
	}
	shared.addTo(cmd)
	shared.live.addTo(cmd.Flags())
	shared.apply.addTo(cmd, "what Helm 4 noted of the revision to go back to")
	cmd.Flags().BoolVar(&recreate, "recreate-pods", false, "Helm 3 deletes the pods of all workloads")
	cmd.Flags().Lookup("recreate-pods").Hidden = true
	cmd.Flags().StringVar(&out, "out", "", "also write a plan, by which verify tells what has moved since it was approved")
	addNoEffectFlags(cmd.Flags(), rollbackNoEffect(), &shared.wait)
	return cmd
}

// rollbackStep reads the revisions that a rollback is between; revision 0 stands for the
// one before the last.
func (a *app) rollbackStep(ctx context.Context, f *storedFlags, release string, revision int) (step, error) {
	old, updated, err := a.helmClient().Rollback(ctx, f.stored(release), revision)
	if err != nil {
		return step{}, err
	}
	opts := optionsOf(old, updated)
	opts.Operation, opts.Release.NewRevision, opts.Release.Wait = change.Rollback, updated.Revision, f.wait
	return f.step(a, old, updated, opts)
}
