package cli

import (
	"cmp"
	"errors"

	"github.com/spf13/cobra"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

const upgradeHelp = `Judge an upgrade before it is made. The chart is rendered as "helm upgrade" with
the same flags would render it, and compared with the installed release. Nothing
is written to the cluster.

The flags of "helm upgrade" that say how an upgrade is carried out, such as
--wait, --timeout and --atomic, are accepted and have no effect.`

func (a *app) upgradeCommand() *cobra.Command {
	var (
		up     helm.Upgrade
		source sourceFlags
		render renderFlags
		apply  applyFlags
		about  clusterFlags
		output reportFlags
		live   liveFlags
	)
	cmd := &cobra.Command{
		Use:     "upgrade RELEASE CHART",
		Short:   "Judge the upgrade of an installed release",
		Long:    upgradeHelp,
		Example: "  helm safe-diff upgrade shop ./chart -f prod.yaml --namespace prod",
		Args:    arguments("RELEASE", "CHART"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := output.options(a)
			if err == nil {
				err = errors.Join(render.check(), apply.check(), live.check(), about.check(render.Values.ValueFiles...))
			}
			if err != nil {
				return usage(cmd, err)
			}
			up.Release, up.Chart, up.Rendering = args[0], source.chart(args[1]), render.Rendering
			return a.upgrade(cmd, up, apply, about, live, r)
		},
		ValidArgsFunction: a.completeUpgrade,
	}
	flags := cmd.Flags()
	flags.BoolVarP(&up.Install, "install", "i", false, "if there is no such release, judge its installation")
	flags.BoolVar(&up.Install, "allow-unreleased", false, "same as --install")
	flags.BoolVar(&up.ReuseValues, "reuse-values", false, "keep the values of the installed release, its chart's defaults included, and merge the given ones in")
	flags.BoolVar(&up.ResetValues, "reset-values", false, "take the values of the chart, not those of the installed release")
	flags.BoolVar(&up.ResetThenReuseValues, "reset-then-reuse-values", false, "take the values of the chart, then those given for the installed release, then the given ones")
	flags.BoolVar(&up.SkipCRDs, "skip-crds", false, "leave out the chart's crds directory when there is no release yet")
	flags.BoolVar(&render.IncludeCRDs, "include-crds", false, "also compare the crds directories of the charts, which no upgrade touches")
	source.addTo(flags)
	render.addTo(flags)
	apply.addTo(cmd, "what Helm 4 noted of the release")
	apply.addOwnershipTo(cmd)
	about.addTo(flags)
	live.addTo(flags)
	output.addTo(cmd)
	addNoEffectFlags(flags, upgradeNoEffect())
	return cmd
}

func (a *app) upgrade(cmd *cobra.Command, up helm.Upgrade, apply applyFlags, about clusterFlags, look liveFlags, r reportOptions) error {
	cluster, err := about.read(a)
	if err != nil {
		return err
	}
	old, updated, err := a.helmClient().Upgrade(cmd.Context(), up)
	if err != nil {
		return err
	}
	r.locate = inChart(up.Chart.Ref)
	opts := optionsOf(old, updated)
	opts.NoHooks, opts.Cluster, opts.Operation = up.NoHooks, cluster, change.Upgrade
	opts.Release.Context, opts.Release.Cluster = a.place()
	if old.Revision == 0 {
		opts.Operation = change.Install
	}
	if err := apply.apply(&opts, updated.ServerSide); err != nil {
		return err
	}
	if err := look.look(a, &opts); err != nil {
		return err
	}
	return a.judge(cmd.Context(), manifestOf(old), manifestOf(updated), opts, r)
}

// place returns what the kubeconfig calls the context and the cluster that are asked;
// "" if it does not say.
func (a *app) place() (name, cluster string) {
	config, err := a.settings.RESTClientGetter().ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		return "", ""
	}
	name = cmp.Or(a.settings.KubeContext, config.CurrentContext)
	if named := config.Contexts[name]; named != nil {
		cluster = named.Cluster
	}
	return name, cluster
}

// optionsOf returns what the two sides of a release say of the step between them.
func optionsOf(old, updated helm.Side) safediff.Options {
	return safediff.Options{
		Release: change.Release{
			Name:      updated.Release,
			Namespace: updated.Namespace,
			Revision:  old.Revision,
			OldChart:  old.Chart,
			NewChart:  updated.Chart,
			Values:    safediff.Values(old.Values, updated.Values),
		},
		Namespace:   updated.Namespace,
		KubeVersion: updated.KubeVersion,
		Failed:      old.Failed,
		FailedHow:   old.FailedHow,
		OldCRDs:     crdsOf(old),
		NewCRDs:     crdsOf(updated),
		Again:       againOf(updated),
	}
}

// againOf returns the second rendering of a side.
func againOf(side helm.Side) safediff.Again {
	return safediff.Again{Manifest: safediff.Manifest{Name: side.Name + ", rendered again", Text: side.Again}, LooksUp: side.LooksUp}
}

func manifestOf(side helm.Side) safediff.Manifest {
	return safediff.Manifest{Name: side.Name, Text: side.Manifest}
}

func crdsOf(side helm.Side) safediff.Manifest {
	return safediff.Manifest{Name: "crds of " + side.Name, Text: side.CRDs}
}

// completeUpgrade offers the names of installed releases, then files.
func (a *app) completeUpgrade(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 1 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return a.completeReleases(1)(cmd, args, "")
}
