package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/policy"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

const chartHelp = `Judge what a pull request does to its charts, without a cluster: each chart in the
working folder that differs from the merge base of HEAD and REF is compared with what
git has of it there. PATH is a chart, or a folder whose changed charts are judged; if
none is given, all changed charts of the repository are. A chart also counts as changed
if a chart changes that it takes from a folder (file://).

Each chart is rendered with every file that --values-matrix finds in it, on either side
with the file of that side; with its own values alone if there is none. The chart of the
base is rendered as an installation, at revision 1, the other one as the upgrade right
after it. Dependencies that are not in charts/ are fetched as Chart.lock has them, from
repositories that a chart of the base names or --allow-registry allows; nothing is
written to the working folder.

The pull request decides only what is judged: links, file:// dependencies and values
files must not lead out of the repository or into its .git, and rendering has limits
(--render-timeout; --why may take as long again for each case). A chart that cannot be
rendered has the verdict ERROR, the others are judged and reported, and the exit code
is 1.

The version of the chart is checked against what changes: what breaks installed releases
(rejected, data-loss, or a rename) needs a new major version, and what renders
differently a new version. These findings are of the class "version".`

// chartFlags are the flags of chart alone.
type chartFlags struct {
	base          string
	matrix        []string
	release       string
	isUpgrade     bool
	checkVersions bool
	why           bool
	registries    []string
	plainHTTP     bool
	limits        limitFlags
}

func (f *chartFlags) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.base, "base", "", "branch or commit to compare with, such as origin/main")
	flags.StringArrayVar(&f.matrix, "values-matrix", []string{"ci/*-values.yaml"}, "pattern for values files, relative to the chart; each file is a case of its own (repeatable)")
	flags.StringVar(&f.release, "release", "release", "name of the release")
	flags.BoolVar(&f.isUpgrade, "is-upgrade", false, "render the chart of the base as an upgrade, too, and not as an installation")
	flags.StringArrayVar(&f.registries, "allow-registry", nil, "host or URL from which dependencies may be fetched, besides the repositories that the charts of the base name (repeatable)")
	flags.BoolVar(&f.plainHTTP, "plain-http", false, "fetch dependencies from OCI registries over plain HTTP")
	f.limits.addTo(flags)
	addWhyTo(flags, &f.why)
	flags.BoolVar(&f.checkVersions, "check-version-increment", true, "check the version of the chart against what changes")
}

// check returns an error for flags whose values cannot be right.
func (f *chartFlags) check() error {
	if f.base == "" {
		return errors.New("chart: missing --base REF, such as --base origin/main")
	}
	for _, glob := range f.matrix {
		if _, err := filepath.Match(glob, ""); err != nil {
			return fmt.Errorf("--values-matrix %s: %w", glob, err)
		}
	}
	for _, registry := range f.registries {
		if err := helm.CheckRegistry(registry); err != nil {
			return fmt.Errorf("--allow-registry: %w", err)
		}
	}
	return f.limits.check()
}

func (a *app) chartCommand() *cobra.Command {
	var (
		flags  chartFlags
		render renderFlags
		apply  applyFlags
		about  clusterFlags
		output reportFlags
	)
	cmd := &cobra.Command{
		Use:     "chart [PATH]...",
		Short:   "Judge the charts that a pull request changes, without a cluster",
		Long:    chartHelp,
		Example: "  helm safe-diff chart charts --base origin/main --output text --output markdown=comment.md",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := output.options(a)
			if err == nil {
				err = errors.Join(stdinOnce(render.Values.ValueFiles...), checkKubeVersions(render.KubeVersion), apply.check(), about.check(render.Values.ValueFiles...))
			}
			if err == nil {
				err = flags.check()
			}
			if err != nil {
				return usage(cmd, err)
			}
			return a.chart(cmd.Context(), args, matrixOf(a, &flags, &render), apply, about, r)
		},
	}
	flags.addTo(cmd)
	completeRefs(cmd, "base")
	cmd.Flags().BoolVar(&render.IncludeCRDs, "include-crds", false, "also compare the crds directories of the charts")
	into(cmd.Flags(), renderFlagGroup, "include-crds")
	render.addTo(cmd.Flags())
	cmd.Flags().Lookup("kube-version").Usage = "versions of Kubernetes to judge every chart for, such as 1.34,1.37"
	apply.addTo(cmd, newRelease)
	apply.addOwnershipTo(cmd)
	about.addTo(cmd.Flags())
	output.addTo(cmd)
	failOn := cmd.Flags().Lookup("fail-on")
	failOn.DefValue, output.failOn = failOnCharts, failOnCharts
	return cmd
}

// chart judges the charts of a pull request, all of which are tried even if one cannot
// be rendered.
func (a *app) chart(ctx context.Context, paths []string, m matrix, apply applyFlags, about clusterFlags, r reportOptions) (err error) {
	m.renderer = m.flags.limits.renderer(a)
	go m.renderer.Warm()
	defer func() { err = errors.Join(err, m.renderer.Close()) }()
	dir, err := os.MkdirTemp("", "helm-safe-diff-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	p, err := openPull(ctx, m.flags.base, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.tree.Close()) }()
	if err := p.checkNamed(slices.Concat(m.rendering.Values.ValueFiles, filesOf(m.rendering.Values.FileValues), about.paths, r.templates())...); err != nil {
		return err
	}
	if m.opts.Cluster, err = about.read(a); err != nil {
		return err
	}
	m.renderer.Helm = a.helmClient().Major(ctx)
	if err := apply.apply(&m.opts, m.renderer.Helm == 4); err != nil {
		return err
	}
	if m.clusters, err = kubernetesOf(m.rendering.KubeVersion); err != nil {
		return err
	}
	dirs, err := p.charts(paths, m.flags.matrix)
	if err != nil {
		return err
	}
	if err := m.check(p, dirs); err != nil {
		return err
	}
	r.pull = true
	charts := change.Charts{Base: fmt.Sprintf("%s (%.12s)", m.flags.base, p.commit)}
	for _, dir := range dirs {
		c := m.chart(ctx, p, dir, &r)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		charts.Charts = append(charts.Charts, c)
	}
	for _, failed := range charts.Failures() {
		a.sayFailure(failed)
	}
	charts.Settle()
	place := policy.Place{Release: m.flags.release, Namespace: a.settings.Namespace(), Environment: r.environment}
	a.config.proposal.propose(&charts, a.config.at(place), &r)
	r.locate = m.locator.locate
	code := charts.ExitCode(r.detailed)
	return a.publish(ctx, r, code, func(f report.Format, w io.Writer, opt report.Options) error { return f.Charts(w, &charts, opt) })
}

// filesOf lists the files that values of --set-file name.
func filesOf(settings []string) []string {
	var files []string
	for _, setting := range settings {
		for part := range strings.SplitSeq(setting, ",") {
			if _, file, is := strings.Cut(part, "="); is {
				files = append(files, file)
			}
		}
	}
	return files
}

// matrixOf returns what is judged of each chart.
func matrixOf(a *app, flags *chartFlags, render *renderFlags) matrix {
	return matrix{
		app: a, flags: flags, rendering: render.Rendering,
		opts: safediff.Options{}, locator: &locator{},
	}
}

// valuesOf lists the values files of a chart, as paths from its folder; "" stands for
// the values of the chart itself.
func valuesOf(p *pull, dir string, globs []string) ([]string, error) {
	var files []string
	for _, glob := range globs {
		found, err := globbed(p, dir, glob)
		if err != nil {
			return nil, fmt.Errorf("--values-matrix %s: %w", glob, err)
		}
		for _, file := range found {
			if _, err := helm.Inside(p.repo.Root, filepath.Join(p.here(dir), filepath.FromSlash(file))); err != nil {
				return nil, fmt.Errorf("--values-matrix %s: a file that it finds leads out of the repository, or to nothing", glob)
			}
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	if files = slices.Compact(files); len(files) == 0 {
		return []string{""}, nil
	}
	return files, nil
}

// shownVersion is a version as a report names it; "" for a side without the chart.
func shownVersion(version string, there bool) string {
	if !there {
		return ""
	}
	return cmp.Or(version, "unknown")
}
