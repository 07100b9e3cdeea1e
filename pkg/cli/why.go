package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/pflag"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
	"github.com/safe-diff/helm-safe-diff/pkg/valuelens"
)

// mostTrials is how many renderings may be made to find the values that edits are due to, and
// how many to find the defaults of the chart.
const mostTrials = 100

// tooLong is why nothing is attributed where there is a limit for how long that may take.
const tooLong = "rendering the chart with other values takes longer than --render-timeout"

func addWhyTo(flags *pflag.FlagSet, why *bool) {
	defer gather(flags, reportFlagGroup)()
	flags.BoolVar(why, "why", false, "tell for each edit which value makes it, or that the chart does, by rendering with other values")
}

// explains returns what tells in a set what its edits are due to.
func explains(old, updated helm.Side, opts *safediff.Options) func(context.Context, *change.Set) error {
	return func(ctx context.Context, set *change.Set) error { return explain(ctx, set, old, updated, opts) }
}

// explain tells in a set what its edits are due to.
func explain(ctx context.Context, set *change.Set, old, updated helm.Side, opts *safediff.Options) error {
	traces, err := safediff.NewTraces(set, *opts)
	if err != nil {
		return err
	}
	if traces.Len() == 0 {
		set.Why = &change.Why{}
		return nil
	}
	because, n, err := valuelens.Explain(ctx, valuelens.Step{Old: old.Inputs(), New: updated.Inputs(), States: traces.States, Most: mostTrials})
	if errors.Is(err, context.DeadlineExceeded) {
		because, err = slices.Repeat([]change.Because{{Unknown: tooLong}}, traces.Len()), nil
	}
	if err != nil {
		return fmt.Errorf("tell what the edits are due to: %w", err)
	}
	traces.Attach(because)
	set.Why = &change.Why{Renderings: n}
	return nil
}
