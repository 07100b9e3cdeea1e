package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// applyFlags say how Helm applies what it renders.
type applyFlags struct{ serverSide string }

func (f *applyFlags) addTo(cmd *cobra.Command, auto string) {
	cmd.Flags().StringVar(&f.serverSide, "server-side", "auto",
		"how Helm applies: true for server-side apply, false for a three-way merge, auto for "+auto)
	complete(cmd, "server-side", []string{"auto", "true", "false"})
}

// check returns an error for a value that the flag does not know.
func (f *applyFlags) check() error {
	switch f.serverSide {
	case "auto", "true", "false":
		return nil
	}
	return fmt.Errorf("unknown value %q of --server-side; valid are auto, true, false", f.serverSide)
}

// resolve decides, where the flag leaves it open, as the release says.
func (f *applyFlags) resolve(release bool) bool {
	if f.serverSide == "auto" {
		return release
	}
	return f.serverSide == "true"
}
