package cli

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	helmcli "helm.sh/helm/v3/pkg/cli"
)

var update = flag.Bool("update", false, "write the expected files anew")

// docs/commands.md is what the commands say of themselves.
func TestDocs(t *testing.T) {
	isolate(t)
	t.Setenv("HELM_PLUGIN_DIR", t.TempDir())
	a := &app{settings: helmcli.New()}
	root := a.rootCommand()
	var b strings.Builder
	b.WriteString("# Commands\n\n<!-- Written by `make generate` from pkg/cli. -->\n\n")
	fmt.Fprintf(&b, "```text\n%s\n```\n", root.Long)
	for _, cmd := range root.Commands() {
		writeCommand(&b, cmd)
	}
	b.WriteString("\n## Flags of all commands\n\nRun by Helm, these are flags of Helm itself.\n\n")
	writeFlags(&b, root.PersistentFlags())

	file := filepath.Join("..", "..", "docs", "commands.md")
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("`make generate` would change %s (-is +would be):\n%s", file, diff)
	}
}

func writeCommand(b *strings.Builder, cmd *cobra.Command) {
	long := cmd.Long
	if long == "" {
		long = cmd.Short + "."
	}
	fmt.Fprintf(b, "\n## %s\n\n```text\n%s\n```\n\n%s\n", cmd.Name(), cmd.UseLine(), long)
	if cmd.Example != "" {
		fmt.Fprintf(b, "\n```sh\n%s\n```\n", strings.TrimSpace(cmd.Example))
	}
	if cmd.LocalNonPersistentFlags().HasAvailableFlags() {
		b.WriteString("\n")
		writeFlags(b, cmd.LocalNonPersistentFlags())
	}
}

func writeFlags(b *strings.Builder, flags *pflag.FlagSet) {
	sets := byGroup(flags)
	for i, group := range flagGroups() {
		if sets[group] == nil {
			continue
		}
		if i > 0 {
			fmt.Fprintf(b, "\n%s:\n\n", group)
		}
		b.WriteString("| flag | meaning |\n|---|---|\n")
		sets[group].VisitAll(func(f *pflag.Flag) {
			name := "--" + f.Name
			if f.Shorthand != "" {
				name = "-" + f.Shorthand + ", " + name
			}
			fmt.Fprintf(b, "| `%s` | %s |\n", name, strings.ReplaceAll(f.Usage, "|", `\|`))
		})
	}
}
