package cli

import (
	"cmp"
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

const upgradeHelp = `Judge an upgrade before it is made. The chart is rendered as "helm upgrade" with the
same flags would render it, and compared with the installed release. Nothing is written
to the cluster.

The flags of "helm upgrade" that say how an upgrade is carried out, such as
--description, are accepted and have no effect. With --wait, --atomic or
--rollback-on-failure the upgrade fails if a rollout cannot finish at all, or not within
--timeout (default 5m0s); with --wait-for-jobs also if a Job cannot.`

// upgradeFlags are the flags that say which upgrade is meant.
type upgradeFlags struct {
	up     helm.Upgrade
	source sourceFlags
	render renderFlags
	apply  applyFlags
	about  clusterFlags
	live   liveFlags
	wait   change.Wait
	// why asks what the edits are due to.
	why bool
}

func (f *upgradeFlags) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVarP(&f.up.Install, "install", "i", false, "if there is no such release, judge its installation")
	flags.BoolVar(&f.up.Install, "allow-unreleased", false, "same as --install")
	flags.BoolVar(&f.up.ReuseValues, "reuse-values", false, "keep the values of the installed release, its chart's defaults included, and merge the given ones in")
	flags.BoolVar(&f.up.ResetValues, "reset-values", false, "take the values of the chart, not those of the installed release")
	flags.BoolVar(&f.up.ResetThenReuseValues, "reset-then-reuse-values", false, "take the values of the chart, then those given for the installed release, then the given ones")
	flags.BoolVar(&f.up.SkipCRDs, "skip-crds", false, "leave out the chart's crds directory when there is no release yet")
	flags.BoolVar(&f.render.IncludeCRDs, "include-crds", false, "also compare the crds directories of the charts, which no upgrade touches")
	into(flags, valuesFlagGroup, "reuse-values", "reset-values", "reset-then-reuse-values")
	into(flags, renderFlagGroup, "skip-crds", "include-crds")
	f.source.addTo(flags)
	f.render.addTo(flags)
	f.apply.addTo(cmd, "what Helm 4 noted of the release")
	f.apply.addOwnershipTo(cmd)
	f.about.addTo(flags)
	f.live.addTo(flags)
	addNoEffectFlags(flags, upgradeNoEffect(), &f.wait)
}

// check returns an error for flags whose values cannot be right.
func (f *upgradeFlags) check() error {
	return errors.Join(f.render.check(), f.apply.check(), f.live.check(), f.about.check(f.render.Values.ValueFiles...))
}

func (a *app) upgradeCommand() *cobra.Command {
	return a.judgeUpgrade("", "also write a plan, by which verify and gate tell what has moved since it was approved")
}

// judgeUpgrade returns a command that judges an upgrade. out is where the plan goes if --out
// does not say; "" for nowhere.
func (a *app) judgeUpgrade(out, outUsage string) *cobra.Command {
	var (
		f      upgradeFlags
		output reportFlags
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
				err = errors.Join(f.check(), r.planTo(out))
			}
			if err != nil {
				return usage(cmd, err)
			}
			s, err := a.step(cmd.Context(), &f, args[0], args[1])
			if err != nil {
				return err
			}
			r.locate = inChart(args[1])
			if f.why {
				r.explain = explains(s.old, s.updated, &s.opts)
			}
			return a.judgeStep(cmd.Context(), s, r)
		},
		ValidArgsFunction: a.completeUpgrade,
	}
	f.addTo(cmd)
	addWhyTo(cmd.Flags(), &f.why)
	cmd.Flags().StringVar(&out, "out", out, outUsage)
	output.addTo(cmd)
	return cmd
}

const planHelp = `Judge an upgrade and write a plan for it: what "upgrade" does with --out plan.json. The
plan is written whatever is found, and the exit code is that of the judgement. Once
somebody has approved the plan, "verify" tells whether it still stands, and "gate" lets
helm upgrade apply nothing else.

Manifests of Stevedore are judged by "stevedore".`

// planCommand is upgrade with a plan that has a name of its own.
func (a *app) planCommand() *cobra.Command {
	cmd := a.judgeUpgrade("plan.json", "file for the plan")
	cmd.Use, cmd.Short, cmd.Long = "plan RELEASE CHART", "Judge an upgrade and write a plan for it", planHelp
	cmd.Example = "  helm safe-diff plan shop ./chart -f prod.yaml --namespace prod\n  helm safe-diff verify plan.json shop ./chart -f prod.yaml --namespace prod"
	return cmd
}

// step is an upgrade that was read and rendered, and not judged yet.
type step struct {
	old, updated helm.Side
	opts         safediff.Options
	includeCRDs  bool
}

// step reads the installed release and renders the upgrade.
func (a *app) step(ctx context.Context, f *upgradeFlags, release, chart string) (s step, err error) {
	up := f.up
	up.Release, up.Chart, up.Rendering = release, f.source.chart(chart), f.render.Rendering
	up.WithLens = true
	s.includeCRDs = up.IncludeCRDs
	cluster, err := f.about.read(a)
	if err != nil {
		return s, err
	}
	s.old, s.updated, err = a.helmClient().Upgrade(ctx, up)
	if err != nil {
		return s, err
	}
	s.opts = optionsOf(s.old, s.updated)
	s.opts.NoHooks, s.opts.Cluster, s.opts.Operation = up.NoHooks, cluster, change.Upgrade
	s.opts.Release.Context, s.opts.Release.Cluster = a.place()
	s.opts.Release.Wait = f.wait
	if s.old.Revision == 0 {
		s.opts.Operation = change.Install
	}
	if s.opts.Dead, err = deadIn(ctx, s.old, s.updated); err != nil {
		return s, err
	}
	if err := f.apply.apply(&s.opts, s.updated.ServerSide); err != nil {
		return s, err
	}
	return s, f.live.look(a, &s.opts)
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
			Helm:      updated.Helm,
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
		Beside:      old.Beside,
		OldCRDs:     crdsOf(old),
		NewCRDs:     crdsOf(updated),
		Again:       againOf(updated),
		Record:      safediff.Record{Kind: updated.Record.Kind, Bytes: updated.Record.Bytes, Most: updated.Record.Most},
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
