package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/helm"
)

const uninstallHelp = `Judge what "helm uninstall" would do: which objects are deleted, which stay, and
what goes with them. Nothing is written to the cluster.

The flags of "helm uninstall" that say how it is carried out, such as --wait and
--timeout, are accepted and have no effect.`

func (a *app) uninstallCommand() *cobra.Command {
	var (
		shared  storedFlags
		un      helm.Uninstall
		cascade string
	)
	cmd := &cobra.Command{
		Use:     "uninstall RELEASE",
		Aliases: []string{"del", "delete", "un"},
		Short:   "Judge the removal of a release",
		Long:    uninstallHelp,
		Example: "  helm safe-diff uninstall shop --namespace prod",
		Args:    arguments("RELEASE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := shared.options(a)
			if err == nil && !slices.Contains(cascades(), cascade) {
				err = fmt.Errorf("unknown value %q of --cascade; valid are %s", cascade, strings.Join(cascades(), ", "))
			}
			if err != nil {
				return usage(cmd, err)
			}
			un.Stored = shared.stored(args[0])
			old, left, err := a.helmClient().Uninstall(cmd.Context(), un)
			if err != nil {
				return err
			}
			opts := optionsOf(old, left)
			opts.Release.Values = nil // they go with the release
			opts.Operation, opts.Orphan = change.Uninstall, cascade == "orphan"
			return shared.judge(a, cmd, old, left, opts, r)
		},
		ValidArgsFunction: a.completeReleases(1),
	}
	flags := cmd.Flags()
	flags.BoolVar(&un.KeepHistory, "keep-history", false, "Helm keeps the revisions of the release")
	flags.BoolVar(&un.IgnoreNotFound, "ignore-not-found", false, "if there is no such release, there is nothing to judge")
	flags.StringVar(&cascade, "cascade", "background", "what becomes of what the objects own, such as pods: "+strings.Join(cascades(), ", "))
	complete(cmd, "cascade", cascades())
	shared.addTo(cmd)
	shared.live.addTo(cmd.Flags())
	shared.apply.serverSide = "auto" // an uninstall applies nothing
	addNoEffectFlags(flags, uninstallNoEffect(), nil)
	return cmd
}

// cascades are the values of --cascade; Helm takes others for background
// (parseCascadingFlag in pkg/action/uninstall.go).
func cascades() []string { return []string{"background", "foreground", "orphan"} }
