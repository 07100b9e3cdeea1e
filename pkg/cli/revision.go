package cli

import (
	"github.com/spf13/cobra"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

const revisionHelp = `Judge the step from one stored revision of a release to another, as an upgrade.
Without NEW it is the step to the revision that is deployed. Nothing is written to
the cluster.`

func (a *app) revisionCommand() *cobra.Command {
	var shared storedFlags
	cmd := &cobra.Command{
		Use:     "revision RELEASE OLD [NEW]",
		Short:   "Judge the step from one revision of a release to another",
		Long:    revisionHelp,
		Example: "  helm safe-diff revision shop 5 7 --namespace prod",
		Args:    argumentsOf([]string{"RELEASE", "OLD"}, "NEW"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := shared.options(a)
			if err != nil {
				return usage(cmd, err)
			}
			numbers, err := revisions(args[1:])
			if err != nil {
				return usage(cmd, err)
			}
			old, updated, err := a.helmClient().Revisions(cmd.Context(), shared.stored(args[0]), numbers[0], numbers[1])
			if err != nil {
				return err
			}
			opts := optionsOf(old, updated)
			opts.Operation, opts.Release.NewRevision = change.Upgrade, updated.Revision
			return shared.judge(a, cmd, old, updated, opts, r)
		},
		ValidArgsFunction: a.completeRevisions(2),
	}
	shared.addStepTo(cmd)
	return cmd
}
