package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker (-ldflags "-X …/pkg/cli.version=0.1.0").
var version string

func (a *app) versionCommand() *cobra.Command {
	var short bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  arguments(),
		RunE: func(*cobra.Command, []string) error {
			text := ownVersion()
			if !short {
				text = fmt.Sprintf("helm-safe-diff %s (Kubernetes %s, Helm %s, %s)", text,
					moduleVersion("k8s.io/kubernetes"), moduleVersion("helm.sh/helm/v3"), runtime.Version())
			}
			return a.write([]byte(text + "\n"))
		},
	}
	cmd.Flags().BoolVar(&short, "short", false, "print nothing but the version")
	return cmd
}

// ownVersion returns the version that was built in, or the one that `go install
// module@version` recorded, or "devel".
func ownVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

// moduleVersion returns the version of a library in this program.
func moduleVersion(path string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == path {
				return m.Version
			}
		}
	}
	return "unknown"
}
