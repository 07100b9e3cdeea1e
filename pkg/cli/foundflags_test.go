package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	helmcli "helm.sh/helm/v3/pkg/cli"
)

// A new flag has to be put on one of the two sides before it can be merged, and a flag
// that is gone has to be taken off.
func TestEveryFlagIsOnOneSide(t *testing.T) {
	isolate(t)
	present := map[string]bool{}
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) { present[f.Name] = true })
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk((&app{settings: helmcli.New()}).rootCommand())
	sides := map[string]int{}
	for _, name := range foundMaySet() {
		sides[name]++
	}
	operator := map[string]bool{}
	for _, d := range operatorFlags() {
		for _, name := range d.flags {
			operator[name] = true
		}
	}
	for name := range operator {
		sides[name]++
	}
	for name := range present {
		if sides[name] != 1 && name != "help" {
			t.Errorf("--%s is on %d sides: put it into foundMaySet if it only says how to judge, else into operatorFlags", name, sides[name])
		}
	}
	for name := range sides {
		if !present[name] {
			t.Errorf("no command has --%s any more", name)
		}
	}
}

// What the two lists say is what happens to each flag of each command that finds a policy.
func TestAFoundPolicySetsOnlyHowToJudge(t *testing.T) {
	isolate(t)
	for _, name := range flagNames((&app{settings: helmcli.New()}).rootCommand()) {
		if name == "help" || name == "fail-on" || name == "config" {
			continue // fail-on stands beside flags, config nowhere in the file
		}
		writeFiles(t, map[string]string{configName: "failOn: none\nflags:\n  " + name + ": [\"\"]\n", "a.yaml": ""})
		found := run(t, "", "manifests", "a.yaml", "a.yaml").stderr
		refused := strings.Contains(found, configName+":3: "+name+" decides ") && strings.Contains(found, "only do if it is named by --config")
		if may := slices.Contains(foundMaySet(), name); refused == may {
			t.Errorf("--%s may be set: %v, and stderr is %q", name, may, found)
		}
		if err := os.Rename(configName, "named.yaml"); err != nil {
			t.Fatal(err)
		}
		if named := run(t, "", "manifests", "a.yaml", "a.yaml", "--config", "named.yaml").stderr; strings.Contains(named, " decides ") {
			t.Errorf("--%s is refused to a policy that was named: %q", name, named)
		}
	}
}

func TestDocsListTheFlagsOfAFoundPolicy(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "policy.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "A file that was found only says how to judge.")
	table, _, _ = strings.Cut(table, "**What counts.**")
	var listed []string
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, "| ") {
			listed = append(listed, regexp.MustCompile("`[a-z-]+`").FindAllString(line, -1)...)
		}
	}
	for _, name := range foundMaySet() {
		if !slices.Contains(listed, "`"+name+"`") && name != "fail-on" && name != "colour" {
			t.Errorf("docs/policy.md does not list %s", name)
		}
	}
	for _, name := range listed {
		if name = strings.Trim(name, "`"); name != "flags" && !slices.Contains(foundMaySet(), name) {
			t.Errorf("docs/policy.md lists %s, which a policy may not set", name)
		}
	}
}
