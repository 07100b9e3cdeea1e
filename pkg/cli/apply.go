package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

// applyFlags say how Helm applies what it renders.
type applyFlags struct {
	serverSide                             string
	replace, forceConflicts, takeOwnership bool
}

func (f *applyFlags) addTo(cmd *cobra.Command, auto string) {
	flags := cmd.Flags()
	defer gather(flags, applyFlagGroup)()
	flags.StringVar(&f.serverSide, "server-side", "auto",
		"how Helm applies: true for server-side apply, false for a three-way merge, auto for "+auto)
	complete(cmd, "server-side", []string{"auto", "true", "false"})
	flags.BoolVar(&f.replace, "force-replace", false, "Helm replaces objects instead of merging")
	flags.BoolVar(&f.replace, "force", false, "same as --force-replace, as Helm 3 calls it")
	flags.BoolVar(&f.forceConflicts, "force-conflicts", false, "Helm takes over fields that somebody else owns (server-side apply)")
}

// addOwnershipTo adds the flag that `helm rollback` does not have.
func (f *applyFlags) addOwnershipTo(cmd *cobra.Command) {
	defer gather(cmd.Flags(), applyFlagGroup)()
	cmd.Flags().BoolVar(&f.takeOwnership, "take-ownership", false, "Helm takes over objects that are not marked as the release's")
}

// newRelease says what auto stands for where there is no release yet.
const newRelease = "what Helm does with a new release: Helm 4 true, Helm 3 false"

// check returns an error for a value that the flag does not know, and for flags
// that Helm does not take together.
func (f *applyFlags) check() error {
	switch f.serverSide {
	case "auto", "true", "false":
	default:
		return fmt.Errorf("unknown value %q of --server-side; valid are auto, true, false", f.serverSide)
	}
	switch {
	case f.replace && f.forceConflicts:
		return errors.New("--force-replace and --force-conflicts exclude each other, in Helm as here")
	case f.replace && f.serverSide == "true":
		return errors.New("--force-replace and --server-side=true exclude each other, in Helm as here")
	}
	return nil
}

// apply writes into opts what the flags say; release is how Helm applies the
// release at hand. Helm refuses to replace what it applies on the server's side
// (update in helm.sh/helm/v4/pkg/kube).
func (f *applyFlags) apply(opts *safediff.Options, release bool) error {
	opts.ServerSide = release
	if f.serverSide != "auto" {
		opts.ServerSide = f.serverSide == "true"
	}
	if f.replace && opts.ServerSide {
		return errors.New("Helm refuses --force-replace for a release that it applies on the server's side; add --server-side=false") //nolint:staticcheck // a name
	}
	opts.Replace, opts.ForceConflicts, opts.TakeOwnership = f.replace, f.forceConflicts, f.takeOwnership
	return nil
}
