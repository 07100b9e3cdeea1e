package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
	"github.com/safe-diff/helm-safe-diff/pkg/risk"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
	"github.com/safe-diff/helm-safe-diff/pkg/valuelens"
)

const valuesHelp = `Tell which of the given values do nothing: keys that no template of the chart reads,
such as a key that is misspelt or that a new version of the chart calls something else,
with file and line and the key that may have been meant. A key that is read only if
some condition holds, or by a sub-chart that is switched off, counts as read.

With RELEASE the values are those that the upgrade of the installed release would have,
and what the installed chart reads and the new one does not is told apart. Without it no
cluster is asked; --old-chart names a chart to compare with.

Besides, it lists keys that are given again later, and defaults of the chart that change.
Values are read as "helm upgrade" reads them; docs/values.md has an example.`

// valuesFlags are the flags of values.
type valuesFlags struct {
	up       upgradeFlags
	oldChart string
	outputs  []string
	failing  bool
}

func (a *app) valuesCommand() *cobra.Command {
	var f valuesFlags
	cmd := &cobra.Command{
		Use:     "values [RELEASE] CHART",
		Short:   "Tell which of the given values no template of a chart reads",
		Long:    valuesHelp,
		Example: "  helm safe-diff values shop ./chart -f prod.yaml\n  helm safe-diff values ./chart-1.5 --old-chart ./chart-1.4 -f prod.yaml",
		Args:    argumentsOf([]string{"CHART"}, "RELEASE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := f.up.render.check()
			outputs, bad := parseOutputs(f.outputs, valueFormats())
			if bad != nil {
				err = bad
			}
			if len(args) == 2 && f.oldChart != "" {
				err = errors.New("--old-chart and RELEASE exclude each other: the release has its chart")
			}
			if err != nil {
				return usage(cmd, err)
			}
			return a.values(cmd.Context(), &f, args, outputs)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.outputs, "output", "o", []string{"text"}, "format, or FORMAT=FILE to write it to a file (repeatable): "+formatList(valueFormats()))
	flags.StringVar(&f.oldChart, "old-chart", "", "chart to compare with, where no release is named")
	flags.BoolVar(&f.failing, "fail-on-dead", false, "exit with 3 if a key is dead")
	flags.BoolVarP(&f.up.up.Install, "install", "i", false, "if there is no such release, look at its installation")
	flags.BoolVar(&f.up.up.ReuseValues, "reuse-values", false, "keep the values of the installed release, its chart's defaults included, and merge the given ones in")
	flags.BoolVar(&f.up.up.ResetValues, "reset-values", false, "take the values of the chart, not those of the installed release")
	flags.BoolVar(&f.up.up.ResetThenReuseValues, "reset-then-reuse-values", false, "take the values of the chart, then those given for the installed release, then the given ones")
	into(flags, valuesFlagGroup, "reuse-values", "reset-values", "reset-then-reuse-values")
	into(flags, reportFlagGroup, "output")
	f.up.source.addTo(flags)
	f.up.render.addTo(flags)
	complete(cmd, "output", formatNames(valueFormats()))
	return cmd
}

// valueFormats returns the formats of --output, by their names.
func valueFormats() []report.Format { return named(report.ValueFormats()) }

// values prints what becomes of the given values.
func (a *app) values(ctx context.Context, f *valuesFlags, args []string, outputs []output) error {
	sides, err := a.valuesSides(ctx, f, args)
	if err != nil {
		return err
	}
	found, err := keysOf(ctx, sides[0].Lens, sides[1].Lens, true)
	if err != nil {
		return err
	}
	given := report.GivenValues{
		Title: "values for chart " + sides[1].Chart, Name: sides[1].Lens.Chart.Name, Keys: &found,
		Findings: slices.Concat(risk.Unread(found.Dead, cmp.Or(sides[0].Chart, "the old chart"), sides[1].Chart), risk.Dead(found.Dead, sides[1].Chart)),
	}
	if len(args) == 2 {
		given.Title = fmt.Sprintf("values of release %s for chart %s", args[0], sides[1].Chart)
		given.Name, given.Namespace = args[0], sides[1].Namespace
	}
	opt := report.Options{Rules: (&reportOptions{}).rules(), Version: ownVersion(), Seen: seenFromHere}
	never := risk.NeverRead()
	opt.Rules = append(opt.Rules, report.Rule{ID: never.ID, Why: never.Why, Fix: never.Fix, Page: "values.md#which-values-do-nothing"})
	if f.failing && len(found.Dead) > 0 {
		opt.FailOn, opt.ExitCode = change.FailOn{string(change.Unapplied)}, change.ExitRisky
	}
	if err := deliverAs(a, outputs, report.ValueFormats(), &given, opt); err != nil {
		return err
	}
	a.code = opt.ExitCode
	return nil
}

// valuesSides returns the old side, which has no Lens if there is none, and the new one.
func (a *app) valuesSides(ctx context.Context, f *valuesFlags, args []string) (sides [2]helm.Side, err error) {
	rendering := f.up.render.Rendering
	rendering.WithLens = true
	if len(args) == 2 {
		up := f.up.up
		up.Release, up.Chart, up.Rendering = args[0], f.up.source.chart(args[1]), rendering
		sides[0], sides[1], err = a.helmClient().Upgrade(ctx, up)
		return sides, err
	}
	updated := helm.Template{Release: "release", Chart: f.up.source.chart(args[0]), Rendering: rendering}
	if err := offline(&updated, false); err != nil {
		return sides, err
	}
	templates := []helm.Template{updated}
	if f.oldChart != "" {
		old := updated
		old.Chart.Ref = f.oldChart
		templates = append(templates, old)
	}
	rendered, err := a.renderBoth(ctx, templates...)
	if err != nil {
		return sides, err
	}
	sides[1] = rendered[0]
	if len(rendered) > 1 {
		sides[0] = rendered[1]
	}
	return sides, nil
}

// keysOf tells what becomes of the values of the new side; with defaults, which of the
// chart's own change.
func keysOf(ctx context.Context, old, updated *helm.Lens, defaults bool) (change.ValueKeys, error) {
	q := valuelens.Question{New: updated.Chart, Values: updated.Values, Given: updated.Given, Render: updated.Render}
	if old != nil {
		q.Old, q.Before = old.Chart, old.Values
	}
	found, err := valuelens.Look(ctx, q)
	if err != nil || old == nil || !defaults {
		return found, err
	}
	for _, e := range safediff.Values(valuelens.Effective(old.Chart, nil), valuelens.Effective(updated.Chart, nil)) {
		if !e.Old.Present() || !e.New.Present() {
			continue // a key that comes or goes is the chart's own matter
		}
		d := change.DefaultKey{Edit: e}
		d.At, d.Given = valuelens.PlaceOf(&q, keysIn(e))
		found.Defaults = append(found.Defaults, d)
	}
	return found, nil
}

// keysIn returns the keys of the path of a value.
func keysIn(e change.Edit) []string {
	var keys []string
	for _, step := range e.Path {
		if step.Field == "" {
			break // what is given of a list is the whole list
		}
		keys = append(keys, step.Field)
	}
	return keys
}

// deadIn lists the keys that are given to the new side and do nothing there; none where there
// is no old side, or where it is not known what the sides were rendered from.
func deadIn(ctx context.Context, old, updated helm.Side) ([]change.DeadKey, error) {
	if old.Lens == nil || updated.Lens == nil || len(updated.Lens.Values) == 0 {
		return nil, nil
	}
	found, err := keysOf(ctx, old.Lens, updated.Lens, false)
	return found.Dead, err
}
