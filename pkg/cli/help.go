package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is how many columns the help takes at most.
const helpWidth = 100

// The groups of commands, by the titles under which the help of the root lists them.
const (
	releaseCommands = "Releases in a cluster"
	chartCommands   = "Charts and manifests"
	planCommands    = "Plans"
	policyCommands  = "Rules and policy"
)

// flagGroup is the title under which the help lists a flag. A flag of no group is one of the
// command's own.
type flagGroup string

const (
	chartFlagGroup   flagGroup = "Where charts come from"
	valuesFlagGroup  flagGroup = "Values"
	renderFlagGroup  flagGroup = "Rendering"
	applyFlagGroup   flagGroup = "How Helm applies"
	clusterFlagGroup flagGroup = "The cluster"
	reportFlagGroup  flagGroup = "Report"
	policyFlagGroup  flagGroup = "Policy and exit code"
)

// flagGroups lists the groups in the order of the help.
func flagGroups() []flagGroup {
	return []flagGroup{"", chartFlagGroup, valuesFlagGroup, renderFlagGroup, applyFlagGroup, clusterFlagGroup, reportFlagGroup, policyFlagGroup}
}

// grouping is the annotation of a flag that holds its group.
const grouping = "helm-safe-diff-group"

// gather returns what puts into a group the flags that were added since and are in none yet:
//
//	defer gather(flags, valuesFlagGroup)()
func gather(flags *pflag.FlagSet, group flagGroup) func() {
	before := map[string]bool{}
	flags.VisitAll(func(f *pflag.Flag) { before[f.Name] = true })
	return func() {
		flags.VisitAll(func(f *pflag.Flag) {
			if !before[f.Name] && groupOf(f) == "" {
				into(flags, group, f.Name)
			}
		})
	}
}

// into puts flags into a group.
func into(flags *pflag.FlagSet, group flagGroup, names ...string) {
	for _, name := range names {
		_ = flags.SetAnnotation(name, grouping, []string{string(group)}) // an error is a name that is not there
	}
}

func groupOf(f *pflag.Flag) flagGroup {
	if in := f.Annotations[grouping]; len(in) > 0 {
		return flagGroup(in[0])
	}
	return ""
}

// byGroup sorts the flags that the help shows by their groups.
func byGroup(flags *pflag.FlagSet) map[flagGroup]*pflag.FlagSet {
	sets := map[flagGroup]*pflag.FlagSet{}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		group := groupOf(f)
		if sets[group] == nil {
			sets[group] = pflag.NewFlagSet(string(group), pflag.ContinueOnError)
		}
		sets[group].AddFlag(f)
	})
	return sets
}

// commandGroups gives the commands of the root their groups.
func commandGroups(root *cobra.Command) {
	for _, g := range []struct{ title, names string }{
		{releaseCommands, "upgrade rollback revision release uninstall drain stevedore"},
		{chartCommands, "local chart manifests values"},
		{planCommands, "plan verify show gate"},
		{policyCommands, "rules explain config accept"},
	} {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title + ":"})
		for _, c := range root.Commands() {
			if strings.Contains(" "+g.names+" ", " "+c.Name()+" ") {
				c.GroupID = g.title
			}
		}
	}
}

// printUsage prints how a command is called, its commands and its flags, both by their groups.
func printUsage(cmd *cobra.Command) error {
	var b strings.Builder
	b.WriteString("Usage:\n")
	if cmd.Runnable() {
		fmt.Fprintf(&b, "  %s\n", cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s [command]\n", cmd.CommandPath())
	}
	if len(cmd.Aliases) > 0 {
		fmt.Fprintf(&b, "\nAliases:\n  %s\n", cmd.NameAndAliases())
	}
	if cmd.HasExample() {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	for _, g := range cmd.Groups() {
		writeCommands(&b, cmd, g.ID, g.Title)
	}
	writeCommands(&b, cmd, "", "Other commands:")
	own := byGroup(cmd.LocalFlags())
	for _, group := range flagGroups() {
		if own[group] != nil {
			title := string(group)
			if group == "" {
				title = "Flags"
			}
			fmt.Fprintf(&b, "\n%s:\n%s", title, own[group].FlagUsagesWrapped(helpWidth))
		}
	}
	if cmd.HasAvailableInheritedFlags() {
		fmt.Fprintf(&b, "\nFlags of all commands:\n%s", cmd.InheritedFlags().FlagUsagesWrapped(helpWidth))
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\n`%s [command] --help` shows more about a command.\n", cmd.CommandPath())
	}
	_, err := fmt.Fprint(cmd.OutOrStderr(), b.String())
	return err
}

// writeCommands lists the commands of a group, "" for those of none.
func writeCommands(b *strings.Builder, cmd *cobra.Command, group, title string) {
	for _, c := range cmd.Commands() {
		if c.GroupID != group || !c.IsAvailableCommand() && c.Name() != "help" {
			continue
		}
		if title != "" {
			fmt.Fprintf(b, "\n%s\n", title)
			title = ""
		}
		fmt.Fprintf(b, "  %-*s %s\n", c.NamePadding(), c.Name(), c.Short)
	}
}
