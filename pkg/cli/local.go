package cli

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/spf13/cobra"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

const localHelp = `Judge the upgrade from one chart to another without a cluster. The old chart is
rendered as an installation, at revision 1, the new one as the upgrade right after it;
with --is-upgrade both are rendered as upgrades, at revisions 2 and 3. Templates see
what a cluster of that version serves that has nothing else installed (--api-versions
adds to it), and lookups find nothing. Flags that set values are for both; --old-values
and --new-values come after --values, --old-set and --new-set after --set.`

// localFlags are the flags of local that make the two sides differ.
type localFlags struct {
	release                string
	isUpgrade              bool
	oldVersion, newVersion string
	oldFiles, newFiles     []string
	oldSet, newSet         []string
	why                    bool
}

func (f *localFlags) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.release, "release", "release", "name of the release")
	flags.BoolVar(&f.isUpgrade, "is-upgrade", false, "render the old chart as an upgrade, too, and not as an installation")
	flags.StringVar(&f.oldVersion, "old-version", "", "version of the old chart, instead of --version")
	flags.StringVar(&f.newVersion, "new-version", "", "version of the new chart, instead of --version")
	flags.StringSliceVar(&f.oldFiles, "old-values", nil, "values from a file, for the old chart only (repeatable)")
	flags.StringSliceVar(&f.newFiles, "new-values", nil, "values from a file, for the new chart only (repeatable)")
	flags.StringArrayVar(&f.oldSet, "old-set", nil, "set values, for the old chart only (repeatable)")
	flags.StringArrayVar(&f.newSet, "new-set", nil, "set values, for the new chart only (repeatable)")
	into(flags, chartFlagGroup, "old-version", "new-version")
	into(flags, valuesFlagGroup, "old-values", "new-values", "old-set", "new-set")
	addWhyTo(flags, &f.why)
}

func (a *app) localCommand() *cobra.Command {
	var (
		local  localFlags
		source sourceFlags
		render renderFlags
		apply  applyFlags
		about  clusterFlags
		output reportFlags
	)
	cmd := &cobra.Command{
		Use:     "local OLD_CHART NEW_CHART",
		Short:   "Judge the upgrade from one chart to another, without a cluster",
		Long:    localHelp,
		Example: "  helm safe-diff local oci://registry.example/shop ./shop --old-version 1.4.2 -f prod.yaml",
		Args:    arguments("OLD_CHART", "NEW_CHART"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := output.options(a)
			if err == nil {
				err = errors.Join(render.check(), apply.check(), about.check(slices.Concat(render.Values.ValueFiles, local.oldFiles, local.newFiles)...))
			}
			if err != nil {
				return usage(cmd, err)
			}
			old := helm.Template{
				Release:   local.release,
				Chart:     source.chart(args[0]),
				Rendering: render.Rendering,
			}
			if err := offline(&old, local.isUpgrade); err != nil {
				return usage(cmd, err)
			}
			updated := old
			updated.Revision++
			updated.Chart.Ref, updated.Twice = args[1], true
			local.oneSided(&old, local.oldVersion, local.oldFiles, local.oldSet)
			local.oneSided(&updated, local.newVersion, local.newFiles, local.newSet)
			updated.WithLens = local.why || updated.GivesValues()
			old.WithLens = updated.WithLens
			return a.local(cmd.Context(), [2]helm.Template{old, updated}, apply, about, r, local.why)
		},
	}
	cmd.Flags().BoolVar(&render.IncludeCRDs, "include-crds", false, "also compare the crds directories of the charts")
	into(cmd.Flags(), renderFlagGroup, "include-crds")
	local.addTo(cmd)
	source.addTo(cmd.Flags())
	render.addTo(cmd.Flags())
	apply.addTo(cmd, newRelease)
	apply.addOwnershipTo(cmd)
	about.addTo(cmd.Flags())
	output.addTo(cmd)
	return cmd
}

// offline has the templates of the old chart see what they would see in a cluster: the first
// revision, or, as an upgrade, the second.
func offline(t *helm.Template, isUpgrade bool) (err error) {
	t.Revision = 1
	if isUpgrade {
		t.Revision = 2
	}
	t.Serves, err = safediff.APIVersions(t.KubeVersion)
	return err
}

// oneSided applies the flags that are for one side.
func (f *localFlags) oneSided(t *helm.Template, version string, files, set []string) {
	if version != "" {
		t.Chart.Source.Version = version
	}
	t.Values.ValueFiles = slices.Concat(t.Values.ValueFiles, files)
	t.Values.Values = slices.Concat(t.Values.Values, set)
}

func (a *app) local(ctx context.Context, charts [2]helm.Template, apply applyFlags, about clusterFlags, r reportOptions, why bool) error {
	cluster, err := about.read(a)
	if err != nil {
		return err
	}
	sides, err := a.renderBoth(ctx, charts[:]...)
	if err != nil {
		return err
	}
	updated := charts[1]
	r.locate = inChart(updated.Chart.Ref)
	opts := offlineOptions(updated, sides[0], sides[1])
	opts.Cluster = cluster
	if opts.Dead, err = deadIn(ctx, sides[0], sides[1]); err != nil {
		return err
	}
	if err := apply.apply(&opts, sides[1].ServerSide); err != nil {
		return err
	}
	if why {
		r.explain = explains(sides[0], sides[1], &opts)
	}
	return a.judge(ctx, manifestOf(sides[0]), manifestOf(sides[1]), opts, r)
}

// offlineOptions returns what is known of the step between two charts that were rendered
// without a cluster.
func offlineOptions(t helm.Template, old, updated helm.Side) safediff.Options {
	opts := safediff.Options{
		Release: change.Release{
			Helm:      updated.Helm,
			Name:      t.Release,
			Namespace: updated.Namespace,
			OldChart:  old.Chart,
			NewChart:  updated.Chart,
		},
		Namespace:   updated.Namespace,
		KubeVersion: t.KubeVersion,
		NoHooks:     t.NoHooks,
		OldCRDs:     crdsOf(old),
		NewCRDs:     crdsOf(updated),
		Again:       againOf(updated),
		Record:      safediff.Record{Kind: updated.Record.Kind, Bytes: updated.Record.Bytes, Most: updated.Record.Most},
	}
	opts.Again.Offline = true
	return opts
}

// renderBoth renders the two sides at the same time. Where both fail, the error
// is that of the old one, so that it is the same in every run.
func (a *app) renderBoth(ctx context.Context, templates ...helm.Template) ([]helm.Side, error) {
	client := a.helmClient()
	sides := make([]helm.Side, len(templates))
	errs := make([]error, len(templates))
	var wait sync.WaitGroup
	for i, t := range templates {
		wait.Go(func() { sides[i], errs[i] = client.Template(ctx, t) })
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return sides, nil
}
