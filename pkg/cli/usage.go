package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/safe-diff/helm-safe-diff/pkg/nearest"
)

// usageError is a mistake on the command line.
type usageError struct {
	error
	hint string
}

func (e *usageError) Unwrap() error { return e.error }

// Hint points to the help of the command.
func (e *usageError) Hint() string { return e.hint }

// usage points to the help, unless err has a better hint.
func usage(cmd *cobra.Command, err error) error {
	var hinting interface{ Hint() string }
	if errors.As(err, &hinting) {
		return &usageError{err, hinting.Hint()}
	}
	return &usageError{err, fmt.Sprintf("`%s --help` shows arguments and flags", cmd.CommandPath())}
}

// arguments returns a check that the command has exactly the named arguments.
func arguments(names ...string) cobra.PositionalArgs { return argumentsOf(names) }

// argumentsOf returns a check that the command has the named arguments, of which
// the optional ones may be left out.
func argumentsOf(names []string, optional ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < len(names) {
			missing := strings.Join(names[len(args):], " and ")
			return usage(cmd, fmt.Errorf("%s: missing %s", cmd.Name(), missing))
		}
		if most := len(names) + len(optional); len(args) > most {
			return usage(cmd, fmt.Errorf("%s: unexpected argument %q", cmd.Name(), args[most]))
		}
		return nil
	}
}

// unknownCommand returns the error for a command that does not exist, with the
// names that may have been meant.
func unknownCommand(cmd *cobra.Command, name string) error {
	err := fmt.Errorf("unknown command %q", name)
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		return &usageError{err, "did you mean " + strings.Join(near, " or ") + "?"}
	}
	var known []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			known = append(known, c.Name())
		}
	}
	return &usageError{err, "the commands are " + strings.Join(known, ", ")}
}

// flagError returns the error for a flag that does not exist or has a value that
// it does not take.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return usage(cmd, err)
	}
	if name := unknown.GetSpecifiedName(); len(name) > 1 {
		if near := nearestFlag(name, cmd.Flags()); near != "" {
			return &usageError{err, fmt.Sprintf("did you mean --%s?", near)}
		}
	}
	return usage(cmd, err)
}

// nearestFlag returns the flag whose name is closest to name, or "" if none is close.
func nearestFlag(name string, flags *pflag.FlagSet) string {
	var among []string
	flags.VisitAll(func(f *pflag.Flag) { among = append(among, f.Name) })
	return nearest.Of(name, among)
}
