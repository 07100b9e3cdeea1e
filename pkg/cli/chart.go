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
	"github.com/safe-diff/helm-safe-diff/pkg/report"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

const chartHelp = `Judge what a pull request does to the charts in it, without a cluster: each chart that
differs from where HEAD left REF, as it is in the working folder, against what git has
of it there. PATH is a chart, or a folder of which the changed charts are judged; if
none is given, all changed charts of the repository are. A chart counts as changed also
if one does that it takes from a folder (file://).

Each chart is rendered with every file that --values-matrix finds in it, on either side
with the file of that side; with its own values alone if there is none. Dependencies
that are not in charts/ are fetched as Chart.lock has them; nothing is written to the
working folder.

The version of the chart is held against what changes: what breaks installed releases
(rejected, data-loss, or a rename) needs a new major version, and what renders
differently a new version. These findings are of the class "version".`

// chartFlags are the flags of chart alone.
type chartFlags struct {
	base          string
	matrix        []string
	release       string
	isUpgrade     bool
	checkVersions bool
}

func (f *chartFlags) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.base, "base", "", "branch or commit to compare with, such as origin/main")
	flags.StringArrayVar(&f.matrix, "values-matrix", []string{"ci/*-values.yaml"}, "pattern for values files, from the folder of the chart; each is a case of its own (repeatable)")
	flags.StringVar(&f.release, "release", "release", "name of the release")
	flags.BoolVar(&f.isUpgrade, "is-upgrade", false, "set .Release.IsUpgrade instead of .Release.IsInstall")
	flags.BoolVar(&f.checkVersions, "check-version-increment", true, "hold the version of the chart against what changes")
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
	return nil
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
				err = errors.Join(render.check(), apply.check(), about.check(render.Values.ValueFiles...))
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
	cmd.Flags().BoolVar(&render.IncludeCRDs, "include-crds", false, "also compare the crds directories of the charts")
	render.addTo(cmd.Flags())
	apply.addTo(cmd, "false")
	apply.addOwnershipTo(cmd)
	about.addTo(cmd.Flags())
	output.addTo(cmd)
	failOn := cmd.Flags().Lookup("fail-on")
	failOn.DefValue += "," + string(change.Version)
	output.failOn = failOn.DefValue
	return cmd
}

// chart judges the charts of a pull request, all of which are tried even if one cannot
// be rendered.
func (a *app) chart(ctx context.Context, paths []string, m matrix, apply applyFlags, about clusterFlags, r reportOptions) (err error) {
	if m.opts.Cluster, err = about.read(a); err != nil {
		return err
	}
	if err := apply.apply(&m.opts, false); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "helm-safe-diff-*")
	if err != nil {
		return err
	}
	defer func() { err = relocated(errors.Join(err, os.RemoveAll(dir)), dir, m.flags.base) }()
	p, err := openPull(ctx, m.flags.base, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.tree.Close()) }()
	dirs, err := p.charts(paths, m.flags.matrix)
	if err != nil {
		return err
	}
	charts := change.Charts{Base: fmt.Sprintf("%s (%.12s)", m.flags.base, p.commit)}
	var errs []error
	for _, dir := range dirs {
		c, err := m.chart(ctx, p, dir, &r)
		errs = append(errs, err)
		charts.Charts = append(charts.Charts, c)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	charts.Settle()
	r.locate = m.locator.locate
	code := charts.Verdict().ExitCode(r.detailed)
	return a.publish(ctx, r, code, func(f report.Format, w io.Writer, opt report.Options) error { return f.Charts(w, &charts, opt) })
}

// relocatedError is an error that names a file of the base as git does.
type relocatedError struct {
	error
	from, to string
}

func (r *relocatedError) Error() string {
	return strings.ReplaceAll(strings.ReplaceAll(r.error.Error(), r.from+string(os.PathSeparator), r.to+":"), r.from, r.to)
}

func (r *relocatedError) Unwrap() error { return r.error }

// relocated returns an error without the folder into which the base was taken out.
func relocated(err error, dir, base string) error {
	if err == nil || !strings.Contains(err.Error(), dir) {
		return err
	}
	return &relocatedError{err, dir, base}
}

// matrixOf returns what is judged of each chart.
func matrixOf(a *app, flags *chartFlags, render *renderFlags) matrix {
	return matrix{
		app: a, client: a.helmClient(), flags: flags, rendering: render.Rendering,
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
