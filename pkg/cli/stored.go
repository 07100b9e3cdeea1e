package cli

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

// storedFlags are the flags of every command about releases as they are stored.
type storedFlags struct {
	reading helm.Stored
	apply   applyFlags
	about   clusterFlags
	output  reportFlags
	live    liveFlags
	wait    change.Wait
}

// addTo adds those that no command does without.
func (f *storedFlags) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	addHelmTo(flags)
	flags.BoolVar(&f.reading.NoHooks, "no-hooks", false, "leave hooks out")
	flags.StringVar(&f.reading.KubeVersion, "kube-version", "", "version of Kubernetes to judge for, such as 1.36, instead of the cluster's")
	into(flags, renderFlagGroup, "no-hooks", "kube-version")
	f.about.addTo(flags)
	f.output.addTo(cmd)
}

// addStepTo adds those of a command that judges the step between two manifests as
// an upgrade.
func (f *storedFlags) addStepTo(cmd *cobra.Command) {
	f.addTo(cmd)
	f.live.offline = true // neither side needs to be what the cluster holds
	f.apply.addTo(cmd, "what Helm 4 noted of the old side")
	f.apply.addOwnershipTo(cmd)
	cmd.Flags().BoolVar(&f.reading.IncludeCRDs, "include-crds", false, "also compare the crds directories of the charts, which no upgrade touches")
	into(cmd.Flags(), renderFlagGroup, "include-crds")
}

// options checks the flags.
func (f *storedFlags) options(a *app) (reportOptions, error) {
	r, err := f.output.options(a)
	if err != nil {
		return r, err
	}
	return r, errors.Join(f.apply.check(), f.live.check(), f.about.check(), helm.CheckKubeVersion(f.reading.KubeVersion))
}

// stored returns the release that an argument names.
func (f *storedFlags) stored(release string) helm.Stored {
	s := f.reading
	s.Release = release
	return s
}

// judge fills in what the flags say and judges the step from old to updated.
func (f *storedFlags) judge(a *app, cmd *cobra.Command, old, updated helm.Side, opts safediff.Options, r reportOptions) error {
	s, err := f.step(a, old, updated, opts)
	if err != nil {
		return err
	}
	return a.judgeStep(cmd.Context(), s, r)
}

// step fills in what the flags say of the step from old to updated.
func (f *storedFlags) step(a *app, old, updated helm.Side, opts safediff.Options) (step, error) {
	cluster, err := f.about.read(a)
	if err != nil {
		return step{}, err
	}
	opts.NoHooks, opts.Cluster = f.reading.NoHooks, cluster
	if opts.Release.From == (change.Place{}) {
		opts.Release.Context, opts.Release.Cluster = a.place()
	}
	if err := f.apply.apply(&opts, updated.ServerSide); err != nil {
		return step{}, err
	}
	err = f.live.look(a, &opts)
	return step{old: old, updated: updated, opts: opts, includeCRDs: f.reading.IncludeCRDs}, err
}

// revisions reads revision numbers; those that are left out are 0.
func revisions(args []string) (numbers [2]int, err error) {
	for i, arg := range args {
		n, err := strconv.Atoi(arg)
		if err != nil || n < 0 {
			return numbers, fmt.Errorf("%q is no revision: it is a number, as `helm history` shows it", arg)
		}
		numbers[i] = n
	}
	return numbers, nil
}

// completeReleases offers the names of installed releases for so many arguments.
func (a *app) completeReleases(count int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		a.quieten()
		if len(args) >= count {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return offered(a.helmClient().Releases(cmd.Context()))
	}
}

// completeRevisions offers the names of installed releases, then so many times the
// revisions of the one that is named.
func (a *app) completeRevisions(count int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		a.quieten()
		switch {
		case len(args) == 0:
			return offered(a.helmClient().Releases(cmd.Context()))
		case len(args) <= count:
			numbers, directive := offered(a.helmClient().RevisionsOf(cmd.Context(), args[0]))
			return numbers, directive | cobra.ShellCompDirectiveKeepOrder
		default:
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
	}
}

// offered turns names into an answer to the shell, which is told of no error.
func offered(names []string, err error) ([]string, cobra.ShellCompDirective) {
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
