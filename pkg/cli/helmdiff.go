package cli

import (
	"os"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/policy"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
)

const diffHelp = `Take the place of helm-diff for programs that call it, such as helmfile: the plugin
folder "diff" of a release makes "helm diff" run this. Flags and environment
variables are those of helm-diff (docs/from-helm-diff.md), and so are the names of
--output, except that the default is a report for people, verdict first.

With --detailed-exitcode the exit code is 2 if any object changes, also if all that
changes is hidden, since callers take 0 to mean that there is nothing to upgrade.
It is 3 with or without, if there is a finding that --fail-on names, at which
"helmfile apply" stops before it changes anything.`

const diffName = "diff"

// diffCommand returns the commands that helm-diff has, with its defaults.
func (a *app) diffCommand() *cobra.Command {
	diff := &cobra.Command{
		Use:    diffName,
		Short:  "Take the place of helm-diff",
		Long:   diffHelp,
		Hidden: true, // for programs, not for people
		Args:   cobra.ArbitraryArgs,
		RunE:   helpOrUnknown,
	}
	upgrade := a.upgradeCommand()
	upgrade.FParseErrWhitelist.UnknownFlags = os.Getenv("HELM_DIFF_IGNORE_UNKNOWN_FLAGS") == "true"
	for _, cmd := range []*cobra.Command{upgrade, a.rollbackCommand(), a.revisionCommand(), a.releaseCommand(), a.localCommand()} {
		output, context := cmd.Flags().Lookup("output"), cmd.Flags().Lookup("context")
		output.Usage = "format of the report, or FORMAT=FILE to write it to a file (repeatable): " + formatList(report.FormatsAsHelmDiff())
		cmd.Example = "" // they are of helm safe-diff
		context.DefValue = "-1"
		_ = context.Value.Set(context.DefValue) // it is a number
		complete(cmd, "output", formatNames(report.FormatsAsHelmDiff()))
		diff.AddCommand(cmd)
	}
	diff.AddCommand(a.versionCommand())
	return diff
}

// insteadOfHelmDiff reports whether a command runs in the place of helm-diff's.
func insteadOfHelmDiff(cmd *cobra.Command) bool {
	return cmd.HasParent() && cmd.Parent().Name() == diffName
}

// helmDiff reads the variables of helm-diff that stand for flags. Those of this program
// count before them.
func (b *binding) helmDiff() {
	taken := b.taken()
	for _, v := range []struct{ variable, flag string }{
		{"HELM_DIFF_OUTPUT", "output"},
		{"HELM_DIFF_OUTPUT_CONTEXT", "context"},
	} {
		if value := os.Getenv(v.variable); value != "" {
			b.set(v.variable, v.flag, taken, func(f *pflag.Flag) error { return give(f, []string{value}) })
		}
	}
}

// helmDiffFlags are flags of helm-diff that say what is shown.
type helmDiffFlags struct {
	context         int
	kinds           []string
	suppressSecrets bool
	lines           []string
}

func (f *helmDiffFlags) addTo(flags *pflag.FlagSet) {
	flags.IntVarP(&f.context, "context", "C", 3, "lines that --output helm-diff prints around a changed one, -1 for all")
	flags.StringArrayVar(&f.kinds, "suppress", nil, "hide objects of a kind, unless there is a finding about them (repeatable)")
	flags.BoolVarP(&f.suppressSecrets, "suppress-secrets", "q", false, "same as --suppress Secret")
	flags.StringArrayVar(&f.lines, "suppress-output-line-regex", nil,
		"hide an edit if a regular expression matches each of its lines, unless there is a finding about it (repeatable)")
	addNoEffectFlags(flags, helmDiffNoEffect(), nil)
}

// hide returns the filters that the flags ask for.
func (f *helmDiffFlags) hide() ([]policy.Hide, error) {
	var list []policy.Hide
	kinds := slices.Clone(f.kinds)
	if f.suppressSecrets {
		kinds = append(kinds, "Secret")
	}
	if len(kinds) > 0 {
		list = append(list, policy.HideKinds("suppress", kinds))
	}
	if len(f.lines) == 0 {
		return list, nil
	}
	lines, err := policy.HideLines("suppress-output-line-regex", f.lines)
	return append(list, lines), err
}

// exitCode returns the code with which the process is to end. A caller of helm-diff
// takes 0 for a release that need not be upgraded, which is wrong as long as any
// object differs, hidden or not.
func (a *app) exitCode(set *change.Set, r *reportOptions) int {
	code := set.ExitCode(r.failOn, r.detailed)
	differs := func(c change.Change) bool {
		return c.Op != change.Amend && c.Op != change.Configure && (c.Old == nil || c.New == nil || len(c.Edits) > 0 || c.Old.Text() != c.New.Text())
	}
	if a.insteadOfHelmDiff && r.detailed && code == change.ExitSafe && slices.ContainsFunc(set.Changes, differs) {
		return change.ExitChanged
	}
	return code
}
