package cli

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	helmcli "helm.sh/helm/v3/pkg/cli"
)

// The help of every command fits the width, and shows each flag once, in a group that is known. A
// word in backquotes would be shown as what the value is called.
func TestHelp(t *testing.T) {
	isolate(t)
	t.Setenv("GNUPGHOME", "/home/user/.gnupg") // of which --keyring shows the path
	t.Setenv("HELM_PLUGIN_DIR", t.TempDir())
	a := &app{settings: helmcli.New()}
	root := a.rootCommand()
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		cmd.InitDefaultHelpFlag()
		var help bytes.Buffer
		cmd.SetOut(&help)
		if err := cmd.Help(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(help.String()) {
			if line = strings.TrimRight(line, "\n"); len([]rune(line)) > helpWidth {
				t.Errorf("%s: %d columns: %s", cmd.Name(), len([]rune(line)), line)
			}
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			switch {
			case f.Hidden:
			case strings.Contains(f.Usage, "`"):
				t.Errorf("%s: --%s: a word in backquotes: %s", cmd.Name(), f.Name, f.Usage)
			case !slices.Contains(flagGroups(), groupOf(f)):
				t.Errorf("%s: --%s is in the group %q", cmd.Name(), f.Name, groupOf(f))
			case strings.Count(help.String(), " --"+f.Name+" ")+strings.Count(help.String(), " --"+f.Name+"[") == 0:
				t.Errorf("%s: --%s is not shown", cmd.Name(), f.Name)
			}
		})
		for _, c := range cmd.Commands() {
			if !c.Hidden && cmd == root && c.GroupID == "" && c.Name() != "version" {
				t.Errorf("%s is in no group", c.Name())
			}
			check(c)
		}
	}
	check(root)
}
