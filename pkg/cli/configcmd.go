package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/safe-diff/helm-safe-diff/pkg/policy"
)

const configHelp = `Print what is in force and where it comes from: the policy file, what it says for a
release, and the flags of COMMAND (upgrade, if none is named) that do not have their
defaults.

A flag on the command line counts before a variable such as HELM_SAFE_DIFF_FAIL_ON,
that before the policy file, and that before the default. The policy file is the one
that --config names, or .helm-safe-diff.yaml in the working folder or above it, as far
as the folder that holds .git, the home folder or the root.`

func (a *app) configCommand() *cobra.Command {
	var (
		flags configFlags
		place policy.Place
		all   bool
	)
	cmd := &cobra.Command{
		Use:     "config [COMMAND]",
		Short:   "Print the policy and settings in force, and where they come from",
		Long:    configHelp,
		Example: "  helm safe-diff config --release shop --chart shop-2.0.0 --namespace prod",
		Args:    argumentsOf(nil, "COMMAND"),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := slices.Concat(args, []string{"upgrade"})[0]
			about, _, err := cmd.Root().Find([]string{name})
			if err != nil || about.Flags().Lookup("fail-on") == nil {
				return usage(cmd, fmt.Errorf("config: there is no command %q that prints a report", name))
			}
			for name, value := range map[string]string{"config": flags.path, "policy-from": flags.from, "approve-policy": flags.approved} {
				if value != "" {
					err = errors.Join(err, about.Flags().Set(name, value))
				}
			}
			if err := errors.Join(err, a.configure(cmd.Context(), about)); err != nil {
				return err
			}
			if _, err := a.parseFailOn(about.Flags().Lookup("fail-on").Value.String()); err != nil {
				return usage(cmd, err)
			}
			place.Namespace, place.Environment = a.settings.Namespace(), flags.environment
			return a.writeText(a.inForce(about, place, all))
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also print the flags that have their defaults")
	cmd.Flags().StringVar(&place.Release, "release", "", "the release that overrides are held against")
	cmd.Flags().StringVar(&place.Chart, "chart", "", "its chart, as NAME-VERSION")
	flags.addTo(cmd.Flags())
	return cmd
}

// inForce writes what holds for a command and a release; all asks for defaults, too.
func (a *app) inForce(cmd *cobra.Command, place policy.Place, all bool) string {
	var b strings.Builder
	line := func(at, format string, args ...any) { b.WriteString(settingLine(at, format, args...)) }
	fmt.Fprintf(&b, "# policy file: %s\n", cmp.Or(a.config.texts.Policy.Name, "none"))
	p := a.config.at(place)
	failOn, at := cmd.Flags().Lookup("fail-on").Value.String(), "default"
	if given := a.config.sources["fail-on"]; given != "" {
		at = given
	} else if p.FailOn != nil {
		failOn, at = p.FailOn.String(), p.FailOnAt
	}
	line(at, "failOn: %s", failOn)
	for _, entry := range p.Entries() {
		line(entry.At, "%s", entry.What)
	}
	for _, entry := range a.config.file.Overriding(place) {
		line(entry.At, "%s", entry.What)
	}
	return b.String() + a.flagsInForce(cmd, all)
}

// flagsInForce writes the flags of a command that somebody has set; all asks for the others,
// too.
func (a *app) flagsInForce(cmd *cobra.Command, all bool) string {
	var set strings.Builder
	defaults := 0
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		at := a.config.sources[f.Name]
		switch {
		case f.Hidden || f.Name == "help" || f.Name == "config" || f.Name == "fail-on":
		case at == "" && !all:
			defaults++
		default:
			set.WriteString(settingLine(cmp.Or(at, "default"), "  %s: %s", f.Name, f.Value))
		}
	})
	var b strings.Builder
	if set.Len() > 0 {
		b.WriteString("flags:\n" + set.String())
	}
	if defaults > 0 {
		fmt.Fprintf(&b, "# %d flags have their defaults; --all lists them\n", defaults)
	}
	return b.String()
}

// settingLine is a setting, and behind it where it comes from.
func settingLine(at, format string, args ...any) string {
	return fmt.Sprintf("%-46s # %s\n", fmt.Sprintf(format, args...), at)
}
