package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker (-ldflags "-X …/pkg/cli.version=0.1.0").
var version string

func (a *app) versionCommand() *cobra.Command {
	var short, folder bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if short && folder {
				return usage(cmd, errors.New("--short and --folder exclude each other"))
			}
			text := ownVersion()
			switch {
			case folder:
				dir, err := pluginFolder()
				if err != nil {
					return err
				}
				text = dir
			case !short:
				text = fmt.Sprintf("helm-safe-diff %s (Kubernetes %s, Helm %s and %s, %s)", text,
					moduleVersion("k8s.io/kubernetes"), moduleVersion("helm.sh/helm/v3"), moduleVersion("helm.sh/helm/v4"), runtime.Version())
			}
			return a.write([]byte(text + "\n"))
		},
	}
	cmd.Flags().BoolVar(&short, "short", false, "print nothing but the version")
	cmd.Flags().BoolVar(&folder, "folder", false, "print the folder of the plugin instead, which holds bin, gate and diff")
	return cmd
}

// pluginFolder returns the folder of the plugin that this program belongs to. What Helm
// calls it depends on where the plugin was installed from.
func pluginFolder() (string, error) {
	program, err := os.Executable()
	if err == nil {
		program, err = filepath.EvalSymlinks(program)
	}
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	folder := filepath.Dir(filepath.Dir(program))
	if _, err := os.Stat(filepath.Join(folder, "plugin.yaml")); err != nil {
		return "", fmt.Errorf("%q is not in the folder of a plugin: there is no plugin.yaml in %q", program, folder)
	}
	return folder, nil
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
